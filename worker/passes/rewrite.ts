// The frame of a pass: the graph is built anew, node by node, and each node may be replaced by others. Equal nodes become one.
import { AppError } from "../../ipc/error.ts";
import { Graph, type Node } from "../onnx/graph.ts";
import { Builder, type Value } from "../ops/builder.ts";

/**
 * Values for the node's outputs, or undefined to keep the node.
 * @param x its inputs in the new graph (undefined where absent)
 * @param find any other value of the old graph in the new one, as inner graphs take them
 */
export type Replace = (
  g: Builder,
  node: Node,
  x: readonly (Value | undefined)[],
  find: (name: string) => Value,
) => readonly (Value | undefined)[] | undefined;

/** The graph after the replacements, pruned. The old one is left alone; names of what is kept stay. */
export function rewrite(old: Graph, replace: Replace): Graph {
  const graph = new Graph(old.name);
  for (const [k, v] of old.metadata) graph.metadata.set(k, v);
  for (const [k, v] of old.opsets) graph.opsets.set(k, v);
  graph.reserve(old.nodes.flatMap((n) => n.outputs));
  const g = new Builder(graph);
  const now = new Map<string, Value>();
  const trainable = new Set(old.parameters);
  for (const input of old.inputs) now.set(input.name, g.input(input.name, input.dtype, input.dims));
  for (const [name, tensor] of old.initializers) {
    graph.addInitializer(name, tensor, { trainable: trainable.has(name) });
    now.set(name, g.value(name));
  }
  const find = (name: string): Value => {
    const value = now.get(name);
    if (!value)
      throw new AppError("modelInvalid", `The graph uses '${name}' before it is defined.`, "The model file is damaged.", { value: name });
    return value;
  };
  /** The node as it was; what was known of its lengths stays known. */
  const keep = (node: Node, x: readonly (Value | undefined)[]) => {
    const names = node.outputs.map((o) => o || graph.fresh(node.type));
    const made = g.node({ ...node, inputs: x.map((v) => v?.name ?? "") }, names.length, names);
    return made.map((value) => g.assume(value, old.info(value.name)?.dims ?? value.dims));
  };
  const kept = new Set(old.outputs.map((o) => o.name));
  for (const node of old.nodes) {
    const x = node.inputs.map((name) => (name ? find(name) : undefined));
    const made = replace(g, node, x, find) ?? keep(node, x);
    node.outputs.forEach((name, i) => {
      const value = made[i];
      if (!name || !value) return;
      now.set(name, kept.has(name) && value.name !== name ? g.op("Identity", [value], {}, { names: [name] }) : value);
    });
  }
  for (const output of old.outputs) g.output(find(output.name), output.name);
  graph.prune();
  return graph;
}
