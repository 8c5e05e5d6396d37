// The families, and the two graphs made of one: the one that is trained and the one that answers.
import { AppError } from "../../ipc/error.ts";
import { Builder, type Value } from "../ops/builder.ts";
import type { Graph } from "../onnx/graph.ts";
import type { Task } from "../tasks/task.ts";
import type { Tensor } from "../tensor.ts";
import { openNet } from "./layers.ts";
import { line } from "./line.ts";
import { mlp } from "./mlp.ts";
import type { AnyConfig, Config, Model, Settings } from "./model.ts";

export const models = { line, mlp } as const;
export type ModelId = keyof typeof models;

/** The family of that id. Throws `usage` when there is none. */
export function modelOf(id: string): Model {
  if (Object.hasOwn(models, id)) return widen(models[id as ModelId]);
  throw new AppError("usage", `There is no model '${id}'.`, `Choose one of ${Object.keys(models).join(", ")}.`, {
    model: id,
    known: Object.keys(models),
  });
}

/** The one place where a family forgets the exact types of its settings; `resolveConfig` has checked the values. */
function widen<S extends Settings>(family: Model<S>): Model {
  return { ...family, build: (net, config, inputs) => family.build(net, config as Config<S>, inputs) } as Model;
}

/** Shape of a network: all that is needed to build its graphs. */
export interface NetSpec {
  model: string;
  config: AnyConfig;
  /** Width of x. */
  numeric: number;
  /** Cardinality of each code column, code 0 included. */
  categories: readonly number[];
  outputs: number;
  seed: number;
}

/** Training graph: inputs x (B, F) and codes (B, Q) where there are any, and y; outputs `loss` (lowered) and `shown` (compares with validation). */
export function trainingGraph(spec: NetSpec, task: Task): Graph {
  const g = new Builder("training");
  const raw = build(g, spec, inputsOf(g, spec), { training: true });
  const y = task.truth === "classes" ? g.input("y", "int64", ["B"]) : g.input("y", "float32", ["B", 1]);
  const { loss, shown } = task.losses(g, raw, y);
  g.output(loss, "loss");
  g.output(shown, "shown");
  return g.graph;
}

/** The same network without dropout: outputs `answer`, as `inferenceNet` gives it. Parameters have the names they have in training. */
export function answeringGraph(spec: NetSpec, task: Task): Graph {
  const g = new Builder("answering");
  g.output(task.together(g, build(g, spec, inputsOf(g, spec), { training: false })), "answer");
  return g.graph;
}

/**
 * Builds the trained network into a graph of the caller's: logits (n, C), or the standardised value (n, 1).
 * @param parameters trained weights by name
 */
export function inferenceNet(
  g: Builder,
  spec: NetSpec,
  task: Task,
  inputs: { x: Value; codes: Value },
  parameters: ReadonlyMap<string, Tensor>,
): Value {
  return task.together(g, build(g, spec, inputs, { training: false, given: parameters }));
}

/** x and codes; one that would have no columns is not there. */
function inputsOf(g: Builder, spec: NetSpec): { x?: Value; codes?: Value } {
  return {
    ...(spec.numeric ? { x: g.input("x", "float32", ["B", spec.numeric]) } : {}),
    ...(spec.categories.length ? { codes: g.input("codes", "int64", ["B", spec.categories.length]) } : {}),
  };
}

function build(
  g: Builder,
  spec: NetSpec,
  { x, codes }: { x?: Value; codes?: Value },
  options: { training: boolean; given?: ReadonlyMap<string, Tensor> },
): Value {
  const net = openNet(g, { ...options, seed: spec.seed });
  const { categories, outputs } = spec;
  return modelOf(spec.model).build(net, spec.config, {
    ...(spec.numeric && x ? { x } : {}),
    ...(categories.length && codes ? { codes } : {}),
    categories,
    outputs,
  });
}

/** Count of all numbers that training moves. */
export function countParameters(graph: Graph): number {
  return graph.parameters.reduce((sum, name) => sum + (graph.initializers.get(name)?.data.length ?? 0), 0);
}
