// The small parts that optimizers are composed of, element by element. A part takes the gradient, or what the part before it made of it,
// and gives what is to be taken from the parameter; its memory is tensors that go in and come out with every step. Numbers shared by all
// parameters (bias corrections) are computed once, in float64, from t.
import type { Builder, Value } from "../ops/builder.ts";
import type { Settings } from "./optimizerSettings.ts";

/** One parameter, or several put one under the other, at one step. `memory` gives a moment as it was, `keep` says what it becomes. */
export interface At {
  p: Value;
  lr: Value;
  t: Value;
  /** Decoupled decay of this parameter; 0 where it does not decay. */
  decay: number;
  memory(name: string): Value;
  keep(name: string, next: Value): void;
}
export type Part = (g: Builder, u: Value, at: At) => Value;

/** u + l2 · p: the gradient of l2/2 · |p|². */
export const addL2 =
  (l2: number): Part =>
  (g, u, { p }) =>
    g.add(u, g.mul(p, l2));

/** m ← μ m + (1-τ) u, τ being the dampening after the first step. Polyak 1964, https://doi.org/10.1016/0041-5553(64)90137-5 */
export const heavyBall =
  ({ momentum, dampening }: Settings): Part =>
  (g, u, { memory, keep, t }) => {
    const taken = dampening ? g.mul(u, g.cast(g.where(g.equal(t, 1), 1, g.scalar(1 - dampening)), u.dtype)) : u;
    const m = g.add(g.mul(memory("m"), momentum), taken);
    keep("m", m);
    return m;
  };

/** m ← μ m + u, then u + μ m: the ball looks ahead. Sutskever et al. 2013, https://proceedings.mlr.press/v28/sutskever13.html */
export const lookAhead =
  (s: Settings): Part =>
  (g, u, at) =>
    g.add(u, g.mul(heavyBall(s)(g, u, at), s.momentum));

export const byRate: Part = (g, u, { lr }) => g.mul(u, lr);

/** x̄ ← β x̄ + (1-β) u */
export function average(g: Builder, name: string, beta: number, u: Value, { memory, keep }: At): Value {
  const next = g.add(g.mul(memory(name), beta), g.mul(u, 1 - beta));
  keep(name, next);
  return next;
}

export const wide = (g: Builder, x: Value): Value => g.cast(x, "float64");
/** βᵗ in float64. */
export const power = (g: Builder, beta: number, t: Value): Value => g.pow(g.scalar(beta, "float64"), wide(g, t));

/**
 * m ← β₁m + (1-β₁)u, v ← β₂v + (1-β₂)u², then lr · m̂ / (√v̂ + ε) where m̂ = m / (1-β₁ᵗ), v̂ = v / (1-β₂ᵗ).
 * https://arxiv.org/abs/1412.6980. √v̂ + ε is (√v + ε√(1-β₂ᵗ)) / √(1-β₂ᵗ), so that all scaling is one number. With amsgrad v is the
 * largest so far: https://openreview.net/forum?id=ryQu7f-RZ
 */
export const adamByRate =
  ({ beta1, beta2, eps, amsgrad }: Settings): Part =>
  (g, u, at) => {
    const m = average(g, "m", beta1, u, at);
    let v = average(g, "v", beta2, g.square(u), at);
    if (amsgrad) {
      v = g.max(at.memory("vmax"), v);
      at.keep("vmax", v);
    }
    const root = g.sqrt(g.sub(1, power(g, beta2, at.t))); // √(1-β₂ᵗ)
    const rate = g.div(g.mul(wide(g, at.lr), root), g.sub(1, power(g, beta1, at.t)));
    const size = g.add(g.sqrt(v), g.cast(g.mul(root, eps), u.dtype));
    return g.mul(g.div(m, size), g.cast(rate, u.dtype));
  };

/** u / (√v + ε), v a running mean of u²; about its mean when centered. Tieleman and Hinton 2012; https://arxiv.org/abs/1308.0850 */
export const byRootMeanSquare =
  ({ beta2, eps, centered }: Settings): Part =>
  (g, u, at) => {
    const v = average(g, "v", beta2, g.square(u), at);
    const spread = centered ? g.sub(v, g.square(average(g, "mean", beta2, u, at))) : v;
    return g.div(u, g.add(g.sqrt(spread), eps));
  };

/** lr · u / (√Σu² + ε). Duchi et al. 2011, https://jmlr.org/papers/v12/duchi11a.html */
export const byRootSum =
  ({ eps, lrDecay }: Settings): Part =>
  (g, u, { memory, keep, lr, t }) => {
    const v = g.add(memory("v"), g.square(u));
    keep("v", v);
    const rate = lrDecay ? g.div(lr, g.cast(g.add(1, g.mul(g.sub(wide(g, t), 1), lrDecay)), lr.dtype)) : lr;
    return g.mul(g.div(u, g.add(g.sqrt(v), eps)), rate);
  };

/** Adam with Nesterov's look ahead, its momentum warmed up. Dozat 2016, https://openreview.net/forum?id=OM0jvwB8jIp57ZJjtNEZ */
export const nadamByRate =
  ({ beta1, beta2, eps, momentumDecay }: Settings): Part =>
  (g, u, at) => {
    const m = average(g, "m", beta1, u, at);
    const v = average(g, "v", beta2, g.square(u), at);
    const momentum = (t: Value) => g.mul(g.sub(1, g.mul(0.5, g.pow(g.scalar(0.96, "float64"), g.mul(t, momentumDecay)))), beta1);
    const t = wide(g, at.t);
    const [mu, next] = [momentum(t), momentum(g.add(t, 1))];
    const product = g.cast(g.mul(wide(g, at.memory("nadam:mu")), mu), "float32"); // μ₁ μ₂ … μₜ
    at.keep("nadam:mu", product);
    const gone = wide(g, product);
    const size = g.add(g.sqrt(g.mul(v, g.cast(g.reciprocal(g.sub(1, power(g, beta2, at.t))), u.dtype))), eps);
    const lr = wide(g, at.lr);
    const ofGradient = g.cast(g.div(g.mul(lr, g.sub(1, mu)), g.sub(1, gone)), u.dtype);
    const ofMean = g.cast(g.div(g.mul(lr, next), g.sub(1, g.mul(gone, next))), u.dtype);
    return g.div(g.add(g.mul(u, ofGradient), g.mul(m, ofMean)), size);
  };

/** Adam, its scale taken into account only as far as its variance is known. https://arxiv.org/abs/1908.03265 */
export const radamByRate =
  ({ beta1, beta2, eps }: Settings): Part =>
  (g, u, at) => {
    const m = average(g, "m", beta1, u, at);
    const v = average(g, "v", beta2, g.square(u), at);
    const t = wide(g, at.t);
    const left = g.sub(1, power(g, beta2, at.t)); // 1-β₂ᵗ
    const most = 2 / (1 - beta2) - 1;
    const rho = g.sub(most, g.div(g.mul(g.mul(t, 2), power(g, beta2, at.t)), left));
    const known = g.greater(rho, 5);
    const safe = g.max(rho, 5);
    const share = g.div(g.mul(g.mul(g.sub(safe, 4), g.sub(safe, 2)), most), g.mul(safe, (most - 4) * (most - 2)));
    const rate = g.cast(g.div(wide(g, at.lr), g.sub(1, power(g, beta1, at.t))), u.dtype); // m̂ · lr = m · rate
    const factor = g.cast(g.sqrt(g.mul(share, left)), u.dtype);
    const scaled = g.div(g.mul(m, factor), g.add(g.sqrt(v), eps));
    return g.mul(g.where(known, scaled, m), rate);
  };

/** lr · sign(β₁m + (1-β₁)u), m ← β₂m + (1-β₂)u. https://arxiv.org/abs/2302.06675 */
export const signOfMean =
  ({ beta1, beta2 }: Settings): Part =>
  (g, u, at) => {
    const direction = g.sign(g.add(g.mul(at.memory("m"), beta1), g.mul(u, 1 - beta1)));
    average(g, "m", beta2, u, at);
    return direction;
  };

/**
 * Schedule-free AdamW: steps are made by z; the parameter itself is y = β₁x + (1-β₁)z, where the gradient is taken, x being the mean of all
 * z weighted with lr². After training x = (y - (1-β₁)z) / β₁ is the better model. https://arxiv.org/abs/2405.15682
 */
export const scheduleFree =
  ({ beta1, beta2, eps }: Settings): Part =>
  (g, u, at) => {
    const { p: y, lr, memory, keep } = at;
    const v = average(g, "v", beta2, g.square(u), at);
    const size = g.add(g.sqrt(g.mul(v, g.cast(g.reciprocal(g.sub(1, power(g, beta2, at.t))), u.dtype))), eps);
    const scaled = g.div(u, size);
    const step = at.decay ? g.add(scaled, g.mul(y, at.decay)) : scaled;
    const square = g.cast(g.square(lr), "float32");
    const weights = g.add(memory("schedulefree:weights"), square);
    keep("schedulefree:weights", weights);
    const c = g.cast(g.div(square, g.max(weights, 1e-30)), u.dtype);
    const z = memory("z");
    keep("z", g.sub(z, g.mul(step, lr)));
    // y ← (1-c) y + c z + lr (β₁(1-c) - 1) · step
    return g.add(g.mul(g.sub(y, z), c), g.mul(step, g.mul(lr, g.sub(1, g.mul(g.sub(1, c), beta1)))));
  };
