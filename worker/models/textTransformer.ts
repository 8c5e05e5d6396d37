// A small transformer encoder over the tokens of a text (pre-normalised blocks: transformer.ts; learned positions), whose states are averaged over
// the tokens that are there, and read by one layer. It begins from nothing, on little text: so few layers, and tokens left out while it learns.
// Letters: B batch, T tokens of the longest text of a batch, V tokens of the vocabulary, D width, C answers.
import type { Graph } from "../onnx/graph.ts";
import { Builder, type Value } from "../ops/builder.ts";
import type { Task } from "../tasks/task.ts";
import { int64, type Tensor } from "../tensor.ts";
import { dropout, linear, type Net, normal, openNet } from "./layers.ts";
import { int, real } from "./model.ts";
import { block, layerNorm } from "./transformer.ts";

export interface TextTransformerNet {
  /** V */
  tokens: number;
  /** T at most. */
  context: number;
  /** D, a multiple of heads. */
  width: number;
  layers: number;
  heads: number;
  dropout: number;
  /** C */
  outputs: number;
  seed: number;
}

export const textTransformerSettings = {
  context: int(128, { min: 8, max: 1024, help: "tokens of a text that are read" }),
  layers: int(2, { min: 1, max: 24, help: "blocks one after another" }),
  width: int(128, { min: 8, max: 1024, help: "numbers a token is told by" }),
  heads: int(4, { min: 1, max: 32, help: "places that a token looks at, a block" }),
  dropout: real(0.2, { min: 0, max: 0.9, help: "share of tokens and of numbers left out while it learns" }),
  vocabulary: int(0, { min: 0, max: 32_000, help: "different tokens; 0: as the texts ask" }),
};

/** Inputs of a network on tokens: both int64 (B, T); a mask of 0 fills. */
export interface TokenInputs {
  input_ids: Value;
  attention_mask: Value;
}

export const tokenInputs = (g: Builder): TokenInputs => ({
  input_ids: g.input("input_ids", "int64", ["B", "T"]),
  attention_mask: g.input("attention_mask", "int64", ["B", "T"]),
});

/** Raw answers (B, C). */
function answers(net: Net, spec: TextTransformerNet, { input_ids: ids, attention_mask: given }: TokenInputs): Value {
  const { g } = net;
  const { tokens, context, width, layers, heads } = spec;
  const there = g.cast(given, "float32"); // (B, T)
  const unseen = g.mul(g.sub(there, 1), 1e9); // 0, or what no attention looks at
  const mask = g.unsqueeze(unseen, [1, 2]); // (B, 1, 1, T)
  const table = net.weight("tokens.weight", [tokens, width], normal(0.02)); // (V, D)
  const places = net.weight("positions.weight", [context, width], normal(0.02)); // (context, D)
  let x = g.add(g.gather(table, ids), g.gather(places, upTo(g, context, ids))); // (B, T, D)
  x = dropout(net, x, spec.dropout);
  for (let i = 0; i < layers; i++) x = block(net, `blocks.${i}`, x, { heads, mask, dropout: spec.dropout, deep: layers }).x;
  const mean = meanOver(g, layerNorm(net, "norm", x), there);
  return linear(net, "head", dropout(net, mean, spec.dropout), spec.outputs, { gain: 0.1 });
}

/** Mean of x (B, T, D) over the tokens that are there, mask (B, T) float32: (B, D); 0 where there are none. */
export function meanOver(g: Builder, x: Value, there: Value): Value {
  const sum = g.reduceSum(g.mul(x, g.unsqueeze(there, [2])), { axes: [1], keepdims: false }); // (B, D)
  return g.div(sum, g.max(g.reduceSum(there, { axes: [1], keepdims: true }), 1));
}

/** 0, 1, … T - 1 */
function upTo(g: Builder, context: number, ids: Value): Value {
  const all = Array.from({ length: context }, (_, i) => i);
  const places = g.op("Slice", [g.constant(int64([context], all), "places"), g.list([0]), g.lengthOf(ids, 1), g.list([0])]);
  return g.assume(places, [ids.dims[1]!]);
}

/** Inputs input_ids, attention_mask and y; outputs `loss` and `shown`. */
export function textTransformerTraining(spec: TextTransformerNet, task: Task): Graph {
  const g = new Builder("training");
  const raw = answers(openNet(g, { training: true, seed: spec.seed }), spec, tokenInputs(g));
  const y = task.truth === "classes" ? g.input("y", "int64", ["B"]) : g.input("y", "float32", ["B", 1]);
  const { loss, shown } = task.losses(g, raw, y);
  g.output(loss, "loss");
  g.output(shown, "shown");
  return g.graph;
}

/** Inputs input_ids and attention_mask; output `answer`. */
export function textTransformerAnswering(spec: TextTransformerNet, task: Task): Graph {
  const g = new Builder("answering");
  g.output(task.together(g, answers(openNet(g, { training: false, seed: spec.seed }), spec, tokenInputs(g))), "answer");
  return g.graph;
}

/** The trained network in a graph of the caller's: logits (n, C), or the standardised value (n, 1). */
export function textTransformerInference(
  g: Builder,
  spec: TextTransformerNet,
  task: Task,
  inputs: TokenInputs,
  parameters: ReadonlyMap<string, Tensor>,
): Value {
  return task.together(g, answers(openNet(g, { training: false, given: parameters }), spec, inputs));
}

/** Multiply-adds of one text of so many tokens on its way forward. */
export function textTransformerMadds({ layers, width }: TextTransformerNet, tokens: number): number {
  return layers * tokens * (12 * width * width + 2 * tokens * width);
}
