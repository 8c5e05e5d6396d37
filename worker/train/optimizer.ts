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
import { factored, orthogonal, trusted } from "./optimizerWhole.ts";

export type { At } from "./optimizerParts.ts";

export interface OptimizerSpec {
  name: OptimizerName;
  /** Decoupled decay, taken with the learning rate (adamw, schedulefree: default 0.01; muon: 0.1; others: none). */
  weightDecay?: number;
  /** L2: adds l2 · p to the gradient. */
  l2?: number;
  beta1?: number;
  /** Also the share that rmsprop keeps of its mean square (default there 0.99). */
  beta2?: number;
  eps?: number;
  momentum?: number;
  /** rmsprop: the mean square is taken about the mean. */
  centered?: boolean;
  /** nadam: how fast its momentum warms up. */
  momentumDecay?: number;
  /** adafactor: 1-β₂ of step t is t to this power. */
  beta2Decay?: number;
  /** adafactor: least size of a parameter for its steps. */
  eps2?: number;
  /** adafactor: largest root mean square of an update. */
  threshold?: number;
  /** muon: how often it iterates. */
  nsSteps?: number;
}

/** What is in force: every setting with its value. */
export type Settings = Required<OptimizerSpec>;

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
  /** What it heeds, besides weightDecay and l2, with its values. */
  defaults: Partial<Settings>;
  parts: (s: Settings, dims: readonly number[]) => Part[];
  whole?: boolean;
  /** Its parts see to the decoupled decay. */
  decays?: boolean;
}

const adam = { beta1: 0.9, beta2: 0.999, eps: 1e-8 };
const isMatrix = (dims: readonly number[]): boolean => dims.length > 1;

const recipes: Record<OptimizerName, Recipe> = {
  sgd: { memory: () => [], defaults: {}, parts: () => [byRate] },
  momentum: { memory: () => ["m"], defaults: { momentum: 0.9 }, parts: (s) => [heavyBall(s), byRate] },
  nesterov: { memory: () => ["m"], defaults: { momentum: 0.9 }, parts: (s) => [lookAhead(s), byRate] },
  rmsprop: {
    memory: (s) => ["v", ...(s.centered ? ["mean"] : []), ...(s.momentum ? ["m"] : [])],
    defaults: { beta2: 0.99, eps: 1e-8, momentum: 0, centered: false },
    parts: (s) => [byRootMeanSquare(s), ...(s.momentum ? [heavyBall(s)] : []), byRate],
  },
  adagrad: { memory: () => ["v"], defaults: { eps: 1e-10 }, parts: (s) => [byRootSum(s), byRate] },
  adam: { memory: () => ["m", "v"], defaults: adam, parts: (s) => [adamByRate(s)] },
  adamw: { memory: () => ["m", "v"], defaults: { ...adam, weightDecay: 0.01 }, parts: (s) => [adamByRate(s)] },
  nadam: {
    memory: () => ["m", "v", { name: "nadam:mu", shared: true, initial: 1 }],
    defaults: { ...adam, momentumDecay: 4e-3 },
    parts: (s) => [nadamByRate(s)],
  },
  radam: { memory: () => ["m", "v"], defaults: adam, parts: (s) => [radamByRate(s)] },
  lamb: { memory: () => ["m", "v"], defaults: { ...adam, eps: 1e-6 }, parts: (s) => [trusted(s)], whole: true, decays: true },
  lion: { memory: () => ["m"], defaults: { beta1: 0.9, beta2: 0.99 }, parts: (s) => [signOfMean(s), byRate] },
  adafactor: {
    memory: (_, dims) =>
      isMatrix(dims)
        ? [
            { name: "r", dims: [...dims.slice(0, -1), 1] },
            { name: "c", dims: [...dims.slice(0, -2), 1, dims.at(-1)!] },
          ]
        : ["v"],
    defaults: { beta2Decay: -0.8, eps: 2 ** -23, eps2: 1e-3, threshold: 1 },
    parts: (s) => [factored(s)],
    whole: true,
  },
  /** Parameters that are no matrices go by AdamW, as its author does. */
  muon: {
    memory: (_, dims) => (isMatrix(dims) ? ["m"] : ["m", "v"]),
    defaults: { ...adam, weightDecay: 0.1, momentum: 0.95, nsSteps: 5 },
    parts: (s, dims) => [isMatrix(dims) ? orthogonal(s) : adamByRate(s)],
    whole: true,
  },
  schedulefree: {
    memory: () => ["v", { name: "z", initial: "parameter" }, { name: "schedulefree:weights", shared: true }],
    defaults: { ...adam, weightDecay: 0.01 },
    parts: (s) => [scheduleFree(s)],
    decays: true,
  },
};

const defaults = { weightDecay: 0, l2: 0, ...adam, momentum: 0.9 };

export const optimizerNames = Object.keys(recipes) as OptimizerName[];

/** p shrinks by lr · decay on its own, apart from the gradient. https://arxiv.org/abs/1711.05101 */
const shrink = (g: Builder, { p, lr }: Pick<At, "p" | "lr">, decay: number): Value => g.mul(p, g.sub(1, g.mul(lr, decay)));

export function optimizer(spec: OptimizerSpec): Optimizer {
  const recipe = recipes[spec.name];
  const given = Object.fromEntries(Object.entries(spec).filter(([, v]) => v !== undefined)) as unknown as OptimizerSpec;
  const settings = { ...defaults, ...recipe.defaults, ...given } as Settings; // what a recipe reads is in its defaults
  const heeded = ["name", "weightDecay", "l2", ...Object.keys(recipe.defaults)];
  return {
    settings,
    used: Object.fromEntries(Object.entries(settings).filter(([name]) => heeded.includes(name))),
    whole: recipe.whole ?? false,
    memory: (dims) => recipe.memory(settings, dims).map((m) => (typeof m === "string" ? { name: m } : m)),
    update(g, gradient, at, decay) {
      const decayed = decay ? settings.weightDecay : 0;
      const l2 = decay && settings.l2 ? [addL2(settings.l2)] : [];
      const parts = [...l2, ...recipe.parts(settings, at.p.dims as number[])];
      const u = parts.reduce((value, part) => part(g, value, { ...at, decay: decayed }), gradient);
      return g.sub(decayed && !recipe.decays ? shrink(g, at, decayed) : at.p, u);
    },
  };
}
