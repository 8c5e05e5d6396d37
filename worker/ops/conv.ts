// Convolutions of one to three dimensions. Letters: N batch, C channels in, M channels out, G groups, k places of the kernel, o places of the
// result. Each of the three gradients is itself a convolution, a transposed one, or a product of the two sides' rows.
import type { Dim, ValueInfo } from "../onnx/graph.ts";
import type { Builder, Value } from "./builder.ts";
import { type Attrs, type Op, op } from "./op.ts";
import { normal, type Sample } from "./samples.ts";
import { like, mismatch, sameType, show } from "./shapes.ts";
import { imageRows, reachOf, slideShape, spatialOf, unslide, views, type Window, windowOf } from "./window.ts";

/** From this many channels a group on, one product for each place of the kernel; below, one product with all places side by side. */
const wide = 16;
/** Up to this many channels (a first layer), a Conv with batch and channels swapped. */
const few = 4;

/** Pads, strides and the rest as attributes; automatic padding is reckoned out. */
const plain = (w: Window, group: number) => ({
  kernel_shape: w.kernel,
  strides: w.strides,
  dilations: w.dilations,
  pads: [...w.begin, ...w.end],
  ...(group !== 1 && { group }),
});

/** Lengths of the kernel. Throws `shapeMismatch` for weights of another rank, or that the attributes contradict. */
function kernelOf(x: ValueInfo, w: ValueInfo, attrs: Attrs): number[] {
  sameType(x, w);
  const kernel = w.dims.slice(2);
  if (w.dims.length !== x.dims.length || kernel.some((k) => typeof k === "string"))
    throw mismatch(`weights of ${show(w.dims)} do not fit ${show(x.dims)}.`);
  const told = attrs.ints("kernel_shape", kernel as number[]);
  if (told.join() !== kernel.join()) throw mismatch(`its kernel_shape [${told.join(", ")}] is not that of its weights ${show(w.dims)}.`);
  return kernel as number[];
}

/** Channels in each group; symbols are taken at their word. */
function groups(x: Dim, w: Dim, group: number): void {
  if (typeof w === "number" && w % group !== 0) throw mismatch(`${w} channels cannot be parted into ${group} groups.`);
  if (typeof x === "number" && x % group !== 0) throw mismatch(`${x} channels cannot be parted into ${group} groups.`);
}

/** The bias, a value for each channel of y: the sum of dy over all else. */
const channelSums = (g: Builder, dy: Value): Value =>
  g.reduceSum(dy, { axes: [...dy.dims.keys()].filter((i) => i !== 1), keepdims: false });

/**
 * Σ small[n, m, o] · large[n, c, o · stride + k · dilation - begin] over n and o: (M, C / G, …k).
 * As products of rows: measured 0.7 to 0.9 of the time of a Conv with batch and channels swapped (3 × 3, 16 to 256 channels); for the few
 * channels of a first layer that Conv takes 0.4 to 0.6. Depthwise as sums of products: 0.7 of the batched product.
 */
function weightGradient(g: Builder, { small, large, window, group }: { small: Value; large: Value; window: Window; group: number }): Value {
  const out = spatialOf(small.dims);
  const m = channels(small);
  const c = channels(large);
  const dims = [m, c / group, ...window.kernel];
  const spatialAxes = out.map((_, i) => i + 1);
  if (c === group && m === group) {
    const dy = imageRows(g, small);
    const sums = views(g, imageRows(g, large), window, out).map((v) => g.reduceSum(g.mul(v, dy), { axes: spatialAxes, keepdims: false }));
    const joined = g.concat(
      sums.map((s) => g.reshape(s, [-1, c, 1])),
      { axis: 2 },
    ); // (N, C, k)
    return g.reshape(g.reduceSum(joined, { axes: [0], keepdims: false }), dims);
  }
  const first = [1, 0, ...spatialAxes.map((a) => a + 1)];
  if (group === 1 && c <= few && out.length < 3) {
    const { strides, dilations, begin, end } = window;
    const swapped = g.op("Conv", [g.transpose(large, first), g.transpose(small, first)], {
      strides: dilations,
      dilations: strides,
      pads: [...begin, ...end],
    });
    const starts = window.kernel.map(() => 0);
    return g.transpose(g.slice(swapped, { starts, ends: window.kernel, axes: spatialAxes.map((a) => a + 1) }), first);
  }
  const dy = g.reshape(g.transpose(small, first), group === 1 ? [m, -1] : [group, m / group, -1]); // (G, M / G, N·o)
  const seen = views(g, imageRows(g, g.transpose(large, first)), window, out).map((v) =>
    g.reshape(v, group === 1 ? [c, -1] : [group, c / group, -1]),
  );
  const axis = group === 1 ? 0 : 1;
  const times = (v: Value) => (group === 1 ? g.gemm(dy, v, undefined, { transB: 1 }) : g.matmul(dy, g.swapLast(v)));
  if (c / group >= wide || seen.length === 1)
    return g.reshape(
      g.concat(
        seen.map((v) => g.reshape(times(v), [m, c / group, 1])),
        { axis: 2 },
      ),
      dims,
    );
  const product = g.reshape(times(g.concat(seen, { axis })), [m, seen.length, c / group]);
  return g.reshape(g.transpose(product, [0, 2, 1]), dims);
}

function channels(x: Value): number {
  const c = x.dims[1];
  if (typeof c !== "number") throw mismatch(`the number of channels of ${show(x.dims)} must be known for the gradient.`);
  return c;
}

/** Padding that the attributes of ConvTranspose tell, and its result's lengths. */
export function transposedWindow(attrs: Attrs, dims: readonly Dim[], kernel: readonly number[]): { window: Window; out: Dim[] } {
  const n = kernel.length;
  const sizes = attrs.ints("output_shape", []).slice(-n);
  const mode = attrs.string("auto_pad", "NOTSET");
  const extra = attrs.ints("output_padding", Array<number>(n).fill(0));
  const fixed = mode === "NOTSET" || mode === "VALID";
  const base = windowOf(fixed ? attrs : attrs.without("auto_pad"), dims, kernel);
  const full = (i: number): number => (Number(dims[i + 2]) - 1) * base.strides[i]! + extra[i]! + reachOf(base, i); // NaN where symbolic
  if (fixed && !sizes.length)
    return {
      window: base,
      out: dims.slice(2).map((d, i) => {
        if (typeof d === "number") return full(i) - base.begin[i]! - base.end[i]!;
        const more = extra[i]! + reachOf(base, i) - base.strides[i]! - base.begin[i]! - base.end[i]!;
        return base.strides[i] === 1 && more === 0
          ? d
          : `${base.strides[i] === 1 ? d : `${d}*${base.strides[i]}`}${more ? `+${more}` : ""}`;
      }),
    };
  const known = spatialOf(dims);
  const out = known.map((l, i) => sizes[i] ?? l * base.strides[i]!);
  const totals = out.map((o, i) => Math.max(0, full(i) - o));
  const less = totals.map((t) => Math.floor(t / 2));
  const more = totals.map((t, i) => t - less[i]!);
  const window = mode === "SAME_UPPER" ? { ...base, begin: less, end: more } : { ...base, begin: more, end: less };
  return { window, out };
}

const draws = (...inputs: readonly (readonly number[])[]) => inputs.map((dims) => normal(...dims));
const linear = (inputs: readonly (readonly number[])[], attrs: Record<string, number | string | readonly number[]> = {}): Sample => ({
  inputs: draws(...inputs),
  attrs,
  step: 1,
  float32: true, // ONNX Runtime has no float64 convolution
});

export const convolutions = {
  /** y[n, m, o] = Σ w[m, c, k] · x[n, c, o · stride + k · dilation - begin] + b[m] */
  Conv: op({
    arity: [2, 3],
    infer([x, w], call) {
      const group = call.attrs.int("group", 1);
      const window = windowOf(call.attrs, x.dims, kernelOf(x, w, call.attrs));
      groups(x.dims[1]!, w.dims[0]!, group);
      const c = w.dims[1]!;
      if (typeof c === "number" && typeof x.dims[1] === "number" && c * group !== x.dims[1])
        throw mismatch(`weights for ${c * group} channels meet ${x.dims[1]}.`);
      return like(x, [x.dims[0]!, w.dims[0]!, ...slideShape(x.dims, window, call)]);
    },
    grad(g, { x: [x, w], dy: [dy], attrs, has, wants }) {
      const group = attrs.int("group", 1);
      const window = windowOf(attrs, x.dims, w.dims.slice(2) as number[]);
      return [
        wants(0) ? g.assume(unslide(g, { dy, weights: w, window, group }, spatialOf(x.dims)), x.dims) : null,
        wants(1) ? weightGradient(g, { small: dy, large: x, window, group }) : null,
        has(2) && wants(2) ? channelSums(g, dy) : null,
      ];
    },
    samples: [
      linear([[2, 5, 5, 5], [4, 5, 3, 3], [4]], { pads: [1, 1, 1, 1], strides: [2, 2] }),
      linear(
        [
          [2, 4, 4, 4],
          [4, 1, 3, 3],
        ],
        { group: 4, auto_pad: "SAME_UPPER", strides: [2, 1] },
      ), // depthwise
      linear([[1, 4, 5, 4], [6, 2, 2, 2], [6]], { group: 2, pads: [0, 1, 2, 0], strides: [3, 1], dilations: [1, 2] }),
      linear(
        [
          [2, 16, 3],
          [2, 16, 2],
        ],
        { auto_pad: "SAME_LOWER" },
      ),
      linear([[1, 2, 5], [3, 2, 3], [3]], { auto_pad: "VALID", dilations: [2] }),
      linear(
        [
          [1, 2, 3, 4, 3],
          [2, 2, 2, 3, 2],
        ],
        { pads: [1, 1, 0, 0, 1, 1], strides: [1, 2, 2] },
      ),
      linear(
        [
          [1, 2, 4, 4],
          [3, 2, 1, 1],
        ],
        { strides: [3, 3] },
      ), // the last row is seen by none
    ],
  }),

  /** The gradient of Conv as an operator: y[n, m, i · stride + k · dilation - begin] += w[c, m, k] · x[n, c, i], and b[m]. */
  ConvTranspose: op({
    arity: [2, 3],
    infer([x, w], call) {
      const group = call.attrs.int("group", 1);
      const { out } = transposedWindow(call.attrs, x.dims, kernelOf(x, w, call.attrs));
      groups(x.dims[1]!, w.dims[0]!, group);
      if (typeof w.dims[0] === "number" && typeof x.dims[1] === "number" && w.dims[0] !== x.dims[1])
        throw mismatch(`weights for ${w.dims[0]} channels meet ${x.dims[1]}.`);
      const [, m] = w.dims;
      if (typeof m !== "number") throw mismatch(`the channels of its weights ${show(w.dims)} must be known.`);
      return like(x, [x.dims[0]!, m * group, ...out]);
    },
    grad(g, { x: [x, w], dy: [dy], attrs, has, wants }) {
      const group = attrs.int("group", 1);
      const { window } = transposedWindow(attrs, x.dims, w.dims.slice(2) as number[]);
      const dx = () => {
        const whole = g.op("Conv", [dy, w], plain(window, group));
        // Where output_padding is a stride or more, Conv finds a place more than x has.
        const axes = x.dims.map((_, i) => i).filter((i) => i > 1 && whole.dims[i] !== x.dims[i]);
        return axes.length ? g.slice(whole, { starts: axes.map(() => 0), ends: axes.map((a) => x.dims[a] as number), axes }) : whole;
      };
      return [
        wants(0) ? dx() : null,
        wants(1) ? weightGradient(g, { small: x, large: dy, window, group }) : null,
        has(2) && wants(2) ? channelSums(g, dy) : null,
      ];
    },
    samples: [
      linear([[2, 3, 3, 3], [3, 2, 3, 3], [2]], { strides: [2, 2], pads: [1, 1, 1, 1], output_padding: [1, 1] }),
      linear(
        [
          [1, 4, 3, 2],
          [4, 2, 2, 3],
        ],
        { group: 2, strides: [1, 3], dilations: [2, 1], pads: [0, 1, 1, 0] },
      ),
      linear([[2, 3, 4], [3, 1, 2], [3]], { group: 3, strides: [2] }),
      linear(
        [
          [1, 2, 3, 3],
          [2, 1, 3, 3],
        ],
        { strides: [2, 2], auto_pad: "SAME_UPPER" },
      ),
      linear(
        [
          [1, 2, 3],
          [2, 2, 3],
        ],
        { strides: [2], output_shape: [6] },
      ),
      linear(
        [
          [1, 2, 2, 2, 2],
          [2, 1, 2, 2, 2],
        ],
        { strides: [2, 1, 2] },
      ),
    ],
  }),
} satisfies Record<string, Op>;
