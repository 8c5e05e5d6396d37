// Determinants and inverses of square matrices; leading axes are a batch.
import { forbidden, type Op, op } from "./op.ts";
import { type Gen, positive } from "./samples.ts";
import { like, mismatch, show, unify } from "./shapes.ts";

const square = (dims: Gen["dims"] | readonly (number | string)[]): void => {
  if (dims.length < 2) throw mismatch(`it needs square matrices, not ${show(dims)}.`);
  unify(dims.at(-1)!, dims.at(-2)!, [dims]);
};
/** Far from singular: the diagonal outweighs the rest. */
const heavy: Gen = { dtype: "float", dims: [2, 2, 2], make: (random) => [3, 0, 0, 3, 2, 0, 0, 4].map((d) => d + random()) };

export const inverses = {
  Det: op({
    arity: 1,
    infer([x]) {
      square(x.dims);
      return like(x, x.dims.slice(0, -2));
    },
    grad: forbidden("it needs the inverse of a matrix, for which ONNX has no operator"),
    samples: [{ inputs: [positive(2, 2, 2)], float32: true }],
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
