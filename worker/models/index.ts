// The families, and the two graphs made of one: the one that is trained and the one that answers.
import { AppError } from "../../ipc/error.ts";
import { Builder, type Value } from "../ops/builder.ts";
import type { Graph } from "../onnx/graph.ts";
import type { Target, Task } from "../tasks/task.ts";
import { int64, type Tensor } from "../tensor.ts";
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
  /** Quantiles of the first inputs of x, from the least value to the greatest. */
  edges?: readonly (readonly number[])[];
  /** Folds in which the members learn apart; absent: they share, and all learn from all rows. */
  folds?: number;
}

/**
 * Training graph: inputs x (B, F) and codes (B, Q) where there are any, `turns` where there are folds, and y; outputs `loss` (lowered) and
 * `shown` (compares with validation).
 */
export function trainingGraph(spec: NetSpec, task: Task, { classWeights }: Pick<Target, "classWeights"> = {}): Graph {
  const g = new Builder("training");
  const raw = build(g, spec, inputsOf(g, spec), { training: true });
  const out = spec.folds && turnsOf(g, spec, spec.folds);
  const y = task.truth === "classes" ? g.input("y", "int64", ["B"]) : g.input("y", "float32", ["B", 1]);
  const { loss, shown } = task.losses(g, raw, y, { members: out ? g.sub(1, out) : undefined, classWeights });
  g.output(loss, "loss");
  g.output(shown, "shown");
  return g.graph;
}

/**
 * The same network without dropout: outputs `answer`, as `inferenceNet` gives it; with folds, a row is answered by the members that did not
 * learn from it. Parameters have the names they have in training.
 */
export function answeringGraph(spec: NetSpec, task: Task): Graph {
  const g = new Builder("answering");
  const raw = build(g, spec, inputsOf(g, spec), { training: false });
  g.output(task.together(g, raw, spec.folds ? turnsOf(g, spec, spec.folds) : undefined), "answer");
  return g.graph;
}

/** Whether a row's turns, as they are dealt to it, are those of each member: (K, B), 1 or 0. Member r · folds + f is of the f-th fold of round r. */
function turnsOf(g: Builder, { config }: NetSpec, folds: number): Value {
  const rounds = Number(config["members"]) / folds;
  const turns = g.unsqueeze(g.transpose(g.input("turns", "int64", ["B", rounds])), [1]); // (R, 1, B)
  const each = g.constant(
    int64(
      [folds, 1],
      Array.from({ length: folds }, (_, f) => f),
    ),
  );
  const every = g.less(turns, g.scalar(0, "int64")); // -1: a row that none has seen
  return g.reshape(g.cast(g.or(g.equal(turns, each), every), "float32"), [rounds * folds, "B"]); // (R, folds, B) → (K, B)
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
    ...(spec.edges ? { edges: spec.edges } : {}),
    apart: spec.folds !== undefined,
  });
}

/** Count of all numbers that training moves. */
export function countParameters(graph: Graph): number {
  return graph.parameters.reduce((sum, name) => sum + (graph.initializers.get(name)?.data.length ?? 0), 0);
}
