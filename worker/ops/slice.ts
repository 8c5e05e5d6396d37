// Parts of a tensor, by where they begin and end.
import type { Dim } from "../onnx/graph.ts";
import { int64 } from "../tensor.ts";
import type { Builder, Value } from "./builder.ts";
import { type Call, type Op, op } from "./op.ts";
import { ids, list, normal, type Sample } from "./samples.ts";
import { axisOf, known, like, sliceRange } from "./shapes.ts";

const linear = (samples: Sample[]): Sample[] => samples.map((s) => ("inputs" in s ? { ...s, step: 1 } : { inputs: s, step: 1 }));

export const slices = {
  /** x[start:end:step] along each named axis. */
  Slice: op({
    arity: [3, 5],
    infer([x, starts], call) {
      const dims: Dim[] = [...x.dims];
      if (!call.constant(1) || !call.constant(2)) {
        for (const axis of call.has(3) ? known(call, 3, "axes") : [...dims.keys()].slice(0, Number(starts.dims[0])))
          dims[axisOf(axis, dims.length)] = call.symbol();
        return like(x, dims);
      }
      for (const cut of cutsOf(x.dims, call)) {
        const length = x.dims[cut.axis]!;
        if (typeof length === "number") dims[cut.axis] = sliceRange(length, cut.start, cut.end, cut.step).count;
        else if (isFirst(cut) || isLast(cut))
          dims[cut.axis] = 1; // a named length is at least 1
        else if (cut.start !== 0 || cut.end !== Infinity || cut.step !== 1) dims[cut.axis] = call.symbol();
      }
      return like(x, dims);
    },
    grad(g, { x, dy: [dy], constant, has }) {
      let out = dy;
      if (constant(1) && constant(2)) for (const cut of cutsOf(x[0].dims, { constant, has })) out = uncut(g, out, x[0], cut);
      else
        for (const [i, axis] of axesOf(x[0].dims, x[1], { constant, has }).entries()) {
          const bound = (v: Value) => g.slice(v, { starts: [i], ends: [i + 1], axes: [0] });
          const step = has(4) ? known({ constant }, 4, "steps")[i]! : 1;
          out = uncutAtRun(g, out, x[0], { axis, start: bound(x[1]), end: bound(x[2]), step });
        }
      return [out];
    },
    samples: linear([
      [normal(4, 5), list([1]), list([3])],
      [normal(4, 5), list([1, -2]), list([Infinity, -5]), list([0, 1]), list([2, -1])],
      [normal(4, 5), list([0, 1]), list([4, 100]), list([0, -1])],
      [normal(4, 5), ids([1, -3]), ids([100, 4])], // known only to the run
      [normal(4, 5), ids([-1]), ids([-100]), list([1]), list([-2])],
    ]),
  }),
} satisfies Record<string, Op>;

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

const isFirst = (cut: Cut): boolean => cut.start === 0 && cut.end === 1 && cut.step > 0;
const isLast = (cut: Cut): boolean => cut.start === -1 && cut.end === Infinity && cut.step > 0;

/** The axes that a Slice cuts, from the start. */
function axesOf(dims: readonly Dim[], starts: Value, call: Pick<Call, "constant" | "has">): number[] {
  const axes = call.has(3) ? known(call, 3, "axes") : Array.from({ length: Number(starts.dims[0]) }, (_, i) => i);
  return axes.map((axis) => axisOf(axis, dims.length));
}

/** Zeros around (and between) what was taken along one axis. */
function uncut(g: Builder, dy: Value, x: Value, { axis, start, end, step }: Cut): Value {
  const length = x.dims[axis]!;
  if (start === 0 && end === Infinity && step === 1) return dy;
  if (typeof length === "string") {
    const bound = (v: number) => g.constant(int64([1], [v]));
    return uncutAtRun(g, dy, x, { axis, start: bound(start), end: bound(end), step });
  }
  const { first, count } = sliceRange(length, start, end, step);
  const zero = g.scalar(0, dy.dtype);
  if (step === 1) return g.op("Pad", [dy, g.list([first, length - first - count]), zero, g.list([axis])]);
  // Every place takes its own element of dy, or the zero that is put behind them.
  const places = Array.from({ length }, () => count);
  for (let i = 0; i < count; i++) places[first + i * step] = i;
  return g.gather(g.op("Pad", [dy, g.list([0, 1]), zero, g.list([axis])]), g.list(places), { axis });
}

/** The same where only the run knows the length of the axis, or where the cut begins and ends ([1] int64 each). */
function uncutAtRun(
  g: Builder,
  dy: Value,
  x: Value,
  { axis, start, end, step }: { axis: number; start: Value; end: Value; step: number },
): Value {
  const lengthOfAxis = (v: Value) => g.op("Shape", [v], { start: axis, end: axis + 1 });
  const length = lengthOfAxis(x);
  const dims = dy.dims.map((d, i) => (i === axis ? x.dims[axis]! : d));
  const zero = g.scalar(0, dy.dtype);
  const whole = (v: Value) => g.cast(v, "int64");
  if (step === 1) {
    const [from, none] = [whole(start), g.list([0])];
    const before = g.min(g.max(g.where(g.less(from, none), g.add(from, length), from), none), length);
    const after = g.sub(g.sub(length, before), lengthOfAxis(dy));
    return g.assume(g.op("Pad", [dy, g.concat([before, after], { axis: 0 }), zero, g.list([axis])]), dims);
  }
  // The places that were taken, along the axis brought to the front.
  const numbers = g.op("Range", [g.scalar(0, "int64"), g.squeeze(length, [0]), g.scalar(1, "int64")]);
  const places = g.op("Slice", [numbers, whole(start), whole(end), g.list([0]), g.list([step])]);
  const order = [axis, ...[...dims.keys()].filter((i) => i !== axis)];
  const front = axis === 0 ? dy : g.transpose(dy, order);
  const rest = g.op("Shape", [front], { start: 1 });
  const zeros = g.expand(zero, dims.length > 1 ? g.concat([length, rest], { axis: 0 }) : length);
  const spread = g.op("ScatterND", [zeros, g.unsqueeze(places, [-1]), front]);
  const back =
    axis === 0
      ? spread
      : g.transpose(
          spread,
          order.map((_, i) => order.indexOf(i)),
        );
  return g.assume(back, dims);
}
