// Gradients kept within bounds, all together or each number by itself.
import type { Builder, Value } from "../ops/builder.ts";

/** Gradients scaled down so that their norm, all together, is at most `most`; as PyTorch's clip_grad_norm_. https://arxiv.org/abs/1211.5063 */
export function clipByGlobalNorm(g: Builder, gradients: ReadonlyMap<string, Value>, most: number): Map<string, Value> {
  if (!gradients.size) return new Map();
  const norm = g.sqrt(sumOfSquares(g, gradients));
  const factor = g.min(g.div(most, g.add(norm, 1e-6)), 1);
  return new Map([...gradients].map(([name, dx]) => [name, g.mul(dx, g.cast(factor, dx.dtype))]));
}

/** Every number of every gradient between -most and most; as PyTorch's clip_grad_value_. */
export function clipByValue(g: Builder, gradients: ReadonlyMap<string, Value>, most: number): Map<string, Value> {
  return new Map([...gradients].map(([name, dx]) => [name, g.clip(dx, -most, most)]));
}

/** Of at least one gradient; float32 where they are of several types. */
export function sumOfSquares(g: Builder, gradients: ReadonlyMap<string, Value>): Value {
  const sums = [...gradients.values()].map((dx) => g.op("ReduceSumSquare", [dx], { keepdims: 0 }));
  const mixed = new Set(sums.map((s) => s.dtype)).size > 1;
  return sums.map((s) => (mixed ? g.cast(s, "float32") : s)).reduce((a, b) => g.add(a, b));
}
