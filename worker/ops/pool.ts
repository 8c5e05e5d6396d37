// Pooling: one number for each place of a window, or for a whole image.
import type { Dim } from "../onnx/graph.ts";
import { fromNumbers, sizeOf } from "../tensor.ts";
import type { Builder, Value } from "./builder.ts";
import { type Call, type Op, op, type View } from "./op.ts";
import { distinct, type Gen, normal, offGrid, type Sample } from "./samples.ts";
import { like, mismatch, show } from "./shapes.ts";
import { imageRows, slideShape, spatialOf, unslide, views, type Window, windowOf } from "./window.ts";

const pooled = (dims: readonly Dim[], call: Call): Dim[] => [
  ...dims.slice(0, 2),
  ...slideShape(dims, windowOf(call.attrs, dims), call, call.attrs.int("ceil_mode", 0) !== 0),
];

/**
 * The opposite of views(): parts (one (R, …out) for each place of the window) put back where they were seen, added up: (R, …spatial).
 * By a ConvTranspose whose kernels have a single one: measured 0.7 of the time of DepthToSpace, 0.15 of padding and adding.
 */
function place(g: Builder, parts: readonly Value[], w: Window, spatial: readonly number[]): Value {
  const k = parts.length;
  const kernels = g.constant(
    fromNumbers(
      parts[0]!.dtype,
      [k, 1, ...w.kernel],
      Array.from({ length: k * k }, (_, i) => (Math.floor(i / k) === i % k ? 1 : 0)),
    ),
  );
  const joined = g.concat(
    parts.map((p) => g.unsqueeze(p, [1])),
    { axis: 1 },
  );
  return g.squeeze(unslide(g, { dy: joined, weights: kernels, window: w }, spatial), [1]);
}

/** Whether the windows lie side by side and cover the whole input. */
const isTiling = (w: Window, out: readonly number[], spatial: readonly number[]): boolean =>
  spatial.every((l, i) => w.kernel[i] === w.strides[i] && w.dilations[i] === 1 && w.begin[i] === 0 && out[i]! * w.kernel[i]! === l);

/**
 * The gradient of the largest of each tile: every element that is the largest gets a rank, highest the first; the one with the highest rank in
 * its tile takes dy. Measured: 0.45 of the time of picking the places of the window one by one (2 × 2, 1 M elements).
 */
function tiledMaximum(g: Builder, x: Value, y: Value, dy: Value, w: Window): Value {
  const scales = g.constant(fromNumbers("float32", [x.dims.length], [1, 1, ...w.kernel]));
  const repeat = (v: Value) =>
    g.assume(
      g.op("Resize", [v, undefined, scales], { mode: "nearest", coordinate_transformation_mode: "asymmetric", nearest_mode: "floor" }),
      x.dims,
    );
  const places = sizeOf(w.kernel);
  const order = fromNumbers(
    x.dtype,
    w.kernel,
    Array.from({ length: places }, (_, i) => places - i),
  );
  const ranks = g.tile(g.constant(order), spatialOf(y.dims));
  const ranked = g.mul(g.cast(g.equal(x, repeat(y)), x.dtype), ranks);
  const first = g.op("MaxPool", [ranked], { kernel_shape: w.kernel, strides: w.strides });
  return g.mul(g.cast(g.equal(ranked, repeat(first)), x.dtype), repeat(dy));
}

/** dy given to every element that its window sees, added up: the gradient of a sum over windows. */
function spread(g: Builder, dy: Value, w: Window, x: Value): Value {
  const rows = g.unsqueeze(imageRows(g, dy), [1]);
  const ones = g.constant(fromNumbers(dy.dtype, [1, 1, ...w.kernel], Array<number>(sizeOf(w.kernel)).fill(1)));
  return g.reshapeLike(unslide(g, { dy: rows, weights: ones, window: w }, spatialOf(x.dims)), x);
}

/** How many elements each window of AveragePool divides by: a number where all are equal, else a constant (…out). */
function counts(g: Builder, { x: [x], y: [y], attrs }: View, w: Window): Value | number {
  const padding = attrs.int("count_include_pad", 0) !== 0;
  const along = spatialOf(x.dims).map((l, i) =>
    Array.from({ length: y.dims[i + 2] as number }, (_, o) => {
      const from = o * w.strides[i]! - w.begin[i]!;
      const limit = padding ? l + w.end[i]! : l;
      return Array.from({ length: w.kernel[i]! }, (_, k) => from + k * w.dilations[i]!).filter((at) => (padding || at >= 0) && at < limit)
        .length;
    }),
  );
  const all = along.reduce<number[]>((a, b) => a.flatMap((p) => b.map((q) => p * q)), [1]);
  if (all.every((v) => v === all[0])) return all[0]!;
  return g.constant(
    fromNumbers(
      x.dtype,
      along.map((a) => a.length),
      all,
    ),
  );
}

/** |x|ᵖ⁻¹ · sign x · dy · y¹⁻ᵖ, where `up` gives a value of y's shape to the elements of x; 0 where y is 0. */
function powerGradient(g: Builder, { x: [x], y: [y], dy: [dy], attrs }: View, up: (v: Value) => Value): Value {
  const p = attrs.int("p", 2);
  if (p === 1) return g.mul(g.sign(x), up(dy));
  const share = p === 2 ? g.div(dy, y) : g.div(dy, g.pow(y, p - 1));
  const slope = p === 2 ? x : g.mul(g.sign(x), g.pow(g.abs(x), p - 1));
  return g.mul(slope, up(g.where(g.equal(y, 0), 0, share)));
}

const whole = (x: { dims: readonly Dim[] }): Dim[] => {
  if (x.dims.length < 3) throw mismatch(`${show(x.dims)} has no spatial axes.`);
  return x.dims.map((d, i) => (i < 2 ? d : 1));
};

const sample = (input: Gen, attrs: Record<string, number | string | readonly number[]>, step?: number): Sample => ({
  inputs: [input],
  attrs,
  float32: true, // ONNX Runtime has no float64 pooling but MaxPool's
  ...(step && { step }),
});

export const pools = {
  /**
   * The largest in each window; the first of equals takes the gradient, as in PyTorch. Measured against scattering by Indices, which WebGPU
   * lacks: 0.8 of its time for 2 × 2, 1.2 for 3 × 3 with stride 2, 1.6 for 5 × 5 with stride 1; against ArgMax over the windows 0.5 to 0.9.
   */
  MaxPool: op({
    arity: 1,
    infer([x], call) {
      const dims = pooled(x.dims, call);
      return call.outputs > 1 ? [like(x, dims), { dtype: "int64", dims }] : like(x, dims);
    },
    grad(g, { x: [x], y: [y], dy: [dy], attrs }) {
      const w = windowOf(attrs, x.dims);
      const out = spatialOf(y.dims);
      if (isTiling(w, out, spatialOf(x.dims))) return [tiledMaximum(g, x, y, dy, w)];
      const best = imageRows(g, y);
      const up = imageRows(g, dy);
      const seen = views(g, imageRows(g, x), w, out, -Infinity);
      let free: Value | undefined; // windows that have not found theirs yet
      const parts = seen.map((v, i) => {
        const same = g.equal(v, best);
        const found = free ? g.and(same, free) : same;
        if (i < seen.length - 1) free = free ? g.and(free, g.not(same)) : g.not(same);
        return g.where(found, up, 0);
      });
      return [g.reshapeLike(place(g, parts, w, spatialOf(x.dims)), x)];
    },
    samples: [
      { inputs: [distinct(2, 2, 5, 4)], attrs: { kernel_shape: [2, 2], strides: [2, 2] }, float32: true },
      { inputs: [distinct(2, 2, 4, 6)], attrs: { kernel_shape: [2, 3], strides: [2, 3] }, float32: true },
      { inputs: [distinct(1, 2, 5, 5)], attrs: { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }, float32: true },
      { inputs: [distinct(1, 1, 6, 5)], attrs: { kernel_shape: [3, 2], strides: [2, 2], ceil_mode: 1, dilations: [1, 2] }, float32: true },
      { inputs: [distinct(1, 2, 6)], attrs: { kernel_shape: [3], auto_pad: "SAME_UPPER" }, float32: true, outputs: 2 },
      { inputs: [distinct(1, 1, 3, 3, 4)], attrs: { kernel_shape: [2, 2, 2], strides: [1, 1, 2] }, float32: true },
    ],
  }),

  /** The mean of each window. */
  AveragePool: op({
    arity: 1,
    infer: ([x], call) => like(x, pooled(x.dims, call)),
    grad(g, view) {
      const w = windowOf(view.attrs, view.x[0].dims);
      return [spread(g, g.div(view.dy[0], counts(g, view, w)), w, view.x[0])];
    },
    samples: [
      sample(normal(2, 2, 5, 4), { kernel_shape: [2, 2], strides: [2, 2] }, 1),
      sample(normal(1, 2, 5, 5), { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }, 1),
      sample(normal(1, 2, 5, 5), { kernel_shape: [3, 3], strides: [1, 2], pads: [1, 0, 1, 1], count_include_pad: 1 }, 1),
      sample(normal(1, 1, 6, 5), { kernel_shape: [3, 2], strides: [2, 2], ceil_mode: 1 }, 1),
      sample(normal(1, 1, 6), { kernel_shape: [3], strides: [2], pads: [1, 1], ceil_mode: 1, count_include_pad: 1 }, 1),
      sample(normal(1, 1, 6, 5), { kernel_shape: [2, 2], dilations: [2, 1], pads: [1, 0, 1, 1] }, 1),
      sample(normal(1, 1, 6, 5), { kernel_shape: [2, 2], auto_pad: "SAME_UPPER" }, 1),
      sample(normal(1, 1, 3, 3, 4), { kernel_shape: [2, 2, 2], strides: [1, 1, 2] }, 1),
    ],
  }),

  /** (Σ |x|ᵖ)^(1/p) of each window. */
  LpPool: op({
    arity: 1,
    infer: ([x], call) => like(x, pooled(x.dims, call)),
    grad(g, view) {
      const w = windowOf(view.attrs, view.x[0].dims);
      return [powerGradient(g, view, (v) => spread(g, v, w, view.x[0]))];
    },
    samples: [
      sample(normal(1, 2, 5, 4), { kernel_shape: [2, 2], strides: [2, 2] }),
      sample(offGrid(1, 2, 5), { kernel_shape: [3], p: 3, pads: [1, 1] }),
      sample(offGrid(1, 2, 5), { kernel_shape: [2], p: 1 }),
    ],
  }),

  GlobalAveragePool: op({
    arity: 1,
    infer: ([x]) => like(x, whole(x)),
    grad: (g, { x: [x], dy: [dy] }) => [g.expandLike(g.div(dy, g.count(x, [...x.dims.keys()].slice(2))), x)],
    samples: [sample(normal(2, 2, 3, 2), {}, 1), sample(normal(2, 2, 3), {}, 1)],
  }),

  /** The first of equals takes the gradient. */
  GlobalMaxPool: op({
    arity: 1,
    infer: ([x]) => like(x, whole(x)),
    grad(g, { x: [x], dy: [dy] }) {
      const spatial = spatialOf(x.dims);
      const rows = g.reshape(x, [-1, sizeOf(spatial)]);
      const places = g.list([...Array(sizeOf(spatial)).keys()]);
      const wins = g.equal(g.argMax(rows, { axis: 1, keepdims: true }), places);
      return [g.reshapeLike(g.where(wins, g.reshape(dy, [-1, 1]), 0), x)];
    },
    samples: [sample(distinct(2, 2, 3, 2), {})],
  }),

  GlobalLpPool: op({
    arity: 1,
    infer: ([x]) => like(x, whole(x)),
    grad: (g, view) => [powerGradient(g, view, (v) => v)],
    samples: [sample(normal(2, 2, 3, 2), {}), sample(offGrid(1, 2, 5), { p: 3 })],
  }),
} satisfies Record<string, Op>;
