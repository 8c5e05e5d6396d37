// Convolutions and windows.
import { type Builder, type Value } from "../../ops/builder.ts";
import { imageRows, spatialOf, unslideByConv, views } from "../../ops/window.ts";
import { fromNumbers } from "../../tensor.ts";
import { correlation } from "./correlation.ts";
import { isAll, type Lowering } from "./lowering.ts";

/** From this many channels a group on, one product for each place of the kernel; below, one product with all places side by side. */
const wide = 16;
/** Up to this many channels (a first layer), the Conv that the rule writes. */
const few = 4;

export const convolutions: Lowering[] = [
  {
    name: "the gradient of depthwise weights is a sum of products for each place of the kernel",
    at: ["Transpose"],
    devices: "all",
    measured: "0.7 of the time of a batched product (3 × 3, x86-64 with AVX-512, one thread)",
    rewrite({ g, attrs, x: [x] }) {
      const found = correlation(g, x, attrs);
      if (!found || found.group === 1 || found.group !== found.small.dims[1] || found.group !== found.large.dims[1]) return undefined;
      const { small, large, window, group: c } = found;
      const out = spatialOf(small.dims);
      const axes = out.map((_, i) => i + 1);
      const dy = imageRows(g, small);
      const sums = views(g, imageRows(g, large), window, out).map((v) => g.reduceSum(g.mul(v, dy), { axes, keepdims: false }));
      const joined = g.concat(
        sums.map((s) => g.reshape(s, [-1, c, 1])),
        { axis: 2 },
      ); // (N, C, k)
      return [g.reshape(g.reduceSum(joined, { axes: [0], keepdims: false }), [c, 1, ...window.kernel])];
    },
  },
  {
    name: "the gradient of weights is a product of rows for each place of the kernel",
    at: ["Transpose"],
    devices: "all",
    measured:
      "3 × 3, 16 to 256 channels: 0.7 to 0.9 of the time of a Conv with batch and channels swapped, which for up to 4 channels takes 0.4 to 0.6 of " +
      "the products' (x86-64 with AVX-512, one thread)",
    rewrite({ g, attrs, x: [x] }) {
      const found = correlation(g, x, attrs);
      if (!found) return undefined;
      const { small, large, window, group } = found;
      const out = spatialOf(small.dims);
      const [m, c] = [small.dims[1], large.dims[1]];
      if (typeof m !== "number" || typeof c !== "number" || (group === 1 && c <= few && out.length < 3)) return undefined;
      const swap = [1, 0, ...out.map((_, i) => i + 2)];
      const dims = [m, c / group, ...window.kernel];
      const dy = g.reshape(g.transpose(small, swap), group === 1 ? [m, -1] : [group, m / group, -1]); // (G, M / G, N·o)
      const seen = views(g, imageRows(g, g.transpose(large, swap)), window, out).map((v) =>
        g.reshape(v, group === 1 ? [c, -1] : [group, c / group, -1]),
      );
      const times = (v: Value) => (group === 1 ? g.gemm(dy, v, undefined, { transB: 1 }) : g.matmul(dy, g.swapLast(v)));
      if (c / group >= wide || seen.length === 1) {
        const products = seen.map((v) => g.reshape(times(v), [m, c / group, 1]));
        return [g.reshape(g.concat(products, { axis: 2 }), dims)];
      }
      const product = g.reshape(times(g.concat(seen, { axis: group === 1 ? 0 : 1 })), [m, seen.length, c / group]);
      return [g.reshape(g.transpose(product, [0, 2, 1]), dims)];
    },
  },
  {
    name: "windows that tile are undone by repeating",
    at: ["ConvTranspose"],
    devices: "all",
    measured: "Resize takes a fifth of the time of Expand, a sixth of that of a ConvTranspose of ones (1.6 M elements, x86-64, one thread)",
    rewrite({ g, node, attrs, x: [x, weights] }) {
      if (!x || !weights || x.dims[1] !== 1 || weights.dims[1] !== 1 || !isAll(g, weights, 1) || node.inputs.length > 2) return undefined;
      const kernel = weights.dims.slice(2) as number[];
      const none = kernel.map(() => 0);
      const pads = attrs.ints("pads", [...none, ...none]);
      const extra = attrs.ints("output_padding", none);
      const tiling = attrs.ints("strides", none).every((s, i) => s === kernel[i]) && attrs.ints("dilations", [1]).every((d) => d === 1);
      if (!tiling || pads.slice(0, kernel.length).some((p) => p > 0)) return undefined;
      const scales = g.constant(fromNumbers("float32", [x.dims.length], [1, 1, ...kernel]));
      const options = { mode: "nearest", coordinate_transformation_mode: "asymmetric", nearest_mode: "floor" };
      const whole = g.op("Resize", [x, undefined, scales], options);
      const spatial = spatialOf(whole.dims).map((l, i) => l + extra[i]! - pads[i + kernel.length]!);
      return [fit(g, whole, spatial)];
    },
  },
  {
    name: "a transposed convolution in three dimensions is a convolution of what is spread out",
    at: ["ConvTranspose"],
    devices: ["webgpu"],
    measured: "WebGPU has no ConvTranspose in three dimensions",
    rewrite({ g, attrs, x: [x, weights, bias] }) {
      if (!x || !weights || bias || x.dims.length !== 5 || attrs.has("output_shape") || attrs.has("auto_pad")) return undefined;
      const kernel = weights.dims.slice(2) as number[];
      const none = kernel.map(() => 0);
      const ones = kernel.map(() => 1);
      const pads = attrs.ints("pads", [...none, ...none]);
      const window = {
        kernel,
        strides: attrs.ints("strides", ones),
        dilations: attrs.ints("dilations", ones),
        begin: pads.slice(0, 3),
        end: pads.slice(3),
      };
      return [unslideByConv(g, { dy: x, weights, window, group: attrs.int("group", 1), extra: attrs.ints("output_padding", none) })];
    },
  },
];

/** Zeros behind what is too short; what is too long is cut. */
function fit(g: Builder, x: Value, spatial: readonly number[]): Value {
  const axes = spatial.map((_, i) => i + 2);
  const cut = spatial.some((l, i) => l < (x.dims[i + 2] as number)) ? g.slice(x, { starts: axes.map(() => 0), ends: spatial, axes }) : x;
  const missing = spatial.map((l, i) => l - (cut.dims[i + 2] as number));
  return missing.some((m) => m > 0) ? g.op("Pad", [cut, g.list([0, 0, ...missing.map(() => 0), 0, 0, ...missing])]) : cut;
}
