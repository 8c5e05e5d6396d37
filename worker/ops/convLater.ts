// Gradients of convolutions over lengths that only the run tells (sounds, sentences): the forms of conv.ts want them known. Letters as there.
import { isUnknown } from "../onnx/graph.ts";
import type { Builder, Value } from "./builder.ts";
import { placesOf, type Window } from "./window.ts";

/** Whether a spatial length is known only when the graph runs. */
export const isOpen = (x: Value): boolean => x.dims.slice(2).some((d) => typeof d === "string");

/** What stands at o goes to o · stride + k · dilation - begin: dy (N, M, …o) → (N, C, …) as long as x. */
export function unslideLater(g: Builder, at: { dy: Value; weights: Value; x: Value; window: Window; group: number }): Value {
  const { dy, weights, x, window, group } = at;
  const { kernel, strides, dilations, begin, end } = window;
  const pads = [...begin, ...end];
  const made = g.op("ConvTranspose", [dy, weights], { kernel_shape: kernel, strides, dilations, pads, ...(group !== 1 && { group }) });
  // A stride may leave places at the end that no window sees.
  const borders = strides.flatMap((stride, i) => {
    const axis = i + 2;
    if (stride === 1) return [];
    return [{ axis, before: 0, after: g.sub(g.lengthOf(x, axis), g.op("Shape", [made], { start: axis, end: axis + 1 })) }];
  });
  return g.assume(borders.length ? g.pad(made, borders) : made, x.dims);
}

/** Σ small[n, m, o] · large[n, c, o · stride + k · dilation - begin] over n and o: (M, C / G, …k), a product for each place of the kernel. */
export function weightsLater(
  g: Builder,
  at: { small: Value; large: Value; window: Window; group: number; channels: readonly [number, number] },
): Value {
  const { small, large, window, group, channels } = at;
  const [m, c] = channels;
  const { kernel, strides, dilations, begin, end } = window;
  const axes = kernel.map((_, i) => i + 2);
  const wide = kernel.some((_, i) => begin[i]! + end[i]! > 0);
  const padded = wide ? g.pad(large, axes.map((axis, i) => ({ axis, before: begin[i]!, after: end[i]! }))) : large; // prettier-ignore
  const lengths = g.op("Shape", [small], { start: 2 });
  const rows = (v: Value, width: number) => g.reshape(v, g.list([0, group, width / group, -1])); // (N, G, width / G, …o as one)
  const dy = rows(small, m);
  const sums = placesOf(kernel).map((place) => {
    const starts = place.map((k, i) => k * dilations[i]!);
    // As many as small has: o · stride + start, so that the last is followed by 1.
    const ends = g.add(g.mul(lengths, g.list(strides)), g.list(starts.map((s, i) => s - strides[i]! + 1)));
    const seen = g.op("Slice", [padded, g.list(starts), ends, g.list(axes), g.list(strides)]);
    const product = g.matmul(dy, g.swapLast(rows(g.assume(seen, [large.dims[0]!, c, ...small.dims.slice(2)]), c))); // (N, G, M / G, C / G)
    return g.reshape(g.reduceSum(product, { axes: [0], keepdims: false }), [m, c / group, 1]);
  });
  return g.reshape(g.concat(sums, { axis: 2 }), [m, c / group, ...kernel]);
}

/** `made` without what it has beyond x along the spatial axes (ConvTranspose may be told to pad its output by a stride or more). */
export function asLongAs(g: Builder, made: Value, x: Value): Value {
  const axes = x.dims.map((_, i) => i).filter((i) => i > 1 && (made.dims[i] !== x.dims[i] || isUnknown(x.dims[i]!)));
  if (!axes.length) return made;
  const ends = g.concat(axes.map((a) => g.lengthOf(x, a)), { axis: 0 }); // prettier-ignore
  return g.assume(g.op("Slice", [made, g.list(axes.map(() => 0)), ends, g.list(axes)]), x.dims);
}
