// How far probabilities can be believed: reliability bins, the expected calibration error (Guo et al. 2017, arXiv:1706.04599) and the Brier
// score as scikit-learn's brier_score_loss defines it.
import type { Calibration, ReliabilityBin } from "../../ipc/types.ts";
import { argmax } from "./metrics.ts";

const bins = 15;

/** Bins of one width over the probabilities; those that hold nothing are left out. */
export function reliability(n: number, probability: (i: number) => number, right: (i: number) => boolean): ReliabilityBin[] {
  const count = new Float64Array(bins);
  const sure = new Float64Array(bins);
  const hits = new Float64Array(bins);
  for (let i = 0; i < n; i++) {
    const p = probability(i);
    const b = Math.min(bins - 1, Math.max(0, Math.floor(p * bins)));
    count[b]!++;
    sure[b]! += p;
    if (right(i)) hits[b]!++;
  }
  return Array.from({ length: bins }, (_, b) => ({
    from: b / bins,
    to: (b + 1) / bins,
    count: count[b]!,
    confidence: sure[b]! / count[b]!,
    accuracy: hits[b]! / count[b]!,
  })).filter((bin) => bin.count > 0);
}

/** @param probabilities (n, classes), row-major   @param labels (n) class ids; a negative one is never right */
export function calibrationOf(probabilities: Float32Array, labels: Int32Array, classes: number): Calibration {
  const n = labels.length;
  const said = Int32Array.from({ length: n }, (_, i) => argmax(probabilities, i * classes, classes));
  const all = reliability(n, (i) => probabilities[i * classes + said[i]!]!, (i) => said[i] === labels[i]); // prettier-ignore
  const ece = all.reduce((sum, bin) => sum + (bin.count / n) * Math.abs(bin.confidence - bin.accuracy), 0);
  let squares = 0;
  for (let i = 0; i < n; i++)
    for (let c = 0; c < classes; c++) squares += (probabilities[i * classes + c]! - (labels[i] === c ? 1 : 0)) ** 2;
  return { bins: all, ece, brier: n ? squares / n / (classes === 2 ? 2 : 1) : 0 };
}
