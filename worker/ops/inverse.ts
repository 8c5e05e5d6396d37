// Determinants and inverses of square matrices; leading axes are a batch.
import { fromNumbers, int64 } from "../tensor.ts";
import { type Op, op } from "./op.ts";
import { type Gen, given, normal, positive } from "./samples.ts";
import { like, mismatch, show, unify } from "./shapes.ts";

const square = (dims: Gen["dims"] | readonly (number | string)[]): void => {
  if (dims.length < 2) throw mismatch(`it needs square matrices, not ${show(dims)}.`);
  unify(dims.at(-1)!, dims.at(-2)!, [dims]);
};
/** Far from singular: the diagonal outweighs the rest. */
const heavy: Gen = { dtype: "float", dims: [2, 2, 2], make: (random) => [3, 0, 0, 3, 2, 0, 0, 4].map((d) => d + random()) };

/** The gradient of a determinant takes n⁴ numbers. */
const largest = 32;
/** The numbers from 0 on, leaving one out. */
const othersOf = (left: number, i: number): number => (i < left ? i : i + 1);

export const inverses = {
  Det: op({
    arity: 1,
    infer([x]) {
      square(x.dims);
      return like(x, x.dims.slice(0, -2));
    },
    /** The matrix of cofactors, whether or not there is an inverse: signed determinants of what is left without a row and a column. */
    grad(g, { x: [x], dy: [dy] }) {
      const n = x.dims.at(-1)!;
      if (typeof n !== "number" || n > largest)
        throw mismatch(
          `its gradient is made of the determinants of n² smaller matrices; n must be known and at most ${largest}, not ${n}.`,
        );
      const upstream = g.unsqueeze(dy, [-1, -2]);
      if (n === 1) return [upstream];
      const others = g.constant(
        int64(
          [n, n - 1],
          Array.from({ length: n * (n - 1) }, (_, i) => othersOf(Math.floor(i / (n - 1)), i % (n - 1))),
        ),
      );
      const signs = Array.from({ length: n * n }, (_, i) => ((Math.floor(i / n) + (i % n)) % 2 ? -1 : 1));
      const axis = x.dims.length - 2;
      const rows = g.gather(x, others, { axis }); // (…, i, n-1, n)
      const parts = g.gather(rows, others, { axis: axis + 2 }); // (…, i, n-1, j, n-1)
      const minors = g.transpose(parts, [...x.dims.slice(0, -2).keys(), axis, axis + 2, axis + 1, axis + 3]); // (…, i, j, n-1, n-1)
      return [g.mul(g.mul(g.op("Det", [minors]), g.constant(fromNumbers(x.dtype, [n, n], signs))), upstream)];
    },
    samples: [
      { inputs: [positive(2, 2, 2)], float32: true },
      { inputs: [normal(3, 3)], float32: true },
      { inputs: [given([1, 2, 3, 2, 4, 6, 1, 0, 5], [3, 3])], float32: true }, // without an inverse
    ],
  }),
  /** y · x = 1 */
  Inverse: op({
    domain: "com.microsoft",
    arity: 1,
    infer([x]) {
      square(x.dims);
      return like(x);
    },
    grad(g, { y: [y], dy: [dy] }) {
      const turned = g.swapLast(y);
      return [g.neg(g.matmul(g.matmul(turned, dy), turned))]; // -Yᵀ · dY · Yᵀ
    },
    samples: [{ inputs: [heavy] }],
  }),
} satisfies Record<string, Op>;
