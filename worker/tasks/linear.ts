// The honest linear baseline: multinomial logistic regression or ridge regression on the same rows, numbers as they are and every category
// value a 0/1 input, fitted to convergence in float64 by L-BFGS. The penalty is scikit-learn's default (C = 1, alpha = 1), so that the
// sum of losses is joined by |W|²/2 (logistic) or |W|² (ridge); the constant is free.
import { lbfgs } from "./lbfgs.ts";

/** Rows as the linear model sees them. */
export interface LinearRows {
  rows: number;
  numeric: number;
  /** (rows, numeric) */
  x: Float32Array;
  /** (rows, Q): places of 1 among the 0/1 inputs, or -1 for none. */
  ones: Int32Array;
  perRow: number;
  /** Number of 0/1 inputs in all. */
  width: number;
}

/** W (numeric + width + 1, outputs): the last row is the constant. */
export interface LinearModel {
  weights: Float64Array;
  outputs: number;
}

/** Numbers are whitened for the fit only: center and scale per column of the training rows. */
interface Whitening {
  center: Float64Array;
  scale: Float64Array;
}

export interface FitOptions {
  /** Gives the event loop a turn; called between passes over the rows. */
  pause?: () => Promise<void>;
  maxPasses?: number;
}

/** @param labels class ids in 0 … classes-1; rows with a negative one are left out */
export async function fitLogistic(data: LinearRows, labels: Int32Array, classes: number, options: FitOptions = {}): Promise<LinearModel> {
  const inputs = data.numeric + data.width + 1;
  const white = whiten(data);
  const scores = new Float64Array(classes);
  const count = Math.max(1, labels.filter((y) => y >= 0).length);
  const pass = (w: Float64Array, gradient: Float64Array): number => {
    gradient.fill(0);
    let loss = 0;
    for (let i = 0; i < data.rows; i++) {
      const truth = labels[i]!;
      if (truth < 0) continue;
      score(data, white, w, classes, i, scores);
      let most = -Infinity;
      for (let c = 0; c < classes; c++) most = Math.max(most, scores[c]!);
      let sum = 0;
      for (let c = 0; c < classes; c++) sum += Math.exp(scores[c]! - most);
      loss += Math.log(sum) + most - scores[truth]!;
      for (let c = 0; c < classes; c++) scores[c] = Math.exp(scores[c]! - most) / sum - (c === truth ? 1 : 0);
      spread(data, white, gradient, classes, i, scores);
    }
    return penalised(loss, w, gradient, classes, 0.5, count);
  };
  const start = new Float64Array(inputs * classes);
  const weights = await lbfgs(pass, start, { maxPasses: options.maxPasses ?? 300, pause: options.pause });
  return unwhiten({ weights, outputs: classes }, data, white);
}

export async function fitRidge(data: LinearRows, target: ArrayLike<number>, options: FitOptions = {}): Promise<LinearModel> {
  const inputs = data.numeric + data.width + 1;
  const white = whiten(data);
  const value = new Float64Array(1);
  const pass = (w: Float64Array, gradient: Float64Array): number => {
    gradient.fill(0);
    let loss = 0;
    for (let i = 0; i < data.rows; i++) {
      score(data, white, w, 1, i, value);
      const gap = value[0]! - target[i]!;
      loss += gap * gap;
      value[0] = 2 * gap;
      spread(data, white, gradient, 1, i, value);
    }
    return penalised(loss, w, gradient, 1, 1, Math.max(1, data.rows));
  };
  const weights = await lbfgs(pass, new Float64Array(inputs), { maxPasses: options.maxPasses ?? 300, pause: options.pause });
  return unwhiten({ weights, outputs: 1 }, data, white);
}

/** Scores of every row: (rows, outputs). */
export function applyLinear({ weights, outputs }: LinearModel, data: LinearRows): Float64Array {
  const none: Whitening = { center: new Float64Array(data.numeric), scale: new Float64Array(data.numeric).fill(1) };
  const out = new Float64Array(data.rows * outputs);
  for (let i = 0; i < data.rows; i++) score(data, none, weights, outputs, i, out.subarray(i * outputs, (i + 1) * outputs));
  return out;
}

/** out[c] = w · row i. */
function score(data: LinearRows, white: Whitening, w: Float64Array, outputs: number, i: number, out: Float64Array): void {
  const { numeric, perRow, x, ones } = data;
  const constant = (numeric + data.width) * outputs;
  for (let c = 0; c < outputs; c++) out[c] = w[constant + c]!;
  for (let j = 0; j < numeric; j++) {
    const v = (x[i * numeric + j]! - white.center[j]!) * white.scale[j]!;
    if (v !== 0) for (let c = 0; c < outputs; c++) out[c]! += v * w[j * outputs + c]!;
  }
  for (let q = 0; q < perRow; q++) {
    const place = ones[i * perRow + q]!;
    if (place >= 0) for (let c = 0; c < outputs; c++) out[c]! += w[(numeric + place) * outputs + c]!;
  }
}

/** gradient += row iᵀ · d. */
function spread(data: LinearRows, white: Whitening, gradient: Float64Array, outputs: number, i: number, d: Float64Array): void {
  const { numeric, perRow, x, ones } = data;
  const constant = (numeric + data.width) * outputs;
  for (let c = 0; c < outputs; c++) gradient[constant + c]! += d[c]!;
  for (let j = 0; j < numeric; j++) {
    const v = (x[i * numeric + j]! - white.center[j]!) * white.scale[j]!;
    if (v !== 0) for (let c = 0; c < outputs; c++) gradient[j * outputs + c]! += v * d[c]!;
  }
  for (let q = 0; q < perRow; q++) {
    const place = ones[i * perRow + q]!;
    if (place >= 0) for (let c = 0; c < outputs; c++) gradient[(numeric + place) * outputs + c]! += d[c]!;
  }
}

/** (loss + strength · |W|²) / count, without the constant; the gradient is completed in place. */
function penalised(loss: number, w: Float64Array, gradient: Float64Array, outputs: number, strength: number, count: number): number {
  const free = w.length - outputs;
  let squares = 0;
  for (let k = 0; k < w.length; k++) {
    if (k < free) {
      squares += w[k]! * w[k]!;
      gradient[k]! += 2 * strength * w[k]!;
    }
    gradient[k]! /= count;
  }
  return (loss + strength * squares) / count;
}

function whiten(data: LinearRows): Whitening {
  const { numeric, rows, x } = data;
  const center = new Float64Array(numeric);
  const scale = new Float64Array(numeric).fill(1);
  for (let j = 0; j < numeric; j++) {
    let sum = 0;
    for (let i = 0; i < rows; i++) sum += x[i * numeric + j]!;
    center[j] = sum / Math.max(1, rows);
    let squares = 0;
    for (let i = 0; i < rows; i++) squares += (x[i * numeric + j]! - center[j]!) ** 2;
    const std = Math.sqrt(squares / Math.max(1, rows));
    scale[j] = std > 1e-9 ? 1 / std : 0;
  }
  return { center, scale };
}

/** The same model on numbers as they are: w' = w · scale, constant' = constant - Σ w · scale · center. */
function unwhiten({ weights, outputs }: LinearModel, data: LinearRows, white: Whitening): LinearModel {
  const constant = (data.numeric + data.width) * outputs;
  for (let j = 0; j < data.numeric; j++)
    for (let c = 0; c < outputs; c++) {
      const k = j * outputs + c;
      weights[k]! *= white.scale[j]!;
      weights[constant + c]! -= weights[k]! * white.center[j]!;
    }
  return { weights, outputs };
}
