// What a gradient need not compute: layout changes that cancel, factors of one, terms of zero.
import type { Builder, Value } from "../../ops/builder.ts";
import { broadcast } from "../../ops/shapes.ts";
import { isAll, type Lowering, madeBy, numbers, sameDims } from "./lowering.ts";

const always = { devices: "all", measured: "fewer nodes and fewer passes over the data; nothing to weigh" } as const;

/** The value where it has the type of the result already. */
const alone = (kept: Value, other: Value): Value[] | undefined =>
  sameDims(kept.dims, broadcast(kept.dims, other.dims)) ? [kept] : undefined;

const zeros = (g: Builder, like: Value): Value[] => [g.zerosLike(like)];

export const cleanUps: Lowering[] = [
  {
    ...always,
    name: "two transposes are one, or none",
    at: ["Transpose"],
    rewrite({ g, attrs, x: [x] }) {
      if (!x) return undefined;
      const reversed = [...x.dims.keys()].reverse();
      const perm = attrs.ints("perm", reversed);
      if (perm.every((p, i) => p === i)) return [x];
      const inner = madeBy(g, x, "Transpose");
      const source = inner?.x[0];
      if (!source) return undefined;
      const first = inner.attrs.ints("perm", reversed);
      const both = perm.map((p) => first[p]!);
      return [both.every((p, i) => p === i) ? source : g.transpose(source, both)];
    },
  },
  {
    ...always,
    name: "of two reshapes the last counts, and none where nothing changes",
    at: ["Reshape"],
    rewrite({ g, attrs, x: [x, shape] }) {
      if (!x || !shape || attrs.int("allowzero", 0)) return undefined;
      const source = madeBy(g, x, "Reshape", "Squeeze", "Unsqueeze")?.x[0];
      const made = g.op("Reshape", [x, shape]).dims;
      if (sameDims(made, x.dims)) return [x];
      if (!source) return undefined;
      if (sameDims(made, source.dims)) return [source];
      // A 0 takes a length from the input, which would be another one.
      return numbers(g, shape)?.includes(0) === false ? [g.op("Reshape", [source, shape])] : undefined;
    },
  },
  {
    ...always,
    name: "times one, or divided by one, is nothing; times zero is zero",
    at: ["Mul", "Div"],
    rewrite({ g, node, x: [a, b] }) {
      if (!a || !b) return undefined;
      if (isAll(g, b, 1)) return alone(a, b);
      if (node.type === "Mul" && isAll(g, a, 1)) return alone(b, a);
      const zero = isAll(g, a, 0) ? a : node.type === "Mul" && isAll(g, b, 0) ? b : undefined;
      return zero && alone(zero, zero === a ? b : a);
    },
  },
  {
    ...always,
    name: "plus or minus zero is nothing",
    at: ["Add", "Sub"],
    rewrite({ g, node, x: [a, b] }) {
      if (!a || !b) return undefined;
      if (isAll(g, b, 0)) return alone(a, b);
      return node.type === "Add" && isAll(g, a, 0) ? alone(b, a) : undefined;
    },
  },
  {
    ...always,
    name: "minus nothing, sums and products of zeros are zeros",
    at: ["Neg", "ReduceSum", "ReduceMean", "MatMul"],
    rewrite({ g, node, x: [a, b] }) {
      if (!isAll(g, a, 0) && !(node.type === "MatMul" && isAll(g, b, 0))) return undefined;
      const [made] = g.node({ ...node, inputs: [a!.name, ...(b ? [b.name] : [])] }, 1);
      return made!.dims.every((d) => typeof d === "number") ? zeros(g, made!) : undefined;
    },
  },
  {
    ...always,
    name: "what is stretched for an operator that stretches by itself stays small",
    at: ["Add", "Sub", "Mul", "Div", "Where"],
    rewrite({ g, node, x }) {
      const small = x.map((v) => madeBy(g, v, "Expand")?.x[0]);
      if (x.some((v) => !v) || small.every((v) => !v)) return undefined;
      for (const [i, source] of small.entries()) {
        if (!source) continue;
        const others = x.filter((_, j) => j !== i).map((v) => v!.dims);
        const whole = x[i]!.dims;
        if (!sameDims(others.reduce((dims, other) => broadcast(dims, other), source.dims), others.reduce((dims, other) => broadcast(dims, other), whole))) continue; // prettier-ignore
        const inputs = x.map((v, j) => (j === i ? source.name : v!.name));
        return g.node({ ...node, inputs }, 1);
      }
      return undefined;
    },
  },
];
