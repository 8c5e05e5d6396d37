// Older parts, as PyTorch still has them: Adadelta, Adamax, averaged SGD, Rprop. Each works element by element.
import type { Settings } from "./optimizerSettings.ts";
import { average, type Part, power, wide } from "./optimizerParts.ts";

/** u · √(d + ε) / √(v + ε), v the running mean of u², d that of the squared updates. https://arxiv.org/abs/1212.5701 */
export const byRatio =
  ({ beta2, eps }: Settings): Part =>
  (g, u, at) => {
    const v = average(g, "v", beta2, g.square(u), at);
    const update = g.mul(g.div(g.sqrt(g.add(at.memory("d"), eps)), g.sqrt(g.add(v, eps))), u);
    average(g, "d", beta2, g.square(update), at);
    return update;
  };

/** lr · m / ((1-β₁ᵗ) v), v ← max(β₂v, |u| + ε). https://arxiv.org/abs/1412.6980, section 7 */
export const byMaximum =
  ({ beta1, beta2, eps }: Settings): Part =>
  (g, u, at) => {
    const m = average(g, "m", beta1, u, at);
    const v = g.max(g.mul(at.memory("v"), beta2), g.add(g.abs(u), eps));
    at.keep("v", v);
    const rate = g.div(wide(g, at.lr), g.sub(1, power(g, beta1, at.t)));
    return g.mul(g.div(m, v), g.cast(rate, u.dtype));
  };

/**
 * η = lr / (1 + λ lr (t-1))^α; p shrinks by λη and moves by ηu. `mean` is p until step t0 and the mean of all p from there on.
 * Polyak and Juditsky 1992, https://doi.org/10.1137/0330046
 */
export const shrinkingRate =
  ({ alpha, lambd, t0 }: Settings): Part =>
  (g, u, at) => {
    const lr = wide(g, at.lr);
    const before = g.sub(wide(g, at.t), 1);
    const eta = g.cast(g.div(lr, g.pow(g.add(1, g.mul(g.mul(lr, before), lambd)), alpha)), u.dtype);
    const update = g.mul(g.add(u, g.mul(at.p, lambd)), eta);
    const share = g.cast(g.reciprocal(g.max(g.sub(before, t0), 1)), u.dtype);
    const mean = at.memory("mean");
    at.keep("mean", g.add(mean, g.mul(g.sub(g.sub(at.p, update), mean), share)));
    return update;
  };

/**
 * Each number has a step of its own, first lr: longer where the gradient keeps its sign, shorter where it turned; there it waits a step.
 * Riedmiller and Braun 1993, https://doi.org/10.1109/ICNN.1993.298623
 */
export const bySigns =
  ({ shrink, grow, leastSize, mostSize }: Settings): Part =>
  (g, u, at) => {
    const agree = g.mul(u, at.memory("g"));
    const before = g.where(g.equal(at.t, 1), at.lr, at.memory("size"));
    const turned = g.less(agree, 0);
    const factor = g.where(turned, shrink, g.where(g.greater(agree, 0), grow, g.scalar(1, u.dtype)));
    const size = g.clip(g.mul(before, factor), leastSize, mostSize);
    at.keep("size", size);
    const heeded = g.where(turned, 0, u);
    at.keep("g", heeded);
    return g.mul(g.sign(heeded), size);
  };
