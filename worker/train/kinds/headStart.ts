// Where learning on an imported network begins: a head fitted to its features. Of fits of several lengths the one that does best on the
// validation part is taken, so that learning does not begin from a head that knows its pictures by heart.
import type { Picture } from "../../data/images/pictures.ts";
import { applyLinear, fitLogistic, type LinearRows } from "../../tasks/linear.ts";
import { float32, type Tensor } from "../../tensor.ts";
import type { FeatureScale } from "./picturePlan.ts";
import type { Parts } from "./pictureSamples.ts";

/** Passes over the pictures. */
const lengths = [4, 8, 16, 32, 64];

/** @param features (rows, D)   @returns `head.weight` (D, classes) and `head.bias` (classes), for features of mean 0 and deviation 1 */
export async function headStart(
  features: Float32Array,
  scale: FeatureScale,
  { pictures, parts, classes }: { pictures: readonly Picture[]; parts: Parts; classes: number },
): Promise<Map<string, Tensor>> {
  const of = (places: readonly number[]): LabelledRows => ({
    rows: evened(features, scale, places),
    labels: Int32Array.from(places, (place) => pictures[place]!.label),
  });
  return bestHead(of(parts.train), of(parts.validation.length ? parts.validation : parts.train), classes);
}

/** Features of mean 0 and deviation 1, with the classes of their rows. */
export interface LabelledRows {
  rows: LinearRows;
  labels: Int32Array;
}

/** Of fits of several lengths the head that does best on the rows that it is judged by. */
export async function bestHead(learn: LabelledRows, judge: LabelledRows, classes: number): Promise<Map<string, Tensor>> {
  const width = learn.rows.numeric;
  let best = { loss: Infinity, weights: new Float64Array((width + 1) * classes) };
  for (const maxPasses of lengths) {
    const model = await fitLogistic(learn.rows, learn.labels, classes, { maxPasses });
    const loss = crossEntropy(applyLinear(model, judge.rows), judge.labels, classes);
    if (loss < best.loss) best = { loss, weights: model.weights as Float64Array<ArrayBuffer> };
  }
  return new Map([
    ["head.weight", float32([width, classes], Float32Array.from(best.weights.subarray(0, width * classes)))],
    ["head.bias", float32([classes], Float32Array.from(best.weights.subarray(width * classes)))],
  ]);
}

function evened(features: Float32Array, { mean, std }: FeatureScale, places: readonly number[]): LinearRows {
  const width = mean.length;
  const x = new Float32Array(places.length * width);
  for (const [i, place] of places.entries())
    for (let d = 0; d < width; d++) x[i * width + d] = (features[place * width + d]! - mean[d]!) / std[d]!;
  return { rows: places.length, numeric: width, x, ones: new Int32Array(0), perRow: 0, width: 0 };
}

/** Mean over the rows of scores (n, classes). */
function crossEntropy(scores: ArrayLike<number>, labels: Int32Array, classes: number): number {
  let sum = 0;
  for (const [i, label] of labels.entries()) {
    const row = Array.from({ length: classes }, (_, c) => scores[i * classes + c]!);
    const most = Math.max(...row);
    sum += most + Math.log(row.reduce((all, score) => all + Math.exp(score - most), 0)) - row[label]!;
  }
  return sum / Math.max(1, labels.length);
}
