// Several inputs, element by element, broadcast together. The walk sums gradients over stretched axes.
import { isFloat } from "../tensor.ts";
import type { Value } from "./builder.ts";
import { none, type Op, op, type Rule, type View } from "./op.ts";
import { distinct, fixed, ids, list, normal, offGrid, positive, type Sample } from "./samples.ts";
import { broadcast, known, like, mismatch, sameType } from "./shapes.ts";

const pairs: Sample[] = [
  [normal(2, 3), normal(2, 3)],
  [normal(2, 3), normal(3)],
  [normal(2, 1, 3), normal(4, 1)],
];
const linear = pairs.map((inputs) => ({ inputs, step: 1 }) as Sample);

const two = (grad: Rule, samples: Sample[]): Op =>
  op({
    arity: 2,
    infer([a, b]) {
      sameType(a, b);
      return like(a, broadcast(a.dims, b.dims));
    },
    grad,
    samples,
  });

const compare = (samples: Sample[] = [pairs[1]!]): Op =>
  op({
    arity: 2,
    infer([a, b]) {
      sameType(a, b);
      return { dtype: "bool", dims: broadcast(a.dims, b.dims) };
    },
    grad: none,
    samples,
  });

const many = (grad: Rule, samples: Sample[]): Op =>
  op({
    arity: [1, 1000],
    infer(x) {
      sameType(...x);
      return like(x[0], broadcast(...x.map((v) => v.dims)));
    },
    grad,
    samples,
  });

/** To the largest (smallest); what is equal shares, but a bound of one number yields: exporters write PyTorch's clamp so. */
const toWinners: Rule = (g, { type, x, y: [y], dy: [dy], wants }) => {
  if (x.length === 1) return [dy];
  const at = x.findIndex((v) => v.dims.length === 0 && g.graph.initializers.has(v.name));
  if (x.length === 2 && at >= 0) {
    const [bound, other] = [x[at]!, x[1 - at]!];
    const beyond = type === "Max" ? g.less(other, bound) : g.greater(other, bound);
    const made = [g.where(beyond, 0, dy), wants(at) ? g.where(beyond, dy, 0) : null];
    return at === 1 ? made : made.reverse();
  }
  const wins = x.map((v) => g.cast(g.equal(v, y), y.dtype));
  const share = g.div(
    dy,
    wins.reduce((a, b) => g.add(a, b)),
  );
  return wins.map((w) => g.mul(share, w));
};
const apart: Sample[] = [
  [distinct(2, 3), fixed([0.01, -0.21, 0.31], [3])],
  [distinct(2, 3)],
  [distinct(2, 3), fixed([0.1])],
  [fixed([0.1]), distinct(2, 3)],
];
const flags: Sample[] = [[list([0, 1, 0, 1], [4], "bool"), list([0, 0, 1, 1], [4], "bool")]];

export const arithmetic = {
  Add: two((_, { dy: [dy] }) => [dy, dy], linear),
  Sub: two((g, { dy: [dy], wants }) => [dy, wants(1) ? g.neg(dy) : null], linear),
  Mul: two((g, { x: [a, b], dy: [dy], wants }) => [wants(0) ? g.mul(dy, b) : null, wants(1) ? g.mul(dy, a) : null], linear),
  Div: two(
    (g, { x: [, b], y: [y], dy: [dy], wants }) => [
      wants(0) ? g.div(dy, b) : null,
      wants(1) ? g.neg(g.div(g.mul(dy, y), b)) : null, // -a / b² = -y / b
    ],
    [
      [normal(2, 3), positive(2, 3)],
      [normal(2, 1, 3), positive(4, 1)],
    ],
  ),
  Min: many(toWinners, apart),
  Max: many(toWinners, apart),
  Sum: many((_, { x, dy: [dy] }) => x.map(() => dy), [{ inputs: [normal(2, 3), normal(3), normal(2, 1)], step: 1 }]),
  Mean: many((g, { x, dy: [dy] }) => x.map(() => g.mul(dy, 1 / x.length)), [{ inputs: [normal(2, 3), normal(3)], step: 1 }]),

  /** aᵇ; 0⁰ is 1, and its slope is 0. */
  Pow: op({
    arity: 2,
    infer: ([a, b]) => like(a, broadcast(a.dims, b.dims)),
    grad(g, view) {
      const [a, b] = view.x;
      const [dy] = view.dy;
      return [view.wants(0) && isFloat(a.dtype) ? g.mul(dy, powerSlope(g, view)) : null, view.wants(1) ? logSlope() : null];
      function logSlope(): Value {
        const slope = g.mul(view.y[0], g.log(a)); // aᵇ ln a
        return g.mul(dy, g.cast(g.where(g.and(g.equal(a, 0), g.greaterOrEqual(b, 0)), 0, slope), b.dtype));
      }
    },
    samples: [
      [positive(2, 3), normal(2, 3)],
      [positive(2, 3), normal(3)],
      [offGrid(2, 3), fixed([2])],
      [offGrid(2, 3), fixed([3])],
      [positive(2, 3), fixed([0.5])],
    ],
  }),

  /** Remainder; of floats (fmod 1) with the sign of a. */
  Mod: two(
    (g, { x: [a, b], y: [y], dy: [dy], wants }) => [
      dy,
      wants(1) ? g.neg(g.mul(dy, g.round(g.div(g.sub(a, y), b)))) : null, // a = qb + y
    ],
    [{ inputs: [offGrid(2, 3), fixed([1.1, 1.3, 2.6], [3])], attrs: { fmod: 1 } }],
  ),

  Equal: compare([[ids([1, 2, 3]), ids([1, 5, 3])]]),
  Greater: compare(),
  GreaterOrEqual: compare(),
  Less: compare(),
  LessOrEqual: compare(),
  And: compare(flags),
  Or: compare(flags),
  Xor: compare(flags),

  /** condition ? a : b */
  Where: op({
    arity: 3,
    infer([c, a, b]) {
      if (c.dtype !== "bool") throw mismatch(`its condition must be bool, not ${c.dtype}.`);
      sameType(a, b);
      return like(a, broadcast(c.dims, a.dims, b.dims));
    },
    grad: (g, { x: [c], dy: [dy], wants }) => [null, wants(1) ? g.where(c, dy, 0) : null, wants(2) ? g.where(c, 0, dy) : null],
    samples: [{ inputs: [ids([0, 1, 1], [3], "bool"), normal(2, 3), normal(2, 1)], step: 1 }],
  }),

  /** Running sum along an axis. */
  CumSum: op({
    arity: 2,
    infer([x], call) {
      known(call, 1, "axis");
      return like(x);
    },
    grad(g, { x: [, axis], dy: [dy], attrs }) {
      const flip = { exclusive: attrs.int("exclusive", 0), reverse: attrs.int("reverse", 0) ? 0 : 1 };
      return [g.op("CumSum", [dy, axis], flip), null]; // the same sum from the other end
    },
    samples: [
      { inputs: [normal(2, 4), list([1], [])], step: 1 },
      { inputs: [normal(3, 2), list([0], [])], attrs: { exclusive: 1, reverse: 1 }, step: 1 },
    ],
  }),
} satisfies Record<string, Op>;

/** b · aᵇ⁻¹ */
function powerSlope(g: Parameters<Rule>[0], { x: [a, b], constant }: View): Value {
  const fixedB = constant(1);
  if (fixedB?.data.length === 1 && b.dims.length <= a.dims.length) {
    const n = Number(fixedB.data[0]);
    if (n === 1) return g.expandLike(g.scalar(1, a.dtype), a);
    // Of roots the slope at 0 is large instead of infinite, as for Sqrt.
    const base = n > 0 && n < 1 ? g.max(a, a.dtype === "float16" ? 1e-7 : 1e-38) : a;
    return n === 2 ? g.mul(a, 2) : n === 3 ? g.mul(g.square(a), 3) : g.mul(g.pow(base, n - 1), n);
  }
  const exponent = g.cast(b, a.dtype);
  return g.where(g.equal(exponent, 0), 0, g.mul(exponent, g.pow(a, g.sub(exponent, 1))));
}
