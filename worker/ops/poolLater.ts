// Gradients of pooling over lengths that only the run tells: the forms of pool.ts want them known.
import { fromNumbers, sizeOf } from "../tensor.ts";
import type { Builder, Plain, Value } from "./builder.ts";
import { unslideLater } from "./convLater.ts";
import type { View } from "./op.ts";
import type { Window } from "./window.ts";

/** (N, C, …) → (N · C, 1, …): each channel an image of its own. */
function alone(g: Builder, x: Value): Value {
  const spatial = g.op("Shape", [x], { start: 2 });
  return g.assume(g.reshape(x, g.concat([g.list([-1, 1]), spatial], { axis: 0 })), ["?", 1, ...x.dims.slice(2)]);
}

const kernelOf = (g: Builder, dy: Value, w: Window): Value =>
  g.constant(fromNumbers(dy.dtype, [1, 1, ...w.kernel], Array<number>(sizeOf(w.kernel)).fill(1)));

/** dy given to every element that its window sees, added up. */
export function spreadLater(g: Builder, dy: Value, w: Window, x: Value): Value {
  const dx = unslideLater(g, { dy: alone(g, dy), weights: kernelOf(g, dy, w), x: alone(g, x), window: w, group: 1 });
  return g.reshapeLike(dx, x);
}

/** How many elements each window of AveragePool divides by: (1, 1, …out), the sum over a picture of ones. */
export function countsLater(g: Builder, { x: [x], y: [y], attrs }: View, w: Window): Value {
  const ones = g.expand(g.scalar(1, x.dtype), g.concat([g.list([1, 1]), g.op("Shape", [x], { start: 2 })], { axis: 0 }));
  const counted = attrs.int("count_include_pad", 0) !== 0; // the padding counts too, but not what ceil_mode sees beyond it
  const wide = counted ? g.pad(ones, w.begin.map((before, i) => ({ axis: i + 2, before, after: w.end[i]! })), 1) : ones; // prettier-ignore
  const [begin, end] = counted ? [w.begin.map(() => 0), w.end.map(() => 0)] : [w.begin, w.end];
  const made = g.op("Conv", [g.assume(wide, [1, 1, ...w.kernel.map((_, i) => `?${i}`)]), kernelOf(g, x, w)], {
    kernel_shape: w.kernel,
    strides: w.strides,
    dilations: w.dilations,
    pads: [...begin, ...end.map((e, i) => e + w.strides[i]! - 1)],
  });
  const axes = w.kernel.map((_, i) => i + 2);
  const ends = g.op("Shape", [y], { start: 2 });
  return g.assume(g.op("Slice", [made, g.list(axes.map(() => 0)), ends, g.list(axes)]), [1, 1, ...y.dims.slice(2)]);
}

/** MaxPool's dy to the places that it tells itself, counted over the whole of x. */
export function largestLater(g: Builder, { x: [x], dy: [dy], attrs }: View): Value {
  const options = Object.fromEntries(Object.entries(attrs.without("storage_order").all).map(([name, attr]) => [name, attr.value as Plain]));
  const [, places] = g.op("MaxPool", [x], options, { outputs: 2 });
  const flat = (v: Value) => g.reshape(v, g.list([-1]));
  const put = g.op("ScatterElements", [flat(g.zerosLike(x)), flat(places!), flat(dy)], { axis: 0, reduction: "add" });
  return g.assume(g.reshape(put, g.op("Shape", [x])), x.dims);
}
