// Limited-memory BFGS (Nocedal & Wright, algorithm 7.5) for smooth convex losses, in float64. A few hundred passes bring a linear model
// to its optimum; a pass is one sweep over the rows.

/** Loss at w; fills the gradient. */
export type Pass = (w: Float64Array, gradient: Float64Array) => number;

export interface Limits {
  maxPasses: number;
  /** Ends when no slope is steeper than this (default 1e-6). */
  tolerance?: number;
  /** Pairs of steps remembered. */
  memory?: number;
  pause?: (() => Promise<void>) | undefined;
}

/** The minimum near `start`, or where the passes ran out. `start` is not changed. */
export async function lbfgs(pass: Pass, start: Float64Array, limits: Limits): Promise<Float64Array> {
  const { maxPasses, tolerance = 1e-6, memory = 10, pause } = limits;
  const n = start.length;
  let w = start.slice();
  let gradient = new Float64Array(n);
  let loss = pass(w, gradient);
  const history: { s: Float64Array; y: Float64Array; rho: number }[] = [];
  for (let passes = 1; passes < maxPasses;) {
    if (steepest(gradient) < tolerance) break;
    const direction = descend(gradient, history);
    const slope = dot(direction, gradient);
    if (!(slope < 0)) break;
    let step = history.length ? 1 : Math.min(1, 1 / Math.sqrt(-slope));
    const next = new Float64Array(n);
    const nextGradient = new Float64Array(n);
    let nextLoss = Infinity;
    // Armijo's rule; the curvature condition is met by leaving out pairs that break it.
    for (let tries = 0; tries < 30 && passes < maxPasses; tries++, step /= 2) {
      for (let k = 0; k < n; k++) next[k] = w[k]! + step * direction[k]!;
      nextLoss = pass(next, nextGradient);
      passes++;
      await pause?.();
      if (nextLoss <= loss + 1e-4 * step * slope) break;
    }
    if (!(nextLoss < loss)) break;
    const s = next.map((v, k) => v - w[k]!);
    const y = nextGradient.map((v, k) => v - gradient[k]!);
    const curvature = dot(s, y);
    if (curvature > 1e-14) history.push({ s, y, rho: 1 / curvature });
    if (history.length > memory) history.shift();
    const gain = loss - nextLoss;
    [w, gradient, loss] = [next, nextGradient, nextLoss];
    if (gain <= 1e-12 * Math.max(1, Math.abs(loss))) break;
  }
  return w;
}

/** -H · gradient by the two-loop recursion. */
function descend(gradient: Float64Array, history: { s: Float64Array; y: Float64Array; rho: number }[]): Float64Array {
  const d = gradient.map((v) => -v);
  const alphas: number[] = [];
  for (const { s, y, rho } of history.toReversed()) {
    const alpha = rho * dot(s, d);
    alphas.push(alpha);
    axpy(-alpha, y, d);
  }
  const last = history.at(-1);
  if (last) {
    const scale = 1 / (last.rho * dot(last.y, last.y));
    for (let k = 0; k < d.length; k++) d[k]! *= scale;
  }
  for (const { s, y, rho } of history) axpy(alphas.pop()! - rho * dot(y, d), s, d);
  return d;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += a[k]! * b[k]!;
  return sum;
}

/** y += a · x */
function axpy(a: number, x: Float64Array, y: Float64Array): void {
  for (let k = 0; k < x.length; k++) y[k]! += a * x[k]!;
}

function steepest(values: Float64Array): number {
  let most = 0;
  for (const v of values) most = Math.max(most, Math.abs(v));
  return most;
}
