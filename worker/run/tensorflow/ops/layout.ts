// The same numbers in another shape or order, and numbers out of shapes.
import { dtypeOf } from "../../../onnx/proto.ts";
import { broadcast, reshapeShape, sliceRange } from "../../../ops/shapes.ts";
import { sizeOf } from "../../../tensor.ts";
import { type Entry, expand, type Step, type Tf, type TfTensor } from "../op.ts";
import { tfTypeOf, toTf } from "../values.ts";

const axisIn = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

function reshape({ tf, x: [x], numbers, attrs }: Step): TfTensor {
  const wanted = numbers(1);
  return tf.reshape(x, attrs.int("allowzero", 0) ? wanted : (reshapeShape(x.shape, wanted) as number[]));
}

/** Elements of one axis by number. */
export const pickAlong = (tf: Tf, x: TfTensor, places: readonly number[], axis: number): TfTensor =>
  tf.gather(x, tf.tensor1d([...places], "int32"), axis);

function slice({ tf, x: [x], numbers, has }: Step): TfTensor {
  const [starts, ends] = [numbers(1), numbers(2)];
  const axes = has(3) ? numbers(3).map((a) => axisIn(a, x.rank)) : [...starts.keys()];
  const steps = has(4) ? numbers(4) : starts.map(() => 1);
  const begin = x.shape.map(() => 0);
  const size = [...x.shape];
  let y = x;
  axes.forEach((axis, i) => {
    const { first, count } = sliceRange(x.shape[axis]!, starts[i]!, ends[i]!, steps[i]!);
    if (steps[i] === 1 || count === 0) [begin[axis], size[axis]] = [count ? first : 0, count];
    else y = pickAlong(tf, y, Array.from({ length: count }, (_, k) => first + k * steps[i]!), axis); // prettier-ignore
  });
  axes.forEach((axis, i) => steps[i] !== 1 && size[axis] !== 0 && (size[axis] = y.shape[axis]!));
  return size.join() === y.shape.join() ? y : cut(tf, y, begin, size);
}

/** A block of x; TensorFlow.js takes no block without elements. */
const cut = (tf: Tf, x: TfTensor, begin: number[], size: number[]): TfTensor =>
  sizeOf(size) ? tf.slice(x, begin, size) : tf.zeros(size, x.dtype as "float32");

function split({ tf, x: [x], numbers, has, attrs, outputs }: Step): TfTensor[] {
  const axis = axisIn(attrs.int("axis", 0), x.rank);
  const part = Math.ceil(x.shape[axis]! / attrs.int("num_outputs", outputs));
  const sizes = has(1) ? numbers(1) : Array.from({ length: outputs }, (_, i) => Math.min(part, x.shape[axis]! - i * part));
  let from = 0;
  return sizes.map((size) => {
    const begin = x.shape.map((_, i) => (i === axis ? from : 0));
    from += size;
    return cut(tf, x, begin, x.shape.map((d, i) => (i === axis ? size : d))); // prettier-ignore
  });
}

function pad({ tf, x: [x, , fill], numbers, has, attrs }: Step): TfTensor {
  const pads = numbers(1);
  const axes = has(3) ? numbers(3).map((a) => axisIn(a, x.rank)) : [...x.shape.keys()];
  const borders = x.shape.map((_, i): [number, number] => {
    const at = axes.indexOf(i);
    return at < 0 ? [0, 0] : [pads[at]!, pads[at + axes.length]!];
  });
  const mode = attrs.string("mode", "constant");
  if (mode !== "constant") return borders.reduce((y, border, axis) => repeated(tf, y, border, axis, mode), x);
  const begin = borders.map(([b]) => Math.max(0, -b));
  const size = x.shape.map((d, i) => d + Math.min(0, borders[i]![0]) + Math.min(0, borders[i]![1]));
  const wide = borders.map(([b, e]): [number, number] => [Math.max(0, b), Math.max(0, e)]);
  const inner = size.join() === x.shape.join() ? x : cut(tf, x, begin, size);
  const zeros = tf.pad(inner, wide);
  if (!has(2)) return zeros;
  const border = tf.sub(1, tf.pad(tf.ones(size), wide));
  const filled = tf.mul(tf.cast(border, x.dtype), tf.reshape(fill, []));
  return tf.add(zeros, filled);
}

/** A border along one axis that repeats what is inside. */
function repeated(tf: Tf, x: TfTensor, [before, after]: [number, number], axis: number, mode: string): TfTensor {
  const n = x.shape[axis]!;
  if (!before && !after) return x;
  const reflect = (i: number) => (n === 1 ? 0 : Math.abs(((((i + n - 1) % (2 * n - 2)) + 2 * n - 2) % (2 * n - 2)) - n + 1));
  const place = (i: number) => (mode === "edge" ? Math.min(Math.max(i, 0), n - 1) : mode === "wrap" ? ((i % n) + n) % n : reflect(i));
  return pickAlong(tf, x, Array.from({ length: before + n + after }, (_, i) => place(i - before)), axis); // prettier-ignore
}

/** Ones on a diagonal and on one side of it; of each matrix in the last two axes. */
function triangle(tf: Tf, rows: number, columns: number, keep: (row: number, column: number) => boolean): TfTensor {
  const values = Array.from({ length: rows * columns }, (_, i) => (keep(Math.floor(i / columns), i % columns) ? 1 : 0));
  return tf.tensor2d(values, [rows, columns], "int32");
}

function tile({ tf, x: [x], numbers }: Step): TfTensor {
  const repeats = numbers(1);
  const apart = tf.reshape(x, x.shape.flatMap((d) => [1, d])); // prettier-ignore
  const wide = expand(tf, apart, x.shape.flatMap((d, i) => [repeats[i]!, d])); // prettier-ignore
  return tf.reshape(wide, x.shape.map((d, i) => d * repeats[i]!)); // prettier-ignore
}

/** Channels and blocks of pixels: the same numbers with their axes in another order. */
function blocks({ tf, x: [x], attrs, type }: Step): TfTensor {
  const b = attrs.int("blocksize");
  const [n, c, h, w] = x.shape as [number, number, number, number];
  if (type === "SpaceToDepth") {
    const apart = tf.reshape(x, [n, c, h / b, b, w / b, b]);
    return tf.reshape(tf.transpose(apart, [0, 3, 5, 1, 2, 4]), [n, c * b * b, h / b, w / b]);
  }
  const inner = c / (b * b);
  const dcr = attrs.string("mode", "DCR") === "DCR";
  const apart = tf.reshape(x, dcr ? [n, b, b, inner, h, w] : [n, inner, b, b, h, w]);
  return tf.reshape(tf.transpose(apart, dcr ? [0, 3, 4, 1, 5, 2] : [0, 1, 4, 2, 5, 3]), [n, inner, h * b, w * b]);
}

export const layout = {
  Reshape: reshape,
  Transpose: ({ tf, x: [x], attrs }) => tf.transpose(x, attrs.has("perm") ? [...attrs.ints("perm")] : undefined),
  Concat: ({ tf, x, attrs }) => tf.concat([...x], axisIn(attrs.int("axis"), x[0].rank)),
  Split: split,
  Slice: slice,
  Squeeze({ tf, x: [x], numbers, has }) {
    const axes = has(1) ? numbers(1).map((a) => axisIn(a, x.rank)) : [...x.shape.keys()].filter((i) => x.shape[i] === 1);
    return tf.reshape(x, x.shape.filter((_, i) => !axes.includes(i))); // prettier-ignore
  },
  Unsqueeze({ tf, x: [x], numbers }) {
    const given = numbers(1);
    const rank = x.rank + given.length;
    const axes = given.map((a) => axisIn(a, rank));
    const rest = [...x.shape];
    return tf.reshape(x, Array.from({ length: rank }, (_, i) => (axes.includes(i) ? 1 : rest.shift()!))); // prettier-ignore
  },
  Expand: ({ tf, x: [x], numbers }) => expand(tf, x, broadcast(x.shape, numbers(1)) as number[]),
  Tile: tile,
  Pad: pad,
  DepthToSpace: blocks,
  SpaceToDepth: blocks,
  ReverseSequence({ tf, x: [x], numbers, attrs }) {
    const lengths = numbers(1);
    const [batch, time] = [attrs.int("batch_axis", 1), attrs.int("time_axis", 0)];
    const parts = lengths.map((length, i) => {
      const one = tf.slice(x, x.shape.map((_, a) => (a === batch ? i : 0)), x.shape.map((d, a) => (a === batch ? 1 : d))); // prettier-ignore
      return pickAlong(tf, one, Array.from({ length: x.shape[time]! }, (_, t) => (t < length ? length - 1 - t : t)), time); // prettier-ignore
    });
    return tf.concat(parts, batch);
  },
  Trilu({ tf, x: [x], numbers, has, attrs }) {
    const [rows, columns] = x.shape.slice(-2) as [number, number];
    const k = has(1) ? numbers(1)[0]! : 0;
    const upper = attrs.int("upper", 1) !== 0;
    const mask = triangle(tf, rows, columns, (r, c) => (upper ? c - r >= k : c - r <= k));
    return tf.where(expand(tf, tf.cast(mask, "bool"), x.shape), x, tf.zerosLike(x));
  },
  EyeLike({ tf, x: [x], attrs }) {
    const k = attrs.int("k", 0);
    const eye = triangle(tf, x.shape[0]!, x.shape[1]!, (r, c) => c - r === k);
    return tf.cast(eye, attrs.has("dtype") ? tfTypeOf(dtypeOf(attrs.int("dtype"), "EyeLike"), "EyeLike") : x.dtype);
  },

  Constant({ tf, attrs }) {
    const value = attrs.all["value"];
    if (value?.type === "tensor") return toTf(tf, value.value, "a constant");
    if (attrs.has("value_int")) return tf.scalar(attrs.int("value_int"), "int32");
    if (attrs.has("value_ints")) return tf.tensor1d([...attrs.ints("value_ints")], "int32");
    if (attrs.has("value_float")) return tf.scalar(attrs.float("value_float"));
    const floats = attrs.all["value_floats"];
    return tf.tensor1d(floats?.type === "floats" ? [...floats.value] : []);
  },
  ConstantOfShape({ tf, numbers, attrs }) {
    const value = attrs.all["value"];
    const filler = value?.type === "tensor" ? toTf(tf, value.value, "a constant") : tf.scalar(0);
    return tf.broadcastTo(tf.reshape(filler, []), numbers(0) as never);
  },
  Shape: ({ tf, x: [x], attrs }) =>
    tf.tensor1d(x.shape.slice(attrs.int("start", 0), attrs.has("end") ? attrs.int("end") : undefined), "int32"),
  Size: ({ tf, x: [x] }) => tf.scalar(x.size, "int32"),
  Range({ tf, x: [start], numbers }) {
    const [from, to, by] = [0, 1, 2].map((i) => numbers(i)[0]!) as [number, number, number];
    return tf.range(from, to, by, start.dtype as "float32");
  },
} satisfies Record<string, Entry>;
