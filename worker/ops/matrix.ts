// Products of matrices.
import type { Dim } from "../onnx/graph.ts";
import type { Builder, Value } from "./builder.ts";
import { type Op, op } from "./op.ts";
import { normal } from "./samples.ts";
import { broadcast, lengthOf, like, matmulShape, mismatch, sameType, show, unify } from "./shapes.ts";

/** x as rows of its last axis, which is as long as `width` says where it tells no number itself: (…, K) → (n, K). */
function rows(g: Builder, x: Value, width: Dim): Value {
  const last = x.dims.at(-1)!;
  const known = typeof last === "number" ? last : width;
  if (typeof known === "number") return g.reshape(x, [-1, known]);
  const length = g.op("Shape", [x], { start: x.dims.length - 1 });
  return g.assume(g.reshape(x, g.concat([g.list([-1]), length], { axis: 0 })), [lengthOf(x.dims.slice(0, -1)), known]);
}

export const matrix = {
  /** y = a · b; leading axes broadcast; a vector is a row on the left, a column on the right. */
  MatMul: op({
    arity: 2,
    infer([a, b]) {
      sameType(a, b);
      return like(a, matmulShape(a.dims, b.dims));
    },
    grad(g, { x: [a, b], dy: [dy], wants }) {
      const ra = a.dims.length;
      const rb = b.dims.length;
      if (ra === 2 && rb === 2)
        return [
          wants(0) ? g.gemm(dy, b, undefined, { transB: 1 }) : null, // dA = dY · Bᵀ
          wants(1) ? g.gemm(a, dy, undefined, { transA: 1 }) : null, // dB = Aᵀ · dY
        ];
      if (ra === 1 || rb === 1) {
        const row = ra === 1 ? g.unsqueeze(a, [0]) : a;
        const column = rb === 1 ? g.unsqueeze(b, [-1]) : b;
        const axes = [...(ra === 1 ? [rb === 1 ? 0 : -2] : []), ...(rb === 1 ? [-1] : [])];
        const whole = ra === 1 && rb === 1 ? g.reshape(dy, [1, 1]) : g.unsqueeze(dy, axes);
        const da = wants(0) ? g.matmul(whole, g.swapLast(column)) : null;
        const db = wants(1) ? g.matmul(g.swapLast(row), whole) : null;
        return [da && ra === 1 ? g.squeeze(da, [-2]) : da, db && rb === 1 ? g.squeeze(db, [-1]) : db];
      }
      const da = wants(0) ? g.matmul(dy, g.swapLast(b)) : null;
      if (!wants(1)) return [da, null];
      // One product over all rows in place of a batch of products that the walk would sum.
      if (rb === 2) return [da, g.gemm(rows(g, a, b.dims[0]!), rows(g, dy, b.dims[1]!), undefined, { transA: 1 })];
      return [da, g.matmul(g.swapLast(a), dy)];
    },
    samples: (
      [
        [normal(2, 3), normal(3, 4)],
        [normal(5, 2, 3), normal(3, 4)],
        [normal(2, 1, 2, 3), normal(4, 3, 5)],
        [normal(3), normal(3, 4)],
        [normal(5, 2, 3), normal(3)],
        [normal(3), normal(3)],
        [normal(3), normal(2, 3, 4)],
      ] as const
    ).map((inputs) => ({ inputs, step: 1 })),
  }),

  /** y = α · a' · b' + β · c, where a' is a, or aᵀ when transA is set. */
  Gemm: op({
    arity: [2, 3],
    infer([a, b, c], call) {
      sameType(...(call.has(2) ? [a, b, c] : [a, b]));
      if (a.dims.length !== 2 || b.dims.length !== 2) throw mismatch(`it multiplies matrices, not ${show(a.dims)} and ${show(b.dims)}.`);
      const [m, k] = call.attrs.int("transA", 0) ? [a.dims[1]!, a.dims[0]!] : [a.dims[0]!, a.dims[1]!];
      const [n, other] = call.attrs.int("transB", 0) ? [b.dims[0]!, b.dims[1]!] : [b.dims[1]!, b.dims[0]!];
      unify(k, other, [a.dims, b.dims]);
      if (call.has(2) && broadcast(c.dims, [m, n]).length !== 2) throw mismatch(`${show(c.dims)} cannot be added to ${show([m, n])}.`);
      return like(a, [m, n]);
    },
    grad(g, { x: [a, b], dy: [dy], attrs, has, wants }) {
      const ta = attrs.int("transA", 0);
      const tb = attrs.int("transB", 0);
      const alpha = attrs.float("alpha", 1);
      const times = (p: Value, q: Value, transA: number, transB: number) =>
        g.gemm(p, q, undefined, { ...(transA && { transA }), ...(transB && { transB }), ...(alpha !== 1 && { alpha }) });
      const da = !wants(0) ? null : ta ? times(b, dy, tb, 1) : times(dy, b, 0, tb ? 0 : 1); // dA' = α dY · B'ᵀ
      const db = !wants(1) ? null : tb ? times(dy, a, 1, ta) : times(a, dy, ta ? 0 : 1, 0); // dB' = α A'ᵀ · dY
      return [da, db, has(2) && wants(2) ? g.mul(dy, attrs.float("beta", 1)) : null];
    },
    samples: [
      { inputs: [normal(2, 3), normal(3, 4), normal(4)], step: 1 },
      { inputs: [normal(3, 2), normal(3, 4), normal(2, 1)], attrs: { transA: 1, alpha: 0.5, beta: 2 }, step: 1 },
      { inputs: [normal(2, 3), normal(4, 3)], attrs: { transB: 1, alpha: 2 }, step: 1 },
      { inputs: [normal(3, 2), normal(4, 3), normal(1)], attrs: { transA: 1, transB: 1 }, step: 1 },
    ],
  }),
} satisfies Record<string, Op>;
