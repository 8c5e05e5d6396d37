// Convolutions of small images, deep in a net: the runtime multiplies image by image, and reads all weights for a few columns. Here one product
// takes the whole batch. Columns stand in the order (place of the result, image), so that slices of them are long runs of memory.
import type { Builder, Value } from "../../ops/builder.ts";
import { placesOf, spatialOf, type Window, windowOf } from "../../ops/window.ts";
import { sizeOf } from "../../tensor.ts";
import { type Correlation, correlation } from "./correlation.ts";
import type { Lowering } from "./lowering.ts";

/** Up to this many places a result's image is small; for the way back through a convolution twice as many. */
const few = 8;
/** Below this many weights there is nothing to win. */
const heavy = 1 << 15;

const spatialAxes = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 2);

/** Whether the batched form is worth it. */
const isSmall = (places: readonly number[], weights: Value, most: number): boolean =>
  sizeOf(places) <= most && weights.dims.every((d) => typeof d === "number") && sizeOf(weights.dims as number[]) >= heavy;

/** What the windows see: (C · k, o · N). */
function columnsOf(g: Builder, x: Value, w: Window, out: readonly number[]): Value {
  const c = x.dims[1] as number;
  const axes = spatialAxes(out.length);
  const turned = g.transpose(x, [...axes, 0, 1]); // (…spatial, N, C)
  const padded = [...w.begin, ...w.end].some((p) => p > 0) ? g.op("Pad", [turned, g.list([...w.begin, 0, 0, ...w.end, 0, 0])]) : turned;
  const leading = axes.map((a) => a - 2);
  const seen = placesOf(w.kernel).map((place) => {
    const starts = place.map((k, i) => k * w.dilations[i]!);
    const ends = starts.map((s, i) => s + (out[i]! - 1) * w.strides[i]! + 1);
    const all = starts.every((s, i) => s === 0 && w.strides[i] === 1 && ends[i] === padded.dims[i]);
    const steps = w.strides.some((s) => s > 1) && { steps: w.strides };
    return g.reshape(all ? padded : g.slice(padded, { starts, ends, axes: leading, ...steps }), [-1, 1, c]);
  });
  return g.reshape(g.transpose(g.concat(seen, { axis: 1 }), [2, 1, 0]), [c * seen.length, -1]);
}

/** (N, M, …o) → (M, o · N). */
const rowsOf = (g: Builder, y: Value): Value =>
  g.reshape(g.transpose(y, [1, ...spatialAxes(y.dims.length - 2), 0]), [y.dims[1] as number, -1]);

export const smallImages: Lowering[] = [
  {
    name: "a convolution of small images is one product for the whole batch",
    at: ["Conv"],
    devices: ["cpu"],
    measured:
      "512 channels, 3 × 3, 16 images of 2 × 2: 4.5 ms instead of 13.7; of 4 × 4 (256 channels) it would be 5 instead of 3.9 (AVX-512, one thread)",
    rewrite({ g, attrs, y: { dims }, x: [x, weights, bias] }) {
      if (!x || !weights || attrs.int("group", 1) !== 1) return undefined;
      const places = dims.slice(2);
      if (![...places, ...x.dims.slice(1), ...weights.dims].every((d) => typeof d === "number")) return undefined;
      const out = places as number[];
      if (!isSmall(out, weights, few)) return undefined;
      const [m, c, ...kernel] = weights.dims as number[];
      const columns = columnsOf(g, x, windowOf(attrs, x.dims, kernel), out);
      const product = g.matmul(g.reshape(weights, [m!, c! * sizeOf(kernel)]), columns); // (M, o · N)
      const biased = bias ? g.add(product, g.unsqueeze(bias, [1])) : product;
      const n = out.length;
      const y = g.transpose(g.reshape(biased, [m!, ...out, -1]), [n + 1, ...Array(n + 1).keys()]);
      return [g.assume(y, [x.dims[0]!, m!, ...out])];
    },
  },
  {
    name: "the gradient of its weights is one product with the same columns",
    at: ["Transpose"],
    devices: ["cpu"],
    measured: "512 channels, 3 × 3, 16 images of 2 × 2: 3.5 ms instead of 8.0 (AVX-512, one thread)",
    rewrite({ g, attrs, x: [x] }) {
      const found: Correlation | undefined = correlation(g, x, attrs);
      if (!found || found.group !== 1) return undefined;
      const { small, large, window } = found;
      const out = spatialOf(small.dims);
      const [m, c] = [small.dims[1], large.dims[1]];
      if (typeof m !== "number" || typeof c !== "number") return undefined;
      if (sizeOf(out) > few || m * c * sizeOf(window.kernel) < heavy) return undefined;
      const columns = columnsOf(g, large, window, out);
      return [g.reshape(g.gemm(rowsOf(g, small), columns, undefined, { transB: 1 }), [m, c, ...window.kernel])];
    },
  },
  {
    name: "a transposed convolution of small images is one product, its columns then put back",
    at: ["ConvTranspose"],
    devices: ["cpu"],
    measured:
      "512 channels, 3 × 3, 16 images of 2 × 2: 4.6 ms instead of 34; 256 channels, 4 × 4: 3.7 instead of 5.9 (AVX-512, one thread)",
    rewrite({ g, attrs, y: { dims }, x: [dy, weights, bias] }) {
      if (!dy || !weights || dy.dims.length !== 4 || attrs.int("group", 1) !== 1 || attrs.has("auto_pad")) return undefined;
      const out = dy.dims.slice(2);
      const image = dims.slice(2);
      if (![...out, ...image, ...weights.dims].every((d) => typeof d === "number") || !isSmall(out as number[], weights, 2 * few))
        return undefined;
      const [m, c, ...kernel] = weights.dims as number[];
      const rows = g.reshape(g.transpose(dy, [0, 2, 3, 1]), [-1, m!]); // (N · o, M)
      const product = g.matmul(rows, g.reshape(weights, [m!, c! * sizeOf(kernel)]));
      const columns = g.transpose(g.reshape(product, [-1, sizeOf(out as number[]), c! * sizeOf(kernel)]), [0, 2, 1]); // (N, C · k, o)
      const told = Object.fromEntries(["dilations", "strides", "pads"].flatMap((a) => (attrs.has(a) ? [[a, attrs.ints(a)]] : [])));
      const plain =
        kernel.every((k) => k === 1) && (out as number[]).every((o, i) => o === image[i]) && !attrs.ints("pads", []).some((p) => p);
      const made = plain
        ? g.reshape(columns, [-1, c!, ...(image as number[])])
        : g.op("Col2Im", [columns, g.list(image as number[]), g.list(kernel)], told);
      return [g.assume(bias ? g.add(made, g.reshape(bias, [c!, 1, 1])) : made, [dy.dims[0]!, c!, ...image])];
    },
  },
];
