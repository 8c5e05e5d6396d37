// How much memory a graph needs while it runs, reckoned without running it: its nodes in ONNX Runtime's order, each value alive from the node that
// makes it to the last that reads it. What the runtime writes in place or only views takes no memory of its own. Not counted: what a kernel
// needs for itself, and the gaps between blocks.
import { type Dim, type Graph, type Node, outerNames } from "../onnx/graph.ts";
import { inferGraph } from "../ops/infer.ts";
import { bytesOf } from "../tensor.ts";
import { rewrite } from "./rewrite.ts";

export interface Liveness {
  /** Most bytes of values alive at once, without inputs, constants and outputs, which are somebody else's. */
  peak: number;
  /** The node at which that is. */
  at: Node | undefined;
}

/** Operators whose result may take the place of an input of the same size; of which those with a view give the input itself. */
const inPlace = new Set(
  (
    "Add Sub Mul Div Relu Sigmoid Tanh Exp Log Sqrt Neg Abs Reciprocal Clip Cast Softplus Elu LeakyRelu HardSigmoid Floor Ceil Sign Pow Not And Or " +
    "Sum Max Min Erf Selu Celu Sin Cos"
  ).split(" "),
);
const views = new Set("Reshape Squeeze Unsqueeze Flatten Identity".split(" "));

/**
 * The order in which ONNX Runtime runs the nodes of a file: depth first from the nodes that nobody reads, the last one first, and of a
 * node's inputs the one that stands last in the file first (GraphViewer's default order; checked against its profile in liveness.test.ts).
 */
export function runtimeOrder(graph: Graph): Node[] {
  const place = new Map(graph.nodes.map((node, i) => [node, i]));
  const read = new Set(graph.nodes.flatMap((node) => [...node.inputs, ...outerNames(node)]));
  const stack: { node: Node; leave: boolean }[] = graph.nodes
    .filter((node) => !node.outputs.some((y) => read.has(y)))
    .map((node) => ({ node, leave: false }));
  const seen = new Set<Node>();
  const order: Node[] = [];
  while (stack.length) {
    const { node, leave } = stack.pop()!;
    if (leave) {
      order.push(node);
      continue;
    }
    if (seen.has(node)) continue;
    seen.add(node);
    stack.push({ node, leave: true });
    const before = [...node.inputs, ...outerNames(node)].flatMap((x) => graph.producer(x) ?? []);
    for (const one of before.sort((a, b) => place.get(a)! - place.get(b)!)) if (!seen.has(one)) stack.push({ node: one, leave: false });
  }
  return order;
}

/**
 * The graph with lengths for its symbols, so that every value has a size.
 * @param sizes by symbol ("B") or by place ("x.0"); others are `usual`
 */
export function sized(graph: Graph, sizes: Readonly<Record<string, number>>, usual = 8): Graph {
  const length = (name: string, d: Dim, i: number) => (typeof d === "number" ? d : (sizes[`${name}.${i}`] ?? sizes[d] ?? usual));
  const copy = rewrite(graph, () => undefined, {
    input: ({ name, dtype, dims }) => ({ name, dtype, dims: dims.map((d, i) => length(name, d, i)) }),
  });
  inferGraph(copy);
  return copy;
}

/** Bytes of a value; a length that is still not known counts as `usual`. */
export function bytesAt(graph: Graph, name: string, sizes: Readonly<Record<string, number>>, usual = 8): number {
  const info = graph.info(name);
  if (!info) return 0;
  return info.dims.reduce<number>((n, d) => n * (typeof d === "number" ? d : (sizes[d] ?? usual)), bytesOf(info.dtype));
}

export function liveness(graph: Graph, sizes: Readonly<Record<string, number>> = {}, usual = 8): Liveness {
  const known = sized(graph, sizes, usual);
  const bytes = (name: string) => bytesAt(known, name, sizes, usual);
  const order = runtimeOrder(known);
  const last = new Map<string, number>();
  order.forEach((node, i) => [...node.inputs, ...outerNames(node)].forEach((x) => last.set(x, i)));
  const outside = new Set([...known.inputs.map((i) => i.name), ...known.initializers.keys(), ...known.outputs.map((o) => o.name), ""]);
  /** The block that a value lies in, and how many values still lie in each block. */
  const blockOf = new Map<string, { bytes: number; users: number }>();
  /** Views of what is somebody else's. */
  const shown = new Set<string>();
  let alive = 0;
  let found: Liveness = { peak: 0, at: undefined };
  const drop = (name: string) => {
    const block = blockOf.get(name);
    blockOf.delete(name);
    if (block && --block.users === 0) alive -= block.bytes;
  };
  for (const [i, node] of order.entries()) {
    const own = node.domain === "";
    const dying = [...new Set(node.inputs)].filter((x) => last.get(x) === i);
    node.outputs.forEach((y, at) => {
      if (outside.has(y)) return;
      const size = bytes(y);
      const isView = own && at === 0 && views.has(node.type);
      if (isView && (outside.has(node.inputs[0]!) || shown.has(node.inputs[0]!))) {
        shown.add(y);
        return;
      }
      const view = isView ? blockOf.get(node.inputs[0]!) : undefined;
      const place =
        view ??
        (own && at === 0 && inPlace.has(node.type)
          ? dying.map((x) => ({ x, block: blockOf.get(x) })).find(({ x, block }) => block?.users === 1 && bytes(x) === size)?.block
          : undefined);
      const block = place ?? { bytes: size, users: 0 };
      if (!place) alive += size;
      block.users++;
      blockOf.set(y, block);
    });
    if (alive > found.peak) found = { peak: alive, at: node };
    for (const x of dying) drop(x);
    for (const y of node.outputs) if (!last.has(y)) drop(y);
  }
  return found;
}
