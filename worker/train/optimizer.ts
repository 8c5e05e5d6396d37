// Optimizers as compositions of small parts (optimizerParts.ts, optimizerWhole.ts): one entry each.
import type { OptimizerName } from "../../ipc/types.ts";
import type { Builder, Value } from "../ops/builder.ts";
import {
  adamByRate,
  addL2,
  type At,
  byRate,
  byRootMeanSquare,
  byRootSum,
  heavyBall,
  lookAhead,
  nadamByRate,
  type Part,
  radamByRate,
  scheduleFree,
  signOfMean,
} from "./optimizerParts.ts";
import { byMaximum, byRatio, bySigns, shrinkingRate } from "./optimizerClassic.ts";
import type { OptimizerSpec, Settings } from "./optimizerSettings.ts";
import { factored, orthogonal, trusted } from "./optimizerWhole.ts";

export type { At } from "./optimizerParts.ts";
export type { OptimizerSpec, Settings } from "./optimizerSettings.ts";

/** One moment of a parameter, of its shape and beginning at 0 unless said otherwise. */
export interface Moment {
  name: string;
  dims?: readonly number[];
  initial?: number | "parameter";
  /** One for all parameters: a scalar with a name of its own. */
  shared?: boolean;
}

export interface Optimizer {
  settings: Settings;
  /** The settings that this optimizer heeds. */
  used: Partial<Settings>;
  /** Whether each parameter must be taken by itself, not together with others. */
  whole: boolean;
  /** The moments of a parameter of this shape. */
  memory(dims: readonly number[]): readonly Moment[];
  /** p after the step. `decay`: whether this parameter is one of those that shrink. */
  update(g: Builder, gradient: Value, at: Omit<At, "decay">, decay: boolean): Value;
}

interface Recipe {
  memory: (s: Settings, dims: readonly number[]) => (string | Moment)[];
  /** What it heeds, besides weightDecay and l2, with its values: PyTorch's where it has the optimizer. */
  defaults: Partial<Settings> | ((given: OptimizerSpec) => Partial<Settings>);
  parts: (s: Settings, dims: readonly number[]) => Part[];
  whole?: boolean;
  /** Its parts see to the decoupled decay. */
  decays?: boolean;
  /** Decoupled decay of a parameter of this shape, where it is not weightDecay. */
  decay?: (s: Settings, dims: readonly number[]) => number;
}

const betas = { beta1: 0.9, beta2: 0.999, eps: 1e-8 };
const adam = { ...betas, amsgrad: false };
const adamMemory = (s: Settings) => ["m", "v", ...(s.amsgrad ? ["vmax"] : [])];
const isMatrix = (dims: readonly number[]): boolean => dims.length === 2;

const recipes: Record<OptimizerName, Recipe> = {
  sgd: { memory: () => [], defaults: {}, parts: () => [byRate] },
  momentum: { memory: () => ["m"], defaults: { momentum: 0.9, dampening: 0 }, parts: (s) => [heavyBall(s), byRate] },
  nesterov: { memory: () => ["m"], defaults: { momentum: 0.9 }, parts: (s) => [lookAhead(s), byRate] },
  rmsprop: {
    memory: (s) => ["v", ...(s.centered ? ["mean"] : []), ...(s.momentum ? ["m"] : [])],
    defaults: { beta2: 0.99, eps: 1e-8, momentum: 0, centered: false },
    parts: (s) => [byRootMeanSquare(s), ...(s.momentum ? [heavyBall(s)] : []), byRate],
  },
  adagrad: {
    memory: (s) => [{ name: "v", initial: s.initialSum }],
    defaults: { eps: 1e-10, lrDecay: 0, initialSum: 0 },
    parts: (s) => [byRootSum(s)],
  },
  adadelta: { memory: () => ["v", "d"], defaults: { beta2: 0.9, eps: 1e-6 }, parts: (s) => [byRatio(s), byRate] },
  adam: { memory: adamMemory, defaults: adam, parts: (s) => [adamByRate(s)] },
  adamw: { memory: adamMemory, defaults: { ...adam, weightDecay: 0.01 }, parts: (s) => [adamByRate(s)] },
  adamax: { memory: () => ["m", "v"], defaults: betas, parts: (s) => [byMaximum(s)] },
  nadam: {
    memory: () => ["m", "v", { name: "nadam:mu", shared: true, initial: 1 }],
    defaults: { ...betas, momentumDecay: 4e-3 },
    parts: (s) => [nadamByRate(s)],
  },
  radam: { memory: () => ["m", "v"], defaults: betas, parts: (s) => [radamByRate(s)] },
  asgd: {
    memory: () => [{ name: "mean", initial: "parameter" }],
    defaults: { alpha: 0.75, lambd: 1e-4, t0: 1e6 },
    parts: (s) => [shrinkingRate(s)],
  },
  rprop: {
    memory: () => ["g", "size"],
    defaults: { shrink: 0.5, grow: 1.2, leastSize: 1e-6, mostSize: 50 },
    parts: (s) => [bySigns(s)],
  },
  lamb: { memory: () => ["m", "v"], defaults: { ...betas, eps: 1e-6 }, parts: (s) => [trusted(s)], whole: true, decays: true },
  lion: { memory: () => ["m"], defaults: { beta1: 0.9, beta2: 0.99 }, parts: (s) => [signOfMean(s), byRate] },
  adafactor: {
    memory: (_, dims) =>
      dims.length > 1
        ? [
            { name: "r", dims: [...dims.slice(0, -1), 1] },
            { name: "c", dims: [...dims.slice(0, -2), 1, dims.at(-1)!] },
          ]
        : ["v"],
    defaults: { beta2Decay: -0.8, eps: 2 ** -23, eps2: 1e-3, threshold: 1 },
    parts: (s) => [factored(s)],
    whole: true,
  },
  /** For matrices alone, as in PyTorch; all other parameters go by AdamW, as it advises, with that optimizer's defaults. */
  muon: {
    memory: (_, dims) => (isMatrix(dims) ? ["m"] : ["m", "v"]),
    defaults: ({ weightDecay = 0.01 }) => ({
      momentum: 0.95,
      nesterov: true,
      nsSteps: 5,
      eps: 1e-7,
      weightDecay: 0.1,
      adjustLr: "original",
      others: "adamw",
      beta1: 0.9,
      beta2: 0.999,
      othersEps: 1e-8,
      othersWeightDecay: weightDecay,
    }),
    parts: (s, dims) => [isMatrix(dims) ? orthogonal(s) : adamByRate({ ...s, eps: s.othersEps })],
    whole: true,
    decay: (s, dims) => (isMatrix(dims) ? s.weightDecay : s.othersWeightDecay),
  },
  schedulefree: {
    memory: () => ["v", { name: "z", initial: "parameter" }, { name: "schedulefree:weights", shared: true }],
    defaults: { ...betas, weightDecay: 0.01 },
    parts: (s) => [scheduleFree(s)],
    decays: true,
  },
};

const defaults = { weightDecay: 0, l2: 0, ...adam, momentum: 0.9, dampening: 0 };

export const optimizerNames = Object.keys(recipes) as OptimizerName[];

/** p shrinks by lr · decay on its own, apart from the gradient. https://arxiv.org/abs/1711.05101 */
const shrink = (g: Builder, { p, lr }: Pick<At, "p" | "lr">, decay: number): Value => g.mul(p, g.sub(1, g.mul(lr, decay)));

export function optimizer(spec: OptimizerSpec): Optimizer {
  const recipe = recipes[spec.name];
  const given = Object.fromEntries(Object.entries(spec).filter(([, v]) => v !== undefined)) as unknown as OptimizerSpec;
  const own = typeof recipe.defaults === "function" ? recipe.defaults(given) : recipe.defaults;
  const settings = { ...defaults, ...own, ...given } as Settings; // what a recipe reads is in its defaults
  const heeded = ["name", "weightDecay", "l2", ...Object.keys(own)];
  return {
    settings,
    used: Object.fromEntries(Object.entries(settings).filter(([name]) => heeded.includes(name))),
    whole: recipe.whole ?? false,
    memory: (dims) => recipe.memory(settings, dims).map((m) => (typeof m === "string" ? { name: m } : m)),
    update(g, gradient, at, decay) {
      const dims = at.p.dims as number[];
      const decayed = decay ? (recipe.decay?.(settings, dims) ?? settings.weightDecay) : 0;
      const l2 = decay && settings.l2 ? [addL2(settings.l2)] : [];
      const parts = [...l2, ...recipe.parts(settings, dims)];
      // Before u in the file, and so after it in ONNX Runtime's order: it does not lie in memory while u is made.
      const shrunk = decayed && !recipe.decays ? shrink(g, at, decayed) : at.p;
      const u = parts.reduce((value, part) => part(g, value, { ...at, decay: decayed }), gradient);
      return g.sub(shrunk, u);
    },
  };
}
