// Axes drawn together. The axes come as an input known before the run (absent: all), or as an attribute of older forms.
import type { Dim, ValueInfo } from "../onnx/graph.ts";
import type { Builder, Value } from "./builder.ts";
import { type Call, none, type Op, op, type Typed } from "./op.ts";
import { distinct, type Gen, given, list, normal, offGrid, positive, type Sample } from "./samples.ts";
import { axisOf, known, like } from "./shapes.ts";

type Reduced = Pick<Call, "attrs" | "has" | "constant">;

/** The axes that go, from the start. */
function axesOf(x: ValueInfo, call: Reduced): number[] {
  const rank = x.dims.length;
  const given = call.has(1) ? known(call, 1, "axes") : call.attrs.ints("axes", []);
  if (given.length) return given.map((a) => axisOf(a, rank));
  return call.attrs.int("noop_with_empty_axes", 0) ? [] : [...x.dims.keys()];
}

function reducedShape(dims: readonly Dim[], axes: readonly number[], keep: boolean): Dim[] {
  return dims.flatMap((d, i) => (!axes.includes(i) ? [d] : keep ? [1] : []));
}

function inferReduce(x: ValueInfo, call: Call): Typed {
  const keep = call.attrs.int("keepdims", 1) !== 0;
  if (keep && call.has(1) && !call.constant(1))
    return like(
      x,
      x.dims.map((d) => (d === 1 ? d : call.symbol())),
    ); // drawn together or not
  return like(x, reducedShape(x.dims, axesOf(x, call), keep));
}

/** A reduction; `slope` gives the gradient from x, and y and dy with the drawn axes as 1 (they broadcast against x). */
function reduction(
  slope: (g: Builder, at: { x: Value; y: Value; dy: Value; axes: number[] }) => Value,
  draw: (...dims: number[]) => Gen,
  step?: number,
  hard: readonly Gen[] = [],
): Op {
  const sample = (inputs: Gen[], attrs = {}): Sample => ({ inputs, attrs, ...(step && { step }) });
  return op({
    arity: [1, 2],
    infer: ([v], call) => inferReduce(v, call),
    grad(g, view) {
      const [v] = view.x;
      const axes = axesOf(v, view);
      const keep = (value: Value) => (value.dims.length === v.dims.length || !axes.length ? value : g.unsqueeze(value, axes));
      return [slope(g, { x: v, y: keep(view.y[0]), dy: keep(view.dy[0]), axes }), null];
    },
    samples: [
      sample([draw(2, 3)]),
      sample([draw(2, 3, 4), list([1])]),
      sample([draw(2, 3, 4), list([-1, 0])], { keepdims: 0 }),
      sample([draw(2, 3)], { keepdims: 0 }),
      ...hard.map((values) => sample([values, list([1])])),
    ],
  });
}

/** To the extreme; what is equal shares. */
const toExtreme = (g: Builder, { x, y, dy, axes }: { x: Value; y: Value; dy: Value; axes: number[] }): Value => {
  const wins = g.cast(g.equal(x, y), x.dtype);
  return g.mul(g.div(dy, g.reduceSum(wins, { axes })), wins);
};

const arg = (): Op =>
  op({
    arity: 1,
    infer([x], { attrs }) {
      const axis = axisOf(attrs.int("axis", 0), x.dims.length);
      return { dtype: "int64", dims: reducedShape(x.dims, [axis], attrs.int("keepdims", 1) !== 0) };
    },
    grad: none,
    samples: [{ inputs: [distinct(2, 3)], attrs: { axis: 1 } }],
  });

export const reductions = {
  ReduceSum: reduction((g, { x, dy }) => g.expandLike(dy, x), normal, 1),
  ReduceMean: reduction((g, { x, dy, axes }) => g.expandLike(g.div(dy, g.count(x, axes)), x), normal, 1),
  ReduceMax: reduction(toExtreme, distinct),
  ReduceMin: reduction(toExtreme, distinct),
  /** The product of the others: y / x, or where x alone is 0, the product of the rest. */
  ReduceProd: reduction(
    (g, { x, dy, axes }) => {
      const zero = g.equal(x, 0);
      const filled = g.where(zero, 1, x);
      const rest = g.op("ReduceProd", [filled, g.list(axes)]);
      const zeros = g.reduceSum(g.cast(zero, x.dtype), { axes });
      const slope = g.where(zero, g.where(g.equal(zeros, 1), rest, 0), g.div(g.where(g.equal(zeros, 0), rest, 0), filled));
      return g.mul(dy, slope);
    },
    positive,
    undefined,
    [given([0, 2, 3, 4, 0.5, -2], [2, 3]), given([0, 2, 0, 4, 0.5, 0], [2, 3])],
  ),
  ReduceL1: reduction((g, { x, dy }) => g.mul(dy, g.sign(x)), offGrid),
  /** At 0 the slope is taken as 0, as PyTorch does. */
  ReduceL2: reduction((g, { x, y, dy }) => g.mul(g.div(dy, g.where(g.equal(y, 0), 1, y)), x), normal),
  ReduceSumSquare: reduction((g, { x, dy }) => g.mul(g.mul(dy, 2), x), normal),
  ReduceLogSum: reduction((g, { x, y, dy }) => g.expandLike(g.mul(dy, g.exp(g.neg(y))), x), positive), // 1 / Σx
  /** Where all is -∞, the slope is 0. */
  ReduceLogSumExp: reduction((g, { x, y, dy }) => g.mul(dy, g.exp(g.sub(x, g.where(g.equal(y, -Infinity), 0, y)))), normal),
  ArgMax: arg(),
  ArgMin: arg(),
} satisfies Record<string, Op>;
