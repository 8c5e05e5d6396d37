// Images in another size: every result is a fixed weighted sum of inputs along each axis, so the gradient is the transposed sum.
import type { Dim, ValueInfo } from "../onnx/graph.ts";
import { fromNumbers } from "../tensor.ts";
import type { Builder, Value } from "./builder.ts";
import { type Attrs, type Call, type Op, op, type View } from "./op.ts";
import { fixed, type Gen, list, normal, type Sample } from "./samples.ts";
import { axisOf, known, like, mismatch, show } from "./shapes.ts";

/** One axis that changes: from `length` to `size`, each step of the result 1/scale of the input. */
export interface Change {
  axis: number;
  length: number;
  size: number;
  scale: number;
}

/** Result lengths and scales of the axes that are named; unchanged ones have the scale 1. */
export function sizesOf(
  x: ValueInfo,
  call: Pick<Call, "attrs" | "has" | "constant"> & Partial<Pick<Call, "shapeIn" | "symbol">>,
  y?: ValueInfo,
) {
  const rank = x.dims.length;
  const axes = call.attrs.has("axes") ? call.attrs.ints("axes").map((a) => axisOf(a, rank)) : [...x.dims.keys()];
  const scales = x.dims.map(() => 1);
  const dims: Dim[] = [...x.dims];
  const fill = (what: string, given: readonly unknown[]) => {
    if (given.length !== axes.length) throw mismatch(`${given.length} ${what} are given for ${axes.length} axes of ${show(x.dims)}.`);
  };
  if (!call.has(3)) {
    const given = known(call, 2, "scales");
    fill("scales", given);
    axes.forEach((axis, i) => {
      const [d, scale] = [x.dims[axis]!, given[i]!];
      if (!(scale > 0)) throw mismatch(`a scale of ${scale} cannot be.`);
      scales[axis] = scale;
      if (scale !== 1) dims[axis] = typeof d === "number" ? Math.floor(Math.fround(d * scale)) : (y?.dims[axis] ?? call.symbol?.() ?? d);
    });
    return { dims, scales };
  }
  const wanted = call.constant(3)
    ? known(call, 3, "sizes")
    : (call.shapeIn?.(3) ?? axes.map((axis) => y?.dims[axis] ?? call.symbol?.() ?? 0));
  fill("sizes", wanted);
  const policy = call.attrs.string("keep_aspect_ratio_policy", "stretch");
  const ratios = axes.map((axis, i) => Number(wanted[i]) / Number(x.dims[axis]));
  const common = policy === "not_larger" ? Math.min(...ratios) : policy === "not_smaller" ? Math.max(...ratios) : undefined;
  axes.forEach((axis, i) => {
    const d = x.dims[axis]!;
    dims[axis] = common === undefined ? wanted[i]! : Math.round(common * Number(d));
    if (typeof d === "number" && typeof dims[axis] === "number") scales[axis] = common ?? dims[axis] / d;
  });
  return { dims, scales };
}

/** Where a place of the result lies in the input; in the runtime's precision, as nearest rounds. */
function coordinate(at: number, mode: string, { length, size, scale }: Change): number {
  const f = Math.fround;
  const s = f(scale);
  switch (mode) {
    case "half_pixel":
      return f(f((at + 0.5) / s) - 0.5);
    case "pytorch_half_pixel":
      return size > 1 ? f(f((at + 0.5) / s) - 0.5) : 0;
    case "half_pixel_symmetric":
      return (length / 2) * (1 - size / (length * scale)) + (at + 0.5) / scale - 0.5;
    case "align_corners":
      return size === 1 ? 0 : f(f(at * (length - 1)) / (size - 1));
    case "asymmetric":
      return f(at / s);
    default:
      throw mismatch(
        `its coordinate_transformation_mode '${mode}' is not supported.`,
        "Export it with half_pixel, align_corners or asymmetric.",
      );
  }
}

const roundings: Record<string, (v: number) => number> = {
  round_prefer_floor: (v) => Math.ceil(v - 0.5),
  round_prefer_ceil: (v) => Math.floor(v + 0.5),
  floor: Math.floor,
  ceil: Math.ceil,
};

/** Weights of the four neighbours at distance t behind the second: https://doi.org/10.1109/TASSP.1981.1163711 */
export const cubic = (t: number, a: number): number[] => [
  ((a * (t + 1) - 5 * a) * (t + 1) + 8 * a) * (t + 1) - 4 * a,
  ((a + 2) * t - (a + 3)) * t * t + 1,
  ((a + 2) * (1 - t) - (a + 3)) * (1 - t) * (1 - t) + 1,
  ((a * (2 - t) - 5 * a) * (2 - t) + 8 * a) * (2 - t) - 4 * a,
];

/** What each place of the result takes of which inputs along one axis. */
export function tapsOf(attrs: Attrs, change: Change): { from: number; weight: number }[][] {
  const mode = attrs.string("mode", "nearest");
  const where = attrs.string("coordinate_transformation_mode", "half_pixel");
  const last = change.length - 1;
  const clamp = (v: number) => Math.min(Math.max(v, 0), last);
  return Array.from({ length: change.size }, (_, at) => {
    const x = coordinate(at, where, change);
    if (mode === "nearest") {
      const round = roundings[attrs.string("nearest_mode", "round_prefer_floor")];
      if (!round) throw mismatch(`its nearest_mode '${attrs.string("nearest_mode")}' is not known.`);
      return [{ from: clamp(round(x)), weight: 1 }];
    }
    if (mode === "linear") {
      const low = Math.floor(clamp(x));
      const t = clamp(x) - low;
      return [
        { from: low, weight: 1 - t },
        { from: clamp(low + 1), weight: t },
      ];
    }
    if (mode !== "cubic") throw mismatch(`its mode '${mode}' is none of nearest, linear and cubic.`);
    const low = Math.floor(x);
    const weights = cubic(x - low, attrs.float("cubic_coeff_a", -0.75)).map((weight, i) => ({ from: low - 1 + i, weight }));
    if (!attrs.int("exclude_outside", 0)) return weights.map(({ from, weight }) => ({ from: clamp(from), weight }));
    const kept = weights.filter(({ from }) => from === clamp(from));
    const sum = kept.reduce((s, { weight }) => s + weight, 0);
    return kept.map(({ from, weight }) => ({ from, weight: weight / sum }));
  });
}

/** How often each input is repeated, where that is all that happens along the axis. */
function repeats(taps: readonly { from: number; weight: number }[][], { length, size }: Change): number | undefined {
  const times = size / length;
  return Number.isInteger(times) && taps.every((t, at) => t.length === 1 && t[0]!.from === Math.floor(at / times)) ? times : undefined;
}

/** dy times the transposed matrix of weights along one axis. */
function alongAxis(g: Builder, dy: Value, taps: readonly { from: number; weight: number }[][], { axis, length, size }: Change): Value {
  const last = axis === dy.dims.length - 1;
  const weights = Array<number>(length * size).fill(0);
  taps.forEach((t, at) => {
    for (const { from, weight } of t) weights[last ? at * length + from : from * size + at]! += weight;
  });
  if (last) return g.matmul(dy, g.constant(fromNumbers(dy.dtype, [size, length], weights)));
  const behind = dy.dims.slice(axis + 1);
  const product = g.matmul(
    g.constant(fromNumbers(dy.dtype, [length, size], weights)),
    g.reshape(dy, [-1, size, behind.reduce<number>((a, d) => a * Number(d), 1)]),
  );
  return g.assume(g.reshape(product, [-1, ...dy.dims.slice(1, axis), length, ...behind]), [...dy.dims.slice(0, axis), length, ...behind]);
}

function gradient(g: Builder, view: View): Value {
  const { x, y, attrs } = view;
  if (attrs.int("antialias", 0)) throw mismatch("the gradient of an antialiased Resize is not known.", "Export it without antialias.");
  const { scales } = sizesOf(x[0], view, y[0]);
  const changes = x[0].dims.flatMap((length, axis): Change[] => {
    const size = y[0].dims[axis]!;
    const scale = scales[axis]!;
    if (scale === 1 && (length === size || axis < 2)) return []; // batch and channels stay, by whatever name
    if (typeof length === "string" || typeof size === "string")
      throw mismatch(`the gradient of a Resize from the length ${length} to ${size} is not known.`, "Fix the size of the pictures.");
    return [{ axis, length, size, scale }];
  });
  const taps = changes.map((c) => tapsOf(attrs, c));
  const times = changes.map((c, i) => repeats(taps[i]!, c));
  // Repetition: a mean over each block, which needs no matrix (as fast for 16², where its cost is linear in the size and the product's is not).
  if (changes.length && changes.every((c, i) => c.axis > 1 && times[i])) {
    const kernel = x[0].dims.slice(2).map((_, i) => times[changes.findIndex((c) => c.axis === i + 2)] ?? 1);
    const mean = g.op("AveragePool", [view.dy[0]], { kernel_shape: kernel, strides: kernel });
    return g.assume(
      g.mul(
        mean,
        kernel.reduce((a, b) => a * b, 1),
      ),
      x[0].dims,
    );
  }
  let dx = view.dy[0];
  for (let i = changes.length - 1; i >= 0; i--) dx = alongAxis(g, dx, taps[i]!, changes[i]!);
  return g.assume(dx, x[0].dims);
}

const linear = (inputs: readonly (Gen | undefined)[], attrs: Record<string, number | string | readonly number[]> = {}): Sample => ({
  inputs,
  attrs,
  step: 1,
  float32: true,
});
const scaled = (x: Gen, ...scales: number[]) => [x, undefined, { ...fixed(scales, [scales.length]), dtype: "float32" as const }];
const sized = (x: Gen, ...sizes: number[]) => [x, undefined, undefined, list(sizes)];

export const resizing = {
  /** Resampled along each axis. Inputs: x, region (unused), scales or sizes. */
  Resize: op({
    arity: [1, 4],
    infer: ([x], call) => like(x, sizesOf(x, call).dims),
    grad: (g, view) => [gradient(g, view)],
    samples: [
      linear(scaled(normal(2, 2, 3, 2), 1, 1, 2, 2), { coordinate_transformation_mode: "asymmetric", nearest_mode: "floor" }),
      linear(scaled(normal(1, 2, 3, 2), 1, 1, 2, 2), { mode: "linear", coordinate_transformation_mode: "half_pixel" }),
      linear(sized(normal(1, 2, 4, 3), 1, 2, 2, 5), { mode: "linear", coordinate_transformation_mode: "align_corners" }),
      linear(sized(normal(1, 1, 4, 3), 1, 1, 1, 7), { mode: "linear", coordinate_transformation_mode: "pytorch_half_pixel" }),
      linear(sized(normal(1, 1, 4, 3), 1, 1, 6, 7), { mode: "cubic", coordinate_transformation_mode: "half_pixel", cubic_coeff_a: -0.75 }),
      linear(sized(normal(1, 1, 5, 3), 1, 1, 3, 7), { mode: "cubic", coordinate_transformation_mode: "align_corners", exclude_outside: 1 }),
      linear(sized(normal(1, 1, 5, 7), 1, 1, 3, 10), { coordinate_transformation_mode: "half_pixel" }),
      linear(scaled(normal(1, 1, 5, 6), 1, 1, 0.6, 1.7), { mode: "linear", coordinate_transformation_mode: "asymmetric" }),
      linear(scaled(normal(1, 2, 5), 1, 1, 2), { mode: "linear" }),
      linear(sized(normal(1, 2, 2, 3, 2), 1, 2, 4, 2, 3), { mode: "linear", coordinate_transformation_mode: "half_pixel" }),
      linear([normal(1, 1, 3, 2), undefined, undefined, list([5, 3])], { axes: [2, 3], nearest_mode: "ceil" }),
    ],
  }),

  /** Channels become blocks of b × b pixels. */
  DepthToSpace: op({
    arity: 1,
    infer([x], { attrs }) {
      const b = attrs.int("blocksize");
      const [n, c, h, w] = image(x);
      if (!(b >= 1) || c % (b * b) !== 0) throw mismatch(`${c} channels do not make blocks of ${b} × ${b}.`);
      return like(x, [n, c / (b * b), scaleDim(h, b), scaleDim(w, b)]);
    },
    grad(g, { x: [x], dy: [dy], attrs }) {
      const b = attrs.int("blocksize");
      if (attrs.string("mode", "DCR") === "DCR") return [g.op("SpaceToDepth", [dy], { blocksize: b })];
      const [, c, h, w] = image(x);
      const blocks = g.reshape(dy, [-1, c / (b * b), ...sides(h, w).flatMap((d) => [d, b])]);
      return [g.reshapeLike(g.transpose(blocks, [0, 1, 3, 5, 2, 4]), x)];
    },
    samples: [
      { inputs: [normal(2, 8, 2, 3)], attrs: { blocksize: 2 }, step: 1 },
      { inputs: [normal(2, 8, 2, 3)], attrs: { blocksize: 2, mode: "CRD" }, step: 1 },
    ],
  }),

  /** Blocks of b × b pixels become channels. */
  SpaceToDepth: op({
    arity: 1,
    infer([x], { attrs }) {
      const b = attrs.int("blocksize");
      const [n, c, h, w] = image(x);
      if (!(b >= 1) || [h, w].some((d) => typeof d === "number" && d % b !== 0))
        throw mismatch(`${show([h, w])} is not made of blocks of ${b} × ${b}.`);
      return like(x, [n, c * b * b, scaleDim(h, 1 / b), scaleDim(w, 1 / b)]);
    },
    grad: (g, { dy: [dy], attrs }) => [g.op("DepthToSpace", [dy], { blocksize: attrs.int("blocksize") })],
    samples: [{ inputs: [normal(2, 2, 4, 6)], attrs: { blocksize: 2 }, step: 1 }],
  }),
} satisfies Record<string, Op>;

function image(x: ValueInfo): [Dim, number, Dim, Dim] {
  const [n, c, h, w] = x.dims;
  if (x.dims.length !== 4 || typeof c !== "number")
    throw mismatch(`it takes (batch, channels, height, width) with known channels, not ${show(x.dims)}.`);
  return [n!, c, h!, w!];
}

function sides(...dims: readonly Dim[]): number[] {
  if (dims.some((d) => typeof d === "string"))
    throw mismatch(`the sides ${show(dims)} must be known for the gradient.`, "Fix the size of the pictures.");
  return dims as number[];
}

const scaleDim = (d: Dim, by: number): Dim => (typeof d === "number" ? Math.round(d * by) : by < 1 ? `${d}/${1 / by}` : `${d}*${by}`);
