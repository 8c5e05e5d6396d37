// Where a forward graph is cut for recomputation: after nodes of which little is remembered beyond, into parts that hold about equally much.
// https://arxiv.org/abs/1604.06174: with √n parts of n layers, memory grows with √n and one forward pass more is computed.
import { AppError } from "../../ipc/error.ts";
import { type Dim, type Graph, outerNames, type ValueInfo } from "../onnx/graph.ts";
import { operator } from "../ops/index.ts";
import { bytesOf, isFloat } from "../tensor.ts";

/** Into how many parts: a number from 2, or "auto" for the number that should need the least memory. */
export type Segmenting = number | "auto";

export interface Segments {
  /** How many nodes the forward graph has: the first ones of the graph. */
  nodes: number;
  /** Places of the last node of each part but the last, rising. */
  cuts: number[];
  /** A value of each of those nodes that all its readers read in later parts; its gradient is where going back into the part begins. */
  bounds: string[];
}

/** What a length is taken for while nothing is run; only proportions matter. */
const nominal = 32;
const sizeOf = (dims: readonly Dim[]): number => dims.reduce<number>((n, d) => n * (typeof d === "number" ? d : nominal), 1);
const bytes = (info: ValueInfo | undefined): number => (info ? bytesOf(info.dtype) * sizeOf(info.dims) : 0);

export interface Kept {
  /** Whether a value depends on the batch. */
  moves(value: string): boolean;
  /** Whether it is remembered in any case: shapes, what random operators and operators with inner graphs make, and what depends on no batch. */
  stays(value: string): boolean;
}

export function kept(graph: Graph, given: Iterable<string>): Kept {
  const batch = new Set(given);
  const keeps = new Set<string>();
  for (const node of graph.nodes) {
    const own = operator(node.type, node.domain).random || Object.values(node.attrs).some((a) => a.type === "graph");
    const moves = [...node.inputs, ...outerNames(node)].some((x) => batch.has(x));
    for (const y of node.outputs) {
      if (moves) batch.add(y);
      const info = graph.info(y);
      if (own || !info || (!isFloat(info.dtype) && info.dims.length < 2 && sizeOf(info.dims) <= 8)) keeps.add(y);
    }
  }
  return { moves: (value) => batch.has(value), stays: (value) => !batch.has(value) || keeps.has(value) };
}

/** Operators that need neither what they read nor what they make on the way back, and those that need what they make. */
const plain = new Set(
  "Add Sub Neg Reshape Transpose Concat Split Squeeze Unsqueeze Flatten Identity Cast Slice Expand Gather ReduceSum ReduceMean Pad".split(
    " ",
  ),
);
const byResult = new Set("Tanh Sigmoid Softmax LogSoftmax Exp Sqrt Relu Reciprocal LayerNormalization".split(" "));

/** Values that the way back probably reads. */
function needed(graph: Graph): Set<string> {
  const names = new Set<string>();
  for (const { type, inputs, outputs } of graph.nodes) {
    if (!plain.has(type)) for (const x of inputs) names.add(x);
    if (byResult.has(type)) for (const y of outputs) names.add(y);
  }
  return names;
}

/**
 * The parts of a forward graph, or undefined where it has no place to be cut at.
 * @param batch names of the inputs that are no parameters
 * @param trained names of the parameters
 * @throws usage for fewer than two parts
 */
export function segmentsOf(
  graph: Graph,
  { batch, trained, segments }: { batch: readonly string[]; trained: readonly string[]; segments: Segmenting },
): Segments | undefined {
  if (segments !== "auto" && !(Number.isInteger(segments) && segments >= 2))
    throw new AppError("usage", `Recomputation takes two segments or more, not ${segments}.`, "Give a number from 2, or none.");
  const { nodes } = graph;
  const { stays } = kept(graph, batch);
  const last = new Map<string, number>();
  nodes.forEach((node, i) => [...node.inputs, ...outerNames(node)].forEach((x) => last.set(x, i)));
  const outputs = new Set(graph.outputs.map((o) => o.name));

  const moved = new Set(trained);
  const back = needed(graph);
  /** Bytes that node i makes and the way back needs, and that nodes up to i have made and later ones read. */
  const made: number[] = [];
  const crossing: number[] = [];
  const candidates: { at: number; name: string }[] = [];
  const ends = new Map<number, number>();
  let open = 0;
  nodes.forEach((node, i) => {
    if (node.inputs.some((x) => moved.has(x))) for (const y of node.outputs) moved.add(y);
    const own = node.outputs.filter((y) => y && !stays(y));
    made[i] = own.reduce((sum, y) => sum + (back.has(y) ? bytes(graph.info(y)) : 0), 0);
    for (const y of own) {
      const end = last.get(y) ?? i;
      if (end <= i) continue;
      open += bytes(graph.info(y));
      ends.set(end, (ends.get(end) ?? 0) + bytes(graph.info(y)));
    }
    open -= ends.get(i) ?? 0;
    crossing[i] = open;
    const name = own.find((y) => moved.has(y) && last.has(y) && isFloat(graph.info(y)!.dtype) && !outputs.has(y));
    if (name !== undefined) candidates.push({ at: i, name });
  });
  const tries = segments === "auto" ? Array.from({ length: 31 }, (_, i) => i + 2) : [segments];
  let best: { cost: number; cuts: { at: number; name: string }[] } | undefined;
  for (const count of tries.filter((n) => n <= candidates.length + 1)) {
    const cuts = cutInto(count, candidates, made, crossing);
    const cost = costOf(cuts, made, crossing);
    if (!best || cost < best.cost) best = { cost, cuts };
  }
  if (!best && candidates.length) best = { cost: 0, cuts: candidates };
  return best?.cuts.length ? { nodes: nodes.length, cuts: best.cuts.map((c) => c.at), bounds: best.cuts.map((c) => c.name) } : undefined;
}

type Cut = { at: number; name: string };

/** Near each of the places that share the bytes out evenly, the one with the least crossing. */
function cutInto(count: number, candidates: readonly Cut[], made: readonly number[], crossing: readonly number[]): Cut[] {
  const total = made.reduce((a, b) => a + b, 0);
  const sums: number[] = [];
  made.reduce((sum, b, i) => (sums[i] = sum + b), 0);
  const cuts: Cut[] = [];
  const part = total / count;
  let from = 0;
  for (let k = 1; k < count; k++) {
    let chosen: Cut | undefined;
    for (; from < candidates.length && sums[candidates[from]!.at]! < (k - 0.5) * part; from++);
    for (let j = from; j < candidates.length && sums[candidates[j]!.at]! <= (k + 0.5) * part; j++) {
      const one = candidates[j]!;
      const [now, before] = [crossing[one.at]!, chosen ? crossing[chosen.at]! : Infinity];
      const nearer = chosen && Math.abs(sums[one.at]! - k * part) < Math.abs(sums[chosen.at]! - k * part);
      if (one.at > (cuts.at(-1)?.at ?? -1) && (now < before || (now === before && nearer))) chosen = one;
    }
    if (chosen) cuts.push(chosen);
  }
  return cuts;
}

/** What is remembered between the parts, and the largest of them whole. */
function costOf(cuts: readonly Cut[], made: readonly number[], crossing: readonly number[]): number {
  let [between, largest, part] = [0, 0, 0];
  const ends = new Set(cuts.map((c) => c.at));
  made.forEach((b, i) => {
    part += b;
    if (ends.has(i)) between += crossing[i]!;
    if (ends.has(i) || i === made.length - 1) [largest, part] = [Math.max(largest, part), 0];
  });
  return between + largest;
}
