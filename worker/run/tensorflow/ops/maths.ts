// Element by element, one input: functions, activations, questions, casts.
import { dtypeOf } from "../../../onnx/proto.ts";
import { type Entry, flat, type Step, type Tf, type TfTensor } from "../op.ts";
import { tfTypeOf } from "../values.ts";

const one =
  (f: (tf: Tf, x: TfTensor) => TfTensor): Entry =>
  ({ tf, x: [x] }) =>
    f(tf, x);
/** One with float attributes. */
const shaped =
  (f: (tf: Tf, x: TfTensor, float: (name: string, fallback: number) => number) => TfTensor): Entry =>
  ({ tf, x: [x], attrs }) =>
    f(tf, x, (name, fallback) => attrs.float(name, fallback));

const above = (tf: Tf, x: TfTensor, bound: number): TfTensor => flat(tf, () => tf.greater(x, bound));

/** a where the condition holds, else b. */
export const pick = (tf: Tf, condition: TfTensor, a: TfTensor, b: TfTensor | number): TfTensor =>
  tf.where(condition, a, typeof b === "number" ? tf.fill(a.shape, b) : b);

function gelu({ tf, x: [x], attrs }: Step): TfTensor {
  if (attrs.string("approximate", "none") === "tanh") {
    const inner = tf.mul(tf.mul(x, Math.sqrt(2 / Math.PI)), tf.add(tf.mul(tf.square(x), 0.044715), 1));
    return tf.mul(tf.mul(x, 0.5), tf.add(tf.tanh(inner), 1));
  }
  return tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1));
}

function clip({ tf, x: [x, low, high], has }: Step): TfTensor {
  const bounded = has(1) ? tf.where(flat(tf, () => tf.less(x, low)), low, x) : x; // prettier-ignore
  return has(2) ? tf.where(flat(tf, () => tf.greater(bounded, high)), high, bounded) : bounded; // prettier-ignore
}

export const maths = {
  Abs: one((tf, x) => tf.abs(x)),
  Neg: one((tf, x) => tf.neg(x)),
  Exp: one((tf, x) => tf.exp(x)),
  Log: one((tf, x) => tf.log(x)),
  Sqrt: one((tf, x) => tf.sqrt(x)),
  Reciprocal: one((tf, x) => tf.reciprocal(x)),
  Sin: one((tf, x) => tf.sin(x)),
  Cos: one((tf, x) => tf.cos(x)),
  Tan: one((tf, x) => tf.tan(x)),
  Asin: one((tf, x) => tf.asin(x)),
  Acos: one((tf, x) => tf.acos(x)),
  Atan: one((tf, x) => tf.atan(x)),
  Sinh: one((tf, x) => tf.sinh(x)),
  Cosh: one((tf, x) => tf.cosh(x)),
  Asinh: one((tf, x) => tf.asinh(x)),
  Acosh: one((tf, x) => tf.acosh(x)),
  Atanh: one((tf, x) => tf.atanh(x)),
  Erf: one((tf, x) => tf.erf(x)),
  Identity: one((_, x) => x),
  Sign: one((tf, x) => tf.sign(x)),
  Floor: one((tf, x) => tf.floor(x)),
  Ceil: one((tf, x) => tf.ceil(x)),
  Round: one((tf, x) => tf.round(x)),
  Not: one((tf, x) => tf.logicalNot(x)),
  IsNaN: one((tf, x) => tf.isNaN(x)),
  IsInf({ tf, x: [x], attrs }) {
    const [low, high] = [attrs.int("detect_negative", 1), attrs.int("detect_positive", 1)];
    if (low && high) return tf.isInf(x);
    return tf.logicalAnd(tf.isInf(x), low ? tf.less(x, 0) : high ? tf.greater(x, 0) : tf.zerosLike(tf.cast(x, "bool")));
  },
  Cast({ tf, x: [x], attrs }) {
    const to = tfTypeOf(dtypeOf(attrs.int("to"), "Cast"), "Cast");
    if (x.dtype === to) return x;
    // Of a number, true is whatever is not 0; TensorFlow.js cuts off to int32 as ONNX does.
    return to === "bool" ? tf.notEqual(x, tf.scalar(0, x.dtype)) : tf.cast(x, to);
  },
  Clip: clip,

  Relu: one((tf, x) => tf.relu(x)),
  Sigmoid: one((tf, x) => tf.sigmoid(x)),
  Tanh: one((tf, x) => tf.tanh(x)),
  Softplus: one((tf, x) => tf.softplus(x)),
  Softsign: one((tf, x) => tf.div(x, tf.add(tf.abs(x), 1))),
  LeakyRelu: shaped((tf, x, f) => tf.leakyRelu(x, f("alpha", 0.01))),
  Elu: shaped((tf, x, f) => {
    const low = tf.mul(tf.sub(tf.exp(tf.minimum(x, 0)), 1), f("alpha", 1)); // of min(x, 0), so that nothing becomes infinite
    return pick(tf, above(tf, x, 0), x, low);
  }),
  Selu: shaped((tf, x, f) => {
    const gamma = f("gamma", 1.0507010221481323);
    const low = tf.mul(tf.sub(tf.exp(tf.minimum(x, 0)), 1), gamma * f("alpha", 1.6732631921768188));
    return pick(tf, above(tf, x, 0), tf.mul(x, gamma), low);
  }),
  Celu: shaped((tf, x, f) => {
    const alpha = f("alpha", 1);
    return pick(tf, above(tf, x, 0), x, tf.mul(tf.sub(tf.exp(tf.div(tf.minimum(x, 0), alpha)), 1), alpha));
  }),
  ThresholdedRelu: shaped((tf, x, f) => pick(tf, above(tf, x, f("alpha", 1)), x, 0)),
  Shrink: shaped((tf, x, f) => {
    const [limit, bias] = [f("lambd", 0.5), f("bias", 0)];
    const low = pick(tf, flat(tf, () => tf.less(x, -limit)), tf.add(x, bias), 0); // prettier-ignore
    return pick(tf, above(tf, x, limit), tf.sub(x, bias), low);
  }),
  PRelu: ({ tf, x: [x, slope] }) => pick(tf, above(tf, x, 0), x, tf.mul(x, slope)),
  HardSigmoid: shaped((tf, x, f) => tf.clipByValue(tf.add(tf.mul(x, f("alpha", 0.2)), f("beta", 0.5)), 0, 1)),
  HardSwish: one((tf, x) => tf.mul(x, tf.clipByValue(tf.add(tf.div(x, 6), 0.5), 0, 1))),
  Mish: one((tf, x) => tf.mul(x, tf.tanh(tf.softplus(x)))),
  Gelu: gelu,

  /** A training step puts a mask in its place beforehand (passes/dropout.ts); what is left here is inference. */
  Dropout: {
    run: ({ tf, x: [x], outputs }) => (outputs > 1 ? [x, tf.onesLike(tf.cast(x, "bool"))] : x),
    refuses({ has, constant }) {
      const flag = has(2) ? constant(2) : undefined;
      return has(2) && !(flag && !flag.data[0]) ? "it draws other numbers each time it runs" : undefined;
    },
  },
} satisfies Record<string, Entry>;
