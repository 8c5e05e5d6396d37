// Einsum: products of tensors whose axes are named. Its gradients are contractions of dy with the other operands, made of Transpose,
// Reshape and MatMul. Handled: implicit outputs, the ellipsis with broadcasting, repeated axes (diagonals).
import type { Dim, ValueInfo } from "../onnx/graph.ts";
import { fromNumbers } from "../tensor.ts";
import type { Builder, Value } from "./builder.ts";
import { type Op, op } from "./op.ts";
import { normal, type SampleSpec } from "./samples.ts";
import { broadcast, like, mismatch, unify } from "./shapes.ts";

/** A tensor and the name of each of its axes. */
interface Term {
  value: Value;
  labels: string[];
}

export interface Equation {
  terms: string[][];
  out: string[];
  lengths: Map<string, Dim>;
}

/** The axes of each operand and of the result by name; those of the ellipsis are "0", "1", … from the end. Throws `shapeMismatch`. */
export function parse(equation: string, x: readonly ValueInfo[]): Equation {
  const [left, right] = equation.replaceAll(" ", "").split("->");
  const written = left!.split(",");
  if (written.length !== x.length) throw mismatch(`the equation "${equation}" is for ${written.length} operands, not ${x.length}.`);
  const terms = written.map((term, i) => labelsOf(term, x[i]!.dims.length, equation));
  const lengths = new Map<string, Dim>();
  terms.forEach((labels, i) =>
    labels.forEach((label, axis) => {
      const d = x[i]!.dims[axis]!;
      const before = lengths.get(label) ?? d;
      lengths.set(label, before === 1 || d === 1 ? broadcast([before], [d])[0]! : unify(before, d, x.map((v) => v.dims))); // prettier-ignore
    }),
  );
  const rest = Math.max(0, ...terms.map((labels) => labels.filter((l) => /\d/.test(l)).length));
  const all = terms.flat();
  const once = [...lengths.keys()].filter((l) => /[A-Za-z]/.test(l) && all.filter((o) => o === l).length === 1).sort();
  const out = right === undefined ? [...ellipsis(rest), ...once] : labelsOf(right, right.replace("...", "").length + rest, equation);
  if (out.some((l) => !lengths.has(l))) throw mismatch(`the result of "${equation}" names an axis that no operand has.`);
  return { terms, out, lengths };
}

const ellipsis = (n: number): string[] => Array.from({ length: n }, (_, i) => String(n - 1 - i));

function labelsOf(term: string, rank: number, equation: string): string[] {
  const [before, after] = term.split("...");
  const named = [...before!, ...(after ?? "")];
  const n = after === undefined ? 0 : rank - named.length;
  if (named.some((l) => !/[A-Za-z]/.test(l)) || n < 0 || (after === undefined && named.length !== rank))
    throw mismatch(`"${term}" of the equation "${equation}" does not name ${rank} axes.`);
  return [...before!, ...ellipsis(n), ...(after ?? "")];
}

const equations: [string, ...number[][]][] = [
  ["bij,bjk->bik", [2, 2, 3], [2, 3, 2]],
  ["bthd,bshd->bhts", [2, 2, 2, 3], [2, 3, 2, 3]],
  ["...i,ij->...j", [2, 2, 3], [3, 2]],
  ["ij,jk,kl", [2, 3], [3, 2], [2, 2]],
  ["bn,anm,bm->ba", [2, 3], [2, 3, 2], [2, 2]],
  ["ii->i", [3, 3]],
  ["ij,i->j", [2, 3], [2]],
  ["i,j->ij", [2], [3]],
  ["...ij,...ij->...", [2, 2, 3], [2, 2, 3]],
  ["ijk->j", [2, 3, 2]],
];

export const einsums = {
  Einsum: op({
    arity: [1, 1000],
    infer(x, { attrs }) {
      const { out, lengths } = parse(attrs.string("equation"), x);
      return like(
        x[0],
        out.map((l) => lengths.get(l)!),
      );
    },
    grad(g, { x, dy: [dy], attrs, wants }) {
      const { terms, out, lengths } = parse(attrs.string("equation"), x);
      const upstream = { value: dy, labels: out };
      return x.map((value, i) => {
        if (!wants(i)) return null;
        const labels = [...new Set(terms[i])];
        const others = x.flatMap((v, j) => (j === i ? [] : [thin(g, { value: v, labels: terms[j]! }, lengths)]));
        const have = new Set([upstream, ...others].flatMap((t) => t.labels));
        const target = labels.filter((l) => have.has(l));
        const dx = contract(g, [upstream, ...others], target);
        const missing = [...labels.keys()].filter((axis) => !have.has(labels[axis]!)); // summed away: every element alike
        return spread(g, missing.length ? g.unsqueeze(dx, missing) : dx, terms[i]!, value);
      });
    },
    samples: equations.map(([equation, ...shapes]): SampleSpec => ({
      inputs: shapes.map((dims) => normal(...dims)),
      attrs: { equation },
      step: 1,
    })),
  }),
} satisfies Record<string, Op>;

/** The identity matrix laid along two axes of a tensor of this rank. */
function eye(g: Builder, like: Value, p: number, q: number): Value {
  const n = like.dims[p];
  if (typeof n !== "number") throw mismatch("a diagonal needs axes of known lengths.");
  const ones = Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0));
  return g.reshape(
    g.constant(fromNumbers(like.dtype, [n, n], ones)),
    like.dims.map((_, axis) => (axis === p || axis === q ? n : 1)),
  );
}

/** A term without repeated axes (their diagonal) and without axes of 1 that others stretch. */
function thin(g: Builder, term: Term, lengths: ReadonlyMap<string, Dim>): Term {
  let value = term.value;
  const labels = [...term.labels];
  for (let q = labels.length - 1; q > 0; q--) {
    const p = labels.indexOf(labels[q]!);
    if (p === q) continue;
    value = g.reduceSum(g.mul(value, eye(g, value, p, q)), { axes: [q], keepdims: false });
    labels.splice(q, 1);
  }
  const stretched = [...labels.keys()].filter((axis) => value.dims[axis] === 1 && lengths.get(labels[axis]!) !== 1);
  if (stretched.length) value = g.squeeze(value, stretched);
  return { value, labels: labels.filter((_, axis) => !stretched.includes(axis)) };
}

/** The other way: what came to a diagonal put back onto it. `dx` has the axes that differ, in order. */
function spread(g: Builder, dx: Value, labels: readonly string[], x: Value): Value {
  let value = dx;
  labels.forEach((label, q) => {
    const p = labels.indexOf(label);
    if (p === q) return;
    const wide = g.unsqueeze(value, [q]);
    const n = x.dims[p]!;
    value = g.mul(wide, eye(g, { ...wide, dims: wide.dims.map((d, axis) => (axis === p || axis === q ? n : d)) }, p, q));
  });
  return value;
}

/** The product of the terms, summed over every axis that is not wanted; two at a time, from the left. */
function contract(g: Builder, terms: readonly Term[], target: readonly string[]): Value {
  let [result, ...rest] = terms.map((term, i) => needed(g, term, [...target, ...terms.flatMap((t, j) => (i === j ? [] : t.labels))]));
  while (rest.length) {
    const [next, ...after] = rest;
    result = pair(g, result!, next!, new Set([...target, ...after.flatMap((t) => t.labels)]));
    rest = after;
  }
  return ordered(g, needed(g, result!, target), target);
}

/** Summed over the axes that are of no use. */
function needed(g: Builder, { value, labels }: Term, use: readonly string[]): Term {
  const axes = [...labels.keys()].filter((axis) => !use.includes(labels[axis]!));
  return { value: g.reduceSum(value, { axes, keepdims: false }), labels: labels.filter((l) => use.includes(l)) };
}

const ordered = (g: Builder, { value, labels }: Term, order: readonly string[]): Value =>
  order.every((l, i) => labels[i] === l)
    ? value
    : g.transpose(
        value,
        order.map((l) => labels.indexOf(l)),
      );

/** a · b: axes of both that are kept lie side by side, the other shared ones are summed: (batch…, left, sum) · (batch…, sum, right). */
function pair(g: Builder, a: Term, b: Term, keep: ReadonlySet<string>): Term {
  const shared = a.labels.filter((l) => b.labels.includes(l));
  const batch = shared.filter((l) => keep.has(l));
  const sum = shared.filter((l) => !keep.has(l));
  const left = a.labels.filter((l) => !shared.includes(l));
  const right = b.labels.filter((l) => !shared.includes(l));
  const labels = [...batch, ...left, ...right];
  const p = ordered(g, a, [...batch, ...left, ...sum]);
  const q = ordered(g, b, [...batch, ...sum, ...right]);
  const dims = (t: Term, of: readonly string[]) => of.map((l) => t.value.dims[t.labels.indexOf(l)]!);
  if (!sum.length) {
    const open = left.length && right.length ? g.unsqueeze(p, Array.from(right, (_, i) => batch.length + left.length + i)) : p; // prettier-ignore
    const other = left.length
      ? g.unsqueeze(
          q,
          Array.from(left, (_, i) => batch.length + i),
        )
      : q;
    const narrow =
      right.length && !left.length
        ? g.unsqueeze(
            p,
            Array.from(right, (_, i) => batch.length + i),
          )
        : open;
    return { value: g.mul(narrow, other), labels };
  }
  const n = batch.length;
  const product = g.matmul(merged(g, p, n, [left.length, sum.length]), merged(g, q, n, [sum.length, right.length]));
  if (left.length === 1 && right.length === 1) return { value: product, labels };
  const split = [...dims(a, left), ...dims(b, right)];
  if (split.filter((d) => typeof d === "string").length < 2) return { value: reshaped(g, product, n, split), labels };
  const lengthOf = (t: Term, l: string) => {
    const axis = t.labels.indexOf(l);
    const d = t.value.dims[axis]!;
    return typeof d === "number" ? g.list([d]) : g.op("Shape", [t.value], { start: axis, end: axis + 1 });
  };
  const shape = g.concat([...[...batch, ...left].map((l) => lengthOf(a, l)), ...right.map((l) => lengthOf(b, l))], { axis: 0 });
  return { value: g.assume(g.reshape(product, shape), [...dims(a, batch), ...split]), labels };
}

/** The axes behind the first `n`, in groups of these sizes, each group as one axis. */
function merged(g: Builder, x: Value, n: number, groups: readonly [number, number]): Value {
  if (groups[0] === 1 && groups[1] === 1) return x;
  const first = x.dims.slice(n, n + groups[0]);
  const second = x.dims.slice(n + groups[0]);
  return reshaped(g, x, n, [size(first), size(second)]);
}

/** One length for several: -1 where one of them is symbolic. */
const size = (dims: readonly Dim[]): Dim => dims.reduce((p, d) => (typeof p === "number" && typeof d === "number" ? p * d : d === 1 ? p : p === 1 ? d : "*"), 1 as Dim); // prettier-ignore

/** Another shape for the axes behind the first `n`; only one of these lengths may be symbolic. */
function reshaped(g: Builder, x: Value, n: number, dims: readonly Dim[]): Value {
  if (dims.filter((d) => typeof d === "string").length > 1)
    throw mismatch("the gradient of this Einsum needs more than one symbolic length in a product.", "Give these lengths as numbers.");
  return g.reshape(x, g.list([...x.dims.slice(0, n).map((d) => (typeof d === "number" ? d : 0)), ...dims.map((d) => (typeof d === "number" ? d : -1))])); // prettier-ignore
}
