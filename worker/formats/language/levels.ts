// llama.cpp's blocks as levels with a scale and an offset: w = scale · q + offset for each group of 16 or 32 along a row. Every type is one
// unpacking into this; float32 values and ONNX's packed weights both follow from it. Layouts: ggml-common.h and ggml-quants.c of
// https://github.com/ggml-org/llama.cpp
import { halfValue } from "../../tensor.ts";
import { blocks, type WeightInfo, type WeightType } from "./weights.ts";

export interface Levels {
  /** Bits of the levels that the type has at most: 4 (0…15) or 8 (0…255). */
  bits: 4 | 8;
  /** Numbers that share a scale. */
  group: 16 | 32;
  /** One byte a number, row-major. */
  q: Uint8Array;
  /** One a group. */
  scales: Float32Array;
  /** One a group. */
  offsets: Float32Array;
  /** Where offsets are all -zero · scale: the level that stands for 0. */
  zero?: number;
}

/** Writes one block's levels to q from `at` on and its groups' scales and offsets from `group` on. */
type Unpack = (b: Uint8Array, from: number, out: Levels, at: number, group: number) => void;

const half = (b: Uint8Array, at: number): number => halfValue(b[at]! | (b[at + 1]! << 8));

/** Two levels in a byte: the low ones are the first half of the block, the high ones the second. */
function nibbles(b: Uint8Array, from: number, q: Uint8Array, at: number): void {
  for (let j = 0; j < 16; j++) {
    q[at + j] = b[from + j]! & 15;
    q[at + j + 16] = b[from + j]! >> 4;
  }
}

/** A fifth bit for each of 32 levels, as one little-endian word. */
function fifth(b: Uint8Array, from: number, q: Uint8Array, at: number): void {
  for (let j = 0; j < 32; j++) q[at + j]! |= ((b[from + (j >> 3)]! >> (j & 7)) & 1) << 4;
}

/** The eight 6-bit scales and minima of a block of 256, packed into 12 bytes. */
function sixBits(b: Uint8Array, from: number, j: number): [scale: number, min: number] {
  if (j < 4) return [b[from + j]! & 63, b[from + j + 4]! & 63];
  return [(b[from + j + 4]! & 15) | ((b[from + j - 4]! >> 6) << 4), (b[from + j + 4]! >> 4) | ((b[from + j]! >> 6) << 4)];
}

/** d · scale and -dmin · min of the eight groups of 32. */
function scalesOfK(b: Uint8Array, from: number, out: Levels, group: number): void {
  const [d, least] = [half(b, from), half(b, from + 2)];
  for (let j = 0; j < 8; j++) {
    const [scale, min] = sixBits(b, from + 4, j);
    out.scales[group + j] = d * scale;
    out.offsets[group + j] = -least * min;
  }
}

const kinds: Record<Exclude<WeightType, "F32" | "F16" | "BF16">, { bits: 4 | 8; group: 16 | 32; zero?: number; unpack: Unpack }> = {
  Q4_0: {
    bits: 4,
    group: 32,
    zero: 8,
    unpack(b, from, out, at, group) {
      const d = (out.scales[group] = half(b, from));
      out.offsets[group] = -8 * d;
      nibbles(b, from + 2, out.q, at);
    },
  },
  Q4_1: {
    bits: 4,
    group: 32,
    unpack(b, from, out, at, group) {
      out.scales[group] = half(b, from);
      out.offsets[group] = half(b, from + 2);
      nibbles(b, from + 4, out.q, at);
    },
  },
  Q5_0: {
    bits: 8,
    group: 32,
    zero: 16,
    unpack(b, from, out, at, group) {
      const d = (out.scales[group] = half(b, from));
      out.offsets[group] = -16 * d;
      nibbles(b, from + 6, out.q, at);
      fifth(b, from + 2, out.q, at);
    },
  },
  Q5_1: {
    bits: 8,
    group: 32,
    unpack(b, from, out, at, group) {
      out.scales[group] = half(b, from);
      out.offsets[group] = half(b, from + 2);
      nibbles(b, from + 8, out.q, at);
      fifth(b, from + 4, out.q, at);
    },
  },
  Q8_0: {
    bits: 8,
    group: 32,
    zero: 128,
    unpack(b, from, out, at, group) {
      const d = (out.scales[group] = half(b, from));
      out.offsets[group] = -128 * d;
      for (let j = 0; j < 32; j++) out.q[at + j] = b[from + 2 + j]! ^ 128; // int8 + 128
    },
  },
  // Two 32-byte runs of nibbles hold 64 numbers: the low halves 32 of them, the high halves the next 32.
  Q4_K: {
    bits: 4,
    group: 32,
    unpack(b, from, out, at, group) {
      scalesOfK(b, from, out, group);
      for (let n = 0; n < 4; n++)
        for (let l = 0; l < 32; l++) {
          const byte = b[from + 16 + 32 * n + l]!;
          out.q[at + 64 * n + l] = byte & 15;
          out.q[at + 64 * n + 32 + l] = byte >> 4;
        }
    },
  },
  Q5_K: {
    bits: 8,
    group: 32,
    unpack(b, from, out, at, group) {
      scalesOfK(b, from, out, group);
      for (let n = 0; n < 4; n++)
        for (let l = 0; l < 32; l++) {
          const byte = b[from + 48 + 32 * n + l]!;
          const high = b[from + 16 + l]! >> (2 * n);
          out.q[at + 64 * n + l] = (byte & 15) | ((high & 1) << 4);
          out.q[at + 64 * n + 32 + l] = (byte >> 4) | (((high >> 1) & 1) << 4);
        }
    },
  },
  Q6_K: {
    bits: 8,
    group: 16,
    zero: 32,
    unpack(b, from, out, at, group) {
      const d = half(b, from + 208);
      for (let j = 0; j < 16; j++) {
        const scale = d * ((b[from + 192 + j]! << 24) >> 24);
        out.scales[group + j] = scale;
        out.offsets[group + j] = -32 * scale;
      }
      for (let n = 0; n < 2; n++)
        for (let l = 0; l < 32; l++) {
          const [low, next, high] = [b[from + 64 * n + l]!, b[from + 64 * n + 32 + l]!, b[from + 128 + 32 * n + l]!];
          const to = at + 128 * n + l;
          out.q[to] = (low & 15) | ((high & 3) << 4);
          out.q[to + 32] = (next & 15) | (((high >> 2) & 3) << 4);
          out.q[to + 64] = (low >> 4) | (((high >> 4) & 3) << 4);
          out.q[to + 96] = (next >> 4) | ((high >> 6) << 4);
        }
    },
  },
};

export type BlockType = keyof typeof kinds;

export const isBlocks = (type: WeightType): type is BlockType => Object.hasOwn(kinds, type);

/** Levels, scales and offsets of a whole tensor in blocks. */
export function levels({ type, dims }: Pick<WeightInfo, "type" | "dims">, bytes: Uint8Array): Levels {
  if (!isBlocks(type)) throw new TypeError(`${type} has no levels`);
  const { bits, group, zero, unpack } = kinds[type];
  const [numbers, size] = blocks[type];
  const count = dims.reduce((product, d) => product * d, 1);
  const out: Levels = {
    bits,
    group,
    q: new Uint8Array(count),
    scales: new Float32Array(count / group),
    offsets: new Float32Array(count / group),
    ...(zero !== undefined && { zero }),
  };
  for (let n = 0; n < count / numbers; n++) unpack(bytes, n * size, out, n * numbers, (n * numbers) / group);
  return out;
}

/** Every type as float32, row-major. */
export function toFloat32(info: Pick<WeightInfo, "type" | "dims">, bytes: Uint8Array): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = info.dims.reduce((product, d) => product * d, 1);
  const values = new Float32Array(count);
  if (info.type === "F32") new Uint8Array(values.buffer).set(bytes);
  else if (info.type === "F16") for (let i = 0; i < count; i++) values[i] = halfValue(view.getUint16(2 * i, true));
  else if (info.type === "BF16") {
    const bits = new Uint32Array(values.buffer); // bfloat16 is the upper half of a float32
    for (let i = 0; i < count; i++) bits[i] = view.getUint16(2 * i, true) << 16;
  } else {
    const { q, scales, offsets, group } = levels(info, bytes);
    for (let i = 0; i < count; i++) {
      const n = Math.floor(i / group);
      values[i] = scales[n]! * q[i]! + offsets[n]!;
    }
  }
  return values;
}
