// The graphs that fine-tune a language model: its forward graph with the loss of the answers, where all weights, the output layer or low-rank adapters
// beside them learn. Letters: B texts, T tokens.
import { AppError } from "../../../ipc/error.ts";
import { Builder, type Value } from "../../ops/builder.ts";
import type { Graph } from "../../onnx/graph.ts";
import type { LanguageModel } from "./index.ts";
import { type AdapterSpec, LanguageNet, type NetOptions } from "./net.ts";

export type TuneMethod = "full" | "head" | "lora" | "qlora";
/** What learns; "none": the model as it is. */
export type Learning = TuneMethod | "none";

/** Where a token's loss is not learned from. */
export const unlearned = -100;

export interface TuneSpec {
  method: Learning;
  adapter: Omit<AdapterSpec, "targets"> & {
    /** Last parts of the layers' names ("q_proj"), or "all" for every layer but the tables of words. */
    targets: readonly string[] | "all";
  };
}

export interface Tuning {
  /**
   * Inputs `input_ids` and `labels` (B, T) int64: the token after each, or -100 where it is not learned. Output `loss`, the mean over what is learned
   * (and `shown`, the same); or `answer` (B, 1), the sum of a row's losses.
   */
  graph: Graph;
  /** Layers that were given an adapter, by their names within the model. */
  adapted: { layer: string; inputs: number; outputs: number }[];
}

/**
 * @param judged whether rows are only judged: then the output is `answer`
 * @throws usage where no layer is among the targets, or weights in 4 or 8 bits were to learn
 */
export function tuningGraph(model: LanguageModel, spec: TuneSpec, { judged = false } = {}): Tuning {
  const g = new Builder("tuning");
  const ids = g.input("input_ids", "int64", ["B", "T"]);
  const labels = g.input("labels", "int64", ["B", "T"]);
  const net = new LanguageNet(g, model.source, netOptions(model, spec));
  const logits = model.build(net, { ids, positions: counted(g, ids) }); // (B, T, V)
  if (spec.method.endsWith("lora") && !net.adapted.length)
    throw new AppError(
      "usage",
      `No layer of ${model.family.title} is named ${spec.adapter.targets === "all" ? "so" : spec.adapter.targets.join(", ")}.`,
      `Usual for it: ${model.family.adapted.join(", ")}.`,
      { targets: spec.adapter.targets === "all" ? "all" : [...spec.adapter.targets] },
    );
  const flat = [g.reshape(logits, [-1, model.config.vocabulary]), g.reshape(labels, [-1])];
  const loss = g.op("SoftmaxCrossEntropyLoss", flat, { ignore_index: unlearned, ...(judged && { reduction: "none" }) });
  if (judged) g.output(g.reduceSum(g.reshapeLike(loss, labels), { axes: [1] }), "answer");
  else {
    g.output(loss, "loss");
    g.output(g.identity(loss), "shown");
  }
  return { graph: g.graph, adapted: net.adapted };
}

function netOptions(model: LanguageModel, spec: TuneSpec): NetOptions {
  if (spec.method === "none") return {};
  if (spec.method === "lora" || spec.method === "qlora") {
    const { targets, ...adapter } = spec.adapter;
    return { adapter: { ...adapter, targets: targetsOf(model, targets) } };
  }
  const head = model.config.tied ? undefined : /^(lm_head|embed_out)\./;
  if (spec.method === "head" && !head)
    throw new AppError(
      "usage",
      `The output layer of this model is its table of words too, so it cannot learn alone.`,
      "Choose lora or full.",
      { method: "head" },
    );
  return { trained: (name) => (spec.method === "full" ? true : head!.test(name)) };
}

/** Whether a layer is a target: by the end of its name, as PEFT's target_modules; "all" is every linear layer but the output layer. */
function targetsOf(model: LanguageModel, targets: readonly string[] | "all"): (layer: string) => boolean {
  const words = /(^|\.)(embed_tokens|wte|embed_in|word_embeddings|lm_head|embed_out)$/;
  if (targets === "all") return (layer) => !words.test(layer);
  return (layer) => targets.some((t) => layer === t || layer.endsWith(`.${t}`)) && !(model.config.tied && words.test(layer));
}

/** 0, 1, … as long as a row: (1, T). */
function counted(g: Builder, ids: Value): Value {
  const length = g.reshape(g.lengthOf(ids, 1), []);
  const places = g.op("Range", [g.scalar(0, "int64"), length, g.scalar(1, "int64")]);
  return g.unsqueeze(g.assume(places, [ids.dims[1]!]), [0]);
}
