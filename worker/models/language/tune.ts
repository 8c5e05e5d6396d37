// The graphs that fine-tune a language model: its forward graph with the loss of the answers, where all weights, the output layer or low-rank adapters
// beside them learn. Letters: B texts, T tokens.
import { AppError } from "../../../ipc/error.ts";
import { Builder, type Value } from "../../ops/builder.ts";
import type { Graph } from "../../onnx/graph.ts";
import type { LanguageModel } from "./index.ts";
import { type AdapterSpec, LanguageNet, type NetOptions } from "./net.ts";
import type { Sequence } from "./sequence.ts";

export type TuneMethod = "full" | "head" | "lora" | "qlora";

/** Where a token's loss is not learned from. */
export const unlearned = -100;

export interface TuneSpec {
  method: TuneMethod;
  /** Texts a step, and tokens of each. */
  batch: number;
  length: number;
  /** Several texts in one row: then the batch says where each token stands, and to which text it belongs. */
  packed: boolean;
  adapter: Omit<AdapterSpec, "targets"> & {
    /** Last parts of the layers' names ("q_proj"), or "all" for every layer but the tables of words. */
    targets: readonly string[] | "all";
  };
  /** What was learned stands for what the file has. */
  given?: ReadonlyMap<string, Float32Array>;
}

export interface Tuning {
  /**
   * Inputs `ids` (B, T) int64 and `labels` (B, T) int64: the token after each, or -100 where it is not learned; packed also `positions` and
   * `segments` (B, T) int64. Outputs `loss`, the mean over what is learned, and `logits` (B, T, vocabulary) where they are asked for.
   */
  graph: Graph;
  /** Layers that were given an adapter, by their names within the model. */
  adapted: { layer: string; inputs: number; outputs: number }[];
}

/** @throws usage where no layer is among the targets, or weights in 4 or 8 bits were to learn */
export function tuningGraph(model: LanguageModel, spec: TuneSpec, { each = false } = {}): Tuning {
  const g = new Builder("tuning");
  const dims = [spec.batch, spec.length];
  const ids = g.input("ids", "int64", dims);
  const labels = g.input("labels", "int64", dims);
  const sequence: Sequence = spec.packed
    ? { ids, positions: g.input("positions", "int64", dims), segments: g.input("segments", "int64", dims) }
    : { ids, positions: counted(g, spec.batch, spec.length) };
  const net = new LanguageNet(g, model.source, netOptions(model, spec));
  const logits = model.build(net, sequence); // (B, T, V)
  if (spec.method.endsWith("lora") && !net.adapted.length)
    throw new AppError(
      "usage",
      `No layer of ${model.family.title} is named ${spec.adapter.targets === "all" ? "so" : spec.adapter.targets.join(", ")}.`,
      `Usual for it: ${model.family.adapted.join(", ")}.`,
      { targets: spec.adapter.targets === "all" ? "all" : [...spec.adapter.targets] },
    );
  const flat = g.reshape(logits, [spec.batch * spec.length, model.config.vocabulary]);
  const loss = g.op("SoftmaxCrossEntropyLoss", [flat, g.reshape(labels, [spec.batch * spec.length])], {
    ignore_index: unlearned,
    ...(each && { reduction: "none" }),
  });
  g.output(each ? g.reshape(loss, dims) : loss, "loss");
  return { graph: g.graph, adapted: net.adapted };
}

function netOptions(model: LanguageModel, spec: TuneSpec): NetOptions {
  const given = spec.given && { given: spec.given };
  if (spec.method === "lora" || spec.method === "qlora") {
    const { targets, ...adapter } = spec.adapter;
    return { ...given, adapter: { ...adapter, targets: targetsOf(model, targets) } };
  }
  const head = model.config.tied ? undefined : /^(lm_head|embed_out)\./;
  if (spec.method === "head" && !head)
    throw new AppError(
      "usage",
      `The output layer of this model is its table of words too, so it cannot learn alone.`,
      "Choose lora or full.",
      { method: "head" },
    );
  return { ...given, trained: (name) => (spec.method === "full" ? true : head!.test(name)) };
}

/** Whether a layer is a target: by the end of its name, as PEFT's target_modules; "all" is every linear layer but the output layer. */
function targetsOf(model: LanguageModel, targets: readonly string[] | "all"): (layer: string) => boolean {
  const words = /(^|\.)(embed_tokens|wte|embed_in|word_embeddings|lm_head|embed_out)$/;
  if (targets === "all") return (layer) => !words.test(layer);
  return (layer) => targets.some((t) => layer === t || layer.endsWith(`.${t}`)) && !(model.config.tied && words.test(layer));
}

function counted(g: Builder, batch: number, length: number): Value {
  const places = BigInt64Array.from({ length: batch * length }, (_, i) => BigInt(i % length));
  return g.constant({ dtype: "int64", dims: [batch, length], data: places }, "positions");
}
