// Gradients of several steps added up before the parameters move, one step taken in several parts, and steps that must not count because a
// gradient is not finite.
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

/** What a part of a step says of itself: its share of the step's loss (float32 scalar), and whether it is the last (bool scalar). */
export interface Part {
  share: Value;
  last: Value;
}

/**
 * @param at.t counts every step from 1
 * @param at.every steps to a move
 * @param at.finite whether a step with infinite or undefined gradients is left out
 * @param at.part this is one part of a step: the last moves the parameters by the sum of all, each by its share
 */
export function gather(
  g: Builder,
  slopes: ReadonlyMap<string, Value>,
  at: { t: Value; every: number; finite: boolean; part?: Part | undefined },
): Gathered {
  const { t, every, part } = at;
  if (part) return together(g, slopes, { ...at, part });
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

function together(g: Builder, slopes: ReadonlyMap<string, Value>, at: { t: Value; finite: boolean; part: Part }): Gathered {
  const { share, last } = at.part;
  const sums = new Map<string, Value>();
  const next = new Map<string, Value>();
  for (const [name, dx] of slopes) {
    const before = g.input(`${name}:sum`, dx.dtype, dx.dims);
    const sum = g.add(before, g.mul(dx, g.cast(share, dx.dtype)));
    sums.set(name, sum);
    next.set(before.name, g.where(last, 0, sum));
  }
  const due = at.finite && sums.size ? g.and(last, g.less(sumOfSquares(g, sums), Infinity)) : last;
  return { slopes: sums, next, due, t: at.t };
}
