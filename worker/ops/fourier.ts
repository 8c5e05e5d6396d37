// The discrete Fourier transform along an axis. The last axis holds a number: (real, imaginary), or a real alone.
import type { Dim } from "../onnx/graph.ts";
import { type Call, type Op, op, type View } from "./op.ts";
import { list, normal } from "./samples.ts";
import { axisOf, known, like, mismatch, show } from "./shapes.ts";

/** The axis, and how many places are transformed. */
function along(dims: readonly Dim[], call: Pick<Call, "has" | "constant">): { axis: number; length: Dim } {
  const axis = axisOf(call.has(2) ? known(call, 2, "axis")[0]! : -2, dims.length);
  if (dims.length < 2 || axis === dims.length - 1) throw mismatch(`it cannot transform the axis ${axis} of ${show(dims)}.`);
  return { axis, length: call.has(1) ? known(call, 1, "length")[0]! : dims[axis]! };
}

export const fourier = {
  /** Y_k = Σ_j X_j · e^(∓2πi·jk/N), divided by N where inverse; onesided keeps the first N/2 + 1 of what real numbers give. */
  DFT: op({
    arity: [1, 3],
    infer([x], call) {
      const { axis, length } = along(x.dims, call);
      const dims: Dim[] = [...x.dims];
      dims[axis] = length;
      dims[dims.length - 1] = 2;
      if (!call.attrs.int("onesided", 0)) return like(x, dims);
      if (call.attrs.int("inverse", 0)) throw mismatch("the inverse of a onesided transform is not known.", "Export it with both sides.");
      dims[axis] = typeof length === "number" ? Math.floor(length / 2) + 1 : call.symbol();
      return like(x, dims);
    },
    grad(g, view: View) {
      const {
        x: [x],
        dy: [dy],
        attrs,
        has,
      } = view;
      const { axis, length } = along(x.dims, view);
      const inverse = attrs.int("inverse", 0) !== 0;
      const at = g.scalar(axis, "int64");
      let whole = dy;
      if (dy.dims[axis] !== length) {
        const missing = g.sub(
          typeof length === "number" ? g.list([length]) : g.lengthOf(x, axis),
          g.op("Shape", [dy], { start: axis, end: axis + 1 }),
        );
        whole = g.pad(dy, [{ axis, before: 0, after: missing }]); // onesided: what was left out
      }
      // The transform's matrix is symmetric, so its gradient is the transform with the other sign: DFTᴴ = N · inverse, inverseᴴ = DFT / N.
      const turned = g.op("DFT", [whole, undefined, at], { inverse: inverse ? 0 : 1 });
      const n = typeof length === "number" ? length : g.count(x, [axis]);
      let dx = inverse ? g.div(turned, n) : g.mul(turned, n);
      if (has(1)) {
        const own = x.dims[axis]!;
        if (typeof own === "string" || typeof length === "string") throw mismatch("its lengths must be known for the gradient.");
        if (own < length) dx = g.slice(dx, { starts: [0], ends: [own], axes: [axis] });
        if (own > length) dx = g.pad(dx, [{ axis, before: 0, after: own - length }]);
      }
      if (x.dims.at(-1) === 1) dx = g.slice(dx, { starts: [0], ends: [1], axes: [x.dims.length - 1] });
      return [g.assume(dx, x.dims)];
    },
    samples: [
      { inputs: [normal(2, 5, 2)], step: 1, float32: true },
      { inputs: [normal(3, 4, 2), undefined, list([0], [])], attrs: { inverse: 1 }, step: 1, float32: true },
      { inputs: [normal(2, 6, 1)], attrs: { onesided: 1 }, step: 1, float32: true },
      { inputs: [normal(2, 5, 2), list([8], [])], step: 1, float32: true },
      { inputs: [normal(2, 5, 1), list([3], [])], step: 1, float32: true },
    ],
  }),
} satisfies Record<string, Op>;
