// Types of a node's outputs from the table; used by the builder for each new node and for whole graphs that were read from a file.
import { AppError } from "../../ipc/error.ts";
import { type Attributes, type Dim, type Graph, isUnknown, type Node, type ValueInfo } from "../onnx/graph.ts";
import { type Tensor, toNumbers } from "../tensor.ts";
import { operator } from "./index.ts";
import { requireTypes } from "./types.ts";
import { Attrs, type Call, type Places, type Typed } from "./op.ts";

export interface NodeLike {
  graph: Graph;
  type: string;
  domain: string;
  attrs: Attributes;
  inputs: readonly (ValueInfo | undefined)[];
  outputs: number;
}

/** The call of a node, with its inputs counted. Throws `operatorUnknown` and `modelInvalid`. */
export function callOf(node: NodeLike): Call {
  const entry = operator(node.type, node.domain);
  const [least, most] = typeof entry.arity === "number" ? [entry.arity, entry.arity] : entry.arity;
  const given = node.inputs.length;
  const missing = node.inputs.slice(0, least).some((x) => !x);
  if (given < least || given > most || missing)
    throw new AppError(
      "modelInvalid",
      `${node.type} takes ${least === most ? least : `${least} to ${most}`} inputs, not ${node.inputs.filter((x) => x).length}.`,
      "Check how the graph was made.",
      { operator: node.type, given },
    );
  return {
    x: node.inputs as unknown as Places<ValueInfo>, // counted above; optional ones are asked for with has()
    type: node.type,
    attrs: new Attrs(node.type, node.attrs),
    outputs: node.outputs,
    has: (i) => node.inputs[i] !== undefined,
    constant: (i) => constantOf(node.graph, node.inputs[i]?.name),
    shapeIn: (i) => shapeIn(node.graph, node.inputs[i]?.name),
    symbol: () => node.graph.symbol(),
  };
}

/** The value of an initializer that training does not change. */
export function constantOf(graph: Graph, name: string | undefined): Tensor | undefined {
  return name === undefined || graph.isParameter(name) ? undefined : graph.initializers.get(name);
}

/** Lengths in a shape vector: a constant, or what a Shape node reads off a typed value. */
function shapeIn(graph: Graph, name: string | undefined): readonly Dim[] | undefined {
  if (name === undefined) return undefined;
  const constant = constantOf(graph, name);
  if (constant) return toNumbers(constant);
  const node = graph.producer(name);
  const source = node?.type === "Shape" ? graph.info(node.inputs[0]!) : undefined;
  if (!node || !source) return undefined;
  const attrs = new Attrs("Shape", node.attrs);
  return source.dims.slice(attrs.int("start", 0), attrs.has("end") ? attrs.int("end") : undefined);
}

/** dtype and dims of each output. Throws `shapeMismatch`, naming the operator and the shapes. */
export function infer(node: NodeLike): Typed[] {
  const call = callOf(node);
  try {
    if (node.domain === "") requireTypes(node.type, node.inputs);
    const out = operator(node.type, node.domain).infer(call.x, call);
    return Array.isArray(out) ? out : [out];
  } catch (thrown) {
    if (!(thrown instanceof AppError)) throw thrown;
    const shapes = node.inputs.map((x) => (x ? `${x.name}: ${x.dtype}[${x.dims.join(", ")}]` : "–")).join(", ");
    throw new AppError(thrown.code, `${node.type}(${shapes}): ${thrown.message}`, thrown.hint, {
      ...thrown.data,
      operator: node.type,
      shapes,
    });
  }
}

/** Inputs of a graph's node, typed. Throws `modelInvalid` when one is not defined before it. */
export function typedInputs(graph: Graph, node: Node): (ValueInfo | undefined)[] {
  return node.inputs.map((name) => {
    if (name === "") return undefined;
    const info = graph.info(name);
    if (info && graph.defines(name)) return info;
    throw new AppError("modelInvalid", `${node.type} '${node.name}' uses '${name}', which nothing defines.`, "The model file is damaged.", {
      operator: node.type,
      value: name,
    });
  });
}

/** Notes the type of every value of the graph, output types included; lengths that only the file tells are taken from it. Nodes must stand in order (check.ts). */
export function inferGraph(graph: Graph): void {
  for (const node of graph.nodes) {
    const { type, domain, attrs } = node;
    const inputs = typedInputs(graph, node);
    const typed = infer({ graph, type, domain, attrs, inputs, outputs: node.outputs.length });
    node.outputs.forEach((name, i) => {
      if (!name || !typed[i]) return;
      const told = graph.info(name)?.dims;
      const dims = typed[i].dims.map((d, axis) => (isUnknown(d) && told?.length === typed[i]!.dims.length ? told[axis]! : d));
      graph.setInfo({ name, dtype: typed[i].dtype, dims });
    });
  }
  graph.setOutputs(graph.outputs.map((o) => o.name));
}
