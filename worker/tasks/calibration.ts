// Calibrated probabilities: of the answers given with 80 %, four in five should be right. A network's are made so by one number, the temperature T:
// softmax(logits / T), fitted on rows it has not learned from (Guo et al. 2017, https://arxiv.org/abs/1706.04599). It changes no answer.
import { argmax, tiny } from "./metrics.ts";

/** Nats, over all rows together, that a temperature must gain: the likelihood-ratio test of one parameter at 5 %. */
const leastGain = 1.92;
const bounds = { least: 0.2, most: 5 };

/**
 * The temperature that makes the mean log loss of (n, classes) probabilities least; 1 where the gain could be chance.
 * @param truth (n) class ids; rows with a negative one are left out
 * @param weights what a row of each class counts; absent: 1
 */
export function fitTemperature(
  probabilities: Float32Array,
  truth: ArrayLike<number>,
  classes: number,
  weights?: readonly number[],
): number {
  const loss = (temperature: number): number => {
    let sum = 0;
    for (let i = 0; i < truth.length; i++) {
      const right = truth[i]!;
      if (right < 0) continue;
      const from = i * classes;
      const top = Math.log(Math.max(probabilities[from + argmax(probabilities, from, classes)]!, tiny));
      let whole = 0;
      for (let c = 0; c < classes; c++) whole += Math.exp((Math.log(Math.max(probabilities[from + c]!, tiny)) - top) / temperature);
      const log = (Math.log(Math.max(probabilities[from + right]!, tiny)) - top) / temperature - Math.log(whole);
      sum -= (weights?.[right] ?? 1) * log;
    }
    return sum;
  };
  const best = Math.fround(Math.exp(lowest((log) => loss(Math.exp(log)), Math.log(bounds.least), Math.log(bounds.most))));
  return loss(1) - loss(best) > leastGain ? best : 1;
}

/** Where a function with one valley is lowest between two places: golden section, to 1/1000. */
function lowest(f: (x: number) => number, from: number, to: number): number {
  const ratio = (Math.sqrt(5) - 1) / 2;
  let [a, b] = [from, to];
  let [c, d] = [b - ratio * (b - a), a + ratio * (b - a)];
  let [low, high] = [f(c), f(d)];
  while (b - a > 1e-3) {
    if (low < high) {
      [b, d, high] = [d, c, low];
      c = b - ratio * (b - a);
      low = f(c);
    } else {
      [a, c, low] = [c, d, high];
      d = a + ratio * (b - a);
      high = f(d);
    }
  }
  return (a + b) / 2;
}

/** Probabilities (n, classes) at a temperature: p^(1/T), made to sum to 1. */
export function atTemperature(probabilities: Float32Array, classes: number, temperature: number): Float32Array {
  if (temperature === 1) return probabilities;
  const all = new Float32Array(probabilities.length);
  for (let from = 0; from < all.length; from += classes) {
    const top = Math.log(probabilities[from + argmax(probabilities, from, classes)]!);
    let sum = 0;
    for (let c = 0; c < classes; c++) sum += Math.exp((Math.log(probabilities[from + c]!) - top) / temperature);
    for (let c = 0; c < classes; c++) all[from + c] = Math.exp((Math.log(probabilities[from + c]!) - top) / temperature) / sum;
  }
  return all;
}

/**
 * Expected calibration error: over 15 equal bins of the probability given to the answer, the mean distance of that probability from the share
 * that was right, each bin counting as many as its rows (Guo et al. 2017).
 */
export function calibrationError(probabilities: Float32Array, truth: ArrayLike<number>, classes: number, bins = 15): number {
  const sums = Array.from({ length: bins }, () => ({ said: 0, right: 0 }));
  for (let i = 0; i < truth.length; i++) {
    const guess = argmax(probabilities, i * classes, classes);
    const said = probabilities[i * classes + guess]!;
    const bin = sums[Math.min(bins - 1, Math.floor(said * bins))]!;
    bin.said += said;
    if (guess === truth[i]) bin.right++;
  }
  return truth.length ? sums.reduce((sum, { said, right }) => sum + Math.abs(said - right), 0) / truth.length : 0;
}
