// The same numbers in another shape or order.
import { type Dim, isUnknown } from "../onnx/graph.ts";
import { int64, toNumbers } from "../tensor.ts";
import type { Builder, Value } from "./builder.ts";
import { type Call, type Op, op } from "./op.ts";
import { list, normal, type Sample } from "./samples.ts";
import { axisOf, broadcast, known, lengthOf, like, mismatch, reshapeShape, sameType, show, sliceRange, unify, unknown } from "./shapes.ts";

/** All of these are linear: the check may take a step of 1. */
const linear = (samples: Sample[]): Sample[] => samples.map((s) => ("inputs" in s ? { ...s, step: 1 } : { inputs: s, step: 1 }));

export const layout = {
  Reshape: op({
    arity: 2,
    infer([x, shape], call) {
      const wanted = call.constant(1);
      if (wanted) return like(x, reshapeShape(x.dims, known(call, 1, "shape")));
      // A shape computed at run time: its length is known, its values are not.
      return like(x, call.shapeIn(1) ?? unknown(call, shape.dims[0]));
    },
    grad: (g, { x: [x], dy: [dy] }) => [g.reshapeLike(dy, x), null],
    samples: linear([
      [normal(2, 6), list([3, -1])],
      [normal(2, 6), list([0, 2, 3])],
    ]),
  }),

  Transpose: op({
    arity: 1,
    infer([x], { attrs }) {
      const perm = permOf(x.dims, attrs.has("perm") ? attrs.ints("perm") : undefined);
      return like(
        x,
        perm.map((p) => x.dims[p]!),
      );
    },
    grad(g, { x: [x], dy: [dy], attrs }) {
      const perm = permOf(x.dims, attrs.has("perm") ? attrs.ints("perm") : undefined);
      return [
        g.transpose(
          dy,
          [...perm.keys()].map((i) => perm.indexOf(i)),
        ),
      ];
    },
    samples: linear([[normal(2, 3)], { inputs: [normal(2, 3, 4)], attrs: { perm: [2, 0, 1] } }]),
  }),

  Concat: op({
    arity: [1, 10_000],
    infer(x, { attrs }) {
      sameType(...x);
      const axis = axisOf(attrs.int("axis"), x[0].dims.length);
      const shapes = x.map((v) => v.dims);
      if (shapes.some((s) => s.length !== x[0].dims.length)) throw mismatch("its inputs have different ranks.");
      const dims = x[0].dims.map((_, i) =>
        i === axis ? sum(shapes.map((s) => s[i]!)) : shapes.map((s) => s[i]!).reduce((a, b) => unify(a, b, shapes)),
      );
      return like(x[0], dims);
    },
    grad(g, { x, dy: [dy], attrs }) {
      const axis = axisOf(attrs.int("axis"), dy.dims.length);
      if (x.length === 1) return [dy];
      return g.op("Split", [dy, lengths(g, x, axis)], { axis }, { outputs: x.length });
    },
    samples: linear([
      { inputs: [normal(2, 3), normal(2, 1), normal(2, 2)], attrs: { axis: 1 } },
      { inputs: [normal(1, 3), normal(2, 3)], attrs: { axis: -2 } },
    ]),
  }),

  Split: op({
    arity: [1, 2],
    infer([x], call) {
      const axis = axisOf(call.attrs.int("axis", 0), x.dims.length);
      const length = x.dims[axis]!;
      let parts: Dim[];
      if (call.has(1)) parts = call.constant(1) ? known(call, 1, "lengths") : Array.from({ length: call.outputs }, () => call.symbol());
      else {
        const n = call.attrs.int("num_outputs", call.outputs);
        if (typeof length === "string") throw mismatch(`it cannot cut the symbolic length ${length} into ${n} parts.`);
        if (n !== call.outputs) throw mismatch(`it is to make ${n} parts and has ${call.outputs} outputs.`);
        const part = Math.ceil(length / n);
        parts = Array.from({ length: n }, (_, i) => Math.min(part, length - i * part));
      }
      if (typeof length === "number" && parts.every((p) => typeof p === "number") && sum(parts) !== length)
        throw mismatch(`the parts ${show(parts)} do not make up the length ${length}.`);
      return parts.map((p) =>
        like(
          x,
          x.dims.map((d, i) => (i === axis ? p : d)),
        ),
      );
    },
    grad: (g, { dy, attrs }) => [g.concat([...dy], { axis: attrs.int("axis", 0) }), null],
    samples: linear([
      { inputs: [normal(2, 5), list([2, 3])], attrs: { axis: 1 }, outputs: 2 },
      { inputs: [normal(4, 2)], attrs: { num_outputs: 2 }, outputs: 2 },
    ]),
  }),

  /** x[start:end:step] along each named axis. */
  Slice: op({
    arity: [3, 5],
    infer([x, starts], call) {
      const dims: Dim[] = [...x.dims];
      if (!call.constant(1) || !call.constant(2) || (call.has(4) && !call.constant(4))) {
        const count = starts.dims[0];
        const first = typeof count === "number" ? [...dims.keys()].slice(0, count) : dims.keys();
        for (const axis of call.has(3) ? known(call, 3, "axes") : first) dims[axisOf(axis, dims.length)] = call.symbol();
        return like(x, dims);
      }
      for (const cut of cutsOf(x.dims, call)) {
        const length = x.dims[cut.axis]!;
        if (typeof length === "number") dims[cut.axis] = sliceRange(length, cut.start, cut.end, cut.step).count;
        else if (cut.start !== 0 || cut.end !== Infinity || cut.step !== 1) dims[cut.axis] = call.symbol();
      }
      return like(x, dims);
    },
    grad(g, { x: [x, starts, ends, , steps], dy: [dy], constant, has }) {
      const told = [starts, ends, ...(has(4) ? [steps] : [])].every((v) => g.valueOf(v));
      if (told && cutsOf(x.dims, { constant, has }).every((cut) => isWhole(cut) || typeof x.dims[cut.axis] === "number"))
        return [cutsOf(x.dims, { constant, has }).reduce((out, cut) => uncut(g, out, x, cut), dy)];
      const count = starts.dims[0];
      const along = has(3) ? known({ constant }, 3, "axes") : typeof count === "number" ? [...Array(count).keys()] : undefined;
      if (!along) throw mismatch("the number of axes that it cuts must be known for the gradient.");
      const at = (list: Value | undefined, i: number) => list && g.slice(list, { starts: [i], ends: [i + 1], axes: [0] });
      return [
        along.reduce((out, a, i) => {
          const cut = { axis: axisOf(a, x.dims.length), start: at(starts, i)!, end: at(ends, i)!, step: at(has(4) ? steps : undefined, i) };
          return uncutLater(g, out, x, cut);
        }, dy),
      ];
    },
    samples: linear([
      [normal(4, 5), list([1]), list([3])],
      [normal(4, 5), list([1, -2]), list([Infinity, -5]), list([0, 1]), list([2, -1])],
      [normal(4, 5), list([0, 1]), list([4, 100]), list([0, -1])],
    ]),
  }),

  Squeeze: op({
    arity: [1, 2],
    infer([x], call) {
      const axes = call.has(1)
        ? known(call, 1, "axes").map((a) => axisOf(a, x.dims.length))
        : [...x.dims.keys()].filter((i) => x.dims[i] === 1);
      const wrong = axes.find((a) => typeof x.dims[a] === "number" && x.dims[a] !== 1);
      if (wrong !== undefined) throw mismatch(`the axis ${wrong} of ${show(x.dims)} is not 1.`);
      return like(
        x,
        x.dims.filter((_, i) => !axes.includes(i)),
      );
    },
    grad: (g, { x: [x], dy: [dy] }) => [g.reshapeLike(dy, x), null],
    samples: linear([[normal(2, 1, 3), list([1])], [normal(2, 1, 3, 1)]]),
  }),

  Unsqueeze: op({
    arity: 2,
    infer([x], call) {
      const given = known(call, 1, "axes");
      const rank = x.dims.length + given.length;
      const axes = given.map((a) => axisOf(a, rank));
      if (new Set(axes).size !== axes.length) throw mismatch("it names an axis twice.");
      const rest = [...x.dims];
      return like(
        x,
        Array.from({ length: rank }, (_, i) => (axes.includes(i) ? 1 : rest.shift()!)),
      );
    },
    grad: (g, { x: [x], dy: [dy] }) => [g.reshapeLike(dy, x), null],
    samples: linear([
      [normal(2, 3), list([1])],
      [normal(3), list([0, -1])],
    ]),
  }),

  /** The walk sums over what was stretched. */
  Expand: op({
    arity: 2,
    infer([x, shape], call) {
      const of = call.shapeIn(1);
      return like(x, of ? broadcast(x.dims, of) : broadcastRank(x.dims, unknown(call, shape.dims[0])));
    },
    grad: (_, { dy: [dy] }) => [dy, null],
    samples: linear([
      [normal(2, 1), list([3, 2, 4])],
      [normal(3), list([2, 1])],
    ]),
  }),

  Tile: op({
    arity: 2,
    infer([x, repeats], call) {
      const times = call.shapeIn(1) ?? unknown(call, repeats.dims[0]);
      return like(
        x,
        x.dims.map((d, i) => (isUnknown(times[i]!) && d !== 1 ? call.symbol() : lengthOf([d, times[i]!]))),
      );
    },
    grad(g, { x: [x, repeats], dy: [dy] }) {
      const times = g.valueOf(repeats);
      const parted = times && x.dims.flatMap((d, i): Dim[] => [toNumbers(times)[i]!, d]);
      const apart =
        parted && parted.filter((d) => typeof d === "string").length < 2
          ? g.reshape(dy, parted)
          : g.reshape(dy, pairs(g, g.cast(repeats, "int64"), g.shapeOf(x)));
      return [g.reshapeLike(g.reduceSum(apart, { axes: x.dims.map((_, i) => 2 * i), keepdims: false }), x), null];
    },
    samples: linear([[normal(2, 3), list([2, 3])]]),
  }),
} satisfies Record<string, Op>;

/** Two vectors of the lengths of all axes in turn: (a, b, c), (d, e, f) → (a, d, b, e, c, f). */
function pairs(g: Builder, a: Value, b: Value): Value {
  const columns = [a, b].map((v) => g.unsqueeze(v, [1]));
  return g.reshape(g.concat(columns, { axis: 1 }), [2 * (b.dims[0] as number)]);
}

interface Cut {
  axis: number;
  start: number;
  end: number;
  step: number;
}

/** What a Slice takes, axis by axis. */
function cutsOf(dims: readonly Dim[], call: Pick<Call, "constant" | "has">): Cut[] {
  const starts = known(call, 1, "starts");
  const ends = known(call, 2, "ends");
  const axes = call.has(3) ? known(call, 3, "axes") : [...starts.keys()];
  const steps = call.has(4) ? known(call, 4, "steps") : starts.map(() => 1);
  return starts.map((start, i) => ({ axis: axisOf(axes[i]!, dims.length), start, end: ends[i]!, step: steps[i]! }));
}

/** Zeros around (and between) what was taken along one axis. */
function uncut(g: Builder, dy: Value, x: Value, { axis, start, end, step }: Cut): Value {
  const length = x.dims[axis]!;
  if (isWhole({ axis, start, end, step }) || typeof length === "string") return dy;
  const { first, count } = sliceRange(length, start, end, step);
  if (step === 1) return g.pad(dy, [{ axis, before: first, after: length - first - count }]);
  // Every place takes its own element of dy, or the zero that is put behind them.
  const places = Array.from({ length }, () => count);
  for (let i = 0; i < count; i++) places[first + i * step] = i;
  return g.gather(g.pad(dy, [{ axis, before: 0, after: 1 }]), g.list(places), { axis });
}

const isWhole = ({ start, end, step }: Cut): boolean => start === 0 && end === Infinity && step === 1;

/** The same where the length, or what is taken of it, is known only when the graph runs: the places are reckoned then. */
function uncutLater(
  g: Builder,
  dy: Value,
  x: Value,
  { axis, start, end, step }: { axis: number; start: Value; end: Value; step: Value | undefined },
): Value {
  const whole = g.lengthOf(x, axis);
  const taken = g.op("Shape", [dy], { start: axis, end: axis + 1 });
  const after = dy.dims.map((d, i) => (i === axis ? x.dims[i]! : d));
  if (!step || toNumbers(g.valueOf(step) ?? int64([1], [0]))[0] === 1) {
    const from = g.cast(start, "int64");
    const before = g.min(g.max(g.where(g.less(from, 0), g.add(from, whole), from), 0), whole);
    return g.assume(g.pad(dy, [{ axis, before, after: g.sub(g.sub(whole, before), taken) }]), after);
  }
  const count = (length: Value) => g.op("Range", [g.scalar(0, "int64"), g.squeeze(length, [0]), g.scalar(1, "int64")]);
  const picked = g.op("Slice", [g.cast(count(whole), start.dtype), start, end, g.cast(g.list([0]), start.dtype), step]);
  const none = g.expand(taken, whole); // the place of the zero that is put behind them
  const places = g.op("ScatterElements", [none, g.cast(picked, "int64"), count(taken)], { axis: 0 });
  return g.assume(g.gather(g.pad(dy, [{ axis, before: 0, after: 1 }]), places, { axis }), after);
}

function permOf(dims: readonly Dim[], given: readonly number[] | undefined): number[] {
  const perm = given ? [...given] : [...dims.keys()].reverse();
  if (perm.length !== dims.length || perm.some((p) => !(p in dims)) || new Set(perm).size !== perm.length)
    throw mismatch(`[${perm.join(", ")}] is not an order of the axes of ${show(dims)}.`);
  return perm;
}

/** The lengths of the inputs along an axis, as Split wants them. */
function lengths(g: Builder, x: readonly Value[], axis: number): Value {
  const known = x.map((v) => v.dims[axis]!);
  if (known.every((d) => typeof d === "number")) return g.list(known);
  return g.concat(
    x.map((v) => g.op("Shape", [v], { start: axis, end: axis + 1 })),
    { axis: 0 },
  );
}

/** A sum of lengths; symbols stay as "B+2". */
function sum(parts: readonly Dim[]): Dim {
  const known = parts.filter((p) => typeof p === "number").reduce((a, b) => a + b, 0);
  const symbols = parts.filter((p) => typeof p === "string");
  return symbols.length ? [...symbols, ...(known ? [known] : [])].join("+") : known;
}

/** x expanded to lengths of which only the number is known. */
const broadcastRank = (dims: readonly Dim[], shape: Dim[]): Dim[] => [...dims.slice(0, Math.max(0, dims.length - shape.length)), ...shape];
