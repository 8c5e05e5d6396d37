// The numbers by which a network is judged, defined as scikit-learn defines them. Sums run in float64.
import type { Metrics } from "../../ipc/types.ts";

/** Smallest probability that a logarithm sees: float32 answers of exactly 0 would make the loss infinite. */
export const tiny = 1e-7;

/**
 * accuracy, macroF1, logLoss and, for two classes that both occur, rocAuc (of class 1).
 * @param probabilities (n, classes), row-major
 * @param labels (n) class ids; a negative one (a class that training never saw) counts as wrong
 */
export function classificationMetrics(probabilities: Float32Array, labels: Int32Array, classes: number): Metrics {
  const n = labels.length;
  const hits = new Float64Array(classes);
  const asked = new Float64Array(classes);
  const said = new Float64Array(classes);
  let loss = 0;
  for (let i = 0; i < n; i++) {
    const truth = labels[i]!;
    const guess = argmax(probabilities, i * classes, classes);
    said[guess]! += 1;
    if (truth >= 0) {
      asked[truth]! += 1;
      if (guess === truth) hits[truth]! += 1;
    }
    const p = truth >= 0 ? probabilities[i * classes + truth]! : 0;
    loss -= Math.log(Math.min(Math.max(p, tiny), 1));
  }
  let right = 0;
  let f1 = 0;
  let present = 0;
  for (let c = 0; c < classes; c++) {
    right += hits[c]!;
    if (asked[c]! + said[c]! === 0) continue; // neither asked for nor answered: says nothing about the network
    present++;
    f1 += (2 * hits[c]!) / (asked[c]! + said[c]!);
  }
  const metrics: Metrics = { accuracy: n ? right / n : 0, macroF1: present ? f1 / present : 0, logLoss: n ? loss / n : 0 };
  if (classes === 2 && asked[0]! > 0 && asked[1]! > 0) metrics["rocAuc"] = areaUnderCurve(probabilities, labels);
  return metrics;
}

/**
 * r2, rmse and mae, in the target's own unit. Truth that does not vary leaves r2 without a meaning: 1 where every answer is exact, else 0
 * (as scikit-learn has it).
 */
export function regressionMetrics(predicted: ArrayLike<number>, truth: ArrayLike<number>): Metrics {
  const n = truth.length;
  let mean = 0;
  for (let i = 0; i < n; i++) mean += truth[i]! / n;
  let squares = 0;
  let absolute = 0;
  let spread = 0;
  for (let i = 0; i < n; i++) {
    const gap = predicted[i]! - truth[i]!;
    squares += gap * gap;
    absolute += Math.abs(gap);
    spread += (truth[i]! - mean) ** 2;
  }
  const r2 = spread > 0 ? 1 - squares / spread : squares === 0 ? 1 : 0;
  return { r2, rmse: n ? Math.sqrt(squares / n) : 0, mae: n ? absolute / n : 0 };
}

/** Mean of -log p of the right class, a row counting what its class counts; rows of a class that training never saw are left out. */
export function weightedLogLoss(
  { predicted, truth }: { predicted: Float32Array; truth: ArrayLike<number> },
  weights: readonly number[],
): number {
  let sum = 0;
  let whole = 0;
  for (let i = 0; i < truth.length; i++) {
    const weight = weights[truth[i]!];
    if (weight === undefined) continue;
    sum -= weight * Math.log(Math.min(Math.max(predicted[i * weights.length + truth[i]!]!, tiny), 1));
    whole += weight;
  }
  return whole > 0 ? sum / whole : 0;
}

/** counts[true][predicted]; labels outside 0 … classes-1 are left out. */
export function confusion(probabilities: Float32Array, labels: Int32Array, classes: number): number[][] {
  const counts = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (let i = 0; i < labels.length; i++) {
    const row = counts[labels[i]!];
    const guess = argmax(probabilities, i * classes, classes);
    if (row) row[guess] = row[guess]! + 1;
  }
  return counts;
}

/** Index of the largest of `count` values from `from`; the first of equals. */
export function argmax(values: ArrayLike<number>, from: number, count: number): number {
  let best = 0;
  for (let c = 1; c < count; c++) if (values[from + c]! > values[from + best]!) best = c;
  return best;
}

/** The chance that a row of class 1 is ranked above one of class 0 (Mann-Whitney; ties count half). */
function areaUnderCurve(probabilities: Float32Array, labels: Int32Array): number {
  const rows = Uint32Array.from(labels.keys())
    .filter((i) => labels[i]! >= 0)
    .sort((i, j) => probabilities[2 * i + 1]! - probabilities[2 * j + 1]!);
  let positives = 0;
  let ranks = 0;
  for (let from = 0; from < rows.length;) {
    let to = from + 1;
    while (to < rows.length && probabilities[2 * rows[to]! + 1] === probabilities[2 * rows[from]! + 1]) to++;
    for (let k = from; k < to; k++)
      if (labels[rows[k]!] === 1) {
        positives++;
        ranks += (from + 1 + to) / 2; // the mean rank of a group of equals
      }
    from = to;
  }
  return (ranks - (positives * (positives + 1)) / 2) / (positives * (rows.length - positives));
}
