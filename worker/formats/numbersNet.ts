// An imported network that answers a row of numbers, as a part of a graph of ours: its float32 weights can learn on, or a new last layer is
// learned on what goes into its own. Letters: B rows, F columns, D features. Handled: one float32 input [B, F], or F of them [B, 1] or [B]; the
// first float32 output [B, C] or [B]. Refused: numbers of rows that are built in, any other input.
import { basename } from "node:path";
import { AppError } from "../../ipc/error.ts";
import type { Graph, ValueInfo } from "../onnx/graph.ts";
import { Builder, type Value } from "../ops/builder.ts";
import type { Tensor } from "../tensor.ts";
import { copy, lastFeatures, partOf } from "./backbone.ts";
import { ours } from "./onnx.ts";
import { labelsOf, useOf } from "./onnxCard.ts";

type Weight = (name: string, values: Tensor) => Value | undefined;

export interface NumbersNet {
  /** Name of the file. */
  file: string;
  /** F. */
  columns: number;
  /** Names of the inputs where there is one a column: they are the names of columns. */
  names: string[] | undefined;
  /** Answers a row. */
  outputs: number;
  /** Names of the classes in the order of the answers, where the file has them. */
  labels: string[] | undefined;
  /** What is known of the answers: a softmax or sigmoid stands last, so that they are shares of 1. */
  shares: boolean;
  /** D. */
  features: number;
  /** Its float32 weights on the way to the answer, by name. */
  weights: ReadonlyMap<string, Tensor>;
  licence: string | undefined;
  /** The answers (B, outputs) of x (B, F); with `logits` what goes into a last softmax or sigmoid. */
  answer(g: Builder, x: Value, options: { logits: boolean; weight?: Weight }): Value;
  /** What goes into the last matrix, (B, D). */
  embed(g: Builder, x: Value, weight?: Weight): Value;
}

/**
 * @param file its path, for errors and the name
 * @throws modelInvalid for a network that takes or gives something else, naming its inputs and outputs; what reading a model throws
 */
export function openNumbers(from: Graph, file: string): NumbersNet {
  const whole = ours(from.clone());
  const { columns, names } = inputsOf(whole, file);
  const answer = whole.outputs.find(
    ({ dtype, dims }) => dtype === "float32" && (dims.length === 1 || (dims.length === 2 && typeof dims[1] === "number")),
  );
  if (!answer) throw odd(file, whole, "none of its outputs is a row of float32 numbers");
  const graph = partOf(whole, answer.name);
  const last = lastLayer(graph, answer.name);
  const cut = lastFeatures(graph);
  const build = (g: Builder, x: Value, wanted: string, weight?: Weight): Value => {
    const given = new Map(whole.inputs.map((info, i) => [info.name, names ? column(g, x, i, info) : x]));
    const value = copy(g, graph, { given, wanted, weight });
    return value.dims.length === 1 ? g.unsqueeze(value, [1]) : value;
  };
  const [outputs, features] = [answer.name, cut].map((wanted) => {
    const g = new Builder("trial");
    const { dims } = build(g, g.input("x", "float32", ["B", columns]), wanted);
    if (dims[0] !== "B") throw odd(file, whole, "its number of rows is built in");
    if (dims.length !== 2 || typeof dims[1] !== "number") throw odd(file, whole, "the width of its layers is not known");
    return dims[1];
  }) as [number, number];
  const weights = new Map([...graph.initializers].filter(([name, { dtype }]) => dtype === "float32" && whole.isParameter(name)));
  const labels = labelsOf(from);
  return {
    file: basename(file),
    columns,
    names,
    outputs,
    labels: labels?.length === (outputs === 1 ? 2 : outputs) ? labels : undefined,
    shares: last !== undefined,
    features,
    weights,
    licence: from.metadata.get("licence") ?? from.metadata.get("license"),
    answer: (g, x, { logits, weight }) => build(g, x, logits && last ? last : answer.name, weight),
    embed: (g, x, weight) => build(g, x, cut, weight),
  };
}

function inputsOf(graph: Graph, file: string): { columns: number; names: string[] | undefined } {
  const { inputs } = graph;
  if (inputs.some(({ dtype }) => dtype !== "float32")) throw odd(file, graph, "not all of its inputs are float32");
  const [first] = inputs;
  if (inputs.length === 1 && first!.dims.length === 2 && typeof first!.dims[1] === "number")
    return { columns: first!.dims[1], names: undefined };
  if (inputs.length > 0 && inputs.every((info) => useOf(info, false) === "column"))
    return { columns: inputs.length, names: inputs.map(({ name }) => name) };
  throw odd(file, graph, "it takes no row of numbers");
}

/** Column i of x in the shape that the input has. */
function column(g: Builder, x: Value, i: number, { dims }: ValueInfo): Value {
  const one = g.gather(x, g.list([i]), { axis: 1 }); // (B, 1)
  return dims.length === 1 ? g.reshape(one, [-1]) : one;
}

/** What goes into a softmax or sigmoid that stands last; undefined where neither does. */
function lastLayer(graph: Graph, output: string): string | undefined {
  let at = output;
  for (;;) {
    const node = graph.producer(at);
    if (!node) return undefined;
    if (node.type === "Softmax" || node.type === "LogSoftmax" || node.type === "Sigmoid") return node.inputs[0];
    if (!["Identity", "Squeeze", "Reshape", "Flatten", "Cast"].includes(node.type)) return undefined;
    at = node.inputs[0]!;
  }
}

function odd(file: string, graph: Graph, why: string): AppError {
  const told = (all: readonly ValueInfo[]) => all.map(({ name, dtype, dims }) => `${name}: ${dtype}[${dims.join(", ")}]`);
  const inputs = told(graph.inputs);
  const outputs = told(graph.outputs);
  return new AppError(
    "modelInvalid",
    `'${basename(file)}' cannot learn from the columns of a table: ${why} (${inputs.join("; ")} → ${outputs.join("; ")}).`,
    "Choose an ONNX model with one float32 input [n, columns], or one float32 input a column.",
    { file, inputs, outputs },
  );
}
