// Two honest baselines on the same inputs and the same split: the dumb guess, and a linear model fitted to convergence.
import type { Baselines } from "../../ipc/types.ts";
import type { EncodedSplit } from "../data/encode.ts";
import { applyLinear, fitLogistic, fitRidge, type LinearModel, type LinearRows } from "../tasks/linear.ts";
import type { Answers, Target, Task } from "../tasks/task.ts";

/** A linear model has a few hundred weights: more rows than this move none of them noticeably. */
const fitRows = 100_000;
const piece = 8192;
/** Multiply-adds that a fit may take, some ten seconds; counted, not timed, so that it ends alike on every machine. */
const work = 3.5e9;

/** How many rows to learn from and how often to go over them: at least 60 times, on fewer rows where there are very many classes. */
function effort(rows: number, inputs: number, outputs: number): { rows: number; maxPasses: number } {
  const cost = Math.max(1, 2 * inputs * outputs);
  const most = Math.max(2000, Math.floor(work / 60 / cost));
  const used = Math.min(rows, fitRows, most);
  return { rows: used, maxPasses: Math.max(60, Math.min(500, Math.floor(work / (used * cost)))) };
}

interface Rows {
  data: LinearRows;
  labels: Int32Array;
  values: Float64Array;
}

/**
 * @param train rows to learn from   @param judged rows to be judged on (the train rows where nothing was held out)
 * @param categories cardinality of each code column, code 0 included
 */
export async function fitBaselines(
  train: EncodedSplit,
  judged: EncodedSplit,
  { task, target, categories, pause }: { task: Task; target: Target; categories: readonly number[]; pause: () => Promise<void> },
): Promise<Baselines> {
  const inputs = ((await train.range(0, 1)).x.dims[1] ?? 0) + categories.length;
  const { rows, maxPasses } = effort(train.rows, inputs, task.outputs(target));
  const learn = await collect(train, rows, categories, pause);
  const constant = constantAnswer(task, target, learn);
  const linear: LinearModel =
    task.truth === "classes"
      ? await fitLogistic(learn.data, learn.labels, task.outputs(target), { pause, maxPasses })
      : await fitRidge(learn.data, learn.values, { pause, maxPasses });
  const width = task.outputs(target);
  const all = { constant: new Float32Array(judged.rows * width), linear: new Float32Array(judged.rows * width) };
  const truth = task.truth === "classes" ? new Int32Array(judged.rows) : new Float64Array(judged.rows);
  for (let from = 0; from < judged.rows; from += piece) {
    const to = Math.min(judged.rows, from + piece);
    const { data, y } = await readRows(judged, from, to, categories);
    const scores = Float32Array.from(applyLinear(linear, data));
    const answers = task.answers({ dtype: "float32", dims: [to - from, width], data: scores }, y, target);
    all.linear.set(answers.predicted, from * width);
    truth.set(answers.truth as Float64Array, from);
    for (let i = from; i < to; i++) all.constant.set(constant, i * width);
    await pause();
  }
  const judge = (predicted: Float32Array) => task.metrics({ predicted, truth } satisfies Answers, target);
  return { constant: judge(all.constant), linear: judge(all.linear) };
}

/** The share of each class, or the mean, of the training rows. */
function constantAnswer(task: Task, target: Target, { labels, values, data }: Rows): Float32Array {
  const width = task.outputs(target);
  if (task.truth === "values") {
    const { mean, std } = target.targetScale ?? { mean: 0, std: 1 };
    return Float32Array.of((values.reduce((sum, v) => sum + v, 0) / Math.max(1, data.rows)) * std + mean);
  }
  const shares = new Float32Array(width);
  for (const label of labels) if (label >= 0) shares[label]! += 1 / data.rows;
  return shares;
}

async function readRows(split: EncodedSplit, from: number, to: number, categories: readonly number[]) {
  const { x, codes, y } = await split.range(from, to);
  return { data: linearRows(x.dims[1]!, x.data as Float32Array, codes.data as BigInt64Array, to - from, categories), y };
}

/** All rows in memory, or `most` of them at even distances. */
async function collect(split: EncodedSplit, most: number, categories: readonly number[], pause: () => Promise<void>): Promise<Rows> {
  const count = Math.min(split.rows, most);
  const q = categories.length;
  const labels = new Int32Array(count);
  const values = new Float64Array(count);
  const ones = new Int32Array(count * q);
  let x = new Float32Array(0);
  let numeric = 0;
  for (let from = 0; from < count; from += piece) {
    const to = Math.min(count, from + piece);
    const positions = Uint32Array.from({ length: to - from }, (_, i) => Math.floor(((from + i) * split.rows) / count));
    const batch = await split.read(positions);
    numeric = batch.x.dims[1]!;
    if (from === 0) x = new Float32Array(count * numeric);
    x.set(batch.x.data as Float32Array, from * numeric);
    const rows = linearRows(numeric, batch.x.data as Float32Array, batch.codes.data as BigInt64Array, to - from, categories);
    ones.set(rows.ones, from * q);
    for (let i = 0; i < to - from; i++) {
      const y = Number(batch.y.data[i]);
      labels[from + i] = Math.round(y);
      values[from + i] = y;
    }
    await pause();
  }
  return { data: { rows: count, numeric, x, ones, perRow: q, width: categories.reduce((sum, c) => sum + c - 1, 0) }, labels, values };
}

function linearRows(numeric: number, x: Float32Array, codes: BigInt64Array, rows: number, categories: readonly number[]): LinearRows {
  const q = categories.length;
  let width = 0;
  const starts = categories.map((cardinality) => (width += cardinality - 1) - (cardinality - 1));
  const ones = new Int32Array(rows * q);
  for (let i = 0; i < rows * q; i++) {
    const code = Number(codes[i]);
    ones[i] = code > 0 ? starts[i % q]! + code - 1 : -1; // code 0: unknown or missing
  }
  return { rows, numeric, x, ones, perRow: q, width };
}
