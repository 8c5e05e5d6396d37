// Shape arithmetic for `infer`: ranks are known, single lengths may be symbolic. The only place where lengths are reckoned with.
import { AppError } from "../../ipc/error.ts";
import { type Dim, isUnknown, type ValueInfo } from "../onnx/graph.ts";
import { toNumbers } from "../tensor.ts";
import type { Call, Typed } from "./op.ts";

export function mismatch(message: string, hint = "Check the shapes that meet here."): AppError {
  return new AppError("shapeMismatch", message, hint);
}

/** Same dtype and dims. */
export const like = (x: ValueInfo, dims: readonly Dim[] = x.dims): Typed => ({ dtype: x.dtype, dims });

export const show = (dims: readonly Dim[]): string => `[${dims.join(", ")}]`;

/** An axis counted from the end made one counted from the start. Throws `shapeMismatch` outside -rank…rank-1. */
export function axisOf(axis: number, rank: number): number {
  if (!Number.isInteger(axis) || axis < -rank || axis >= Math.max(rank, 1))
    throw mismatch(`the axis ${axis} is outside a tensor of rank ${rank}.`);
  return axis < 0 ? axis + rank : axis;
}

/**
 * Numpy's broadcasting: right-aligned, 1 stretches. A number beside a symbol is taken for both. Of two symbols either may be 1 when the graph
 * runs, so the result is neither, but "a|b": the larger of them.
 */
export function broadcast(...shapes: readonly (readonly Dim[])[]): Dim[] {
  const rank = Math.max(0, ...shapes.map((s) => s.length));
  return Array.from({ length: rank }, (_, i) => {
    let out: Dim = 1;
    for (const shape of shapes) {
      const d = shape[shape.length - rank + i] ?? 1;
      if (d === out || d === 1) continue;
      if (out === 1 || (typeof out === "string" && typeof d === "number")) out = d;
      else if (typeof d === "string" && typeof out === "string") out = larger(out, d);
      else if (typeof d === "number") throw mismatch(`the shapes ${shapes.map(show).join(" and ")} do not go together.`);
    }
    return out;
  });
}

/** The larger of two lengths that are the same, or one of which is 1. */
function larger(a: string, b: string): string {
  const key = (name: string) => (isUnknown(name) ? 1 : 0); // a plain name first
  const names = [...new Set([...a.split("|"), ...b.split("|")])];
  return names.sort((p, q) => key(p) - key(q) || (p < q ? -1 : 1)).join("|");
}

/** Two lengths that must be one. A number wins over a symbol. */
export function unify(a: Dim, b: Dim, shapes: readonly (readonly Dim[])[]): Dim {
  if (a === b || typeof b === "string") return a;
  if (typeof a === "string") return b;
  throw mismatch(`the shapes ${shapes.map(show).join(" and ")} do not go together: ${a} against ${b}.`);
}

/** a · b over the last two axes; a vector is a row on the left, a column on the right, and its axis goes. */
export function matmulShape(a: readonly Dim[], b: readonly Dim[]): Dim[] {
  if (!a.length || !b.length) throw mismatch("a scalar cannot be multiplied as a matrix.");
  const left = a.length === 1 ? [1, ...a] : a;
  const right = b.length === 1 ? [...b, 1] : b;
  unify(left.at(-1)!, right.at(-2)!, [a, b]);
  const out = broadcast(left.slice(0, -2), right.slice(0, -2));
  if (a.length > 1) out.push(left.at(-2)!);
  if (b.length > 1) out.push(right.at(-1)!);
  return out;
}

/** A product of lengths: the known part and the symbols, sorted. */
export function product(dims: readonly Dim[]): { known: number; symbols: string[] } {
  let known = 1;
  const symbols: string[] = [];
  for (const d of dims) {
    if (typeof d === "number") known *= d;
    else
      for (const part of d.split("*")) {
        if (/^\d+$/.test(part)) known *= Number(part);
        else symbols.push(part);
      }
  }
  return { known, symbols: symbols.sort() };
}

/** The product as one length: 6, "B", "B*6". */
export function lengthOf(dims: readonly Dim[]): Dim {
  const { known, symbols } = product(dims);
  if (!symbols.length || known === 0) return known;
  return [...symbols, ...(known === 1 ? [] : [known])].join("*");
}

/** Elements of a shape over those of another: 6, "B*4", "B*3/4"; undefined where what is known of them says that it cannot be whole. */
export function quotient(dims: readonly Dim[], by: readonly Dim[]): Dim | undefined {
  const from = product(dims);
  const to = product(by);
  const symbols = [...from.symbols];
  for (const s of to.symbols) {
    const at = symbols.indexOf(s);
    if (at < 0) return undefined;
    symbols.splice(at, 1);
  }
  if (to.known !== 0 && from.known % to.known === 0) return lengthOf([...symbols, from.known / to.known]);
  return symbols.length ? `${lengthOf([...symbols, from.known])}/${to.known}` : undefined;
}

/** Shape after Reshape to `wanted` (0 copies, -1 takes the rest). */
export function reshapeShape(dims: readonly Dim[], wanted: readonly number[]): Dim[] {
  const out: Dim[] = wanted.map((d, i) => (d !== 0 ? d : (dims[i] ?? 0)));
  const hole = out.indexOf(-1);
  const from = product(dims);
  const to = product(out.filter((_, i) => i !== hole));
  const wrong = () => mismatch(`a tensor of shape ${show(dims)} cannot take the shape ${show(wanted)}.`);
  if (hole < 0) {
    if (!from.symbols.length && !to.symbols.length && from.known !== to.known) throw wrong();
    // A symbol that met its number: (B, 4) seen as (2, 4) is taken at its word.
    return out;
  }
  const rest =
    to.known === 0
      ? undefined
      : quotient(
          dims,
          out.filter((_, i) => i !== hole),
        );
  if (rest === undefined) throw wrong();
  out[hole] = rest;
  return out;
}

/** Whole numbers of an input known before the run. Throws `shapeMismatch`, naming the input. */
export function known(call: Pick<Call, "constant">, input: number, what: string): number[] {
  const value = call.constant(input);
  if (!value) throw mismatch(`its ${what} must be known before the graph runs.`, "Give it as a constant.");
  return toNumbers(value).map((v) => (v > 2 ** 62 ? Infinity : v < -(2 ** 62) ? -Infinity : v));
}

/** All inputs of one dtype. */
export function sameType(...values: readonly ValueInfo[]): void {
  const other = values.find((v) => v.dtype !== values[0]?.dtype);
  if (other) throw mismatch(`its inputs must have one type, not ${values[0]?.dtype} and ${other.dtype}.`, "Cast one of them.");
}

/** Which indices Slice takes along an axis of a known length. */
export function sliceRange(length: number, start: number, end: number, step: number): { first: number; count: number } {
  if (step === 0 || !Number.isFinite(step)) throw mismatch(`a step of ${step} cannot be.`);
  const low = step > 0 ? 0 : -1;
  const high = step > 0 ? length : length - 1;
  const at = (i: number) => Math.min(Math.max(i < 0 ? i + length : i, low), high);
  const first = at(start);
  const last = end === -Infinity ? low : at(end);
  return { first, count: Math.max(0, Math.ceil((last - first) / step)) };
}

/** Lengths known only when the graph runs, as many as a shape vector of this length holds. Throws for a rank that cannot be. */
export function unknown(call: Pick<Call, "symbol">, rank: Dim | undefined): Dim[] {
  if (typeof rank !== "number" || rank > 32) throw mismatch(`a shape of ${String(rank)} lengths cannot be.`);
  return Array.from({ length: rank }, () => call.symbol());
}

/** Throws `modelInvalid` unless the first inputs are there, so many of them. */
export function requireInputs(x: readonly (ValueInfo | undefined)[], least: number): void {
  for (let i = 0; i < least; i++)
    if (!x[i]) throw new AppError("modelInvalid", `its input ${i} is missing.`, "The model file is damaged: export it again.");
}
