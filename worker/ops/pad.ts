// Borders around a tensor: of a constant, or of what is inside.
import type { Dim } from "../onnx/graph.ts";
import type { Builder, Value } from "./builder.ts";
import { type Op, op, type View } from "./op.ts";
import { fixed, type Gen, list, normal, type Sample } from "./samples.ts";
import { axisOf, known, like, mismatch } from "./shapes.ts";

const padded = (d: Dim, before: number, after: number): Dim => {
  if (typeof d === "number") return d + before + after;
  return before + after === 0 ? d : `${d}+${before + after}`;
};

interface Border {
  axis: number;
  before: number;
  after: number;
}

/** The borders that are not nothing. */
function bordersOf({ x: [x], has, constant }: Pick<View, "x" | "has" | "constant">): Border[] {
  const axes = has(3) ? known({ constant }, 3, "axes").map((a) => axisOf(a, x.dims.length)) : [...x.dims.keys()];
  const pads = known({ constant }, 1, "pads");
  if (pads.length !== 2 * axes.length) throw mismatch(`${pads.length} pads are given for ${axes.length} axes.`);
  return axes
    .map((axis, i) => ({ axis, before: pads[i]!, after: pads[i + axes.length]! }))
    .filter(({ before, after }) => before !== 0 || after !== 0);
}

/** dy without what was added, and with zeros where something was cut off. */
function inside(g: Builder, dy: Value, borders: readonly Border[]): { core: Value; dx: Value } {
  const wide = borders.filter(({ before, after }) => before > 0 || after > 0);
  const core = wide.length
    ? g.slice(dy, {
        starts: wide.map((b) => Math.max(0, b.before)),
        ends: wide.map((b) => (b.after > 0 ? -b.after : Infinity)),
        axes: wide.map((b) => b.axis),
      })
    : dy;
  const cut = borders.filter(({ before, after }) => before < 0 || after < 0);
  if (!cut.length) return { core, dx: core };
  const zeros = cut.map(({ axis, before, after }) => ({ axis, before: Math.max(0, -before), after: Math.max(0, -after) }));
  return { core, dx: g.pad(core, zeros) };
}

/** The same where only the run tells how wide the borders are. */
function insideLater(g: Builder, { x: [x, pads], dy: [dy], has, constant }: View): { core: Value; dx: Value } {
  const axes = has(3) ? known({ constant }, 3, "axes").map((a) => axisOf(a, x.dims.length)) : [...x.dims.keys()];
  const part = (from: number) => g.slice(g.cast(pads, "int64"), { starts: [from], ends: [from + axes.length], axes: [0] });
  const [before, after] = [part(0), part(axes.length)];
  const lengths = g.gather(g.op("Shape", [dy]), g.list(axes));
  const core = g.op("Slice", [dy, g.max(before, 0), g.sub(lengths, g.max(after, 0)), g.list(axes)]);
  const cut = (v: Value, i: number) => g.slice(g.max(g.neg(v), 0), { starts: [i], ends: [i + 1], axes: [0] });
  const dx = g.pad(
    core,
    axes.map((axis, i) => ({ axis, before: cut(before, i), after: cut(after, i) })),
  );
  return { core, dx: g.assume(dx, x.dims) };
}

/** The gradient of what fills the borders. */
const rest = (g: Builder, dy: Value, core: Value): Value =>
  g.sub(g.reduceSum(dy, { keepdims: false }), g.reduceSum(core, { keepdims: false }));

/** Along one axis: what lies in the borders is given back to where it was taken from. */
function fold(g: Builder, dy: Value, { axis, before, after }: Border, { length, mode }: { length: number; mode: string }): Value {
  if (before < 0 || after < 0) throw mismatch(`the gradient of its mode '${mode}' with negative pads is not known.`);
  const most = mode === "reflect" ? length - 1 : mode === "wrap" ? length : Infinity;
  if (Math.max(before, after) > most) throw mismatch(`a border of ${Math.max(before, after)} is wider than what it repeats (${length}).`);
  const cut = (start: number, end: number, step = 1) => g.slice(dy, { starts: [start], ends: [end], axes: [axis], steps: [step] });
  const put = (part: Value, at: number, count: number) => g.pad(part, [{ axis, before: at, after: length - at - count }]);
  let dx = cut(before, before + length);
  const add = (part: Value, at: number, count: number) => (dx = g.add(dx, put(part, at, count)));
  const last = before + length + after - 1;
  switch (mode) {
    case "edge":
      if (before) add(g.reduceSum(cut(0, before), { axes: [axis] }), 0, 1);
      if (after) add(g.reduceSum(cut(before + length, Infinity), { axes: [axis] }), length - 1, 1);
      return dx;
    case "reflect":
      if (before) add(cut(before - 1, -Infinity, -1), 1, before);
      if (after) add(cut(last, last - after, -1), length - 1 - after, after);
      return dx;
    case "wrap":
      if (before) add(cut(0, before), length - before, before);
      if (after) add(cut(before + length, Infinity), 0, after);
      return dx;
    default:
      throw mismatch(`its mode '${mode}' is none of constant, edge, reflect and wrap.`);
  }
}

const linear = (inputs: readonly Gen[], attrs: Record<string, string> = {}): Sample => ({ inputs, attrs, step: 1 });

export const padding = {
  Pad: op({
    arity: [2, 4],
    infer([x], call) {
      if (!call.constant(1)) {
        const axes = call.has(3) ? known(call, 3, "axes").map((a) => axisOf(a, x.dims.length)) : [...x.dims.keys()];
        return like(
          x,
          x.dims.map((d, i) => (axes.includes(i) ? call.symbol() : d)),
        );
      }
      const dims: Dim[] = [...x.dims];
      for (const { axis, before, after } of bordersOf({ x: call.x as unknown as View["x"], has: call.has, constant: call.constant }))
        dims[axis] = padded(dims[axis]!, before, after);
      return like(x, dims);
    },
    grad(g, view) {
      const { x, dy, attrs, has, wants } = view;
      const mode = attrs.string("mode", "constant");
      if (!g.valueOf(x[1]) && mode === "constant") {
        const { core, dx } = insideLater(g, view);
        return [dx, null, has(2) && wants(2) ? rest(g, dy[0], core) : null];
      }
      const borders = bordersOf(view);
      if (mode === "constant") {
        const { core, dx } = inside(g, dy[0], borders);
        return [dx, null, has(2) && wants(2) ? rest(g, dy[0], core) : null];
      }
      let dx = dy[0];
      for (const border of borders) {
        const length = x[0].dims[border.axis]!;
        if (typeof length === "string") throw mismatch(`the gradient of padding along the symbolic length ${length} is not known.`);
        dx = fold(g, dx, border, { length, mode });
      }
      return [dx];
    },
    samples: [
      linear([normal(2, 3), list([1, 0, 0, 2])]),
      linear([normal(2, 3), list([1, 2]), fixed([0.5]), list([1])]),
      linear([normal(3, 4), list([-1, 1, 0, -2])]),
      linear([normal(3, 4), list([1, 2, 2, 3])], { mode: "reflect" }),
      linear([normal(3, 4), list([1, 2, 0, 3])], { mode: "edge" }),
      linear([normal(3, 4), list([1, 2, 2, 4])], { mode: "wrap" }),
    ],
  }),
} satisfies Record<string, Op>;
