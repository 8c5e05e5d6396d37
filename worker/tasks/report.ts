// What a run reports when it is judged: the number that matters beside the baselines and, split by split, how often it is right, how sure it may
// be and where it errs. Pure but for `samples`, which looks up the samples that are kept to be looked at.
import type {
  Baselines,
  ClassScore,
  MetricName,
  Metrics,
  Mistake,
  PartReport,
  RunMistakes,
  RunReport,
  SampleKind,
  SplitName,
  TaskName,
} from "../../ipc/types.ts";
import { calibrationOf } from "./reliability.ts";
import { classCurves } from "./curves.ts";
import { argmax, confusion } from "./metrics.ts";
import { findMistakes, type MistakesInput, short } from "./mistakes.ts";
import { residualsOf } from "./residuals.ts";
import type { Answers, Task } from "./task.ts";

/** Answers on the samples of a split, or on some of them. */
export interface JudgedPart {
  answers: Answers;
  /** Place in the data, from 1, of each answer. */
  rowNumbers: Uint32Array;
  /** Samples of the split. */
  of: number;
  /** Whether the sample can be shown; default all can. */
  shows?: MistakesInput["shows"];
}

export interface ReportInput {
  kind: SampleKind;
  task: TaskName;
  truth: Task["truth"];
  /** The metric that decides. */
  metric: MetricName;
  target: string;
  classes?: string[];
  rows: RunReport["rows"];
  metrics: RunReport["metrics"];
  baseline: Baselines;
  parts: Record<SplitName, JudgedPart | null>;
  /** Names of the cells that `samples` gives. */
  columns: string[];
  samples: MistakesInput["samples"];
  /** Called between pieces of work. */
  pause?: () => Promise<void>;
}

export interface Judgement {
  report: RunReport;
  mistakes: RunMistakes;
}

const limits = { confused: 20, classes: 1000, points: 2000, sample: 1000 };

export async function buildReport(input: ReportInput): Promise<Judgement> {
  const { kind, task, target, classes, rows, baseline, columns } = input;
  const judge = async (name: SplitName) => {
    const part = input.parts[name];
    return part && judgePart(part, input);
  };
  const [train, validation, test] = [await judge("train"), await judge("validation"), await judge("test")];
  const metrics = {
    train: { ...input.metrics.train, ...train?.metrics },
    validation: input.metrics.validation && { ...input.metrics.validation, ...validation?.metrics },
    test: input.metrics.test && { ...input.metrics.test, ...test?.metrics },
  };
  return {
    report: {
      version: 2,
      kind,
      task,
      target,
      ...(classes ? { classes } : {}),
      rows,
      metrics,
      baseline,
      verdict: verdict(input.metric, metrics.test ?? metrics.train, baseline),
      parts: { train: train?.part ?? null, validation: validation?.part ?? null, test: test?.part ?? null },
    },
    mistakes: {
      version: 1,
      columns,
      parts: { train: train?.mistakes ?? [], validation: validation?.mistakes ?? [], test: test?.mistakes ?? [] },
    },
  };
}

/** Whether the network beats both baselines on the metric that decides; a tie is not a win. */
export function verdict(metric: MetricName, network: Metrics, baseline: Baselines): RunReport["verdict"] {
  const [mine, constant, linear] = [network, baseline.constant, baseline.linear].map((m) => m[metric] ?? 0) as [number, number, number];
  const beats = (other: number) => (metric === "rmse" || metric === "perplexity" ? mine < other : mine > other);
  return { beatsConstant: beats(constant), beatsLinear: beats(linear), metric, network: mine, constant, linear };
}

interface Part {
  part: PartReport;
  /** What the scores tell beside the metrics of the task. */
  metrics: Metrics;
  mistakes: Mistake[];
}

async function judgePart(judged: JudgedPart, { truth, classes = [], samples, pause }: ReportInput): Promise<Part> {
  const { answers, rowNumbers, of, shows } = judged;
  const known = truth === "classes" ? classes : undefined;
  const mistakes = await findMistakes({ answers, rowNumbers, classes: known, samples, ...(shows ? { shows } : {}) });
  const counted = { rows: answers.truth.length, of, kept: mistakes.length, sample: some(rowNumbers, limits.sample) };
  await pause?.();
  if (!known) {
    const residuals = residualsOf(answers.predicted, answers.truth);
    return { part: { ...counted, residuals, scatter: scatter(answers, rowNumbers) }, metrics: {}, mistakes };
  }
  const labels = answers.truth as Int32Array;
  const counts = confusion(answers.predicted, labels, known.length);
  const curves = await classCurves(answers.predicted, labels, known, pause);
  const calibration = calibrationOf(answers.predicted, labels, known.length);
  const right = counts.reduce((sum, row, c) => sum + row[c]!, 0);
  const part: PartReport = {
    ...counted,
    wrong: labels.length - right,
    confusion: folded(counts, known),
    classes: classScores(answers, known).slice(0, limits.classes),
    ...(curves ? { curves } : {}),
    calibration,
  };
  const ranked = curves?.macro ?? curves?.classes.find(({ name }) => name === known[1]);
  return {
    part,
    metrics: { ...(ranked ? { rocAuc: ranked.auc, averagePrecision: ranked.ap } : {}), brier: calibration.brier, ece: calibration.ece },
    mistakes,
  };
}

/** Confusion of the 20 most frequent classes (in class order); the others together as "…". */
function folded(counts: number[][], classes: readonly string[]): NonNullable<PartReport["confusion"]> {
  if (classes.length <= limits.confused) return { labels: [...classes], counts };
  const asked = counts.map((row) => row.reduce((sum, n) => sum + n, 0));
  const kept = [...classes.keys()]
    .sort((a, b) => asked[b]! - asked[a]! || a - b)
    .slice(0, limits.confused)
    .sort((a, b) => a - b);
  const place = new Map(kept.map((c, i) => [c, i]));
  const small = Array.from({ length: limits.confused + 1 }, () => new Array<number>(limits.confused + 1).fill(0));
  for (const [t, row] of counts.entries())
    for (const [p, n] of row.entries()) small[place.get(t) ?? limits.confused]![place.get(p) ?? limits.confused]! += n;
  return { labels: [...kept.map((c) => classes[c]!), "…"], counts: small };
}

/** Precision, recall and F1 of each class; 0 where nothing was asked or answered (scikit-learn's zero_division=0). */
export function classScores({ predicted, truth }: Answers, classes: readonly string[]): ClassScore[] {
  const width = classes.length;
  const [hits, said, asked] = [new Float64Array(width), new Float64Array(width), new Float64Array(width)];
  for (let i = 0; i < truth.length; i++) {
    const answer = argmax(predicted, i * width, width);
    said[answer]!++;
    if (truth[i]! < 0) continue;
    asked[truth[i]!]!++;
    if (answer === truth[i]) hits[answer]!++;
  }
  return classes.map((name, c) => ({
    name,
    precision: said[c] ? hits[c]! / said[c]! : 0,
    recall: asked[c] ? hits[c]! / asked[c]! : 0,
    f1: asked[c]! + said[c]! ? (2 * hits[c]!) / (asked[c]! + said[c]!) : 0,
    support: asked[c]!,
  }));
}

/** All, or so many at even distances. */
function some(rowNumbers: Uint32Array, most: number): number[] {
  const count = Math.min(most, rowNumbers.length);
  return Array.from({ length: count }, (_, i) => rowNumbers[Math.floor((i * rowNumbers.length) / count)]!);
}

/** Every answer, or 2,000 of them at even distances. */
function scatter({ predicted, truth }: Answers, rowNumbers: Uint32Array): NonNullable<PartReport["scatter"]> {
  const count = Math.min(limits.points, truth.length);
  const places = Array.from({ length: count }, (_, i) => Math.floor((i * truth.length) / count));
  return {
    truth: places.map((i) => short(truth[i]!)),
    predicted: places.map((i) => short(predicted[i]!)),
    rows: places.map((i) => rowNumbers[i]!),
  };
}
