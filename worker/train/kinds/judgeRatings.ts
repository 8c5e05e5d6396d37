// A run on ratings judged: the ratings on their test part beside the mean and the biases alone, the ranking on each user's last item beside
// what most people have.
import type { Metrics, RunReport } from "../../../ipc/types.ts";
import { shownColumns, tableSamples } from "../../data/tableSamples.ts";
import { fitBiases } from "../../tasks/biases.ts";
import { regressionMetrics } from "../../tasks/metrics.ts";
import { buildReport, type Judgement } from "../../tasks/report.ts";
import type { Answers } from "../../tasks/task.ts";
import type { Tensor } from "../../tensor.ts";
import { answersOf, judgedRows } from "../answers.ts";
import { fitRanking, type Ranking } from "./ranking.ts";
import { type PreparedRatings, targetName } from "./preparedRatings.ts";

/** Rows of the training part on which its metrics are told, at even distances. */
const trainMetricRows = 50_000;

/**
 * @param run answers of the network with the weights to be judged
 * @param pause called between pieces of work
 */
export async function judgeRatings(
  prepared: PreparedRatings,
  run: (feeds: Record<string, Tensor>) => Promise<Record<string, Tensor>>,
  pause: () => Promise<void>,
): Promise<Judgement> {
  const { task, target, data, pairs, plan, table } = prepared;
  const most = judgedRows(1);
  const ask = async (part: keyof PreparedRatings["data"], rows = most) => {
    const { rowNumbers, ...answers } = await answersOf(data[part], { task, target, run, pause, rows: Math.min(rows, most) });
    // Where nothing is rated, pairs that are not in the file are judged too (their truth is 0): they have no row to show.
    const shows = pairs.rating ? {} : { shows: (i: number) => answers.truth[i]! > 0.5 };
    return { answers, rowNumbers, of: data[part].rows, ...shows };
  };
  const train = await ask("train", trainMetricRows);
  const validation = data.validation.rows > 0 ? await ask("validation") : null;
  const test = data.test.rows > 0 ? await ask("test") : null;
  const { seed, split } = plan.plan.settings;
  const ranking = (prepared.ranking = await fitRanking(pairs, { seed, split, pause }));
  const judged = test ?? train;
  const found = ranking.users > 0 ? ranking.metrics : {};
  const named = targetName(prepared.columns);
  const columns = shownColumns(table, named);
  const { report, mistakes } = await buildReport({
    kind: "ratings",
    task: "recommend",
    truth: task.truth,
    metric: task.metric,
    target: named,
    rows: plan.plan.rows,
    metrics: {
      train: task.metrics(train.answers, target),
      validation: validation && task.metrics(validation.answers, target),
      test: test && { ...task.metrics(test.answers, target), ...found },
    },
    baseline: {
      ...baselines(prepared, { ...judged.answers, rowNumbers: judged.rowNumbers }),
      ...(ranking.users > 0 ? { popularity: ranking.popularity } : {}),
    },
    parts: { train, validation, test },
    columns,
    samples: tableSamples(table, columns),
    pause,
  });
  return { report: { ...report, ranking: rankingFacts(ranking) }, mistakes };
}

function rankingFacts({ ease, blend }: Ranking): NonNullable<RunReport["ranking"]> {
  const weights = ease.known.length;
  if (!blend) return { by: "weights", items: weights, weights };
  const items = ease.popularity.reduce((count, share) => count + (share > 0 ? 1 : 0), 0);
  return blend.share === null ? { by: "towers", items, weights: 0 } : { by: "blend", items, weights };
}

/** The mean, and the mean with biases, on the rows that are judged. */
function baselines(prepared: PreparedRatings, judged: Answers & { rowNumbers: Uint32Array }): { constant: Metrics; linear: Metrics } {
  const { pairs, parts, range, scale } = prepared;
  const constant = regressionMetrics(new Float64Array(judged.truth.length).fill(scale.mean), judged.truth);
  // Where nothing is rated, every pair that is there is 1: biases know nothing more than the mean.
  if (!pairs.rating) return { constant, linear: constant };
  const biases = fitBiases({ ...pairs, users: pairs.users.length, items: pairs.items.length, rating: pairs.rating }, parts.train);
  const places = new Map<number, number>(); // of the rows that are judged
  const wanted = new Set(judged.rowNumbers);
  pairs.row.forEach((row, p) => wanted.has(row) && places.set(row, p));
  const answers = Float64Array.from(judged.rowNumbers, (row) => {
    const p = places.get(row)!;
    const value = biases.mean + biases.user[pairs.user[p]!]! + biases.item[pairs.item[p]!]!;
    return Math.min(range.max, Math.max(range.min, value));
  });
  return { constant, linear: regressionMetrics(answers, judged.truth) };
}
