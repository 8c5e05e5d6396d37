// Softmax, the normalisations and the losses: statistics along axes, then every element by them.
import { atLast, type Entry, flat, type Step, type Tf, type TfTensor } from "../op.ts";
import { hot } from "./lookup.ts";

/** (x - mean) / √(variance + ε) over axes, with both statistics. */
function standard(tf: Tf, x: TfTensor, axes: number[], epsilon: number): { hat: TfTensor; mean: TfTensor; inverse: TfTensor } {
  const mean = tf.mean(x, axes, true);
  const centred = tf.sub(x, mean);
  const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(centred), axes, true), epsilon));
  return { hat: tf.mul(centred, inverse), mean, inverse };
}

/** A number for each channel of (N, C, …). */
const byChannel = (tf: Tf, v: TfTensor, x: TfTensor): TfTensor =>
  x.rank === 2 ? v : tf.reshape(v, [-1, ...x.shape.slice(2).map(() => 1)]);

function layerNorm({ tf, x: [x, scale, bias], attrs, has, outputs }: Step): TfTensor[] {
  const axis = attrs.int("axis", -1);
  const axes = [...x.shape.keys()].slice(axis < 0 ? axis + x.rank : axis);
  const { hat, mean, inverse } = standard(tf, x, axes, attrs.float("epsilon", 1e-5));
  const scaled = tf.mul(hat, scale);
  return [has(2) ? tf.add(scaled, bias) : scaled, mean, inverse].slice(0, outputs);
}

/** Groups of channels of each image by their own statistics. */
function grouped({ tf, x: [x, scale, bias], attrs }: Step, groups: number): TfTensor {
  const { hat } = standard(tf, tf.reshape(x, [x.shape[0]!, groups, -1]), [2], attrs.float("epsilon", 1e-5));
  return tf.add(tf.mul(tf.reshape(hat, x.shape), byChannel(tf, scale, x)), byChannel(tf, bias, x));
}

function batchNorm({ tf, x: [x, scale, bias, mean, variance], attrs, outputs }: Step): TfTensor[] {
  const epsilon = attrs.float("epsilon", 1e-5);
  const wide = (v: TfTensor) => byChannel(tf, v, x);
  if (!attrs.int("training_mode", 0)) {
    const slope = tf.mul(scale, tf.rsqrt(tf.add(variance, epsilon)));
    return [tf.add(tf.mul(tf.sub(x, wide(mean)), wide(slope)), wide(bias))];
  }
  const axes = [...x.shape.keys()].filter((i) => i !== 1);
  const now = tf.mean(x, axes);
  const centred = tf.sub(x, wide(now));
  const spread = tf.mean(tf.square(centred), axes);
  const m = attrs.float("momentum", 0.9);
  const blend = (old: TfTensor, value: TfTensor) => tf.add(tf.mul(old, m), tf.mul(value, 1 - m));
  const y = tf.add(tf.mul(centred, wide(tf.mul(scale, tf.rsqrt(tf.add(spread, epsilon))))), wide(bias));
  return [y, blend(mean, now), blend(variance, spread)].slice(0, outputs);
}

/** x / s^β, s = bias + α/size · Σ x² over neighbouring channels: a product with a band of ones. */
function lrn({ tf, x: [x], attrs }: Step): TfTensor {
  const c = x.shape[1]!;
  const size = attrs.int("size");
  const first = Math.floor((size - 1) / 2);
  const band = Array.from({ length: c * c }, (_, i) => {
    const at = (i % c) - Math.floor(i / c);
    return at >= -first && at < size - first ? 1 : 0;
  });
  const rows = tf.reshape(atLast(tf, tf.square(x), 1, (v) => tf.reshape(tf.matMul(tf.reshape(v, [-1, c]), tf.tensor2d(band, [c, c]), false, true), v.shape)), x.shape); // prettier-ignore
  const s = tf.add(tf.mul(rows, attrs.float("alpha", 1e-4) / size), attrs.float("bias", 1));
  return tf.mul(x, tf.pow(s, -attrs.float("beta", 0.75)));
}

/** Each row's own weight at its label, else 0: (N, C, d…). Labels to be ignored are nowhere. */
function counted({ tf, x: [scores, labels, weights], attrs, has }: Step): TfTensor {
  const classes = scores.shape[1]!;
  const ids = tf.cast(labels, "int32");
  const target = hot(tf, ids, classes, 1);
  const weighed = has(2) ? tf.mul(target, tf.reshape(weights, [1, classes, ...scores.shape.slice(2).map(() => 1)])) : target;
  if (!attrs.has("ignore_index")) return weighed;
  const kept = flat(tf, () => tf.cast(tf.notEqual(ids, tf.scalar(attrs.int("ignore_index"), "int32")), "float32"));
  return tf.mul(weighed, tf.expandDims(kept, 1));
}

function negative(s: Step, logs: TfTensor): TfTensor {
  const { tf, attrs } = s;
  const weights = counted(s);
  const each = tf.neg(tf.sum(tf.mul(weights, logs), 1));
  const reduction = attrs.string("reduction", "mean");
  if (reduction === "none") return each;
  return reduction === "sum" ? tf.sum(each) : tf.div(tf.sum(each), tf.sum(weights));
}

function lpNorm({ tf, x: [x], attrs }: Step): TfTensor {
  const axis = attrs.int("axis", -1);
  const at = axis < 0 ? axis + x.rank : axis;
  return tf.div(x, attrs.int("p", 2) === 1 ? tf.sum(tf.abs(x), at, true) : tf.sqrt(tf.sum(tf.square(x), at, true)));
}

export const normalisations = {
  Softmax: ({ tf, x: [x], attrs }) => atLast(tf, x, attrs.int("axis", -1), (v) => tf.softmax(v)),
  LogSoftmax: ({ tf, x: [x], attrs }) => atLast(tf, x, attrs.int("axis", -1), (v) => tf.logSoftmax(v)),
  LayerNormalization: layerNorm,
  LpNormalization: lpNorm,
  BatchNormalization: batchNorm,
  InstanceNormalization: (s) => grouped(s, s.x[0].shape[1]!),
  GroupNormalization: (s) => grouped(s, s.attrs.int("num_groups")),
  LRN: lrn,
  MeanVarianceNormalization({ tf, x: [x], attrs }) {
    const axes = attrs.ints("axes", [0, 2, 3]).map((a) => (a < 0 ? a + x.rank : a));
    return standard(tf, x, axes, 0).hat;
  },
  SoftmaxCrossEntropyLoss(s) {
    const logs = atLast(s.tf, s.x[0], 1, (v) => s.tf.logSoftmax(v));
    return [negative(s, logs), logs].slice(0, s.outputs);
  },
  NegativeLogLikelihoodLoss: (s) => negative(s, s.x[0]),
} satisfies Record<string, Entry>;
