// Convolutions of one to three dimensions. Letters: N batch, C channels in, M channels out, G groups, k places of the kernel, o places of the
// result. Each gradient is itself a convolution or a transposed one.
import type { Dim, ValueInfo } from "../onnx/graph.ts";
import type { Builder, Value } from "./builder.ts";
import { asLongAs, isOpen, unslideLater, weightsLater } from "./convLater.ts";
import { type Attrs, type Op, op } from "./op.ts";
import { normal, type Sample } from "./samples.ts";
import { like, mismatch, sameType, show } from "./shapes.ts";
import { reachOf, slideShape, spatialOf, unslide, type Window, windowOf } from "./window.ts";

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

/** dy back to where each of its places was seen. */
function dataGradient(g: Builder, at: { dy: Value; weights: Value; x: Value; window: Window; group: number }): Value {
  if (isOpen(at.x) || isOpen(at.dy)) return unslideLater(g, at);
  return g.assume(unslide(g, at, spatialOf(at.x.dims)), at.x.dims);
}

/** The bias, a value for each channel of y: the sum of dy over all else. */
const channelSums = (g: Builder, dy: Value): Value =>
  g.reduceSum(dy, { axes: [...dy.dims.keys()].filter((i) => i !== 1), keepdims: false });

/**
 * Σ small[n, m, o] · large[n, c, o · stride + k · dilation - begin] over n and o: (M, C / G, …k). It is a convolution of large by small with batch
 * and channels swapped, strides and dilations too; worker/passes/lowerings knows it by that form.
 */
function weightGradient(g: Builder, { small, large, window, group }: { small: Value; large: Value; window: Window; group: number }): Value {
  const m = channels(small);
  const c = channels(large);
  if (isOpen(small) || isOpen(large)) return weightsLater(g, { small, large, window, group, channels: [m, c] });
  const out = spatialOf(small.dims);
  const axes = out.map((_, i) => i + 2);
  const swap = [1, 0, ...axes];
  const { kernel, strides, dilations, begin, end } = window;
  const sides = spatialOf(large.dims);
  const parts = () => g.transpose(g.reshape(large, [-1, group, c / group, ...sides]), [2, 1, 0, ...axes.map((a) => a + 1)]);
  const swapped = group === 1 ? g.transpose(large, swap) : g.reshape(parts(), [c / group, -1, ...sides]); // (C / G, G·N, …)
  const conv = g.op("Conv", [swapped, g.transpose(small, swap)], {
    kernel_shape: out,
    strides: dilations,
    dilations: strides,
    pads: [...begin, ...end],
    ...(group !== 1 && { group }),
  });
  const whole = conv.dims.slice(2).join() === kernel.join();
  const cut = whole ? conv : g.slice(conv, { starts: kernel.map(() => 0), ends: kernel, axes });
  return g.assume(g.transpose(cut, swap), [m, c / group, ...kernel]);
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
        wants(0) ? dataGradient(g, { dy, weights: w, x, window, group }) : null,
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
        if (isOpen(x) || isOpen(dy)) return asLongAs(g, whole, x);
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
