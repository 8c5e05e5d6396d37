// A tensor is a dtype, dims and a typed array in row-major order. No maths here. Invariant: data.length is the product of dims.
import { AppError } from "../ipc/error.ts";

/** How each dtype is held: float16 as its bits, bool as 0 and 1, string as text, uint4 two in a byte, the first in the low half. */
export interface Arrays {
  float32: Float32Array;
  float64: Float64Array;
  float16: Uint16Array;
  int8: Int8Array;
  uint8: Uint8Array;
  int16: Int16Array;
  uint16: Uint16Array;
  int32: Int32Array;
  uint32: Uint32Array;
  int64: BigInt64Array;
  uint64: BigUint64Array;
  bool: Uint8Array;
  uint4: Uint8Array;
  string: string[];
}
export type DType = keyof Arrays;

/** A tensor of one dtype, or (without D) of any. */
export type Tensor<D extends DType = DType> = { [K in D]: { dtype: K; dims: readonly number[]; data: Arrays[K] } }[D];

const makers = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
  uint4: Uint8Array,
} as const;

export const dtypes = [...Object.keys(makers), "string"] as DType[];

/** Bytes of one element (uint4: a half); 0 for strings, which have no fixed size. */
export function bytesOf(dtype: DType): number {
  if (dtype === "uint4") return 0.5;
  return dtype === "string" ? 0 : makers[dtype].BYTES_PER_ELEMENT;
}

export function isFloat(dtype: DType): dtype is "float32" | "float64" | "float16" {
  return dtype === "float32" || dtype === "float64" || dtype === "float16";
}

/** Number of elements; 1 for a scalar. */
export function sizeOf(dims: readonly number[]): number {
  let size = 1;
  for (const d of dims) size *= d;
  return size;
}

/** A tensor over `data` (not copied). Throws `shapeMismatch` when the length is not the product of dims. */
export function tensor<D extends DType>(dtype: D, dims: readonly number[], data: Arrays[D]): Tensor<D> {
  const size = sizeOf(dims);
  if (data.length !== (dtype === "uint4" ? Math.ceil(size / 2) : size))
    throw new AppError(
      "shapeMismatch",
      `A ${dtype} tensor of shape [${dims.join(", ")}] has ${size} values, but ${data.length} were given.`,
      "Give as many values as the shape says.",
      { dtype, dims: [...dims], expected: size, actual: data.length },
    );
  return { dtype, dims, data } as Tensor<D>; // the maps DType → array and DType → Tensor are one
}

export function float32(dims: readonly number[], data: Float32Array | readonly number[]): Tensor<"float32"> {
  return tensor("float32", dims, data instanceof Float32Array ? data : Float32Array.from(data));
}

const int64Limit = 2n ** 63n;

/** A whole number as an int64; infinities as the largest and the smallest. */
export function toInt64(value: number): bigint {
  return value === Infinity ? int64Limit - 1n : value === -Infinity ? -int64Limit : BigInt(value);
}

/** int64 from whole numbers (exact up to 2^53), infinities as the limits. */
export function int64(dims: readonly number[], data: BigInt64Array | readonly number[]): Tensor<"int64"> {
  return tensor("int64", dims, data instanceof BigInt64Array ? data : BigInt64Array.from(data, toInt64));
}

export function strings(dims: readonly number[], data: string[]): Tensor<"string"> {
  return tensor("string", dims, data);
}

export function bools(dims: readonly number[], data: readonly boolean[]): Tensor<"bool"> {
  return tensor("bool", dims, Uint8Array.from(data, Number));
}

/** A float32 or other numeric scalar: dims []. */
export function scalar(value: number, dtype: DType = "float32"): Tensor {
  return fromNumbers(dtype, [], [value]);
}

/** Numbers as a tensor of any numeric dtype: float16 is rounded to nearest even, bool is 0 and 1. */
export function fromNumbers(dtype: DType, dims: readonly number[], values: readonly number[]): Tensor {
  if (dtype === "string") return strings(dims, values.map(String));
  if (dtype === "float16") return tensor("float16", dims, Uint16Array.from(values, halfBits));
  if (dtype === "int64") return int64(dims, values);
  if (dtype === "uint4") return tensor("uint4", dims, packed(values));
  if (dtype === "uint64") return tensor("uint64", dims, BigUint64Array.from(values, BigInt));
  return tensor(dtype, dims, makers[dtype].from(values) as never); // the pair is checked by the two lines above
}

/** Every element as a number. Throws for strings; int64 beyond 2^53 loses its last digits. */
export function toNumbers(t: Tensor): number[] {
  if (t.dtype === "string") throw new AppError("internal", "A text tensor has no numbers.", "Ask for its data instead.");
  if (t.dtype === "float16") return Array.from(t.data, halfValue);
  if (t.dtype === "uint4") return Array.from({ length: sizeOf(t.dims) }, (_, i) => (t.data[i >> 1]! >> (4 * (i & 1))) & 15);
  return Array.from(t.data as ArrayLike<number | bigint>, Number);
}

/** Whole numbers from 0 to 15, two in a byte. */
function packed(values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(values.length / 2));
  values.forEach((v, i) => (bytes[i >> 1]! |= (v & 15) << (4 * (i & 1))));
  return bytes;
}

/** A zeroed tensor (strings: empty). */
export function zeros(dtype: DType, dims: readonly number[]): Tensor {
  const size = sizeOf(dims);
  return tensor(
    dtype,
    dims,
    (dtype === "string"
      ? new Array<string>(size).fill("")
      : new makers[dtype](Math.ceil((size * bytesOf(dtype)) / makers[dtype].BYTES_PER_ELEMENT))) as never,
  );
}

/** The same values in memory of their own. */
export function copyTensor<T extends Tensor>(t: T): T {
  return { ...t, dims: [...t.dims], data: t.data.slice() };
}

/** The elements as little-endian bytes (a view). Throws for strings. */
export function rawBytes(t: Tensor): Uint8Array {
  if (t.dtype === "string") throw new AppError("internal", "A text tensor has no raw bytes.", "Write its strings one by one.");
  return new Uint8Array(t.data.buffer, t.data.byteOffset, t.data.byteLength);
}

/** A tensor from little-endian bytes, copied. Throws `shapeMismatch` when there are too few or too many. */
export function fromRawBytes(dtype: Exclude<DType, "string">, dims: readonly number[], bytes: Uint8Array): Tensor {
  const maker = makers[dtype];
  const expected = Math.ceil(sizeOf(dims) * bytesOf(dtype));
  if (bytes.length !== expected)
    throw new AppError(
      "shapeMismatch",
      `A ${dtype} tensor of shape [${dims.join(", ")}] has ${expected} bytes, but there are ${bytes.length}.`,
      "The file is damaged or was cut off.",
      { dtype, dims: [...dims], expected, actual: bytes.length },
    );
  const copy = new Uint8Array(bytes); // aligned at 0, whatever the offset in the file (a Buffer's slice would not copy)
  return tensor(dtype, dims, new maker(copy.buffer) as never);
}

const half = { float: new Float32Array(1), bits: new Uint32Array(1) };
half.bits = new Uint32Array(half.float.buffer);

/** Bits of the half nearest to x (ties to even). */
export function halfBits(x: number): number {
  half.float[0] = x;
  const bits = half.bits[0]!;
  const sign = (bits >>> 16) & 0x8000;
  const rest = bits & 0x7fffffff;
  if (rest > 0x7f800000) return sign | 0x7e00; // NaN
  if (rest >= 0x47800000) return sign | 0x7c00; // infinite, or 65536 and more
  if (rest < 0x33000001) return sign; // rounds to zero
  const shift = rest < 0x38800000 ? 126 - (rest >>> 23) : 13;
  const mantissa = rest < 0x38800000 ? (rest & 0x7fffff) | 0x800000 : rest - 0x38000000;
  const low = mantissa & ((1 << shift) - 1);
  const tie = 1 << (shift - 1);
  let result = mantissa >>> shift;
  if (low > tie || (low === tie && result & 1)) result++;
  return sign | result;
}

/** Value of a half given as bits. */
export function halfValue(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
