// Elements picked by index, and put back by index. Gradients of picking add up where an index comes twice.
import { fromNumbers } from "../tensor.ts";
import type { Builder, Value } from "./builder.ts";
import { type Gradient, type Op, op } from "./op.ts";
import { distinct, fixed, type Gen, given, ids, list, normal, positive } from "./samples.ts";
import { axisOf, known, like, mismatch, sameType } from "./shapes.ts";

/**
 * Scatter forms share shape and gradients: dy itself where elements are added, else with the written places emptied.
 */
function scatter(
  pick: (g: Builder, dy: Value, at: Value, axis: number) => Value,
  samples: { inputs: Gen[]; attrs: Record<string, number | string> }[],
): Op {
  const grad: Gradient = (g, { type, x: [x, at, updates], y: [y], dy: [dy], attrs, wants }) => {
    const reduction = attrs.string("reduction", "none");
    const axis: Record<string, number> = attrs.has("axis") ? { axis: attrs.int("axis") } : {};
    const kept = () => (reduction === "add" ? dy : g.op(type, [dy, at, g.zerosLike(updates)], axis));
    const put = (into: Value, what: Value, how: string) => g.op(type, [into, at, what], { ...axis, reduction: how });
    if (reduction === "mul") {
      const axis0 = attrs.int("axis", 0);
      const ones = g.expandLike(g.scalar(1, x.dtype), x);
      const factors = put(ones, updates, "mul"); // all that x was multiplied by
      if (!wants(2)) return [g.mul(dy, factors), null, null];
      // y / update; for a 0 that is the only one at its place, the product of the others.
      const zero = g.equal(updates, 0);
      const filled = g.where(zero, 1, updates);
      const zeros = put(g.zerosLike(x), g.cast(zero, x.dtype), "add");
      const others = g.where(g.equal(zeros, 1), g.mul(x, put(ones, filled, "mul")), 0);
      const slope = g.where(zero, pick(g, others, at, axis0), g.div(pick(g, y, at, axis0), filled));
      return [g.mul(dy, factors), null, g.mul(pick(g, dy, at, axis0), slope)];
    }
    if (reduction === "max" || reduction === "min") {
      const same = g.cast(g.equal(x, y), x.dtype); // to the winners, in equal shares
      const won = g.cast(g.equal(updates, pick(g, y, at, attrs.int("axis", 0))), x.dtype);
      const share = g.div(dy, put(same, won, "add"));
      return [g.mul(share, same), null, g.mul(pick(g, share, at, attrs.int("axis", 0)), won)];
    }
    return [wants(0) ? kept() : null, null, wants(2) ? pick(g, dy, at, attrs.int("axis", 0)) : null];
  };
  return op({
    arity: 3,
    infer([x, , updates]) {
      sameType(x, updates);
      return like(x);
    },
    grad,
    samples: samples.map((s) =>
      ["max", "min"].includes(String(s.attrs["reduction"])) ? s : { ...s, step: s.attrs["reduction"] === "mul" ? 0.125 : 1 },
    ),
  });
}

export const lookups = {
  /** x[…, ids, …] along an axis. */
  Gather: op({
    arity: 2,
    infer([x, at], { attrs }) {
      const axis = axisOf(attrs.int("axis", 0), x.dims.length);
      return like(x, [...x.dims.slice(0, axis), ...at.dims, ...x.dims.slice(axis + 1)]);
    },
    grad(g, { x: [x, at], dy: [dy], attrs }) {
      const axis = axisOf(attrs.int("axis", 0), x.dims.length);
      // The axes of the indices to the front, so that dy is rows (n, rest) that belong to rows of x.
      const picked = at.dims.map((_, i) => axis + i);
      const rest = [...dy.dims.keys()].filter((i) => !picked.includes(i));
      const front = axis === 0 ? dy : g.transpose(dy, [...picked, ...rest]);
      const sum = rowSums(g, x, { axis, at, dy: front });
      if (axis === 0) return [sum, null];
      return [
        g.transpose(
          sum,
          [...x.dims.keys()].map((i) => (i === axis ? 0 : i < axis ? i + 1 : i)),
        ),
        null,
      ];
    },
    samples: [
      { inputs: [normal(5, 3), ids([4, 0, 4, 2])], step: 1 },
      { inputs: [normal(80, 3), ids([4, 0, 4, 79])], step: 1 },
      { inputs: [normal(2, 5, 3), ids([1, 1, 0, 4], [2, 2])], attrs: { axis: 1 }, step: 1 },
      { inputs: [normal(2, 5), ids([3], [])], attrs: { axis: 1 }, step: 1 },
      { inputs: [normal(5, 3), ids([4, 0, 4], [3], "int32")], step: 1 },
    ],
  }),

  GatherElements: op({
    arity: 2,
    infer: ([x, at]) => like(x, at.dims),
    grad: (g, { x: [x, at], dy: [dy], attrs }) => [
      g.op("ScatterElements", [g.zerosLike(x), at, dy], { axis: attrs.int("axis", 0), reduction: "add" }),
      null,
    ],
    samples: [{ inputs: [normal(2, 3), ids([2, 2, 0, 1], [2, 2])], attrs: { axis: 1 }, step: 1 }],
  }),

  /** Elements or slices at the index tuples in the last axis. */
  GatherND: op({
    arity: 2,
    infer([x, at], { attrs }) {
      const length = at.dims.at(-1);
      if (typeof length !== "number") throw mismatch("the length of its index tuples must be known.");
      return like(x, [...at.dims.slice(0, -1), ...x.dims.slice(attrs.int("batch_dims", 0) + length)]);
    },
    grad: (g, { x: [x, at], dy: [dy], attrs }) => [
      g.op("ScatterND", [g.zerosLike(x), withBatch(g, at, attrs.int("batch_dims", 0)), dy], { reduction: "add" }),
      null,
    ],
    samples: [
      { inputs: [normal(3, 4), ids([0, 1, 2, 3, 0, 1], [3, 2])], step: 1 },
      { inputs: [normal(2, 3, 2), ids([1, 0, 2, 2], [2, 2, 1])], attrs: { batch_dims: 1 }, step: 1 },
    ],
  }),

  ScatterElements: scatter(
    (g, dy, at, axis) => g.gatherElements(dy, at, { axis }),
    [
      { inputs: [normal(2, 4), ids([1, 0, 3, 2], [2, 2]), normal(2, 2)], attrs: { axis: 1 } },
      { inputs: [normal(2, 4), ids([1, 1, 3, 3], [2, 2]), normal(2, 2)], attrs: { axis: 1, reduction: "add" } },
      { inputs: [normal(2, 4), ids([1, 1, 3, 0], [2, 2]), positive(2, 2)], attrs: { axis: 1, reduction: "mul" } },
      { inputs: [normal(2, 4), ids([1, 1, 1, 3, 3, 0], [2, 3]), given([0, 3, 2, 0, 0, -1], [2, 3])], attrs: { axis: 1, reduction: "mul" } },
      {
        inputs: [distinct(2, 4), ids([1, 1, 3, 0], [2, 2]), fixed([-0.37, 0.22, 0.11, 0.31], [2, 2])],
        attrs: { axis: 1, reduction: "max" },
      },
      {
        inputs: [distinct(2, 4), ids([1, 1, 3, 0], [2, 2]), fixed([-0.37, 0.22, 0.11, -0.91], [2, 2])],
        attrs: { axis: 1, reduction: "min" },
      },
    ],
  ),
  ScatterND: scatter(
    (g, dy, at) => g.op("GatherND", [dy, at]),
    [
      { inputs: [normal(4, 3), ids([1, 3], [2, 1]), normal(2, 3)], attrs: {} },
      { inputs: [normal(4, 3), ids([1, 3, 1], [3, 1]), normal(3, 3)], attrs: { reduction: "add" } },
      { inputs: [normal(4, 3), ids([1, 3, 1], [3, 1]), positive(3, 3)], attrs: { reduction: "mul" } },
      { inputs: [distinct(4, 2), ids([1, 3], [2, 1]), fixed([-0.37, 0.22, 0.11, 0.31], [2, 2])], attrs: { reduction: "max" } },
    ],
  ),

  /** A new axis of `off` values with `on` at the index. */
  OneHot: op({
    arity: 3,
    infer([at, , values], call) {
      const depth = known(call, 1, "depth")[0]!;
      const axis = axisOf(call.attrs.int("axis", -1), at.dims.length + 1);
      return { dtype: values.dtype, dims: [...at.dims.slice(0, axis), depth, ...at.dims.slice(axis)] };
    },
    grad(g, { x: [at, depth, values], dy: [dy], attrs }) {
      const axis = attrs.int("axis", -1);
      const hot = g.op("OneHot", [at, depth, g.constant(fromNumbers(values.dtype, [2], [0, 1]))], { axis });
      const on = g.reduceSum(g.mul(dy, hot), { keepdims: false });
      const off = g.sub(g.reduceSum(dy, { keepdims: false }), on);
      return [null, null, g.concat([g.unsqueeze(off, [0]), g.unsqueeze(on, [0])], { axis: 0 })];
    },
    samples: [{ inputs: [ids([2, 0]), list([3], []), normal(2)], step: 1 }, [ids([2, 0]), list([3], []), fixed([0, 1], [2])]],
  }),
} satisfies Record<string, Op>;

/** Rows of dy added up at the rows of x that they were picked from; the picked axis of x first. */
function rowSums(g: Builder, x: Value, { axis, at, dy }: { axis: number; at: Value; dy: Value }): Value {
  const zeros = axis === 0 ? g.zerosLike(x) : g.transpose(g.zerosLike(x), [axis, ...[...x.dims.keys()].filter((i) => i !== axis)]);
  return g.op("ScatterND", [zeros, g.unsqueeze(g.cast(at, "int64"), [-1]), dy], { reduction: "add" });
}

/** Index tuples that name their batch axes too. */
function withBatch(g: Builder, at: Value, axes: number): Value {
  const one = g.slice(at, { starts: [0], ends: [1], axes: [at.dims.length - 1] });
  const places = Array.from({ length: axes }, (_, axis) => {
    const length = g.op("Shape", [at], { start: axis, end: axis + 1 });
    const numbers = g.op("Range", [g.scalar(0, "int64"), g.squeeze(length, [0]), g.scalar(1, "int64")]);
    const column = g.reshape(
      g.assume(numbers, [at.dims[axis]!]),
      at.dims.map((_, i) => (i === axis ? -1 : 1)),
    );
    return g.assume(g.expandLike(g.cast(column, at.dtype), one), one.dims);
  });
  return axes ? g.concat([...places, at], { axis: at.dims.length - 1 }) : at;
}
