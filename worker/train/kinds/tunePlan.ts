// The plan of a fine-tuning: which weights learn, how long its rows are, its batch and its rate.
import { AppError } from "../../../ipc/error.ts";
import type { TrainSpec } from "../../../ipc/types.ts";
import type { Lessons } from "../../data/text/lessons.ts";
import { readPeftConfig } from "../../formats/language/peft.ts";
import { isBlocks } from "../../formats/language/levels.ts";
import { countParameters } from "../../models/index.ts";
import { countWeights, type LanguageModel } from "../../models/language/index.ts";
import { tuningGraph, type TuneMethod, type TuneSpec } from "../../models/language/tune.ts";
import type { Graph } from "../../onnx/graph.ts";
import { liveness } from "../../passes/liveness.ts";
import { bytesOf, sizeOf } from "../../tensor.ts";
import { ownConstants } from "../forecast.ts";
import { defaults, type FullPlan, planCourse, stepSeconds } from "../plan.ts";

export interface TuneFacts {
  model: LanguageModel;
  /** Its path. */
  base: string;
  tune: TuneSpec;
  rows: { train: number; validation: number; test: number };
  tokens: { train: number; validation: number; test: number };
  form: Lessons["form"];
  /** Rows of which the end is left out. */
  shortened: number;
  /** Tokens of the longest row, and of a row in the middle. */
  longest: number;
  usual: number;
}

export interface TunePlan extends FullPlan {
  tune: TuneSpec;
}

const methods: readonly TuneMethod[] = ["full", "head", "lora", "qlora"];

/** What learns, by the spec. Throws usage where it does not fit the model. */
export function tuneSpecOf(spec: TrainSpec, model: LanguageModel): TuneSpec {
  const packed = [...model.file.infos.values()].some(({ type }) => isBlocks(type));
  const method = (spec.method ?? (packed ? "qlora" : "lora")) as TuneMethod;
  if (!methods.includes(method))
    throw new AppError("usage", `A language model is not fine-tuned by '${method}'.`, `Choose one of ${methods.join(", ")}.`, { method });
  if (method === "qlora" && !packed)
    throw new AppError(
      "usage",
      "The weights of this model are not in 4 or 8 bits, so there is nothing for qlora to keep small.",
      "Choose lora, or the model as a quantised GGUF file.",
      { method },
    );
  const first = spec.initAdapter === undefined ? undefined : readPeftConfig(spec.initAdapter);
  const rank = first?.rank ?? spec.rank ?? 8;
  if (first && spec.rank !== undefined && spec.rank !== first.rank)
    throw new AppError("usage", `The adapter to begin with has the rank ${first.rank}, not ${spec.rank}.`, "Leave --rank out.", {
      rank: spec.rank,
    });
  if (first && spec.alpha !== undefined && spec.alpha !== first.alpha)
    throw new AppError("usage", `The adapter to begin with has the alpha ${first.alpha}, not ${spec.alpha}.`, "Leave --alpha out.", {
      alpha: spec.alpha,
    });
  if (!method.endsWith("lora") && (spec.rank ?? spec.alpha) !== undefined)
    throw new AppError(
      "usage",
      `Rank and alpha are of adapters; with ${method} the model's own weights learn.`,
      "Leave them out, or choose lora.",
    );
  const targets = first ? (typeof first.targets === "string" ? "all" : first.targets) : "all";
  return {
    method,
    adapter: {
      rank,
      alpha: first?.alpha ?? spec.alpha ?? 2 * rank,
      stabilised: first?.stabilised ?? false,
      targets: first || spec.config?.["targets"] !== "usual" ? targets : model.family.adapted,
      seed: spec.seed ?? defaults.seed,
    },
  };
}

/** Tokens of a row where nothing is said: longer ones are seldom worth their time on two cores. */
export const usualContext = 512;

export function makeTunePlan(facts: TuneFacts, spec: TrainSpec): TunePlan {
  const { model, tune, rows, tokens, longest, usual } = facts;
  const training = tuningGraph(model, tune).graph;
  const before = tuningGraph(model, { ...tune, method: "none" }, { judged: true }).graph;
  const piece = tunePiece(longest, model.config);
  // The model as it was is judged too, by a session of its own.
  const judging = liveness(before, { B: piece, T: longest }).peak;
  const trainable = countParameters(training);
  const { layers, width, inner, vocabulary, heads, headSize, kvHeads } = model.config;
  const inLayer = width * headSize * (2 * heads + 2 * kvHeads) + 3 * width * inner;
  // Forward, and the way back to the inputs; the weights' own gradients only where they learn.
  const perToken = (layers * inLayer + vocabulary * width) * (tune.method === "full" ? 3 : 2) + 3 * trainable;
  const batch = suitableBatch(usual, rows.train);
  const open = spec.epochs === undefined && spec.steps === undefined;
  const full = planCourse(
    {
      task: "language",
      target: "",
      inputs: 1,
      rows,
      model: { name: model.family.id, parameters: countWeights(model.file) + (tune.method.endsWith("lora") ? trainable : 0), trainable },
      graphs: { training, answering: tuningGraph(model, tune, { judged: true }).graph },
      batch,
      lr: tune.method === "full" ? 5e-5 : tune.method === "head" ? 2e-4 : 1e-3,
      stepSeconds: (count) => stepSeconds((count * usual * perToken) / 3, 0),
      programBytes,
      dataBytes: heldBytes(training) + ownConstants(before) + judging + 5 * (tokens.train + tokens.validation + tokens.test),
      sizes: { T: longest },
      piece,
      ...recomputed(tune.method, layers),
    },
    { ...spec, weightDecay: spec.weightDecay ?? 0, ...(open ? { epochs: 3, seconds: spec.seconds ?? 600 } : {}) },
  );
  const { method, adapter } = tune;
  full.plan.tune = {
    method: method as TuneMethod,
    ...(method.endsWith("lora") ? { rank: adapter.rank } : {}),
    base: model.file.format === "gguf" ? "gguf" : "huggingface",
    form: facts.form,
    tokens,
    longest,
    shortened: facts.shortened,
  };
  return { ...full, tune };
}

/** Nothing reads tables; measured on a model of 260,000 parameters (bench/plan.mjs). */
const programBytes = 115 * 2 ** 20;

/** Weights that do not learn, kept for all graphs. */
function heldBytes({ initializers, parameters }: Graph): number {
  const learned = new Set(parameters);
  return [...initializers].reduce((sum, [name, { dtype, dims }]) => sum + (learned.has(name) ? 0 : bytesOf(dtype) * sizeOf(dims)), 0);
}

/** Whoever keeps weights in few bits wants memory most: a block's activations are forgotten and computed again, a third of a step more. */
export const recomputed = (method: TuneSpec["method"], layers: number): { recompute?: number } =>
  method === "qlora" ? { recompute: Math.max(2, layers) } : {};

/** Some 2,000 tokens a step. */
const suitableBatch = (usual: number, rows: number): number => Math.max(1, Math.min(16, Math.round(2048 / usual), Math.ceil(rows / 4)));

/** Rows that are judged at once: so many that their logits, and a layer's scores of attention, stay within some 24 MB each: of both there are copies. */
export const tunePiece = (length: number, { vocabulary, heads }: { vocabulary: number; heads: number }): number =>
  Math.max(1, Math.min(32, Math.floor(6e6 / (length * Math.max(vocabulary, heads * length)))));
