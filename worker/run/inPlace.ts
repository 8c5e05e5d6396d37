// Which states a step may write over as it goes: those of which the step has read all that it needs before their new value is written,
// in whatever order the runtime takes the nodes. The moments of optimizers are, parameters mostly are not (the way back reads them too).
import { type Graph, type Node, outerNames } from "../onnx/graph.ts";

/** How far behind a state's reader its new value may be made; moments need four nodes or so. */
const reach = 12;

/** Readers that the runtime may fuse with what follows without reading an element after it is written. */
const plain = new Set(["Add", "Sub", "Mul", "Div", "Concat"]);

/** Names of states whose every reader is plain, leads to the node that makes `next:<name>`, and is not that node itself. */
export function writtenOver(graph: Graph, states: Iterable<string>): Set<string> {
  const readers = new Map<string, Node[]>();
  for (const node of graph.nodes)
    for (const name of new Set([...node.inputs, ...outerNames(node)])) {
      const known = readers.get(name);
      if (known) known.push(node);
      else readers.set(name, [node]);
    }
  const leads = (from: Node, to: Node): boolean => {
    let edge: ReadonlySet<Node> = new Set([from]);
    for (let i = 0; i < reach && edge.size > 0 && edge.size < 64; i++) {
      edge = new Set([...edge].flatMap((node) => node.outputs.flatMap((name) => readers.get(name) ?? [])));
      if (edge.has(to)) return true;
    }
    return false;
  };
  const outputs = new Set(graph.outputs.map((o) => o.name));
  return new Set(
    [...states].filter((name) => {
      let maker = graph.producer(`next:${name}`);
      while (maker?.type === "Identity") maker = graph.producer(maker.inputs[0]!); // the runtime leaves copies out
      const before = (reader: Node, last: Node) => plain.has(reader.type) && reader !== last && leads(reader, last);
      return maker && !outputs.has(name) && (readers.get(name) ?? []).every((reader) => before(reader, maker));
    }),
  );
}
