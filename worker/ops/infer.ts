// Types of a node's outputs from the table; used by the builder for each new node and for whole graphs that were read from a file.
import { AppError } from "../../ipc/error.ts";
import type { Attributes, Graph, Node, ValueInfo } from "../onnx/graph.ts";
import type { Tensor } from "../tensor.ts";
import { operator } from "./index.ts";
import { Attrs, type Call, type Places, type Typed } from "./op.ts";

export interface NodeLike {
  type: string;
  domain: string;
  attrs: Attributes;
  inputs: readonly (ValueInfo | undefined)[];
  outputs: number;
  constant(name: string): Tensor | undefined;
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
    constant: (i) => (node.inputs[i] ? node.constant(node.inputs[i].name) : undefined),
  };
}

/** dtype and dims of each output. Throws `shapeMismatch`, naming the operator and the shapes. */
export function infer(node: NodeLike): Typed[] {
  const call = callOf(node);
  try {
    const out = operator(node.type, node.domain).infer(call.x, call);
    return Array.isArray(out) ? out : [out];
  } catch (thrown) {
    if (!(thrown instanceof AppError)) throw thrown;
    const shapes = node.inputs.map((x) => (x ? `${x.name}: ${x.dtype}[${x.dims.join(", ")}]` : "–")).join(", ");
    throw new AppError(thrown.code, `${node.type}(${shapes}): ${thrown.message}`, thrown.hint, { ...thrown.data, operator: node.type, shapes });
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

/** Notes the type of every value of the graph, output types included. Nodes must stand in order (check.ts). */
export function inferGraph(graph: Graph): void {
  for (const node of graph.nodes) {
    const { type, domain, attrs } = node;
    const inputs = typedInputs(graph, node);
    const typed = infer({ type, domain, attrs, inputs, outputs: node.outputs.length, constant: (name) => graph.initializers.get(name) });
    node.outputs.forEach((name, i) => {
      if (name && typed[i]) graph.setInfo({ name, ...typed[i] });
    });
  }
  graph.setOutputs(graph.outputs.map((o) => o.name));
}
