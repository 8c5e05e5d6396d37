// Whether a graph is sound: every name defined once, before its use; types that are told agree with the tensors.
import { AppError } from "../../ipc/error.ts";
import { type Graph, type Node, outerNames } from "./graph.ts";

/**
 * Throws `modelInvalid`, naming the node and the value. Names are defined once by construction (Graph sees to it).
 * @param outer names that an inner graph may use
 */
export function check(graph: Graph, outer: ReadonlySet<string> = new Set()): void {
  const defined = new Set(outer);
  for (const { name } of graph.inputs) defined.add(name);
  for (const [name, tensor] of graph.initializers) {
    defined.add(name);
    const info = graph.info(name);
    if (info && (info.dtype !== tensor.dtype || info.dims.join() !== tensor.dims.join()))
      throw invalid(
        `The initializer '${name}' is said to be ${info.dtype}[${info.dims.join(", ")}] but is ${tensor.dtype}[${tensor.dims.join(", ")}]`,
        name,
      );
  }
  for (const node of graph.nodes) {
    for (const name of node.inputs)
      if (name && !defined.has(name)) throw invalid(`${say(node)} uses '${name}', which nothing before it defines`, name);
    for (const attr of Object.values(node.attrs)) if (attr.type === "graph") check(attr.value, defined);
    for (const name of node.outputs) if (name) defined.add(name);
  }
  for (const { name } of graph.outputs) if (!defined.has(name)) throw invalid(`The output '${name}' is not defined`, name);
}

/** Puts the nodes in an order in which each uses only what stands before it. Throws `modelInvalid` for a circle or an undefined name. */
export function sortNodes(graph: Graph): void {
  const done = new Set([...graph.inputs.map((i) => i.name), ...graph.initializers.keys(), ""]);
  const users = new Map<string, Node[]>();
  const missing = new Map<Node, number>();
  const ready: Node[] = [];
  for (const node of graph.nodes) {
    const needs = new Set([...node.inputs, ...outerNames(node).filter((n) => graph.producer(n))].filter((n) => !done.has(n)));
    missing.set(node, needs.size);
    if (!needs.size) ready.push(node);
    for (const name of needs) {
      const known = users.get(name);
      if (known) known.push(node);
      else users.set(name, [node]);
    }
  }
  const sorted: Node[] = [];
  for (let i = 0; i < ready.length; i++) {
    const node = ready[i]!;
    sorted.push(node);
    for (const name of node.outputs)
      for (const user of users.get(name) ?? []) {
        const left = missing.get(user)! - 1;
        missing.set(user, left);
        if (left === 0) ready.push(user);
      }
  }
  if (sorted.length !== graph.nodes.length) {
    const stuck = graph.nodes.find((n) => missing.get(n)! > 0)!;
    throw invalid(`${say(stuck)} waits for itself, or for a value that nothing defines`, stuck.inputs.join(", "));
  }
  if (sorted.some((node, i) => node !== graph.nodes[i])) graph.replaceNodes(sorted);
}

const say = (node: Node): string => `${node.type} '${node.name || node.outputs[0]}'`;

function invalid(message: string, value: string): AppError {
  return new AppError("modelInvalid", `${message}.`, "The model file is damaged: export it again.", { value });
}
