// The baselines of a run on texts: the dumb guess, and logistic (or ridge) regression on tf-idf with scikit-learn's usual penalty (C = 1,
// alpha = 1), fitted to convergence by L-BFGS on the same pieces and the same split.
import type { Baselines } from "../../../ipc/types.ts";
import type { TextStore } from "../../data/text/textStore.ts";
import { weightOf } from "../../data/text/pieces.ts";
import { lbfgs } from "../../tasks/lbfgs.ts";
import type { Target, Task } from "../../tasks/task.ts";
import { float32, int64 } from "../../tensor.ts";

/** Weights that the linear model may have: pieces are folded together where there would be more. */
const mostWeights = 2 ** 18;
/** Texts that it learns from, at even distances; and multiply-adds that the fit may take, counted so that it ends alike everywhere. */
const mostRows = 20_000;
const work = 2e9;

/** Sparse rows: places `from[i]` to `from[i + 1]`, tf-idf brought to length 1. */
interface Sparse {
  from: Uint32Array;
  place: Uint32Array;
  value: Float32Array;
  y: Float64Array;
}

export async function fitTextBaselines(
  train: TextStore,
  judged: TextStore,
  options: { task: Task; target: Target; rarity: Float32Array; pause: () => Promise<void> },
): Promise<Baselines> {
  const { task, target, rarity, pause } = options;
  const outputs = task.outputs(target);
  let shift = 0;
  while ((rarity.length >> shift) * outputs > mostWeights) shift++;
  const inputs = rarity.length >> shift;
  const learn = await collect(train, mostRows, rarity, shift, pause);
  const w = await fit(learn, { inputs, outputs, classes: task.truth === "classes", pause });
  const test = await collect(judged, judged.rows, rarity, shift, pause);
  const scores = new Float32Array(judged.rows * outputs);
  const constant = new Float32Array(judged.rows * outputs);
  const share = constantAnswer(learn, outputs, task, target);
  const row = new Float64Array(outputs);
  for (let i = 0; i < judged.rows; i++) {
    score(test, w, { inputs, outputs }, i, row);
    scores.set(row, i * outputs);
    constant.set(share, i * outputs);
  }
  const y =
    task.truth === "classes" ? int64([judged.rows], Array.from(test.y, Number)) : float32([judged.rows, 1], Float32Array.from(test.y));
  const answers = task.answers(float32([judged.rows, outputs], scores), y, target);
  return { constant: task.metrics({ predicted: constant, truth: answers.truth }, target), linear: task.metrics(answers, target) };
}

async function collect(store: TextStore, most: number, rarity: Float32Array, shift: number, pause: () => Promise<void>): Promise<Sparse> {
  const count = Math.min(store.rows, most);
  const from = new Uint32Array(count + 1);
  const places: Uint32Array[] = [];
  const values: Float32Array[] = [];
  const y = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const position = Math.floor((i * store.rows) / count);
    const { ids, counts } = await store.text(position);
    const value = Float32Array.from(ids, (id, k) => rarity[id]! * weightOf(counts[k]!));
    let squares = 1e-12;
    for (const v of value) squares += v * v;
    const length = Math.sqrt(squares);
    for (let k = 0; k < value.length; k++) value[k]! /= length;
    places.push(Uint32Array.from(ids, (id) => id >> shift));
    values.push(value);
    from[i + 1] = from[i]! + ids.length;
    y[i] = store.y(position);
    if (i % 4096 === 4095) await pause();
  }
  const sparse = { from, place: new Uint32Array(from[count]!), value: new Float32Array(from[count]!), y };
  for (let i = 0; i < count; i++) {
    sparse.place.set(places[i]!, from[i]!);
    sparse.value.set(values[i]!, from[i]!);
  }
  return sparse;
}

interface Shape {
  inputs: number;
  outputs: number;
}

/** W (inputs + 1, outputs): the last row is the constant, which no penalty touches. */
async function fit(data: Sparse, options: Shape & { classes: boolean; pause: () => Promise<void> }): Promise<Float64Array> {
  const { inputs, outputs, classes, pause } = options;
  const rows = data.y.length;
  const free = inputs * outputs;
  const strength = classes ? 0.5 : 1;
  const d = new Float64Array(outputs);
  const pass = (w: Float64Array, gradient: Float64Array): number => {
    gradient.fill(0);
    let loss = 0;
    for (let i = 0; i < rows; i++) {
      score(data, w, options, i, d);
      if (classes) loss += crossEntropy(d, data.y[i]!);
      else {
        const gap = d[0]! - data.y[i]!;
        loss += gap * gap;
        d[0] = 2 * gap;
      }
      for (let c = 0; c < outputs; c++) gradient[free + c]! += d[c]!;
      for (let k = data.from[i]!; k < data.from[i + 1]!; k++)
        for (let c = 0, at = data.place[k]! * outputs; c < outputs; c++) gradient[at + c]! += data.value[k]! * d[c]!;
    }
    let squares = 0;
    for (let k = 0; k < w.length; k++) {
      if (k < free) {
        squares += w[k]! * w[k]!;
        gradient[k]! += 2 * strength * w[k]!;
      }
      gradient[k]! /= rows;
    }
    return (loss + strength * squares) / rows;
  };
  const cost = 2 * data.value.length * outputs + 30 * free;
  const maxPasses = Math.max(20, Math.min(200, Math.floor(work / cost)));
  return lbfgs(pass, new Float64Array(free + outputs), { maxPasses, tolerance: 1e-5, pause });
}

/** Replaces scores by the slope of the loss -log p[truth]; gives the loss. */
function crossEntropy(scores: Float64Array, truth: number): number {
  let most = -Infinity;
  for (const s of scores) most = Math.max(most, s);
  let sum = 0;
  for (const s of scores) sum += Math.exp(s - most);
  const loss = Math.log(sum) + most - scores[truth]!;
  for (let c = 0; c < scores.length; c++) scores[c] = Math.exp(scores[c]! - most) / sum - (c === truth ? 1 : 0);
  return loss;
}

function score(data: Sparse, w: Float64Array, { inputs, outputs }: Shape, i: number, out: Float64Array): void {
  for (let c = 0; c < outputs; c++) out[c] = w[inputs * outputs + c]!;
  for (let k = data.from[i]!; k < data.from[i + 1]!; k++)
    for (let c = 0, at = data.place[k]! * outputs; c < outputs; c++) out[c]! += data.value[k]! * w[at + c]!;
}

/** The share of each class, or the mean, of the training texts. */
function constantAnswer({ y }: Sparse, outputs: number, task: Task, target: Target): Float32Array {
  if (task.truth === "values") {
    const { mean, std } = target.targetScale ?? { mean: 0, std: 1 };
    return Float32Array.of((y.reduce((sum, v) => sum + v, 0) / Math.max(1, y.length)) * std + mean);
  }
  const shares = new Float32Array(outputs);
  for (const label of y) shares[label]! += 1 / y.length;
  return shares;
}
