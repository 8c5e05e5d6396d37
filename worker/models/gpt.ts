// GPT-2 in small (https://openai.com/research/better-language-models): a decoder of pre-normalised blocks, learned positions, the table of tokens
// tied to the output; first values as in nanoGPT. The same parameters in four graphs: one that is trained, one that judges, one that is kept
// (model.onnx: input_ids → logits), and one that writes a token at a time with the keys and values of what came before.
// Letters: B batch, T positions, P positions before, S = P + T, V tokens, D width, H heads, E = D / H.
import type { Graph } from "../onnx/graph.ts";
import { Builder, type Value } from "../ops/builder.ts";
import { language, unlearned } from "../tasks/language.ts";
import { float32, int64, type Tensor } from "../tensor.ts";
import { dropout, type Net, normal, openNet } from "./layers.ts";
import { int, real } from "./model.ts";
import { block, layerNorm } from "./transformer.ts";

export interface GptNet {
  /** V */
  tokens: number;
  /** The most positions: T of training. */
  context: number;
  /** D, a multiple of heads. */
  width: number;
  layers: number;
  heads: number;
  dropout: number;
  seed: number;
}

/** What can be set, with what is in force where the text does not decide. */
export const gptSettings = {
  context: int(128, { min: 8, max: 4096, help: "tokens that it sees at once" }),
  layers: int(4, { min: 1, max: 48, help: "blocks one after another" }),
  width: int(128, { min: 8, max: 4096, help: "numbers a token is told by" }),
  heads: int(4, { min: 1, max: 64, help: "places that a token looks at, a block" }),
  dropout: real(0, { min: 0, max: 0.9, help: "share of numbers left out while it learns" }),
  vocabulary: int(0, { min: 0, max: 32_000, help: "different tokens; 0: as the text asks" }),
};

interface Given {
  /** (B, T) int64 */
  ids: Value;
  /** (T) or (B, T) int64; absent: T is the whole context. */
  positions?: Value;
  /** (…, T, S): 0 where a position may look, -∞ where not. */
  mask: Value;
  past?: { key: Value; value: Value }[];
}

/** → states (B, T, D), normalised, and each layer's keys and values (B, H, S, E). */
function states(
  net: Net,
  spec: GptNet,
  { ids, positions, mask, past }: Given,
): { x: Value; table: Value; cache: { key: Value; value: Value }[] } {
  const { g } = net;
  const { tokens, context, width, layers, heads } = spec;
  const table = net.weight("tokens.weight", [tokens, width], normal(0.02)); // (V, D)
  const places = net.weight("positions.weight", [context, width], normal(0.02)); // (context, D)
  let x = g.add(g.gather(table, ids), positions ? g.gather(places, positions) : places); // (B, T, D)
  x = dropout(net, x, spec.dropout);
  const cache = [];
  for (let i = 0; i < layers; i++) {
    const made = block(net, `blocks.${i}`, x, { heads, mask, dropout: spec.dropout, deep: layers, past: past?.[i] });
    x = made.x; // (B, T, D)
    cache.push({ key: made.key, value: made.value });
  }
  return { x: layerNorm(net, "norm", x), table, cache };
}

/** (T, T): a position sees itself and what stands before it. */
function causal(g: Builder, length: number): Value {
  const later = Float32Array.from({ length: length * length }, (_, i) => (i % length > Math.floor(i / length) ? -Infinity : 0));
  return g.constant(float32([length, length], later), "causal");
}

/** (B · T, V) */
function logits(g: Builder, { x, table }: { x: Value; table: Value }): Value {
  return g.matmul(g.reshape(x, [-1, table.dims[1]!]), g.transpose(table));
}

const batchOf = (g: Builder, { context }: GptNet) => ({
  ids: g.input("input_ids", "int64", ["B", context]),
  labels: g.input("labels", "int64", ["B", context]),
});

/** Inputs input_ids and labels (B, context); outputs `loss`, the mean over learned labels, and `shown`, the same. */
export function gptTraining(spec: GptNet): Graph {
  const g = new Builder("training");
  const { ids, labels } = batchOf(g, spec);
  const found = states(openNet(g, { training: true, seed: spec.seed }), spec, { ids, mask: causal(g, spec.context) });
  const { loss, shown } = language.losses(g, logits(g, found), g.reshape(labels, [-1]));
  g.output(loss, "loss");
  g.output(shown, "shown");
  return g.graph;
}

/** The same inputs; output `answer` (B, 1): the sum of -log p over the learned labels of a row, in nats. */
export function gptAnswering(spec: GptNet): Graph {
  const g = new Builder("answering");
  const { ids, labels } = batchOf(g, spec);
  const found = states(openNet(g, { training: false, seed: spec.seed }), spec, { ids, mask: causal(g, spec.context) });
  const flat = [logits(g, found), g.reshape(labels, [-1])];
  const each = g.op("SoftmaxCrossEntropyLoss", flat, { ignore_index: unlearned, reduction: "none" }); // (B · T)
  g.output(g.reduceSum(g.reshape(each, [-1, spec.context]), { axes: [1] }), "answer");
  return g.graph;
}

/** What is kept: input_ids (batch, time) int64, time up to the context → logits (batch, time, V). */
export function gptInference(spec: GptNet, given: ReadonlyMap<string, Tensor>): Graph {
  const g = new Builder("gpt");
  const ids = g.input("input_ids", "int64", ["batch", "time"]);
  const positions = upTo(g, spec.context, g.lengthOf(ids, 1), "time"); // (time)
  const mask = before(g, positions, positions);
  const { x, table } = states(openNet(g, { training: false, given }), spec, { ids, positions, mask });
  g.output(g.matmul(x, g.transpose(table)), "logits");
  return g.graph;
}

/**
 * One step of writing. Inputs: input_ids and position_ids (B, T), past_key_values.<layer>.key and .value (B, H, P, E), P from 0 on; outputs:
 * logits (B, V) of the last position, present.<layer>.key and .value (B, H, P + T, E).
 */
export function gptDecoding(spec: GptNet, given?: ReadonlyMap<string, Tensor>): Graph {
  const g = new Builder("decoding");
  const ids = g.input("input_ids", "int64", ["B", "T"]);
  const positions = g.input("position_ids", "int64", ["B", "T"]);
  const shape = ["B", spec.heads, "P", spec.width / spec.heads];
  const past = Array.from({ length: spec.layers }, (_, i) => ({
    key: g.input(`past_key_values.${i}.key`, "float32", shape),
    value: g.input(`past_key_values.${i}.value`, "float32", shape),
  }));
  const length = g.add(g.lengthOf(past[0]!.key, 2), g.lengthOf(ids, 1)); // [1]
  const keys = upTo(g, spec.context, length, "S"); // (S)
  const mask = g.unsqueeze(before(g, keys, positions), [1]); // (B, 1, T, S)
  const { x, table, cache } = states(openNet(g, { training: false, ...(given ? { given } : {}) }), spec, { ids, positions, mask, past });
  const last = g.gather(x, g.scalar(-1, "int64"), { axis: 1 }); // (B, D)
  g.output(g.matmul(last, g.transpose(table)), "logits");
  for (const [i, { key, value }] of cache.entries()) {
    g.output(key, `present.${i}.key`);
    g.output(value, `present.${i}.value`);
  }
  return g.graph;
}

/** 0, 1, … up to the length (a value of [1]), which is at most the context. */
function upTo(g: Builder, context: number, length: Value, symbol: string): Value {
  const all = g.constant(
    int64(
      [context],
      Array.from({ length: context }, (_, i) => i),
    ),
    "places",
  );
  return g.assume(g.op("Slice", [all, g.list([0]), length, g.list([0])]), [symbol]);
}

/** keys (S), queries (…, T) → (…, T, S): 0 where a key is not after the query. */
function before(g: Builder, keys: Value, queries: Value): Value {
  const allowed = g.lessOrEqual(keys, g.unsqueeze(queries, [queries.dims.length]));
  return g.where(allowed, g.scalar(0), g.scalar(-Infinity));
}
