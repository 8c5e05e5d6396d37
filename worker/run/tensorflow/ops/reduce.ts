// Axes drawn together. The axes come as an input, or as an attribute of older forms.
import { type Entry, flat, type Step, type Tf, type TfTensor } from "../op.ts";

function axesOf({ x: [x], attrs, has, numbers }: Step): number[] {
  const given = has(1) ? numbers(1) : attrs.ints("axes", []);
  if (given.length) return given.map((a) => (a < 0 ? a + x.rank : a));
  return attrs.int("noop_with_empty_axes", 0) ? [] : [...x.shape.keys()];
}

const reduction =
  (f: (tf: Tf, x: TfTensor, axes: number[], keep: boolean) => TfTensor): Entry =>
  (s) =>
    f(s.tf, s.x[0], axesOf(s), s.attrs.int("keepdims", 1) !== 0);

/** With the pairs (x, axes) that are no reduction at all left to the function. */
const sum = (tf: Tf, x: TfTensor, axes: number[], keep: boolean): TfTensor => (axes.length ? tf.sum(x, axes, keep) : x);

/** The root, whose slope at 0 is taken as 0, as PyTorch does. */
function root(tf: Tf, square: TfTensor): TfTensor {
  const zero = flat(tf, () => tf.equal(square, 0));
  return tf.where(zero, tf.zerosLike(square), tf.sqrt(tf.where(zero, tf.onesLike(square), square)));
}

const arg =
  (f: "argMax" | "argMin"): Entry =>
  ({ tf, x: [x], attrs }) => {
    const axis = attrs.int("axis", 0);
    const last = attrs.int("select_last_index", 0) !== 0;
    const at = axis < 0 ? axis + x.rank : axis;
    const turned = last ? tf.reverse(x, at) : x;
    const found = tf[f](turned, at);
    const place = last ? tf.sub(tf.scalar(x.shape[at]! - 1, "int32"), found) : found;
    return attrs.int("keepdims", 1) ? tf.expandDims(place, at) : place;
  };

export const reductions = {
  ReduceSum: reduction(sum),
  ReduceMean: reduction((tf, x, axes, keep) => (axes.length ? tf.mean(x, axes, keep) : x)),
  ReduceMax: reduction((tf, x, axes, keep) => (axes.length ? tf.max(x, axes, keep) : x)),
  ReduceMin: reduction((tf, x, axes, keep) => (axes.length ? tf.min(x, axes, keep) : x)),
  ReduceProd: reduction((tf, x, axes, keep) => (axes.length ? tf.prod(x, axes, keep) : x)),
  ReduceL1: reduction((tf, x, axes, keep) => sum(tf, tf.abs(x), axes, keep)),
  ReduceL2: reduction((tf, x, axes, keep) => root(tf, sum(tf, tf.square(x), axes, keep))),
  ReduceSumSquare: reduction((tf, x, axes, keep) => sum(tf, tf.square(x), axes, keep)),
  ReduceLogSum: reduction((tf, x, axes, keep) => tf.log(sum(tf, x, axes, keep))),
  ReduceLogSumExp: reduction((tf, x, axes, keep) => (axes.length ? tf.logSumExp(x, axes, keep) : x)),
  ArgMax: arg("argMax"),
  ArgMin: arg("argMin"),
} satisfies Record<string, Entry>;
