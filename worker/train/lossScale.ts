// The loss multiplied for the walk, so that small gradients are not lost in float16. Fixed, or found as it goes: doubled after so many good steps,
// halved when a gradient is infinite or undefined; such a step changes nothing else. https://arxiv.org/abs/1710.03740 and PyTorch's GradScaler.
import type { Builder, Value } from "../ops/builder.ts";
import type { StepState } from "../run/engine.ts";
import { float32 } from "../tensor.ts";
import { sumOfSquares } from "./clip.ts";

/** States of a scale that is found as it goes. */
export const lossScaleNames = ["loss:scale", "loss:good"] as const;

export type LossScale = number | "dynamic";

/** PyTorch begins with 2^16 and waits as long. */
const start = 65536;
const wait = 2000;
/** Beyond this the scaled loss of an ordinary net is infinite itself. */
const most = 2 ** 24;

export interface Scaled {
  /** The loss that is walked back from. */
  loss: Value;
  /** The gradients as they are without the scale. */
  undo(slopes: ReadonlyMap<string, Value>): Map<string, Value>;
  states: StepState[];
  /** What the states become. @param slopes without the scale */
  next(slopes: ReadonlyMap<string, Value>): Map<string, Value>;
}

export function scaled(g: Builder, loss: Value, scale: LossScale): Scaled {
  const times = (slopes: ReadonlyMap<string, Value>, factor: Value | number) =>
    new Map([...slopes].map(([name, dx]) => [name, g.mul(dx, typeof factor === "number" ? factor : g.cast(factor, dx.dtype))]));
  if (scale !== "dynamic")
    return { loss: g.mul(loss, scale), undo: (slopes) => times(slopes, 1 / scale), states: [], next: () => new Map<string, Value>() };
  const [by, good] = lossScaleNames.map((name) => g.input(name, "float32", [])) as [Value, Value];
  return {
    loss: g.mul(loss, g.cast(by, loss.dtype)),
    undo: (slopes) => times(slopes, g.reciprocal(by)), // a power of two: exact
    states: [
      { name: by.name, dims: [], dtype: "float32", initial: float32([], [start]) },
      { name: good.name, dims: [], dtype: "float32", initial: float32([], [0]) },
    ],
    next(slopes) {
      const sound = g.less(sumOfSquares(g, slopes), Infinity); // NaN is less than nothing
      const count = g.add(good, 1);
      const full = g.greaterOrEqual(count, wait);
      const doubled = g.min(g.mul(by, 2), most);
      return new Map([
        [by.name, g.where(sound, g.where(full, doubled, by), g.max(g.mul(by, 0.5), 1))],
        [good.name, g.where(g.and(sound, g.not(full)), count, 0)],
      ]);
    },
  };
}
