// Small whole-number tensors whose elements may be lengths that only have a name ("B"): what shapes are reckoned with before the graph
// runs. Each evaluator gives undefined for what it cannot tell; a name stands for a length of at least 1.
import { isUnknown, type Dim } from "../onnx/graph.ts";
import { dtypeOf } from "../onnx/proto.ts";
import type { Attrs } from "../ops/op.ts";
import { axisOf, lengthOf, product, reshapeShape, sliceRange } from "../ops/shapes.ts";
import { type DType, fromNumbers, halfBits, halfValue, isFloat, sizeOf, type Tensor, toNumbers } from "../tensor.ts";

/** Infinity stands for the largest int64, as in attributes. */
export interface Partial {
  dtype: DType;
  dims: readonly number[];
  items: readonly Dim[];
}

/** More elements than this are not reckoned with: they are data, not shapes. */
export const mostItems = 4096;

export function partialOf(t: Tensor): Partial | undefined {
  if (t.dtype === "string" || t.data.length > mostItems) return undefined;
  const whole = t.dtype === "int64" || t.dtype === "uint64";
  const items = toNumbers(t).map((v) => (whole && v > 2 ** 62 ? Infinity : whole && v < -(2 ** 62) ? -Infinity : v));
  return { dtype: t.dtype, dims: t.dims, items };
}

/** The tensor, where every element is a number. */
export function tensorOf({ dtype, dims, items }: Partial): Tensor | undefined {
  return items.every((d) => typeof d === "number") ? fromNumbers(dtype, dims, items as readonly number[]) : undefined;
}

type Evaluate = (x: readonly Partial[], attrs: Attrs) => Partial | undefined;

/** Whether an operator can be evaluated at all. */
export const isEvaluated = (type: string): boolean => Object.hasOwn(evaluators, type);

/** The result of an operator on known values, or undefined. Inputs that are absent at the end are simply not there. */
export function evaluate(type: string, x: readonly (Partial | undefined)[], attrs: Attrs): Partial | undefined {
  const rule = Object.hasOwn(evaluators, type) ? evaluators[type] : undefined;
  if (!rule || x.some((v) => !v) || !x.length) return undefined;
  const made = rule(x as readonly Partial[], attrs);
  return made && made.items.length <= mostItems && made.items.every((d) => typeof d === "number" || !isFloat(made.dtype))
    ? made
    : undefined;
}

// ------------------------------------------------------------------------------------------------------- element by element

/** undefined: it cannot be told. */
type Two = (a: Dim, b: Dim, dtype: DType) => Dim | undefined;

const numbers =
  (f: (a: number, b: number, dtype: DType) => number, symbols: (a: Dim, b: Dim) => Dim | undefined = () => undefined): Two =>
  (a, b, dtype) =>
    typeof a === "number" && typeof b === "number" ? rounded(f(a, b, dtype), dtype) : symbols(a, b);

const rounded = (v: number, dtype: DType): number =>
  dtype === "float32" ? Math.fround(v) : dtype === "float16" ? halfValue(halfBits(v)) : v;

const truth = (b: boolean): number => (b ? 1 : 0);
const plain = (d: Dim): boolean => typeof d === "number" || (!isUnknown(d) && !/[^\w.*]/.test(d));

const times = numbers(
  (a, b) => a * b,
  (a, b) =>
    a === 0 || b === 0
      ? 0
      : plain(a) && plain(b) && !(Number(a) < 0) && !(Number(b) < 0)
        ? lengthOf([a, b])
        : a === 1
          ? b
          : b === 1
            ? a
            : undefined,
);
const over = numbers(
  (a, b, dtype) => (isFloat(dtype) ? a / b : b === 0 ? 0 : Math.trunc(a / b)),
  (a, b) => {
    if (a === b) return 1;
    if (b === 1) return a;
    if (!plain(a) || !plain(b)) return undefined;
    const [top, bottom] = [product([a]), product([b])];
    const rest = [...top.symbols];
    for (const s of bottom.symbols) {
      const at = rest.indexOf(s);
      if (at < 0) return undefined;
      rest.splice(at, 1);
    }
    return bottom.known > 0 && top.known % bottom.known === 0 ? lengthOf([...rest, top.known / bottom.known]) : undefined;
  },
);
const equal = numbers(
  (a, b) => truth(a === b),
  (a, b) => (a === b ? 1 : Number(a) <= 0 || Number(b) <= 0 ? 0 : undefined),
);
const greater = numbers(
  (a, b) => truth(a > b),
  (a, b) => (a === b ? 0 : Number(b) <= 0 ? 1 : Number(a) <= 0 ? 0 : undefined),
);
const either = (f: (a: number, b: number) => number): Two =>
  numbers(
    (a, b) => f(a, b), // not f itself: it would take the dtype for a third number
    (a, b) => (a === b ? a : undefined),
  );

const two =
  (f: Two, dtype?: DType): Evaluate =>
  ([a, b]) =>
    b ? spread([a!, b], dtype ?? a!.dtype, ([p, q]) => f(p!, q!, a!.dtype)) : undefined;

const one =
  (f: (v: number, dtype: DType) => number): Evaluate =>
  ([a]) =>
    spread([a!], a!.dtype, ([v]) => (typeof v === "number" ? rounded(f(v, a!.dtype), a!.dtype) : undefined));

/** The function on every element, inputs broadcast against each other. */
function spread(x: readonly Partial[], dtype: DType, f: (at: readonly Dim[]) => Dim | undefined): Partial | undefined {
  const rank = Math.max(...x.map((v) => v.dims.length));
  const dims = Array.from({ length: rank }, (_, i) => {
    const lengths = x.map((v) => v.dims[v.dims.length - rank + i] ?? 1);
    return lengths.find((d) => d !== 1) ?? 1;
  });
  if (sizeOf(dims) > mostItems) return undefined;
  const items: Dim[] = [];
  for (let i = 0; i < sizeOf(dims); i++) {
    const value = f(x.map((v) => v.items[placeIn(v.dims, dims, i)]!));
    if (value === undefined) return undefined;
    items.push(value);
  }
  return { dtype, dims, items };
}

/** Where the element at flat place i of the whole comes from in a part that is broadcast to it. */
function placeIn(part: readonly number[], whole: readonly number[], i: number): number {
  let place = 0;
  let step = 1;
  for (let axis = whole.length - 1, rest = i; axis >= 0; axis--) {
    const length = part[axis - whole.length + part.length] ?? 1;
    if (length !== 1) place += (rest % whole[axis]!) * step;
    rest = Math.floor(rest / whole[axis]!);
    step *= length;
  }
  return place;
}

// -------------------------------------------------------------------------------------------------------------------- layout

/** Elements taken by their places; `from` gives the place of each result's element by its index. */
function pick(x: Partial, dims: readonly number[], from: (index: readonly number[]) => readonly number[]): Partial | undefined {
  if (sizeOf(dims) > mostItems) return undefined;
  const items = Array.from({ length: sizeOf(dims) }, (_, flat) => {
    const index: number[] = [];
    for (let axis = dims.length - 1, rest = flat; axis >= 0; rest = Math.floor(rest / dims[axis]!), axis--)
      index[axis] = rest % dims[axis]!;
    return x.items[from(index).reduce((place, at, axis) => place * x.dims[axis]! + at, 0)];
  });
  return items.some((d) => d === undefined) ? undefined : { dtype: x.dtype, dims, items: items as Dim[] };
}

/** Whole numbers of a known vector, or undefined when one is only a name. */
const wholes = (x: Partial | undefined): number[] | undefined =>
  x?.items.every((d) => typeof d === "number") ? (x.items as number[]).slice() : undefined;

const asShape = (x: Partial, dims: readonly Dim[]): Partial | undefined =>
  dims.every((d) => typeof d === "number" && d >= 0) && sizeOf(dims as number[]) === x.items.length
    ? { ...x, dims: dims as number[] }
    : undefined;

function reduce(from: number, f: Two): Evaluate {
  return ([x, given], attrs) => {
    const axes = (wholes(given) ?? attrs.ints("axes", [])).map((a) => axisOf(a, x!.dims.length));
    if (x!.dims.length !== 1 || axes.some((a) => a !== 0) || (!axes.length && attrs.int("noop_with_empty_axes", 0))) return undefined;
    let total: Dim | undefined = from;
    for (const [i, item] of x!.items.entries())
      total = i === 0 && Number.isNaN(from) ? item : total === undefined ? total : f(total, item, x!.dtype);
    return total === undefined || Number.isNaN(total)
      ? undefined
      : { dtype: x!.dtype, dims: attrs.int("keepdims", 1) ? [1] : [], items: [total] };
  };
}

const evaluators: Record<string, Evaluate> = {
  Identity: ([x]) => x,
  Cast([x], attrs) {
    const to = dtypeOf(attrs.int("to"), "Cast");
    if (to === "string") return undefined;
    return spread([x!], to, ([v]) => {
      if (typeof v === "string") return isFloat(to) || to === "bool" ? undefined : v;
      return to === "bool"
        ? truth(v !== 0)
        : isFloat(to)
          ? rounded(v!, to)
          : Number.isFinite(v)
            ? Math.trunc(v!)
            : isFloat(x!.dtype)
              ? undefined
              : v;
    });
  },
  Add: two(
    numbers(
      (a, b) => a + b,
      (a, b) => (a === 0 ? b : b === 0 ? a : undefined),
    ),
  ),
  Sub: two(
    numbers(
      (a, b) => a - b,
      (a, b) => (a === b ? 0 : b === 0 ? a : undefined),
    ),
  ),
  Mul: two(times),
  Div: two(over),
  Mod: two(numbers((a, b, dtype) => (isFloat(dtype) || b === 0 ? NaN : ((a % b) + b) % b))),
  Min: two(either(Math.min)),
  Max: two(either(Math.max)),
  Pow: two(numbers((a, b) => a ** b)),
  Neg: one((v) => -v),
  Abs: one(Math.abs),
  Floor: one(Math.floor),
  Ceil: one(Math.ceil),
  Sqrt: one(Math.sqrt),
  Reciprocal: one((v) => 1 / v),
  Not: one((v) => truth(v === 0)),
  Equal: two(equal, "bool"),
  Greater: two(greater, "bool"),
  Less: two((a, b, t) => greater(b, a, t), "bool"),
  GreaterOrEqual: two((a, b, t) => flip(greater(b, a, t)), "bool"),
  LessOrEqual: two((a, b, t) => flip(greater(a, b, t)), "bool"),
  And: two(numbers((a, b) => truth(a !== 0 && b !== 0))),
  Or: two(numbers((a, b) => truth(a !== 0 || b !== 0))),
  Where: ([c, a, b]) =>
    a && b ? spread([c!, a, b], a.dtype, ([p, q, r]) => (typeof p === "number" ? (p ? q : r) : q === r ? q : undefined)) : undefined,

  Squeeze([x, axes]) {
    const gone = wholes(axes)?.map((a) => axisOf(a, x!.dims.length));
    return asShape(
      x!,
      x!.dims.filter((d, i) => (gone ? !gone.includes(i) : d !== 1)),
    );
  },
  Unsqueeze([x, axes]) {
    const given = wholes(axes);
    if (!given) return undefined;
    const rank = x!.dims.length + given.length;
    const at = given.map((a) => axisOf(a, rank));
    const rest = [...x!.dims];
    return asShape(
      x!,
      Array.from({ length: rank }, (_, i) => (at.includes(i) ? 1 : (rest.shift() ?? 1))),
    );
  },
  Reshape([x, shape], attrs) {
    const wanted = wholes(shape);
    return wanted && !attrs.int("allowzero", 0) ? asShape(x!, reshapeShape(x!.dims, wanted)) : undefined;
  },
  Transpose([x], attrs) {
    const perm = attrs.has("perm") ? attrs.ints("perm") : [...x!.dims.keys()].reverse();
    if ([...perm].sort((a, b) => a - b).some((p, i) => p !== i) || perm.length !== x!.dims.length) return undefined;
    return pick(
      x!,
      perm.map((p) => x!.dims[p]!),
      (at) => perm.reduce<number[]>((index, p, i) => ((index[p] = at[i]!), index), []),
    );
  },
  Concat(x, attrs) {
    const axis = axisOf(attrs.int("axis"), x[0]!.dims.length);
    if (axis !== 0 || x.some((v) => v.dims.length !== x[0]!.dims.length || v.dims.slice(1).join() !== x[0]!.dims.slice(1).join()))
      return undefined;
    const length = x.reduce((sum, v) => sum + v.dims[0]!, 0);
    return { dtype: x[0]!.dtype, dims: [length, ...x[0]!.dims.slice(1)], items: x.flatMap((v) => v.items) };
  },
  Gather([x, ids], attrs) {
    const axis = axisOf(attrs.int("axis", 0), x!.dims.length);
    const at = wholes(ids)?.map((i) => (i < 0 ? i + x!.dims[axis]! : i));
    if (!at || axis !== 0 || at.some((i) => !(i >= 0 && i < x!.dims[0]!))) return undefined;
    const width = sizeOf(x!.dims.slice(1));
    if (at.length * width > mostItems) return undefined;
    return {
      dtype: x!.dtype,
      dims: [...ids!.dims, ...x!.dims.slice(1)],
      items: at.flatMap((i) => x!.items.slice(i * width, (i + 1) * width)),
    };
  },
  Slice([x, starts, ends, axes, steps]) {
    const [from, to] = [wholes(starts), wholes(ends)];
    const along = axes ? wholes(axes) : from && [...from.keys()];
    const by = steps ? wholes(steps) : from?.map(() => 1);
    if (!from || !to || !along || !by) return undefined;
    const dims = [...x!.dims];
    const first = dims.map(() => 0);
    const step = dims.map(() => 1);
    along.forEach((a, i) => {
      const axis = axisOf(a, dims.length);
      const range = sliceRange(x!.dims[axis]!, from[i]!, to[i]!, by[i]!);
      [dims[axis], first[axis], step[axis]] = [range.count, range.first, by[i]!];
    });
    return pick(x!, dims, (at) => at.map((i, axis) => first[axis]! + i * step[axis]!));
  },
  Expand([x, shape]) {
    const wanted = wholes(shape);
    if (!wanted || wanted.some((d) => d < 0) || sizeOf(wanted) > mostItems) return undefined;
    return spread([x!, { dtype: x!.dtype, dims: wanted, items: new Array<number>(sizeOf(wanted)).fill(0) }], x!.dtype, ([v]) => v);
  },
  ConstantOfShape([shape], attrs) {
    const dims = wholes(shape);
    if (!dims || dims.some((d) => d < 0) || sizeOf(dims) > mostItems) return undefined;
    const value = attrs.all["value"];
    const fill = value?.type === "tensor" ? value.value : fromNumbers("float32", [1], [0]);
    if (fill.dtype === "string" || fill.data.length !== 1) return undefined;
    return { dtype: fill.dtype, dims, items: new Array<number>(sizeOf(dims)).fill(toNumbers(fill)[0]!) };
  },
  Range(x) {
    const [from, to, by] = x.map((v) => wholes(v)?.[0]);
    if (from === undefined || to === undefined || !by) return undefined;
    const length = Math.max(0, Math.ceil((to - from) / by));
    if (!(length <= mostItems)) return undefined;
    return { dtype: x[0]!.dtype, dims: [length], items: Array.from({ length }, (_, i) => rounded(from + i * by, x[0]!.dtype)) };
  },
  ReduceProd: reduce(1, times),
  ReduceSum: reduce(
    0,
    numbers((a, b) => a + b),
  ),
  ReduceMin: reduce(NaN, either(Math.min)),
  ReduceMax: reduce(NaN, either(Math.max)),
};

function flip(v: Dim | undefined): Dim | undefined {
  return v === undefined ? v : v === 0 ? 1 : 0;
}
