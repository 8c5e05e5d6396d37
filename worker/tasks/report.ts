// What a run reports when it is judged: the number that matters beside the baselines, where it errs, and its worst mistakes as rows.
// Pure but for `cells`, which looks up rows as they are written in the file.
import type { Baselines, MetricName, Metrics, Mistake, RunReport, TaskName } from "../../ipc/types.ts";
import { argmax, confusion } from "./metrics.ts";
import type { Answers, Task } from "./task.ts";

export interface ReportInput {
  task: TaskName;
  truth: Task["truth"];
  /** The metric that decides. */
  metric: MetricName;
  target: string;
  classes?: string[];
  rows: RunReport["rows"];
  metrics: RunReport["metrics"];
  baseline: Baselines;
  columns: string[];
  /** Answers on the rows that are judged: the test rows, or all where nothing was held out. */
  answers: Answers;
  /** Row of the file, from 1, of each answer. */
  rowNumbers: Uint32Array;
  /** Cells of a row of the file, from 1, in the order of `columns`. */
  cells: (row: number) => Promise<string[]>;
}

const limits = { classes: 20, points: 2000, mistakes: 20 };

export async function buildReport(input: ReportInput): Promise<RunReport> {
  const { task, target, classes, rows, metrics, baseline, columns } = input;
  const judged = metrics.test ?? metrics.train;
  return {
    task,
    target,
    ...(classes ? { classes } : {}),
    rows,
    metrics,
    baseline,
    verdict: verdict(input.metric, judged, baseline),
    ...(input.truth === "classes" ? { confusion: folded(input.answers, classes ?? []) } : { scatter: scatter(input.answers) }),
    columns,
    mistakes: await worst(input),
  };
}

/** Whether the network beats both baselines on the metric that decides; a tie is not a win. */
export function verdict(metric: MetricName, network: Metrics, baseline: Baselines): RunReport["verdict"] {
  const [mine, constant, linear] = [network, baseline.constant, baseline.linear].map((m) => m[metric] ?? 0) as [number, number, number];
  const beats = (other: number) => (metric === "rmse" ? mine < other : mine > other);
  return { beatsConstant: beats(constant), beatsLinear: beats(linear), metric, network: mine, constant, linear };
}

/** Confusion of the 20 most frequent classes (in class order); the others together as "…". */
function folded(answers: Answers, classes: string[]): NonNullable<RunReport["confusion"]> {
  const truth = answers.truth as Int32Array;
  const counts = confusion(answers.predicted, truth, classes.length);
  if (classes.length <= limits.classes) return { labels: classes, counts };
  const asked = counts.map((row) => row.reduce((sum, n) => sum + n, 0));
  const kept = [...classes.keys()]
    .sort((a, b) => asked[b]! - asked[a]! || a - b)
    .slice(0, limits.classes)
    .sort((a, b) => a - b);
  const place = new Map(kept.map((c, i) => [c, i]));
  const small = Array.from({ length: limits.classes + 1 }, () => new Array<number>(limits.classes + 1).fill(0));
  for (const [t, row] of counts.entries())
    for (const [p, n] of row.entries()) small[place.get(t) ?? limits.classes]![place.get(p) ?? limits.classes]! += n;
  return { labels: [...kept.map((c) => classes[c]!), "…"], counts: small };
}

/** Every answer, or 2,000 of them at even distances. */
function scatter({ predicted, truth }: Answers): NonNullable<RunReport["scatter"]> {
  const count = Math.min(limits.points, truth.length);
  const rows = Array.from({ length: count }, (_, i) => Math.floor((i * truth.length) / count));
  return { truth: rows.map((i) => short(truth[i]!)), predicted: rows.map((i) => short(predicted[i]!)) };
}

async function worst(input: ReportInput): Promise<Mistake[]> {
  const { answers, classes = [], rowNumbers } = input;
  const found = input.truth === "classes" ? wrongAnswers(answers, classes) : largestGaps(answers);
  found.sort((a, b) => b.badness - a.badness || a.index - b.index);
  const mistakes: Mistake[] = [];
  for (const { index, truth, prediction, badness } of found.slice(0, limits.mistakes)) {
    const row = rowNumbers[index]!;
    mistakes.push({ row, cells: await input.cells(row), truth, prediction, badness });
  }
  return mistakes;
}

interface Found {
  index: number;
  truth: string;
  prediction: string;
  badness: number;
}

/** Wrong answers with the probability that each was given. */
function wrongAnswers({ predicted, truth }: Answers, classes: string[]): Found[] {
  const found: Found[] = [];
  for (let index = 0; index < truth.length; index++) {
    const guess = argmax(predicted, index * classes.length, classes.length);
    if (guess === truth[index]) continue;
    const badness = predicted[index * classes.length + guess]!;
    found.push({ index, truth: classes[truth[index]!] ?? "?", prediction: classes[guess] ?? "?", badness });
  }
  return found;
}

function largestGaps({ predicted, truth }: Answers): Found[] {
  return Array.from(truth, (t, index) => ({
    index,
    truth: String(short(t)),
    prediction: String(short(predicted[index]!)),
    badness: Math.abs(predicted[index]! - t),
  }));
}

/** Seven digits: what float32 holds. */
const short = (x: number) => Number(x.toPrecision(7));
