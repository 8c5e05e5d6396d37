// Which states may be written over while they are read: then a step needs their memory once, not twice. Those are the moments, as a rule: they
// are read only on the way to their own next value. Parameters are read by the gradients of what comes before them, whenever that runs.
import type { Graph, Node } from "../onnx/graph.ts";
import type { StepState } from "./engine.ts";

/** Operators that read each element before they write it in the same place. */
const elementwise = new Set(["Add", "Sub", "Mul", "Div", "Where"]);
/** Operators whose result may be their input's memory under another shape. */
const views = new Set(["Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity"]);

/** Names of the states whose next value may take the memory of the present one, whatever the order in which the nodes run. */
export function writtenInPlace(graph: Graph, states: readonly StepState[]): Set<string> {
  const readers = new Map<string, Node[]>();
  for (const node of graph.nodes) for (const name of new Set(node.inputs)) readers.set(name, [...(readers.get(name) ?? []), node]);
  const outputs = new Set(graph.outputs.map((o) => o.name));
  const inner = graph.nodes.some((node) => Object.values(node.attrs).some((a) => a.type === "graph"));
  const found = new Set<string>();
  for (const { name, dims } of states) {
    const next = `next:${name}`;
    const writer = graph.producer(next);
    if (inner || !writer || views.has(writer.type)) continue;
    const before = ancestors(graph, writer);
    const own = elementwise.has(writer.type) && graph.info(next)?.dims.join() === dims.join();
    if (readsOf(name, readers).every(({ node, whole }) => (node === writer ? own && whole : before.has(node))) && !outputs.has(name))
      found.add(name);
  }
  return found;
}

/** Nodes that read a value or a view of it; `whole` where it is the value itself. */
function readsOf(name: string, readers: ReadonlyMap<string, readonly Node[]>, whole = true): { node: Node; whole: boolean }[] {
  return (readers.get(name) ?? []).flatMap((node) => [
    { node, whole },
    ...(views.has(node.type) ? readsOf(node.outputs[0]!, readers, false) : []),
  ]);
}

function ancestors(graph: Graph, node: Node): Set<Node> {
  const seen = new Set<Node>();
  const open = [node];
  for (let at = open.pop(); at; at = open.pop())
    for (const name of at.inputs) {
      const producer = graph.producer(name);
      if (!producer || seen.has(producer)) continue;
      seen.add(producer);
      open.push(producer);
    }
  return seen;
}
