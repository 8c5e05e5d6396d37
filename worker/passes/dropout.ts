// Dropout made repeatable, or left out. Handled: Dropout with a constant ratio, its mask too, of any shape. Refused: a ratio or a training
// flag that is not constant.
// In training, the mask is a window into a fixed tape of 0 and 1/(1-ratio): rows in the order a + i·b modulo a prime, from column c on;
// a, b and c are hashed from the step count, the seed and the node's number in whole numbers, so they are the same on every device, and
// a resumed run draws what an unbroken one would. Of a step that is taken in parts, each part draws the rows that the whole would have drawn for
// its rows, where the batch is an axis of what is dropped, and numbers are all that stand before it.
import { AppError } from "../../ipc/error.ts";
import type { Graph, Node } from "../onnx/graph.ts";
import type { Builder, Value } from "../ops/builder.ts";
import { constantOf } from "../ops/infer.ts";
import { seeded } from "../ops/samples.ts";
import { bools, float32, toNumbers } from "../tensor.ts";
import { rewrite } from "./rewrite.ts";

/** Rows of the tape: a prime, so that every stride visits all rows. */
const tapeRows = 1021;
/** Width of the rows where x's last axis has a length that only the run tells. */
const freeWidth = 64;
/** How far a window can shift sideways. */
const slack = 64;
/** 2^31 - 1, and two multipliers that go well with it: https://doi.org/10.1090/S0025-5718-99-00996-5 */
const modulus = 2147483647;
const multipliers = [1583458089, 784588716] as const;

/** Inference: every Dropout vanishes. */
export function withoutDropout(graph: Graph): Graph {
  return rewrite(graph, (g, node, x) => (isDropout(node) ? [x[0], keptAll(g, node, x[0]!)] : undefined));
}

/** Steps that are taken in parts: the batch's symbol, and the inputs that say where in a batch a part begins, and how many rows that has. */
interface PartInputs {
  batch: string;
  from: string;
  of: string;
}

/**
 * Training: every Dropout with a ratio above 0 becomes a product with its mask, drawn from `t` and `seed` (int64 scalar), which are added as inputs,
 * as are those of `part` (int64 scalars).
 */
export function repeatableDropout(graph: Graph, names: { t: string; seed: string; part?: PartInputs | undefined }): Graph {
  if (!graph.nodes.some(isDropout)) return graph;
  let count = 0;
  let hash: Value | undefined;
  let part: Placing | undefined;
  return rewrite(graph, (g, node, x) => {
    if (!isDropout(node)) return undefined;
    const ratio = ratioOf(g, node, x);
    if (ratio === 0) return [x[0], keptAll(g, node, x[0]!)];
    hash ??= stepHash(g, g.input(names.t, "float32", []), g.input(names.seed, "int64", []));
    if (names.part) part ??= placing(g, names.part);
    const factors = mask(g, x[0]!, { ratio, hash, index: count++, part });
    return [g.mul(x[0]!, factors), node.outputs[1] ? g.greater(factors, 0) : undefined];
  });
}

const isDropout = (node: Node): boolean => node.type === "Dropout" && node.domain === "";

/** The mask that drops nothing, where the node gives one. */
const keptAll = (g: Builder, node: Node, x: Value): Value | undefined =>
  node.outputs[1] ? g.expandLike(g.constant(bools([], [true])), x) : undefined;

function ratioOf(g: Builder, node: Node, x: readonly (Value | undefined)[]): number {
  const refuse = (what: string) =>
    new AppError("modelInvalid", `Dropout '${node.name}': ${what}.`, "Give a constant ratio and training flag.", { node: node.name });
  const training = x[2] && constantOf(g.graph, x[2].name);
  if (!x[2] || (training && !training.data[0])) return 0; // absent means: not training
  const ratio = x[1] ? constantOf(g.graph, x[1].name) : float32([], [0.5]);
  if (!training || !ratio) throw refuse("its ratio or its training flag is computed");
  return toNumbers(ratio)[0]!;
}

/** A number that changes with every step: (t · m + seed) · m modulo 2^31 - 1. */
function stepHash(g: Builder, t: Value, seed: Value): Value {
  const mixed = g.mod(g.add(g.mul(g.cast(t, "int64"), multipliers[0]), seed), modulus);
  return g.mod(g.mul(mixed, multipliers[1]), modulus);
}

interface Placing {
  batch: string;
  from: Value;
  of: Value;
}

const placing = (g: Builder, { batch, from, of }: PartInputs): Placing => ({
  batch,
  from: g.input(from, "int64", []),
  of: g.input(of, "int64", []),
});

interface Mask {
  ratio: number;
  hash: Value;
  index: number;
  part: Placing | undefined;
}

function mask(g: Builder, x: Value, { ratio, hash, index, part }: Mask): Value {
  const last = x.dims.at(-1);
  const width = typeof last === "number" ? last : freeWidth;
  const h = g.mod(g.mul(g.add(hash, 7919 * (index + 1)), multipliers[0]), modulus);
  const high = g.div(h, tapeRows);
  const a = g.mod(h, tapeRows);
  const b = g.add(g.mod(high, tapeRows - 1), 1);
  const c = g.unsqueeze(g.mod(g.div(high, tapeRows - 1), slack), [0]);
  const window = g.op("Slice", [tape(g, width, ratio), c, g.add(c, width), g.list([1])]);
  const counted = (rows: Value) => g.op("Range", [g.scalar(0, "int64"), rows, g.scalar(1, "int64")]);
  const rowsAt = (places: Value) => g.gather(window, g.mod(g.add(g.mul(places, b), a), tapeRows));
  if (typeof last !== "number") {
    // As many rows as it takes, one behind the other, and of these what x has.
    const size = g.op("Size", [x]);
    if (part) {
      const begin = g.mul(part.from, sizeOfRow(g, x, size, part)); // numbers of the batch before this part
      const skipped = g.mod(begin, width);
      const rows = g.div(g.add(g.add(skipped, size), width - 1), width);
      const drawn = g.reshape(rowsAt(g.add(counted(rows), g.div(begin, width))), g.list([-1]));
      const cut = g.op("Slice", [drawn, g.unsqueeze(skipped, [0]), g.unsqueeze(g.add(skipped, size), [0])]);
      return g.assume(g.reshape(cut, g.shapeOf(x)), x.dims);
    }
    const drawn = g.reshape(rowsAt(counted(g.div(g.add(size, width - 1), width))), g.list([-1]));
    const cut = g.op("Slice", [drawn, g.list([0]), g.unsqueeze(size, [0])]);
    return g.assume(g.reshape(cut, g.shapeOf(x)), x.dims);
  }
  const flat = x.dims.length === 2 ? x : g.reshape(x, [-1, width]);
  const length = flat.dims[0]!;
  const rows = typeof length === "number" ? g.scalar(length, "int64") : g.squeeze(g.op("Shape", [flat], { start: 0, end: 1 }), [0]);
  const places = part ? placesInBatch(g, x, counted(rows), rows, part) : counted(rows);
  const drawn = g.assume(rowsAt(places), flat.dims);
  return g.assume(g.reshapeLike(drawn, x), x.dims);
}

/** How often a row of the batch stands one behind the other in x: the axes before that of the batch; undefined where it has no such axis. */
function groupsOf(x: Value, { batch }: Placing): { axis: number; groups: number } | undefined {
  const axis = x.dims.indexOf(batch);
  const before = x.dims.slice(0, Math.max(0, axis));
  if (axis < 0 || before.some((d) => typeof d !== "number")) return undefined;
  return { axis, groups: (before as number[]).reduce((product, d) => product * d, 1) };
}

const lengthOf = (g: Builder, x: Value, axis: number): Value => g.squeeze(g.op("Shape", [x], { start: axis, end: axis + 1 }), [0]);

/** Numbers of x that belong to one row of the batch. */
function sizeOfRow(g: Builder, x: Value, size: Value, part: Placing): Value {
  const found = groupsOf(x, part);
  return found ? g.div(size, lengthOf(g, x, found.axis)) : g.scalar(1, "int64");
}

/** Rows of the flattened x by their places in the flattened whole: in each group the part's rows stand behind those of the parts before. */
function placesInBatch(g: Builder, x: Value, places: Value, rows: Value, part: Placing): Value {
  const found = groupsOf(x, part);
  if (!found) return g.add(places, part.from); // other rows of the tape than those of the parts before
  const batch = lengthOf(g, x, found.axis);
  const each = g.div(rows, g.mul(batch, found.groups)); // rows of x to one of the batch and group
  const moved = g.add(places, g.mul(part.from, each));
  if (found.groups === 1) return moved;
  const group = g.div(places, g.mul(batch, each));
  return g.add(moved, g.mul(group, g.mul(g.sub(part.of, batch), each)));
}

/** Shared by all dropouts of one width and ratio. */
function tape(g: Builder, width: number, ratio: number): Value {
  const name = `dropout.tape.${width}.${ratio}`;
  if (g.graph.defines(name)) return g.value(name);
  const random = seeded(width * 1000 + Math.round(ratio * 1000));
  const keep = 1 / (1 - ratio);
  const values = Float32Array.from({ length: tapeRows * (width + slack) }, () => (random() < ratio ? 0 : keep));
  return g.constant(float32([tapeRows, width + slack], values), name);
}
