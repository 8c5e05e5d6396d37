// Images read at places that are computed. Letters: N batch, C channels, P places of the result, S places of the input, d spatial axes.
import type { Dim } from "../onnx/graph.ts";
import { fromNumbers, int64, sizeOf } from "../tensor.ts";
import type { Builder, Value } from "./builder.ts";
import { type Attrs, type Op, op, type View } from "./op.ts";
import { type Gen, ids, list, normal, type Sample } from "./samples.ts";
import { known, like, mismatch, show, unknown } from "./shapes.ts";
import { spatialOf } from "./window.ts";

/** A neighbour along one axis: where it lies (whole number, any), its weight, and the weight's slope by the coordinate. */
interface Tap {
  at: Value;
  weight?: Value;
  slope?: Value;
}

const kinds: Record<string, "nearest" | "linear" | "cubic"> = {
  nearest: "nearest",
  linear: "linear",
  bilinear: "linear",
  cubic: "cubic",
  bicubic: "cubic",
};

/** The neighbours of the coordinates u along one axis, as the runtime takes them. */
function tapsAt(g: Builder, u: Value, kind: "nearest" | "linear" | "cubic"): Tap[] {
  if (kind === "nearest") return [{ at: g.round(u) }];
  const low = g.floor(u);
  const t = g.sub(u, low);
  if (kind === "linear") {
    const one = g.scalar(1, u.dtype);
    return [
      { at: low, weight: g.sub(1, t), slope: g.neg(one) },
      { at: g.add(low, 1), weight: t, slope: one },
    ];
  }
  // Keys' cubic with a = -3/4: (a+2)t³ - (a+3)t² + 1 within 1, at³ - 5at² + 8at - 4a within 2. https://doi.org/10.1109/TASSP.1981.1163711
  const a = -0.75;
  const powers = (v: Value, c: readonly number[]) =>
    c.slice(1).reduce<Value>((sum, k) => g.add(g.mul(sum, v), k), g.scalar(c[0]!, u.dtype));
  const near = (v: Value) => ({ weight: powers(v, [a + 2, -(a + 3), 0, 1]), slope: powers(v, [3 * (a + 2), -2 * (a + 3), 0]) });
  const far = (v: Value) => ({ weight: powers(v, [a, -5 * a, 8 * a, -4 * a]), slope: powers(v, [3 * a, -10 * a, 8 * a]) });
  const back = ({ weight, slope }: { weight: Value; slope: Value }) => ({ weight, slope: g.neg(slope) }); // distances that shrink as u grows
  return [
    { at: g.sub(low, 1), ...far(g.add(t, 1)) },
    { at: low, ...near(t) },
    { at: g.add(low, 1), ...back(near(g.sub(1, t))) },
    { at: g.add(low, 2), ...back(far(g.sub(2, t))) },
  ];
}

/** A neighbour that lies outside brought inside; `valid` is 0 where there is none. */
function inside(g: Builder, at: Value, size: number, attrs: Attrs): { at: Value; valid?: Value } {
  const clipped = (v: Value) => g.clip(v, 0, size - 1);
  const mode = attrs.string("padding_mode", "zeros");
  if (mode === "border") return { at: clipped(at) };
  if (mode === "zeros") {
    const bounded = clipped(at);
    return { at: bounded, valid: g.cast(g.equal(at, bounded), at.dtype) };
  }
  if (mode !== "reflection") throw mismatch(`its padding_mode '${mode}' is none of zeros, border and reflection.`);
  if (size === 1) return { at: clipped(at) };
  // Back and forth between the centres of the outer pixels (align_corners), or between their outer edges.
  const shift = attrs.int("align_corners", 0) ? 0 : 0.5;
  const span = size - 1 + 2 * shift;
  const m = g.mod(g.abs(g.add(at, shift)), 2 * span, { fmod: 1 });
  return { at: clipped(g.sub(g.min(m, g.sub(2 * span, m)), shift)) };
}

function gridGradient(g: Builder, view: View): [Value | null, Value | null] {
  const { x, dy, attrs, wants } = view;
  const [image, grid] = x;
  const sizes = spatialOf(image.dims);
  const d = sizes.length;
  const places = sizeOf(spatialOf(dy[0].dims));
  const c = image.dims[1];
  if (typeof c !== "number") throw mismatch("the number of channels must be known for the gradient.");
  const kind = kinds[attrs.string("mode", "linear")];
  if (!kind) throw mismatch(`its mode '${attrs.string("mode")}' is none of linear, nearest and cubic.`);
  const aligned = attrs.int("align_corners", 0) !== 0;

  // Channels last, so that a place is a row: (N·S, C) and (N·P, C).
  const last = [0, ...sizes.map((_, i) => i + 2), 1];
  const rows = (v: Value) => g.reshape(g.transpose(v, last), [-1, c]);
  const pixels = rows(image);
  const up = rows(dy[0]);

  /** Coordinates along each axis (N, P), their neighbours, and what a step of the grid is in pixels. */
  const axes = sizes.map((size, i) => {
    const given = g.reshape(g.gather(grid, g.scalar(d - 1 - i, "int64"), { axis: d + 1 }), [-1, places]); // grids say x before y
    const scale = (aligned ? size - 1 : size) / 2;
    const u = g.add(g.mul(given, scale), (size - 1) / 2);
    const taps = tapsAt(g, u, kind).map((tap) => ({ ...tap, ...inside(g, tap.at, size, attrs) }));
    return { taps, scale };
  });
  const strides = sizes.map((_, i) => sizeOf(sizes.slice(i + 1)));
  const offset = imageOffsets(g, image, sizeOf(sizes)); // (N, 1)
  const choices = axes.reduce<number[][]>((all, { taps }) => all.flatMap((chosen) => taps.map((_, i) => [...chosen, i])), [[]]);

  const indices: Value[] = [];
  const shares: Value[] = [];
  const slopes: (Value | undefined)[] = axes.map(() => undefined);
  const product = (factors: readonly (Value | undefined)[]) => factors.reduce((p, f) => (p && f ? g.mul(p, f) : (p ?? f)), undefined);
  for (const chosen of choices) {
    const taps = chosen.map((i, axis) => axes[axis]!.taps[i]!);
    const flat = taps.map((t, i) => g.mul(t.at, strides[i]!)).reduce((a, b) => g.add(a, b));
    const index = g.reshape(g.add(g.cast(flat, "int64"), offset), [-1]); // (N·P)
    const valid = product(taps.map((t) => t.valid));
    indices.push(g.unsqueeze(index, [1]));
    if (wants(0)) {
      const weight = product([...taps.map((t) => t.weight), valid]);
      shares.push(weight ? g.mul(up, g.cast(g.reshape(weight, [-1, 1]), up.dtype)) : up);
    }
    if (!wants(1) || kind === "nearest") continue;
    const dot = g.reshape(g.reduceSum(g.mul(g.gather(pixels, index), up), { axes: [1] }), [-1, places]); // (N, P)
    const seen = product([g.cast(dot, grid.dtype), valid])!;
    taps.forEach((tap, axis) => {
      const others = taps.filter((_, i) => i !== axis).map((t) => t.weight);
      const part = product([seen, tap.slope, ...others])!;
      const sum = slopes[axis];
      slopes[axis] = sum ? g.add(sum, part) : part;
    });
  }
  const dx = () => {
    const sum = g.op("ScatterND", [g.zerosLike(pixels), g.concat(indices, { axis: 0 }), g.concat(shares, { axis: 0 })], {
      reduction: "add",
    });
    const images = g.reshape(sum, [-1, ...sizes, c]);
    return g.assume(g.transpose(images, [0, d + 1, ...sizes.map((_, i) => i + 1)]), image.dims);
  };
  const dGrid = () => {
    if (kind === "nearest") return g.zerosLike(grid);
    const columns = axes.map(({ scale }, i) => g.unsqueeze(g.mul(slopes[i]!, scale), [2])).reverse();
    return g.reshapeLike(g.concat(columns, { axis: 2 }), grid);
  };
  return [wants(0) ? dx() : null, wants(1) ? dGrid() : null];
}

/** Row of each image's first pixel, (N, 1) int64. */
function imageOffsets(g: Builder, x: Value, pixels: number): Value {
  const n = x.dims[0]!;
  if (typeof n === "number")
    return g.constant(
      int64(
        [n, 1],
        [...Array(n).keys()].map((i) => i * pixels),
      ),
    );
  const counted = g.cumSum(g.ones(x, 0), 0, { exclusive: 1 });
  return g.unsqueeze(g.mul(g.cast(counted, "int64"), pixels), [1]);
}

/** Places between whole numbers, some outside, away from kinks: in pixels of an image whose lengths are (h, w) or (d, h, w). */
function gridOf(sizes: readonly number[], aligned: boolean, ...dims: number[]): Gen {
  const d = sizes.length;
  return {
    dtype: "float",
    dims: [...dims, d],
    make: (random) =>
      Array.from({ length: sizeOf(dims) * d }, (_, i) => {
        const size = sizes[d - 1 - (i % d)]!;
        const u = Math.floor(random() * (size + 3) - 2) + 0.2 + 0.2 * random();
        return aligned ? (2 * u) / (size - 1) - 1 : (2 * u + 1) / size - 1;
      }),
  };
}
const read = (attrs: Record<string, string | number>): Sample => ({
  inputs: [normal(2, 2, 3, 4), gridOf([3, 4], attrs["align_corners"] === 1, 2, 2, 3)],
  attrs,
});

export const samplings = {
  /** x read at the places of a grid, whose last axis says x, y (and z) from -1 to 1. https://arxiv.org/abs/1506.02025 */
  GridSample: op({
    arity: 2,
    infer([x, grid]) {
      const d = x.dims.length - 2;
      if (d < 1 || grid.dims.length !== x.dims.length || grid.dims.at(-1) !== d)
        throw mismatch(`a grid of ${show(grid.dims)} does not say places in ${show(x.dims)}.`);
      return like(x, [...x.dims.slice(0, 2), ...grid.dims.slice(1, -1)]);
    },
    grad: gridGradient,
    samples: [
      read({ mode: "linear", align_corners: 1 }),
      read({ mode: "linear", padding_mode: "border" }),
      read({ mode: "linear", padding_mode: "reflection" }),
      read({ mode: "cubic", padding_mode: "zeros" }),
      read({ mode: "cubic", padding_mode: "reflection", align_corners: 1 }),
      read({ mode: "nearest", padding_mode: "reflection" }),
      { inputs: [normal(1, 2, 2, 3, 2), gridOf([2, 3, 2], false, 1, 2, 1, 2)], attrs: { mode: "linear" } },
    ],
  }),

  /** The grid of an affine map θ (N, d, d + 1): θ · (x, y, 1) for each place of a result of the given size. */
  AffineGrid: op({
    arity: 2,
    infer([theta], call) {
      const size = call.constant(1) ? sizeGiven(call) : unknown(call, call.x[1].dims[0]).slice(2);
      return like(theta, [theta.dims[0]!, ...size, size.length]);
    },
    grad(g, { x: [theta, whole], dy: [dy], attrs }) {
      const size = dy.dims.slice(1, -1);
      const d = size.length;
      if (!size.every((l) => typeof l === "number")) {
        // The places are the grid of the map that leaves all where it is.
        const same = Array.from({ length: d * (d + 1) }, (_, i) => (i % (d + 1) === Math.floor(i / (d + 1)) ? 1 : 0));
        const one = g.concat([g.list([1]), g.slice(whole, { starts: [1], ends: [d + 2], axes: [0] })], { axis: 0 });
        const still = g.op("AffineGrid", [g.constant(fromNumbers(theta.dtype, [1, d, d + 1], same)), one], {
          align_corners: attrs.int("align_corners", 0),
        });
        const places = g.op("Pad", [g.reshape(still, [-1, d]), g.list([0, 0, 0, 1]), g.scalar(1, theta.dtype)]);
        return [g.assume(g.matmul(g.swapLast(g.reshape(dy, [0, -1, d])), places), theta.dims), null];
      }
      const aligned = attrs.int("align_corners", 0) !== 0;
      const at = (i: number, l: number) => (aligned ? (l === 1 ? -1 : (2 * i) / (l - 1) - 1) : (2 * i + 1) / l - 1);
      const places = size.reduce<number[][]>((all, l) => all.flatMap((p) => Array.from({ length: l }, (_, i) => [...p, at(i, l)])), [[]]);
      const base = g.constant(
        fromNumbers(
          theta.dtype,
          [places.length, d + 1],
          places.flatMap((p) => [...p.reverse(), 1]),
        ),
      );
      const rows = g.reshape(dy, [-1, places.length, d]);
      return [g.assume(g.matmul(g.swapLast(rows), base), theta.dims), null];
    },
    samples: [
      { inputs: [normal(2, 2, 3), list([2, 1, 2, 3])], step: 1, float32: true },
      { inputs: [normal(1, 3, 4), list([1, 1, 2, 3, 2])], attrs: { align_corners: 1 }, step: 1, float32: true },
      { inputs: [normal(2, 2, 3), ids([2, 1, 2, 3])], step: 1, float32: true }, // a size that only the run knows
    ],
  }),
} satisfies Record<string, Op>;

/** The spatial lengths in AffineGrid's size (N, C, …). */
function sizeGiven(call: Parameters<typeof known>[0]): number[] {
  const size = known(call, 1, "size");
  if (size.length !== 4 && size.length !== 5) throw mismatch(`a size of ${show(size as Dim[])} is neither of images nor of volumes.`);
  return size.slice(2);
}
