// Recomputation: what lies within a part of the forward graph is forgotten after it was used and computed again, from what the part was given,
// when the walk back comes to it (https://arxiv.org/abs/1604.06174). Handled: any graph that segments.ts can cut, gradients equal to the bit (unless the
// runtime fuses nodes of which nothing is remembered any more, and rounds otherwise then).
// Left alone: the last part, whose values are needed at once; what random operators make; what is asked for before its part is reached.
//
// A copy of a node that reads what the node reads would be merged with it, and run as early. So the copies read x - z, where z is a zero that
// follows from the gradients of all later parts: x - 0 is x to the bit (also for -0), and no optimizer can know that z is zero.
import { type Node, outerNames } from "../onnx/graph.ts";
import { dtypeCode } from "../onnx/proto.ts";
import type { Builder, Value } from "../ops/builder.ts";
import { type DType, isFloat } from "../tensor.ts";
import { kept, type Segments } from "./segments.ts";

export { type Segmenting, type Segments, segmentsOf } from "./segments.ts";

/** Types of which x - z can be computed everywhere. */
const holdable: ReadonlySet<DType> = new Set(["float32", "float64", "float16", "int64", "int32", "bool"]);

/**
 * Rewrites, in place, the graph of which the walk has just added the gradients. Says how many nodes are computed twice.
 * @param at.batch names of the inputs that are no parameters
 * @param at.gradients the walk's result for the parameters and for `segments.bounds`
 */
export function recompute(g: Builder, segments: Segments, at: { batch: readonly string[]; gradients: ReadonlyMap<string, Value> }): number {
  const { graph } = g;
  const nodes = [...graph.nodes];
  const { nodes: forward, cuts, bounds } = segments;
  const place = new Map(nodes.flatMap((node, i) => node.outputs.map((y) => [y, i] as const)));
  const partAt = (i: number) => cuts.findIndex((cut) => i <= cut); // -1: the last one
  const partOf = new Map<string, number>();
  const { stays, moves } = kept(graph, at.batch);
  const outputs = new Set(graph.outputs.map((o) => o.name));
  for (const [i, node] of nodes.slice(0, forward).entries()) {
    const part = partAt(i);
    for (const y of node.outputs) if (y && part >= 0 && !stays(y) && !outputs.has(y)) partOf.set(y, part);
    // What a later part reads is remembered; so is what an inner graph reads, by its name.
    for (const x of node.inputs) if (partOf.has(x) && partOf.get(x) !== part) partOf.delete(x);
    for (const x of outerNames(node)) partOf.delete(x);
  }
  /** Where the walk has gone through all later parts; a part of which that cannot be said is remembered. */
  const reached = bounds.map((name) => {
    const dx = at.gradients.get(name);
    return dx && isFloat(dx.dtype) ? (place.get(dx.name) ?? Infinity) : Infinity;
  });
  const first = bounds.map(() => Infinity);
  for (let i = forward; i < nodes.length; i++) {
    for (const x of outerNames(nodes[i]!)) partOf.delete(x);
    for (const x of nodes[i]!.inputs) if (i <= (reached[partOf.get(x) ?? -1] ?? -1)) partOf.delete(x);
  }
  const wanted = new Set<string>();
  for (let i = forward; i < nodes.length; i++)
    for (const x of nodes[i]!.inputs) {
      const part = partOf.get(x);
      if (part === undefined) continue;
      wanted.add(x);
      first[part] = Math.min(first[part]!, i);
    }

  const now = new Map<string, string>();
  const added = new Map<number, Node[]>();
  const finished = [...at.gradients.values()].flatMap((dx) => {
    const i = place.get(dx.name);
    return i === undefined || i < forward || !isFloat(dx.dtype) ? [] : [{ dx, at: i }];
  });
  let copied = 0;
  let done = forward;
  for (let part = cuts.length - 1; part >= 0; part--) {
    const start = first[part]!;
    if (start === Infinity) continue;
    const before = graph.nodes.length;
    const sources = finished.filter((f) => f.at < start && (f.at >= done || f.dx === at.gradients.get(bounds[part]!)));
    const hold = holder(
      g,
      sources.map((f) => f.dx),
    );
    copied += copyPart(g, nodes.slice((cuts[part - 1] ?? -1) + 1, cuts[part]! + 1), { wanted, partOf, now, stays, moves, hold });
    added.set(start, graph.nodes.slice(before));
    done = start;
  }
  const old = (node: Node): Node => ({ ...node, inputs: node.inputs.map((x) => now.get(x) ?? x) });
  graph.replaceNodes(nodes.flatMap((node, i) => (i < forward ? [node] : [...(added.get(i) ?? []), old(node)])));
  return copied;
}

/** A part's nodes again, as far as they are wanted; `now` says what the new values are called. Returns how many. */
function copyPart(
  g: Builder,
  nodes: readonly Node[],
  at: {
    wanted: Set<string>;
    partOf: ReadonlyMap<string, number>;
    now: Map<string, string>;
    stays: (value: string) => boolean;
    moves: (value: string) => boolean;
    hold: (x: Value) => Value;
  },
): number {
  const needed: Node[] = [];
  for (const node of [...nodes].reverse()) {
    if (!node.outputs.some((y) => at.wanted.has(y))) continue;
    needed.push(node);
    for (const x of node.inputs) if (at.partOf.has(x)) at.wanted.add(x);
  }
  const fromOutside = new Map<string, string>();
  for (const node of needed.reverse()) {
    const held = (x: string) => {
      const name = fromOutside.get(x) ?? at.hold(g.value(x)).name;
      fromOutside.set(x, name);
      return name;
    };
    const inputs = node.inputs.map((x) => (x === "" || at.stays(x) ? x : at.partOf.has(x) ? at.now.get(x)! : held(x)));
    // One that reads nothing but what stays (a shape, an offset) would be merged with the first: it has to wait too.
    const i = inputs.findIndex((x) => x !== "" && at.moves(x));
    if (i >= 0 && inputs.every((x, j) => x === node.inputs[j])) inputs[i] = held(inputs[i]!);
    const names = node.outputs.map((y) => g.graph.fresh(`${y || node.type}:again`));
    g.node({ ...node, name: names[0]!, inputs }, names.length, names).forEach((value, i) => {
      const before = g.graph.info(node.outputs[i]!);
      if (before) g.assume(value, before.dims);
      if (at.partOf.has(node.outputs[i]!)) at.now.set(node.outputs[i]!, names[i]!);
    });
  }
  return needed.length;
}

/** Makes x wait until the sources are known, and leaves it what it is. */
function holder(g: Builder, sources: readonly Value[]): (x: Value) => Value {
  const named = (type: string, inputs: readonly Value[], attrs: Record<string, number> = {}) =>
    g.op(type, inputs, attrs, { names: [g.graph.fresh(`hold.${type}`)] }); // with a name: never an older node that runs later
  const one = (dx: Value): Value => {
    const n = dx.dims.length;
    const [zeros, ones] = [g.list(new Array<number>(n).fill(0)), g.list(new Array<number>(n).fill(1))];
    const head = n ? named("Slice", [dx, zeros, ones, g.list([...dx.dims.keys()])]) : dx;
    return named("Cast", [n ? g.assume(named("Reshape", [head, g.list([])]), []) : head], { to: dtypeCode("float32") });
  };
  let never: Value | undefined; // |x| < 0, also where x is not a number
  const zeros = new Map<DType, Value>();
  return (x) => {
    if (!holdable.has(x.dtype)) return x;
    if (!never) {
      const all = sources.map(one).reduce((a, b) => named("Add", [a, b]));
      never = named("Less", [named("Abs", [all]), g.scalar(0)]);
    }
    if (x.dtype === "bool") return named("Or", [x, never]);
    const zero = zeros.get(x.dtype) ?? named("Cast", [never], { to: dtypeCode(x.dtype) });
    zeros.set(x.dtype, zero);
    return g.assume(named("Sub", [x, zero]), x.dims);
  };
}
