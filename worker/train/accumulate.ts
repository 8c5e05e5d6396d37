// Gradients of several steps added up before the parameters move, and steps that must not count because a gradient is not finite.
import type { Builder, Value } from "../ops/builder.ts";
import { sumOfSquares } from "./clip.ts";

export interface Gathered {
  /** What the optimizer is to take: the gradients of this step, or the mean of the last `every`. */
  slopes: Map<string, Value>;
  /** What becomes of the sums `<p>:sum`, which are inputs now. */
  next: Map<string, Value>;
  /** Whether this step moves the parameters (bool scalar); absent: it does. */
  due?: Value;
  /** The optimizer's own count of steps, from 1. */
  t: Value;
}

/**
 * @param at.t counts every step from 1
 * @param at.every steps to a move
 * @param at.finite whether a step with infinite or undefined gradients is left out
 */
export function gather(g: Builder, slopes: ReadonlyMap<string, Value>, at: { t: Value; every: number; finite: boolean }): Gathered {
  const { t, every } = at;
  let sound: Value | undefined;
  if (at.finite && slopes.size) sound = g.less(sumOfSquares(g, slopes), Infinity); // NaN is less than nothing
  const next = new Map<string, Value>();
  if (every <= 1) return { slopes: new Map(slopes), next, t, ...(sound && { due: sound }) };
  const move = g.equal(g.mod(g.cast(t, "int64"), every), 0);
  const mean = new Map<string, Value>();
  for (const [name, dx] of slopes) {
    const before = g.input(`${name}:sum`, dx.dtype, dx.dims);
    const added = g.add(before, dx);
    const sum = sound ? g.where(sound, added, before) : added;
    mean.set(name, g.mul(sum, 1 / every));
    next.set(before.name, g.where(move, 0, sum));
  }
  const moves = g.cast(g.div(g.sub(g.cast(t, "int64"), 1), every), "float32");
  return { slopes: mean, next, due: move, t: g.add(moves, 1) };
}
