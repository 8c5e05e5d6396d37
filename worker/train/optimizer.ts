// Optimizers as compositions of small parts. A part takes the gradient, or what the part before it made of it, and gives what is to be
// taken from the parameter; its memory is tensors that go in and come out with every step. Numbers shared by all parameters (bias
// corrections) are computed once, in float64, from t.
import type { OptimizerName } from "../../ipc/types.ts";
import type { Builder, Value } from "../ops/builder.ts";

export interface OptimizerSpec {
  name: OptimizerName;
  /** Decoupled decay, taken with the learning rate (adamw: default 0.01; others: none). */
  weightDecay?: number;
  /** L2: adds l2 · p to the gradient. */
  l2?: number;
  beta1?: number;
  beta2?: number;
  eps?: number;
  momentum?: number;
}

/** One parameter at one step. `memory` gives a moment as it was, `keep` says what it becomes. */
export interface At {
  p: Value;
  lr: Value;
  t: Value;
  memory(name: string): Value;
  keep(name: string, next: Value): void;
}
type Part = (g: Builder, u: Value, at: At) => Value;

/** What is in force: every setting with its value. */
export type Settings = Required<OptimizerSpec>;

export interface Optimizer {
  settings: Settings;
  /** Names of the moments of each parameter; all begin at 0. */
  memory: readonly string[];
  /** p after the step. `decay`: whether this parameter is one of those that shrink. */
  update(g: Builder, gradient: Value, at: At, decay: boolean): Value;
}

// --------------------------------------------------------------------------------------------------------------------- parts

/** u + l2 · p: the gradient of l2/2 · |p|². */
const addL2 =
  (l2: number): Part =>
  (g, u, { p }) =>
    g.add(u, g.mul(p, l2));

/** m ← μ m + u. Polyak 1964, https://doi.org/10.1016/0041-5553(64)90137-5 */
const heavyBall =
  (mu: number): Part =>
  (g, u, { memory, keep }) => {
    const m = g.add(g.mul(memory("m"), mu), u);
    keep("m", m);
    return m;
  };

const byRate: Part = (g, u, { lr }) => g.mul(u, lr);

/**
 * m ← β₁m + (1-β₁)u, v ← β₂v + (1-β₂)u², then lr · m̂ / (√v̂ + ε) where m̂ = m / (1-β₁ᵗ), v̂ = v / (1-β₂ᵗ).
 * https://arxiv.org/abs/1412.6980. √v̂ + ε is (√v + ε√(1-β₂ᵗ)) / √(1-β₂ᵗ), so that all scaling is one number.
 */
const adamByRate =
  ({ beta1, beta2, eps }: Settings): Part =>
  (g, u, { lr, t, memory, keep }) => {
    const m = g.add(g.mul(memory("m"), beta1), g.mul(u, 1 - beta1));
    const v = g.add(g.mul(memory("v"), beta2), g.mul(g.square(u), 1 - beta2));
    keep("m", m);
    keep("v", v);
    const steps = g.cast(t, "float64");
    const root = g.sqrt(g.sub(1, g.pow(g.scalar(beta2, "float64"), steps))); // √(1-β₂ᵗ)
    const rate = g.div(g.mul(g.cast(lr, "float64"), root), g.sub(1, g.pow(g.scalar(beta1, "float64"), steps)));
    const size = g.add(g.sqrt(v), g.cast(g.mul(root, eps), "float32"));
    return g.mul(g.div(m, size), g.cast(rate, "float32"));
  };

/** p shrinks by lr · decay on its own, apart from the gradient. https://arxiv.org/abs/1711.05101 */
const shrink = (g: Builder, { p, lr }: At, decay: number): Value => g.mul(p, g.sub(1, g.mul(lr, decay)));

// ---------------------------------------------------------------------------------------------------------------- compositions

const recipes: Record<OptimizerName, { memory: readonly string[]; defaults: Partial<Settings>; parts: (s: Settings) => Part[] }> = {
  sgd: { memory: [], defaults: {}, parts: () => [byRate] },
  momentum: { memory: ["m"], defaults: {}, parts: (s) => [heavyBall(s.momentum), byRate] },
  adam: { memory: ["m", "v"], defaults: {}, parts: (s) => [adamByRate(s)] },
  adamw: { memory: ["m", "v"], defaults: { weightDecay: 0.01 }, parts: (s) => [adamByRate(s)] },
};

const defaults = { weightDecay: 0, l2: 0, beta1: 0.9, beta2: 0.999, eps: 1e-8, momentum: 0.9 };

export const optimizerNames = Object.keys(recipes) as OptimizerName[];

export function optimizer(spec: OptimizerSpec): Optimizer {
  const recipe = recipes[spec.name];
  const given = Object.fromEntries(Object.entries(spec).filter(([, v]) => v !== undefined)) as unknown as OptimizerSpec;
  const settings: Settings = { ...defaults, ...recipe.defaults, ...given };
  return {
    settings,
    memory: recipe.memory,
    update(g, gradient, at, decay) {
      const l2 = decay && settings.l2 ? [addL2(settings.l2)] : [];
      const u = [...l2, ...recipe.parts(settings)].reduce((value, part) => part(g, value, at), gradient);
      return g.sub(decay && settings.weightDecay ? shrink(g, at, settings.weightDecay) : at.p, u);
    },
  };
}

/** Gradients scaled down so that their norm, all together, is at most `most`; as PyTorch's clip_grad_norm_. https://arxiv.org/abs/1211.5063 */
export function clipByGlobalNorm(g: Builder, gradients: ReadonlyMap<string, Value>, most: number): Map<string, Value> {
  const squares = [...gradients.values()].map((dx) => g.op("ReduceSumSquare", [dx], { keepdims: 0 }));
  if (!squares.length) return new Map();
  const norm = g.sqrt(squares.reduce((a, b) => g.add(a, b)));
  const factor = g.min(g.div(most, g.add(norm, 1e-6)), 1);
  return new Map([...gradients].map(([name, dx]) => [name, g.mul(dx, factor)]));
}
