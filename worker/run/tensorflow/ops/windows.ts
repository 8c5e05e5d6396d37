// Windows over images: TensorFlow has them with channels last, equal strides for depthwise ones, and no gradient of dilated ones. So images
// are turned, borders are made beforehand, dilated kernels are filled up with zeros, and dilated pools look at their elements laid apart.
import { transposedWindow } from "../../../ops/conv.ts";
import { reachOf, slideShape, type Window, windowOf } from "../../../ops/window.ts";
import { sizeOf } from "../../../tensor.ts";
import { type Entry, inverse, type Step, type Tf, type TfTensor } from "../op.ts";
import { pickAlong } from "./layout.ts";

const toLast = (rank: number): number[] => [0, ...Array.from({ length: rank - 2 }, (_, i) => i + 2), 1];

/** Borders along the spatial axes of (N, C, …); where one is negative, what is there is cut off. */
function bordered(tf: Tf, x: TfTensor, begin: readonly number[], end: readonly number[], fill = 0): TfTensor {
  const first = x.shape.map((_, i) => (i < 2 ? 0 : Math.max(0, -begin[i - 2]!)));
  const size = x.shape.map((d, i) => (i < 2 ? d : d + Math.min(0, begin[i - 2]!) + Math.min(0, end[i - 2]!)));
  const inner = size.join() === x.shape.join() ? x : tf.slice(x, first, size);
  const pads = x.shape.map((_, i): [number, number] => (i < 2 ? [0, 0] : [Math.max(0, begin[i - 2]!), Math.max(0, end[i - 2]!)]));
  return pads.some(([b, e]) => b || e) ? tf.pad(inner, pads, fill) : inner;
}

/** Zeros put between the elements along the spatial axes, `steps` - 1 of them. */
function spaced(tf: Tf, x: TfTensor, steps: readonly number[]): TfTensor {
  if (steps.every((s) => s === 1)) return x;
  const [n, c, ...spatial] = x.shape as [number, number, ...number[]];
  const apart = tf.reshape(x, [n * c, ...spatial.flatMap((d) => [d, 1])]);
  const wide = tf.pad(apart, [[0, 0], ...steps.flatMap((s): [number, number][] => [[0, 0], [0, s - 1]])]); // prettier-ignore
  const whole = tf.reshape(wide, [n, c, ...spatial.map((d, i) => d * steps[i]!)]);
  return tf.slice(whole, whole.shape.map(() => 0), [n, c, ...spatial.map((d, i) => (d - 1) * steps[i]! + 1)]); // prettier-ignore
}

/** y[n, m, o] = Σ w[m, c, k] · x[n, c, o · stride + k] with the borders made and the kernel filled up; one, two or three axes. */
function convolve(tf: Tf, x: TfTensor, w: TfTensor, strides: readonly number[], group: number): TfTensor {
  if (x.rank === 3) {
    const wide = (v: TfTensor) => tf.expandDims(v, 2);
    return tf.squeeze(convolve(tf, wide(x), wide(w), [1, ...strides], group), [2]);
  }
  const last = tf.transpose(x, toLast(x.rank));
  const back = inverse(toLast(x.rank));
  const spatial = Array.from({ length: x.rank - 2 }, (_, i) => i + 2);
  const [m, c] = w.shape as [number, number];
  if (group > 1 && c === 1 && x.rank === 4 && strides[0] === strides[1]) {
    const multiplied = tf.reshape(w, [group, m / group, ...w.shape.slice(2)]);
    const filter = tf.transpose(multiplied, [2, 3, 0, 1]);
    return tf.transpose(tf.depthwiseConv2d(last as never, filter as never, strides[0]!, "valid"), back);
  }
  const one = (image: TfTensor, weights: TfTensor): TfTensor => {
    const filter = tf.transpose(weights, [...spatial, 1, 0]);
    if (x.rank === 5) return tf.conv3d(image as never, filter as never, [...strides] as never, "valid");
    return tf.conv2d(image as never, filter as never, [...strides] as never, "valid");
  };
  if (group === 1) return tf.transpose(one(last, w), back);
  const images = tf.split(last, group, last.rank - 1);
  const weights = tf.split(w, group, 0);
  return tf.transpose(tf.concat(images.map((image, i) => one(image, weights[i]!)), last.rank - 1), back); // prettier-ignore
}

const withBias = ({ tf, x, has }: Step, y: TfTensor): TfTensor =>
  has(2) ? tf.add(y, tf.reshape(x[2], [-1, ...y.shape.slice(2).map(() => 1)])) : y;

function conv(s: Step): TfTensor {
  const { tf, x: [x, w], attrs } = s; // prettier-ignore
  const window = windowOf(attrs, x.shape, w.shape.slice(2));
  const image = bordered(tf, x, window.begin, window.end);
  return withBias(s, convolve(tf, image, spaced(tf, w, window.dilations), window.strides, attrs.int("group", 1)));
}

/** A convolution of x with zeros in between, by the kernel turned round. */
function convTranspose(s: Step): TfTensor {
  const { tf, x: [x, w], attrs } = s; // prettier-ignore
  const group = attrs.int("group", 1);
  const { window, out } = transposedWindow(attrs, x.shape, w.shape.slice(2));
  const [c, m] = w.shape as [number, number];
  const kernel = spaced(tf, w, window.dilations);
  const parted = tf.reshape(kernel, [group, c / group, m, ...kernel.shape.slice(2)]);
  const axes = [...parted.shape.keys()].slice(3);
  const swapped = tf.reverse(tf.transpose(parted, [0, 2, 1, ...axes]), axes);
  const weights = tf.reshape(swapped, [m * group, c / group, ...kernel.shape.slice(2)]);
  const apart = spaced(tf, x, window.strides);
  const before = window.begin.map((b, i) => reachOf(window, i) - 1 - b);
  const after = before.map((b, i) => Number(out[i]) - 1 + reachOf(window, i) - b - apart.shape[i + 2]!);
  return withBias(s, convolve(tf, bordered(tf, apart, before, after), weights, window.strides.map(() => 1), group)); // prettier-ignore
}

interface Pooling {
  /** Kernel and strides; borders and dilations are undone beforehand. */
  kernel: number[];
  strides: number[];
  image: TfTensor;
  out: number[];
  window: Window;
}

/** The image with its borders, and where the windows are dilated, with what each sees laid side by side. */
function pooling({ tf, x: [x], attrs }: Step, fill: number): Pooling {
  const window = windowOf(attrs, x.shape);
  const ceil = attrs.int("ceil_mode", 0) !== 0;
  const out = slideShape(x.shape, window, { symbol: () => "?" }, ceil) as number[];
  const after = out.map((o, i) => (o - 1) * window.strides[i]! + reachOf(window, i) - window.begin[i]! - x.shape[i + 2]!);
  const image = bordered(tf, x, window.begin, after, fill);
  if (window.dilations.every((d) => d === 1)) return { kernel: [...window.kernel], strides: [...window.strides], image, out, window };
  const apart = out.reduce((v, o, i) => {
    const places = Array.from({ length: o * window.kernel[i]! }, (_, at) => {
      const k = window.kernel[i]!;
      return Math.floor(at / k) * window.strides[i]! + (at % k) * window.dilations[i]!;
    });
    return pickAlong(tf, v, places, i + 2);
  }, image);
  return { kernel: [...window.kernel], strides: [...window.kernel], image: apart, out, window };
}

function pooled(tf: Tf, { image, kernel, strides }: Pooling, how: "max" | "avg"): TfTensor {
  if (image.rank === 3) {
    const flat = pooled(tf, { image: tf.expandDims(image, 2), kernel: [1, ...kernel], strides: [1, ...strides] } as Pooling, how);
    return tf.squeeze(flat, [2]);
  }
  const last = tf.transpose(image, toLast(image.rank)) as never;
  const made =
    image.rank === 5
      ? tf[how === "max" ? "maxPool3d" : "avgPool3d"](last, kernel as never, strides as never, "valid")
      : tf[how === "max" ? "maxPool" : "avgPool"](last, kernel as never, strides as never, "valid");
  return tf.transpose(made as TfTensor, inverse(toLast(image.rank)));
}

/** How many elements each window divides by. */
function counts({ tf, x: [x], attrs }: Step, { window: w, out }: Pooling): TfTensor {
  const padding = attrs.int("count_include_pad", 0) !== 0;
  const along = out.map((o, i) =>
    Array.from({ length: o }, (_, at) => {
      const from = at * w.strides[i]! - w.begin[i]!;
      const limit = padding ? x.shape[i + 2]! + w.end[i]! : x.shape[i + 2]!;
      const seen = Array.from({ length: w.kernel[i]! }, (_, k) => from + k * w.dilations[i]!);
      return seen.filter((p) => (padding || p >= 0) && p < limit).length;
    }),
  );
  const all = along.reduce<number[]>((a, b) => a.flatMap((p) => b.map((q) => p * q)), [1]);
  return tf.tensor(all, out);
}

const spatialAxes = (x: TfTensor): number[] => [...x.shape.keys()].slice(2);

/** Σ |x|ᵖ to the power of 1/p, from a function that sums. */
function powered({ tf, x: [x], attrs }: Step, sum: (v: TfTensor) => TfTensor): TfTensor {
  const p = attrs.int("p", 2);
  if (p === 1) return sum(tf.abs(x));
  return p === 2 ? tf.sqrt(sum(tf.square(x))) : tf.pow(sum(tf.pow(tf.abs(x), p)), 1 / p);
}

export const windows = {
  Conv: conv,
  ConvTranspose: convTranspose,
  MaxPool: {
    run: (s) => pooled(s.tf, pooling(s, -Infinity), "max"),
    refuses: ({ outputs }) => (outputs.length > 1 ? "TensorFlow.js does not give the places of its maxima as ONNX counts them" : undefined),
  },
  AveragePool(s) {
    const p = pooling(s, 0);
    return s.tf.div(s.tf.mul(pooled(s.tf, p, "avg"), sizeOf(p.kernel)), counts(s, p));
  },
  LpPool: (s) =>
    powered(s, (v) => {
      const p = pooling({ ...s, x: [v] as unknown as Step["x"] }, 0);
      return s.tf.mul(pooled(s.tf, p, "avg"), sizeOf(p.kernel));
    }),
  GlobalAveragePool: ({ tf, x: [x] }) => tf.mean(x, spatialAxes(x), true),
  GlobalMaxPool: ({ tf, x: [x] }) => tf.max(x, spatialAxes(x), true),
  GlobalLpPool: (s) => powered(s, (v) => s.tf.sum(v, spatialAxes(v), true)),
} satisfies Record<string, Entry>;
