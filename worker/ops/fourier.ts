// The discrete Fourier transform along an axis. The last axis holds a number: (real, imaginary), or a real alone.
import type { Dim } from "../onnx/graph.ts";
import { fromNumbers } from "../tensor.ts";
import type { Builder, Value } from "./builder.ts";
import { type Call, type Op, op, type View } from "./op.ts";
import { list, normal } from "./samples.ts";
import { axisOf, known, like, mismatch, show } from "./shapes.ts";

/** The axis, how many places are transformed, and whether only the first half of what real numbers give comes out, or goes in. */
function along(
  dims: readonly Dim[],
  call: Pick<Call, "has" | "constant" | "attrs">,
): { axis: number; length: Dim; half: "out" | "in" | "" } {
  const axis = axisOf(call.has(2) ? known(call, 2, "axis")[0]! : -2, dims.length);
  if (dims.length < 2 || axis === dims.length - 1) throw mismatch(`it cannot transform the axis ${axis} of ${show(dims)}.`);
  const half = !call.attrs.int("onesided", 0) ? "" : call.attrs.int("inverse", 0) ? "in" : "out";
  if (call.has(1)) return { axis, half, length: known(call, 1, "length")[0]! };
  const own = dims[axis]!;
  if (half !== "in") return { axis, half, length: own };
  if (typeof own === "string") throw mismatch("the length of its result must be told.");
  return { axis, half, length: 2 * (own - 1) };
}

export const fourier = {
  /**
   * Y_k = Σ_j X_j · e^(∓2πi·jk/N), divided by N where inverse. Onesided gives the first N/2 + 1 of what real numbers give; the inverse of that
   * gives the real numbers.
   */
  DFT: op({
    arity: [1, 3],
    infer([x], call) {
      const { axis, length, half } = along(x.dims, call);
      const dims: Dim[] = [...x.dims];
      dims[axis] = half !== "out" ? length : typeof length === "number" ? Math.floor(length / 2) + 1 : call.symbol();
      dims[dims.length - 1] = half === "in" ? 1 : 2;
      return like(x, dims);
    },
    // The transform's matrix is symmetric, so its gradient is the transform with the other sign: DFTᴴ = N · inverse, inverseᴴ = DFT / N.
    grad(g, view: View) {
      const [x, dy] = [view.x[0], view.dy[0]];
      const { axis, length, half } = along(x.dims, view);
      const inverse = view.attrs.int("inverse", 0) !== 0;
      const at = g.scalar(axis, "int64");
      const n = typeof length === "number" ? length : g.count(x, [axis]);
      const back = (v: Value, attrs: Record<string, number>) => g.op("DFT", [v, undefined, at], attrs);
      if (half === "in") {
        if (typeof length !== "number") throw mismatch("the length of its result must be known for the gradient.");
        // All but the first (and of an even length the last) stand for their mirror image too.
        const twice = Array.from({ length: Math.floor(length / 2) + 1 }, (_, k) => (k === 0 || 2 * k === length ? 1 : 2) / length);
        const weights = g.constant(fromNumbers(dy.dtype, [twice.length, ...x.dims.slice(axis + 1).map(() => 1)], twice));
        return [fitted(g, g.mul(back(dy, { onesided: 1 }), weights), x, axis)];
      }
      let whole = dy;
      if (half === "out") {
        const wanted = typeof length === "number" ? g.list([length]) : g.lengthOf(x, axis);
        whole = g.pad(dy, [{ axis, before: 0, after: g.sub(wanted, g.op("Shape", [dy], { start: axis, end: axis + 1 })) }]);
        whole = g.assume(
          whole,
          whole.dims.map((d, i) => (i === axis ? length : d)),
        );
      }
      const turned = back(whole, { inverse: inverse ? 0 : 1 });
      let dx = inverse ? g.div(turned, n) : g.mul(turned, n);
      if (x.dims.at(-1) === 1) dx = g.slice(dx, { starts: [0], ends: [1], axes: [x.dims.length - 1] });
      return [view.has(1) ? fitted(g, dx, x, axis) : g.assume(dx, x.dims)];
    },
    samples: [
      { inputs: [normal(2, 5, 2)], step: 1, float32: true },
      { inputs: [normal(3, 4, 2), undefined, list([0], [])], attrs: { inverse: 1 }, step: 1, float32: true },
      { inputs: [normal(2, 6, 1)], attrs: { onesided: 1 }, step: 1, float32: true },
      { inputs: [normal(2, 5, 2), list([8], [])], step: 1, float32: true },
      { inputs: [normal(2, 5, 1), list([3], [])], step: 1, float32: true },
      { inputs: [normal(2, 5, 3, 2), list([9], []), list([1], [])], attrs: { inverse: 1, onesided: 1 }, step: 1, float32: true },
      { inputs: [normal(2, 4, 2)], attrs: { inverse: 1, onesided: 1 }, step: 1, float32: true },
    ],
  }),
} satisfies Record<string, Op>;

/** As long as x along the axis: what was cut off has no gradient, what was filled up is dropped. */
function fitted(g: Builder, dx: Value, x: Value, axis: number): Value {
  const [own, made] = [x.dims[axis]!, dx.dims[axis]!];
  if (typeof own === "string" || typeof made === "string") throw mismatch("its lengths must be known for the gradient.");
  if (own < made) return g.slice(dx, { starts: [0], ends: [own], axes: [axis] });
  return own > made ? g.pad(dx, [{ axis, before: 0, after: own - made }]) : dx;
}
