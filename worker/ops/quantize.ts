// Numbers rounded to few levels and back. Rounding passes gradients straight through inside the range of the levels, and nothing outside
// (https://arxiv.org/abs/1308.3432); scales learn as in LSQ (https://arxiv.org/abs/1902.08153).
import type { Dim } from "../onnx/graph.ts";
import { dtypeOf } from "../onnx/proto.ts";
import { type DType, fromNumbers, sizeOf, tensor, type Tensor, toNumbers } from "../tensor.ts";
import type { Builder, Value } from "./builder.ts";
import { type Attrs, type Call, forbidden, none, type Op, op, type View } from "./op.ts";
import { between, type Gen, ids, list, normal, positive } from "./samples.ts";
import { axisOf, like, matmulShape, mismatch, show } from "./shapes.ts";

const ranges: Partial<Record<DType, readonly [number, number]>> = {
  int8: [-128, 127],
  uint8: [0, 255],
  int16: [-32768, 32767],
  uint16: [0, 65535],
  uint4: [0, 15],
};

/** A scale (or zero point) laid out so that it broadcasts against x: one for all, one for each place of an axis, or one for each block. */
function laidOut(g: Builder, scale: Value, x: Value, attrs: Attrs): Value {
  if (scale.dims.every((d) => d === 1) && scale.dims.length < 2) return scale.dims.length ? g.reshape(scale, []) : scale;
  const axis = axisOf(attrs.int("axis", 1), x.dims.length);
  const block = attrs.int("block_size", 0);
  if (!block)
    return g.reshape(
      scale,
      x.dims.map((_, i) => (i === axis ? scale.dims[0]! : 1)),
    );
  const wide = g.unsqueeze(scale, [axis + 1]);
  const blocks = [...scale.dims.slice(0, axis + 1), block, ...scale.dims.slice(axis + 1)];
  const length = x.dims[axis];
  const count = scale.dims[axis];
  if (typeof length !== "number" || typeof count !== "number" || blocks.some((d) => typeof d === "string"))
    throw mismatch("the gradient of blocks needs known lengths.");
  const all = g.reshape(g.expand(wide, blocks as number[]), joined(scale.dims, axis, count * block));
  return count * block === length ? all : g.slice(all, { starts: [0], ends: [length], axes: [axis] });
}

const joined = (dims: readonly Dim[], axis: number, length: number): Dim[] => dims.map((d, i) => (i === axis ? length : d));

/** The other way: what came to each element, summed to its scale. */
function collected(g: Builder, dx: Value, scale: Value, attrs: Attrs): Value {
  const rank = dx.dims.length;
  if (scale.dims.every((d) => d === 1) && scale.dims.length < 2) return g.reshape(g.reduceSum(dx, { keepdims: false }), scale.dims);
  const axis = axisOf(attrs.int("axis", 1), rank);
  const block = attrs.int("block_size", 0);
  if (!block) return g.reduceSum(dx, { axes: [...Array(rank).keys()].filter((i) => i !== axis), keepdims: false });
  const length = dx.dims[axis] as number; // laidOut has seen to it
  const count = scale.dims[axis] as number;
  const whole = count * block === length ? dx : g.pad(dx, [{ axis, before: 0, after: count * block - length }]);
  return g.reduceSum(g.reshape(whole, [...scale.dims.slice(0, axis + 1), block, ...scale.dims.slice(axis + 1)]), {
    axes: [axis + 1],
    keepdims: false,
  });
}

const spread = (g: Builder, { x: [x, scale, zero], attrs, has }: View) => ({
  s: laidOut(g, scale, x, attrs),
  z: has(2) ? laidOut(g, g.cast(zero, scale.dtype), x, attrs) : undefined,
});

const asked = (call: Call, zero: DType | undefined): DType =>
  zero ?? (call.attrs.int("output_dtype", 0) ? dtypeOf(call.attrs.int("output_dtype"), "QuantizeLinear") : "uint8");

const scales = (...dims: number[]): Gen => positive(...dims);

export const quantizations = {
  /** q = round(x / scale) + zero, held within the levels. */
  QuantizeLinear: op({
    arity: [2, 3],
    infer: ([x, , zero], call) => ({ dtype: asked(call, call.has(2) ? zero.dtype : undefined), dims: x.dims }),
    grad(g, view) {
      const { x, y, dy, attrs, wants } = view;
      const range = ranges[y[0].dtype];
      if (!range) throw mismatch(`its gradient is not known for ${y[0].dtype}.`);
      const { s, z } = spread(g, view);
      const level = g.div(x[0], s);
      const place = z ? g.add(g.round(level), z) : g.round(level);
      const inside = g.and(g.greaterOrEqual(place, range[0]), g.lessOrEqual(place, range[1]));
      const dq = g.div(g.where(inside, dy[0], 0), s);
      return [dq, wants(1) ? collected(g, g.neg(g.mul(dq, level)), x[1], attrs) : null, null]; // d(x/s)/ds = -x/s²
    },
    samples: [
      { inputs: [normal(2, 3), scales(), ids([3], [], "uint8")], float32: true },
      { inputs: [normal(2, 3), scales(3), ids([3, 0, -3], [3], "int8")], attrs: { axis: 1 }, float32: true },
    ],
  }),

  /** x = (q - zero) · scale; one scale for all, for each place of an axis, or for each block along it. */
  DequantizeLinear: op({
    arity: [2, 3],
    infer([x, scale], { attrs }) {
      if (attrs.int("block_size", 0) && scale.dims.length !== x.dims.length)
        throw mismatch(`the scales of blocks ${show(scale.dims)} need as many axes as ${show(x.dims)}.`);
      return { dtype: scale.dtype, dims: x.dims };
    },
    grad(g, view) {
      const { x, dy, attrs, wants } = view;
      const { s, z } = spread(g, view);
      const level = () => (z ? g.sub(g.cast(x[0], x[1].dtype), z) : g.cast(x[0], x[1].dtype));
      return [wants(0) ? g.mul(dy[0], s) : null, wants(1) ? collected(g, g.mul(dy[0], level()), x[1], attrs) : null, null];
    },
    samples: [
      { inputs: [ids([1, 2, 250, 4], [2, 2], "uint8"), scales(), ids([3], [], "uint8")], step: 0.125, float32: true },
      { inputs: [ids([1, 2, -20, 4], [2, 2], "int8"), scales(2)], attrs: { axis: 0 }, step: 0.125, float32: true },
      {
        inputs: [ids([1, 2, 9, 4, 15, 0], [1, 6], "uint8"), scales(1, 3), ids([8, 7, 6], [1, 3], "uint8")],
        attrs: { axis: 1, block_size: 2 },
        step: 0.125,
        float32: true,
      },
    ],
  }),

  /** x in 256 levels between its own limits, with the scale and zero point that these give. */
  DynamicQuantizeLinear: op({
    arity: 1,
    infer: ([x]) => [
      { dtype: "uint8", dims: x.dims },
      { dtype: "float32", dims: [] },
      { dtype: "uint8", dims: [] },
    ],
    grad: forbidden("its levels move with its input; quantise with fixed scales by QuantizeLinear"),
    samples: [{ inputs: [normal(2, 3)], outputs: 3, float32: true }],
  }),

  /** a · b of whole numbers, each less its zero point. */
  MatMulInteger: op({
    arity: [2, 4],
    infer: ([a, b]) => ({ dtype: "int32", dims: matmulShape(a.dims, b.dims) }),
    grad: none,
    samples: [[ids([1, 2, 3, 4], [2, 2], "uint8"), ids([1, 0, 2, 1], [2, 2], "uint8"), ids([1], [], "uint8")]],
  }),

  /**
   * y = a · Bᵀ with B (N, K) in 4 or 8 bits, by blocks of K. The weights are kept as they are: only a has a gradient, dy · B, by way of a
   * blocked DequantizeLinear over the very same bytes.
   */
  MatMulNBits: op({
    domain: "com.microsoft",
    arity: [3, 6],
    infer([a], { attrs }) {
      if (a.dims.at(-1) !== attrs.int("K")) throw mismatch(`its input ends in ${String(a.dims.at(-1))}, not ${attrs.int("K")}.`);
      return like(a, [...a.dims.slice(0, -1), attrs.int("N")]);
    },
    grad(g, { x: [, b, scales], dy: [dy], attrs, constant, has, wants }) {
      if (!wants(0)) return [null, null, null, null, null, dy]; // the last is a bias
      const [rows, columns, block] = [attrs.int("N"), attrs.int("K"), attrs.int("block_size")];
      const bytes = constant(1);
      const bits = attrs.int("bits", 4);
      if ((bits !== 4 && bits !== 8) || bytes?.dtype !== "uint8" || (has(3) && !constant(3)) || has(4))
        throw mismatch("its gradient is known for constant weights of 4 or 8 bits, in order.", "Dequantize the weights first.");
      const blocks = Math.ceil(columns / block);
      const width = blocks * block;
      const levels =
        bits === 8 ? g.reshape(b, [rows, width]) : tableOf(g, `${b.name}:uint4`, () => tensor("uint4", [rows, width], bytes.data));
      const zero = tableOf(g, `${b.name}:zero`, () =>
        bits === 8 ? tensor("uint8", [rows, blocks], bytesOfZeros(constant(3), rows * blocks)) : zeroPoints(constant(3), rows, blocks),
      );
      const weights = g.op("DequantizeLinear", [levels, g.reshape(scales, [rows, blocks]), zero], { axis: 1, block_size: block }); // (N, K)
      const exact = width === columns ? weights : g.slice(weights, { starts: [0], ends: [columns], axes: [1] });
      return [g.matmul(dy, exact), null, null, null, null, dy];
    },
    samples: [
      {
        inputs: [between(-1, 1)(2, 32), bytesOf(3, 2), { ...scales(3 * 2), constant: true }],
        attrs: { K: 32, N: 3, bits: 4, block_size: 16 },
        step: 1,
        float32: true,
      },
      {
        inputs: [between(-1, 1)(2, 40), bytesOf(2, 3), { ...scales(2 * 3), constant: true }, list([0x73, 0x05, 0x98, 0x02], [4], "uint8")],
        attrs: { K: 40, N: 2, bits: 4, block_size: 16 },
        step: 1,
        float32: true,
      },
      {
        inputs: [between(-1, 1)(2, 32), bytesOf(3, 2, 16), { ...scales(3 * 2), constant: true }],
        attrs: { K: 32, N: 3, bits: 8, block_size: 16 },
        step: 1,
        float32: true,
      },
    ],
  }),
} satisfies Record<string, Op>;

/** Packed weights for a sample: blocks of 16. */
function bytesOf(rows: number, blocks: number, size = 8): Gen {
  const dims = [rows, blocks, size];
  return { dtype: "uint8", dims, constant: true, make: (random) => Array.from({ length: sizeOf(dims) }, () => Math.floor(random() * 256)) };
}

/** A constant made once under its name. */
const tableOf = (g: Builder, name: string, make: () => Tensor): Value => (g.graph.defines(name) ? g.value(name) : g.constant(make(), name));

/** One byte a block; 128 where none are given. */
const bytesOfZeros = (given: Tensor | undefined, count: number): Uint8Array =>
  given?.dtype === "uint8" ? given.data : new Uint8Array(count).fill(128);

/** (N, blocks) out of rows packed to whole bytes; 8 where none are given. */
function zeroPoints(given: Tensor | undefined, rows: number, blocks: number): Tensor {
  const packed = given && toNumbers(given);
  const stride = Math.ceil(blocks / 2);
  const at = (row: number, i: number) => (packed ? (packed[row * stride + (i >> 1)]! >> (4 * (i & 1))) & 15 : 8);
  return fromNumbers(
    "uint4",
    [rows, blocks],
    Array.from({ length: rows * blocks }, (_, n) => at(Math.floor(n / blocks), n % blocks)),
  );
}
