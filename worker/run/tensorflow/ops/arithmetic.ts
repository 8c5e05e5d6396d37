// Several inputs, element by element, broadcast together.
import { isFloat } from "../../../tensor.ts";
import { atLast, type Entry, flat, type Step, type Tf, type TfTensor } from "../op.ts";

const two =
  (f: (tf: Tf, a: TfTensor, b: TfTensor) => TfTensor): Entry =>
  ({ tf, x: [a, b] }) =>
    f(tf, a, b);
const many =
  (f: (tf: Tf, a: TfTensor, b: TfTensor) => TfTensor): Entry =>
  ({ tf, x }) =>
    x.reduce((a, b) => f(tf, a, b));

/** Towards zero. */
const trunc = (tf: Tf, x: TfTensor): TfTensor => tf.mul(tf.sign(x), tf.floor(tf.abs(x)));

/** Whole numbers are divided towards zero; TensorFlow divides towards minus infinity. */
function div({ tf, x: [a, b], dtype }: Step): TfTensor {
  if (isFloat(dtype(0))) return tf.div(a, b);
  const sign = tf.mul(tf.sign(a), tf.sign(b));
  return tf.mul(sign, tf.floorDiv(tf.abs(a), tf.abs(b)));
}

function mod({ tf, x: [a, b], attrs, dtype }: Step): TfTensor {
  if (!attrs.int("fmod", 0)) return tf.mod(a, b); // the sign of b
  if (!isFloat(dtype(0))) return tf.mul(tf.sign(a), tf.mod(tf.abs(a), tf.abs(b))); // the sign of a
  return tf.sub(a, tf.mul(b, trunc(tf, tf.div(a, b))));
}

/** A whole number as exponent of a float, and the reverse, come in two types. */
function pow({ tf, x: [a, b] }: Step): TfTensor {
  if (a.dtype === "float32") return tf.pow(a, tf.cast(b, "float32"));
  return b.dtype === "float32" ? tf.cast(tf.pow(tf.cast(a, "float32"), b), "int32") : tf.pow(a, b);
}

/** Along the last axis: TensorFlow.js's gradient along another has its axes in the wrong order. */
function cumSum({ tf, x: [x], numbers, attrs }: Step): TfTensor {
  const [exclusive, reverse] = [attrs.int("exclusive", 0) !== 0, attrs.int("reverse", 0) !== 0];
  return atLast(tf, x, numbers(1)[0]!, (v) => tf.cumsum(v, v.rank - 1, exclusive, reverse));
}

export const arithmetic = {
  Add: two((tf, a, b) => tf.add(a, b)),
  Sub: two((tf, a, b) => tf.sub(a, b)),
  Mul: two((tf, a, b) => tf.mul(a, b)),
  Div: div,
  Min: many((tf, a, b) => tf.minimum(a, b)),
  Max: many((tf, a, b) => tf.maximum(a, b)),
  Sum: many((tf, a, b) => tf.add(a, b)),
  Mean: ({ tf, x }) => tf.div(x.reduce((a, b) => tf.add(a, b)), x.length), // prettier-ignore
  Pow: pow,
  Mod: mod,
  Equal: two((tf, a, b) => tf.equal(a, b)),
  Greater: two((tf, a, b) => tf.greater(a, b)),
  GreaterOrEqual: two((tf, a, b) => tf.greaterEqual(a, b)),
  Less: two((tf, a, b) => tf.less(a, b)),
  LessOrEqual: two((tf, a, b) => tf.lessEqual(a, b)),
  And: two((tf, a, b) => tf.logicalAnd(a, b)),
  Or: two((tf, a, b) => tf.logicalOr(a, b)),
  Xor: two((tf, a, b) => tf.logicalXor(a, b)),
  Where({ tf, x: [condition, a, b] }) {
    return tf.where(flat(tf, () => tf.cast(condition, "bool")), a, b); // prettier-ignore
  },
  CumSum: cumSum,
} satisfies Record<string, Entry>;
