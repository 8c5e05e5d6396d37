// Normalisations of images (N, C, …): statistics by channel, by image, by group or by neighbourhood.
import type { ValueInfo } from "../onnx/graph.ts";
import { fromNumbers } from "../tensor.ts";
import type { Builder, Value } from "./builder.ts";
import { type Attrs, type Op, op, type View } from "./op.ts";
import { type Gen, normal, positive, type Sample, type SampleSpec } from "./samples.ts";
import { axisOf, like, mismatch, sameType, show } from "./shapes.ts";

/** All axes but that of the channels. */
const otherAxes = (x: ValueInfo): number[] => [...x.dims.keys()].filter((i) => i !== 1);

/** A value for each channel, in a shape that broadcasts against (N, C, …). */
const byChannel = (g: Builder, v: Value, x: ValueInfo): Value =>
  x.dims.length === 2 ? v : g.reshape(v, [-1, ...x.dims.slice(2).map(() => 1)]);

const sums = (g: Builder, v: Value): Value => g.reduceSum(v, { axes: otherAxes(v), keepdims: false });

/** Mean, deviation from it, and variance of each channel over the batch: (C), (N, C, …), (C). */
export function batchStatistics(g: Builder, x: Value): { mean: Value; centred: Value; variance: Value } {
  const axes = otherAxes(x);
  const mean = g.reduceMean(x, { axes, keepdims: false });
  const centred = g.sub(x, byChannel(g, mean, x));
  return { mean, centred, variance: g.reduceMean(g.square(centred), { axes, keepdims: false }) };
}

const inverseOf = (g: Builder, variance: Value, attrs: Pick<Attrs, "float">): Value =>
  g.reciprocal(g.sqrt(g.add(variance, attrs.float("epsilon", 1e-5))));

/**
 * BatchNormalization in training made of plain operators, for devices that know it in inference alone: y, and the running mean and variance.
 * Its nodes are those that the gradient asks for, so they are made once.
 * @param unbiased whether the running variance follows Σ(x - μ)²/(n - 1), as PyTorch's and TensorFlow's layers have it, not ONNX's Σ(x - μ)²/n
 */
export function batchNormalisation(g: Builder, x: readonly Value[], attrs: Attrs, unbiased = false): Value[] {
  const [input, scale, bias, runningMean, runningVariance] = x as [Value, Value, Value, Value, Value];
  const { mean, centred, variance } = batchStatistics(g, input);
  const slope = byChannel(g, g.mul(scale, inverseOf(g, variance, attrs)), input);
  const m = attrs.float("momentum", 0.9);
  const blend = (old: Value, now: Value) => g.add(g.mul(old, m), g.mul(now, 1 - m));
  const n = g.count(input, otherAxes(input));
  const seen = unbiased ? g.mul(variance, typeof n === "number" ? n / Math.max(1, n - 1) : g.div(n, g.max(g.sub(n, 1), 1))) : variance;
  return [g.add(g.mul(centred, slope), byChannel(g, bias, input)), blend(runningMean, mean), blend(runningVariance, seen)];
}

function trainingGradient(g: Builder, { x: [x, scale], dy, attrs, flows, wants }: View): (Value | null)[] {
  const n = g.count(x, otherAxes(x));
  const { centred, variance } = batchStatistics(g, x);
  const inverse = inverseOf(g, variance, attrs);
  const sum = sums(g, dy[0]);
  const dot = sums(g, g.mul(dy[0], centred));
  // dx = γ/σ (dy - mean(dy) - x̂ mean(dy x̂)) = a dy + b (x - μ) + c with numbers for each channel: two products and two sums of whole images.
  const a = g.mul(scale, inverse);
  let b = g.neg(g.div(g.mul(g.mul(a, g.square(inverse)), dot), n));
  let c = g.neg(g.div(g.mul(a, sum), n));
  const kept = attrs.float("momentum", 0.9);
  if (flows(1)) c = g.add(c, g.div(g.mul(dy[1], 1 - kept), n)); // ∂μ/∂x = 1/n
  if (flows(2)) b = g.add(b, g.div(g.mul(dy[2], 2 * (1 - kept)), n)); // ∂σ²/∂x = 2(x - μ)/n
  const wide = (v: Value) => byChannel(g, v, x);
  return [
    wants(0) ? g.add(g.add(g.mul(dy[0], wide(a)), wide(c)), g.mul(centred, wide(b))) : null,
    wants(1) ? g.mul(dot, inverse) : null,
    wants(2) ? sum : null,
    flows(1) ? g.mul(dy[1], kept) : null,
    flows(2) ? g.mul(dy[2], kept) : null,
  ];
}

/** Groups of channels to (N, G, rest), so that the statistics are over the last axis. */
const grouped = (g: Builder, x: Value, groups: number): Value => g.reshape(x, [0, groups, -1]);

/** dx, dscale and dbias of y = x̂ · scale + bias, where x̂ has mean 0 and variance 1 within each of the groups of each image. */
function groupGradient(g: Builder, { x: [x, scale], dy: [dy], attrs, wants }: View, groups: number): (Value | null)[] {
  const flat = grouped(g, x, groups);
  const axes = [2];
  const centred = g.sub(flat, g.reduceMean(flat, { axes }));
  const inverse = inverseOf(g, g.reduceMean(g.square(centred), { axes }), attrs);
  const hat = g.mul(centred, inverse); // (N, G, rest)
  const d = grouped(g, g.mul(dy, byChannel(g, scale, x)), groups);
  const inner = g.sub(g.sub(d, g.reduceMean(d, { axes })), g.mul(hat, g.reduceMean(g.mul(d, hat), { axes })));
  return [
    wants(0) ? g.reshapeLike(g.mul(inner, inverse), x) : null,
    wants(1) ? sums(g, g.mul(dy, g.reshapeLike(hat, x))) : null,
    wants(2) ? sums(g, dy) : null,
  ];
}

/** (x, scale, bias) with a scale and a bias for each channel. */
function inferChannels([x, scale, bias]: readonly ValueInfo[]) {
  sameType(x!, scale!, bias!);
  const c = x!.dims[1];
  for (const v of [scale!, bias!])
    if (x!.dims.length < 2 || v.dims.length !== 1 || (typeof c === "number" && typeof v.dims[0] === "number" && v.dims[0] !== c))
      throw mismatch(`a number for each channel of ${show(x!.dims)} has not the shape ${show(v.dims)}.`);
  return like(x!);
}

/** Σ over the channels in each one's neighbourhood, or (transposed) in whose neighbourhood it is: a product with a band of ones. */
function neighbours(g: Builder, v: Value, size: number, transposed = false): Value {
  const c = v.dims[1];
  if (typeof c !== "number") throw mismatch(`the number of channels of ${show(v.dims)} must be known for the gradient.`);
  const before = Math.floor((size - 1) / 2);
  const within = (to: number, from: number) => from >= to - before && from <= to - before + size - 1;
  const band = Array.from({ length: c * c }, (_, i) => {
    const [row, column] = [Math.floor(i / c), i % c];
    return (transposed ? within(column, row) : within(row, column)) ? 1 : 0;
  });
  const summed = g.matmul(g.constant(fromNumbers(v.dtype, [c, c], band)), g.reshape(v, [0, c, -1]));
  return g.reshapeLike(summed, v);
}

const meanAxes = (x: ValueInfo, attrs: Attrs): number[] => attrs.ints("axes", [0, 2, 3]).map((a) => axisOf(a, x.dims.length));

const constant = (gen: Gen): Gen => ({ ...gen, constant: true });
const channelled = (dims: number[], attrs: Record<string, number | readonly number[]> = {}): SampleSpec => ({
  inputs: [normal(...dims), positive(dims[1]!), normal(dims[1]!)],
  attrs,
  float32: true, // the runtime has no float64 InstanceNormalization, and reckons GroupNormalization's statistics in float32
});
const frozen = (dims: number[], attrs = {}): Sample => ({
  inputs: [normal(...dims), positive(dims[1]!), normal(dims[1]!), constant(normal(dims[1]!)), constant(positive(dims[1]!))],
  attrs,
});

export const imageNormalisations = {
  /**
   * Frozen: by given statistics. In training (training_mode 1): by the batch's own, with the running
   * ones as outputs 1 and 2. https://arxiv.org/abs/1502.03167
   */
  BatchNormalization: op({
    arity: 5,
    infer([x, scale, bias, mean], { attrs, outputs }) {
      const out = inferChannels([x, scale, bias]);
      const stats = like(mean);
      if (outputs > 1 && !attrs.int("training_mode", 0)) throw mismatch("it gives running statistics in training mode alone.");
      return [out, stats, stats].slice(0, outputs);
    },
    grad(g, view) {
      const {
        x: [x, scale, , mean, variance],
        dy: [dy],
        attrs,
        wants,
      } = view;
      if (attrs.int("training_mode", 0)) return trainingGradient(g, view);
      const inverse = inverseOf(g, variance, attrs);
      const centred = () => g.sub(x, byChannel(g, mean, x));
      return [
        wants(0) ? g.mul(dy, byChannel(g, g.mul(scale, inverse), x)) : null,
        wants(1) ? g.mul(sums(g, g.mul(dy, centred())), inverse) : null,
        wants(2) ? sums(g, dy) : null,
        wants(3) ? g.neg(g.mul(sums(g, dy), g.mul(scale, inverse))) : null, // -γ/σ Σ dy
        wants(4) ? g.mul(sums(g, g.mul(dy, centred())), g.mul(g.mul(scale, -0.5), g.mul(inverse, g.square(inverse)))) : null, // -γ/2σ³ Σ dy (x - μ)
      ];
    },
    samples: [
      { inputs: [normal(2, 3, 2), positive(3), normal(3), normal(3), positive(3)] },
      frozen([2, 3, 2, 2]),
      frozen([4, 3], { epsilon: 1e-2 }),
      {
        inputs: [normal(3, 2, 2, 2), positive(2), normal(2), normal(2), positive(2)],
        attrs: { training_mode: 1, momentum: 0.7 },
        outputs: 3,
      },
      {
        inputs: [normal(6, 2), positive(2), normal(2), normal(2), positive(2)],
        attrs: { training_mode: 1, epsilon: 1e-3 },
        outputs: 3,
      },
    ],
  }),

  /** Each channel of each image by its own statistics. https://arxiv.org/abs/1607.08022 */
  InstanceNormalization: op({
    arity: 3,
    infer: (x) => inferChannels(x),
    grad(g, view) {
      const c = view.x[1].dims[0];
      if (typeof c !== "number") throw mismatch("the number of channels must be known for the gradient.");
      return groupGradient(g, view, c);
    },
    samples: [channelled([2, 3, 2, 3]), channelled([2, 2, 5], { epsilon: 1e-2 })],
  }),

  /** Groups of channels of each image by their own statistics; scale and bias for each channel. https://arxiv.org/abs/1803.08494 */
  GroupNormalization: op({
    arity: 3,
    infer(x, { attrs }) {
      const groups = attrs.int("num_groups");
      const c = x[0].dims[1];
      if (!(groups >= 1) || (typeof c === "number" && c % groups !== 0))
        throw mismatch(`${String(c)} channels cannot be parted into ${groups} groups.`);
      return inferChannels(x);
    },
    grad: (g, view) => groupGradient(g, view, view.attrs.int("num_groups")),
    samples: [channelled([2, 4, 2, 3], { num_groups: 2 }), channelled([2, 3, 4], { num_groups: 1, epsilon: 1e-2 })],
  }),

  /** y = x / s^β with s = bias + α/size · Σ x² over neighbouring channels. */
  LRN: op({
    arity: 1,
    infer: ([x]) => like(x),
    grad(g, { x: [x], dy: [dy], attrs }) {
      const size = attrs.int("size");
      const [alpha, beta, bias] = [attrs.float("alpha", 1e-4), attrs.float("beta", 0.75), attrs.float("bias", 1)];
      const s = g.add(g.mul(neighbours(g, g.square(x), size), alpha / size), bias);
      const straight = g.mul(dy, g.pow(s, -beta)); // dy / s^β
      const around = neighbours(g, g.div(g.mul(straight, x), s), size, true);
      return [g.sub(straight, g.mul(x, g.mul(around, (2 * alpha * beta) / size)))];
    },
    samples: [
      { inputs: [normal(2, 5, 2, 2)], attrs: { size: 3, alpha: 0.5 }, float32: true },
      { inputs: [normal(1, 5, 2, 2)], attrs: { size: 5, alpha: 0.5, beta: 0.5, bias: 2 }, float32: true },
    ],
  }),

  /** (x - mean) / deviation over the axes, batch and images where none are named. */
  MeanVarianceNormalization: op({
    arity: 1,
    infer: ([x]) => like(x),
    grad(g, { x: [x], y: [y], dy: [dy], attrs }) {
      const axes = meanAxes(x, attrs);
      const centred = g.sub(x, g.reduceMean(x, { axes }));
      const deviation = g.sqrt(g.reduceMean(g.square(centred), { axes }));
      const inner = g.sub(g.sub(dy, g.reduceMean(dy, { axes })), g.mul(y, g.reduceMean(g.mul(dy, y), { axes })));
      return [g.div(inner, deviation)];
    },
    samples: [
      { inputs: [normal(2, 2, 2, 3)], float32: true },
      { inputs: [normal(2, 2, 2, 3)], attrs: { axes: [2, 3] }, float32: true },
    ],
  }),
} satisfies Record<string, Op>;
