// States that a step writes over as it goes, so that they need one buffer and not two. That is safe when all that reads a state comes before
// the node that writes its new value, in whatever order the runtime takes the nodes: when every reader leads to that node. Moments are so by
// themselves. Parameters are not, for the way back reads them beside their own gradient; where they are large, their update is made to
// wait for it: a number of the update is joined with none of the numbers of that reader's result.
import type { Graph, Node } from "../onnx/graph.ts";
import { outerNames } from "../onnx/graph.ts";
import { int64, sizeOf } from "../tensor.ts";

/** From this many numbers on a second buffer costs more than the four small nodes that save it. */
const large = 65_536;
/** Nodes that the runtime may leave out or move: what reads their result reads what they read. */
const views = new Set(["Identity", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Transpose", "Cast"]);
/** Each number by itself: these may write over what they read. */
const plain = new Set(["Add", "Sub", "Mul", "Div"]);

export interface Placed {
  graph: Graph;
  /** Names of the states that one buffer is enough for. */
  single: ReadonlySet<string>;
}

/** @param states that come out again as `next:<name>`; the given graph is left alone */
export function inPlace(graph: Graph, states: readonly string[]): Placed {
  const nodes = graph.nodes;
  const place = new Map(nodes.map((node, i) => [node, i]));
  const readers = readersOf(nodes);
  const before = ancestry(graph, place);
  const outputs = new Set(graph.outputs.map((o) => o.name));
  const single = new Set<string>();
  /** By the node that waits: which of its inputs, and results to wait for. */
  const waits = new Map<Node, { input: number; results: string[] }>();
  for (const name of states) {
    let maker = graph.producer(`next:${name}`);
    while (maker?.type === "Identity") maker = graph.producer(maker.inputs[0]!);
    const info = graph.info(name);
    if (!maker || !info || outputs.has(name)) continue;
    const found = behindViews(readers, name, outputs);
    const alike = graph.info(maker.outputs[0]!)?.dims.join() === info.dims.join();
    if (!found || (found.includes(maker) && !(plain.has(maker.type) && alike))) continue;
    const isBefore = before(maker);
    const late = found.filter((reader) => reader !== maker && !isBefore[place.get(reader)!]);
    if (!late.length) single.add(name);
    else if (sizeOf(info.dims as number[]) >= large) {
      const site = waitingSite(graph, maker, readers, outputs);
      const results = late.map((reader) => reader.outputs[0]!);
      const ready = late.every((reader) => place.get(reader)! < (site ? place.get(site.node)! : 0));
      if (!site || waits.has(site.node) || !ready || results.some((r) => graph.info(r)?.dtype !== "float32")) continue;
      waits.set(site.node, { input: site.input, results });
      single.add(name);
    }
  }
  return { graph: waits.size ? waiting(graph, waits) : graph, single };
}

function readersOf(nodes: readonly Node[]): Map<string, Node[]> {
  const readers = new Map<string, Node[]>();
  for (const node of nodes)
    for (const name of new Set([...node.inputs, ...outerNames(node)])) {
      const known = readers.get(name);
      if (known) known.push(node);
      else if (name) readers.set(name, [node]);
    }
  return readers;
}

/** What reads a value, by itself or through views; undefined where a view of it goes out. */
function behindViews(readers: ReadonlyMap<string, Node[]>, name: string, outputs: ReadonlySet<string>): Node[] | undefined {
  const found: Node[] = [];
  for (const reader of readers.get(name) ?? []) {
    if (!views.has(reader.type)) {
      found.push(reader);
      continue;
    }
    const further = outputs.has(reader.outputs[0]!) ? undefined : behindViews(readers, reader.outputs[0]!, outputs);
    if (!further) return undefined;
    found.push(...further);
  }
  return found;
}

/** Marks, by place, of all nodes that lead to a node. */
function ancestry(graph: Graph, place: ReadonlyMap<Node, number>): (node: Node) => Uint8Array {
  const nodes = graph.nodes;
  const leading = nodes.map((node) =>
    [...node.inputs, ...outerNames(node)].flatMap((name) => {
      const from = name ? graph.producer(name) : undefined;
      return from ? [place.get(from)!] : [];
    }),
  );
  return (node) => {
    const marks = new Uint8Array(nodes.length);
    const open = [place.get(node)!];
    for (let at = open.pop(); at !== undefined; at = open.pop())
      for (const from of leading[at]!)
        if (!marks[from]) {
          marks[from] = 1;
          open.push(from);
        }
    return marks;
  };
}

/** The nearest node of an update that takes a single number and is read by the update alone. */
function waitingSite(graph: Graph, maker: Node, readers: ReadonlyMap<string, Node[]>, outputs: ReadonlySet<string>) {
  let edge = [maker];
  for (let depth = 0; depth < 4; depth++) {
    for (const node of edge) {
      const input = node.inputs.findIndex((name) => graph.info(name)?.dims.length === 0 && graph.info(name)?.dtype === "float32");
      if (plain.has(node.type) && input >= 0 && (graph.info(node.outputs[0]!)?.dims.length ?? 0) > 0) return { node, input };
    }
    edge = edge.flatMap((node) =>
      node.inputs.flatMap((name) => {
        const from = graph.producer(name);
        return from && !outputs.has(name) && readers.get(name)?.length === 1 ? [from] : [];
      }),
    );
  }
  return undefined;
}

/** The graph in which these nodes take their number joined with nothing of each result. */
function waiting(old: Graph, waits: ReadonlyMap<Node, { input: number; results: string[] }>): Graph {
  const graph = old.clone();
  const list = (name: string, values: number[]) => {
    const whole = graph.fresh(name);
    graph.addInitializer(whole, int64([values.length], values));
    return whole;
  };
  const [flat, none, one] = [list("wait.flat", [-1]), list("wait.none", [0]), list("wait.one", [1])];
  const made: Node[] = [];
  const add = (type: string, inputs: string[], attrs: Node["attrs"] = {}) => {
    const output = graph.fresh("wait");
    graph.reserve([output]);
    made.push({ type, domain: "", name: output, inputs, outputs: [output], attrs });
    return output;
  };
  for (const node of old.nodes) {
    const wait = waits.get(node);
    if (!wait) {
      made.push(node);
      continue;
    }
    const nothing = wait.results.map((name) => add("Slice", [add("Reshape", [name, flat]), none, none]));
    const number = add("Concat", [add("Reshape", [node.inputs[wait.input]!, one]), ...nothing], { axis: { type: "int", value: 0 } });
    made.push({ ...node, inputs: node.inputs.map((name, i) => (i === wait.input ? number : name)) });
  }
  graph.replaceNodes(made);
  return graph;
}
