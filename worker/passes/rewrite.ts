// The frame of a pass: the graph is built anew, node by node, and each node may be replaced by others. Equal nodes become one.
import { AppError } from "../../ipc/error.ts";
import { Graph, type Node, outerNames, type ValueInfo } from "../onnx/graph.ts";
import { Builder, type Value } from "../ops/builder.ts";

/**
 * Values for the node's outputs, or undefined to keep the node.
 * @param x its inputs in the new graph (undefined where absent)
 * @param find what an older name stands for in the new graph
 * @param keep puts the node in as it was
 */
export type Replace = (
  g: Builder,
  node: Node,
  x: readonly (Value | undefined)[],
  find: (name: string) => Value,
  keep: () => readonly Value[],
) => readonly (Value | undefined)[] | undefined;

export interface RewriteOptions {
  /** Other types for the inputs. */
  input?: (info: ValueInfo) => ValueInfo;
  /** Versions of the operator sets of the new graph; default those of the old. */
  opsets?: ReadonlyMap<string, number>;
  /** Whether the types of all values are our own inference's (not a file's word): then nodes that see nothing new are not inferred again. */
  typed?: boolean;
}

/** The graph after the replacements, pruned. The old one is left alone; names of what is kept stay. */
export function rewrite(old: Graph, replace: Replace, { input, opsets, typed }: RewriteOptions = {}): Graph {
  const graph = new Graph(old.name);
  for (const [k, v] of old.metadata) graph.metadata.set(k, v);
  for (const [k, v] of opsets ?? old.opsets) graph.opsets.set(k, v);
  graph.reserve(old.nodes.flatMap((n) => [n.name, ...n.outputs])); // nodes are named after their outputs
  const g = new Builder(graph);
  const now = new Map<string, Value>();
  /** Values that are what they were, by name and type. */
  const same = typed && !input && !opsets ? new Set<Value>() : undefined;
  const trainable = new Set(old.parameters);
  for (const info of input ? old.inputs.map(input) : old.inputs) now.set(info.name, g.input(info.name, info.dtype, info.dims));
  for (const [name, tensor] of old.initializers) {
    graph.addInitializer(name, tensor, { trainable: trainable.has(name) });
    now.set(name, g.value(name));
  }
  if (same) for (const value of now.values()) same.add(value);
  const find = (name: string): Value => {
    const value = now.get(name);
    if (!value)
      throw new AppError("modelInvalid", `The graph uses '${name}' before it is defined.`, "The model file is damaged.", { value: name });
    return value;
  };
  /** The node as it was; what was known of its lengths stays known. */
  const keep = (node: Node, x: readonly (Value | undefined)[]) => {
    const infos =
      same && x.every((v, i) => (v ? same.has(v) && v.name === node.inputs[i] : true)) ? node.outputs.map((o) => old.info(o)) : [];
    if (infos.length && infos.every((info) => info !== undefined) && !holdsGraphs(node)) {
      graph.addNode(node);
      for (const info of infos) {
        graph.setInfo(info);
        same!.add(info);
      }
      return infos;
    }
    // Inner graphs know what they take from outside by its name.
    for (const name of outerNames(node)) {
      const value = now.get(name);
      if (value && value.name !== name) now.set(name, g.op("Identity", [value], {}, { names: [name] }));
    }
    const names = node.outputs.map((o) => o || graph.fresh(node.type));
    const made = g.node({ ...node, inputs: x.map((v) => v?.name ?? "") }, names.length, names);
    return made.map((value) => g.assume(value, old.info(value.name)?.dims ?? value.dims));
  };
  const kept = new Set(old.outputs.map((o) => o.name));
  for (const node of old.nodes) {
    const x = node.inputs.map((name) => (name ? find(name) : undefined));
    const made = replace(g, node, x, find, () => keep(node, x)) ?? keep(node, x);
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

const holdsGraphs = (node: Node): boolean => Object.values(node.attrs).some((attr) => attr.type === "graph");
