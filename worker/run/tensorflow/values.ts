// Our tensors as TensorFlow.js's and back. It has three types: float32, int32 and bool. All whole numbers become int32, and what does not
// fit is refused; float16, float64, unsigned 32 and 64 bits, uint4 and text have no place in it.
import { AppError } from "../../../ipc/error.ts";
import { type DType, fromNumbers, sizeOf, type Tensor, tensor, toNumbers } from "../../tensor.ts";
import type { Tf, TfTensor } from "./op.ts";

export type TfType = "float32" | "int32" | "bool";

const types: Partial<Record<DType, TfType>> = {
  float32: "float32",
  bool: "bool",
  int8: "int32",
  uint8: "int32",
  int16: "int32",
  uint16: "int32",
  int32: "int32",
  int64: "int32",
};

export const isKnownType = (dtype: DType): boolean => types[dtype] !== undefined;

/** @throws modelInvalid for a dtype that TensorFlow.js does not have */
export function tfTypeOf(dtype: DType, what: string): TfType {
  const type = types[dtype];
  if (type) return type;
  throw new AppError("modelInvalid", `TensorFlow.js has no ${dtype}, which ${what} needs.`, "Use another device, or a model in float32.", {
    dtype,
    value: what,
  });
}

const limit = 2 ** 31;

/**
 * A tensor of TensorFlow's in memory of its own.
 * @throws modelInvalid for a dtype that it does not have, shapeMismatch for a whole number that its int32 cannot hold
 */
export function toTf(tf: Tf, value: Tensor, name: string): TfTensor {
  const type = tfTypeOf(value.dtype, `'${name}'`);
  const dims = [...value.dims];
  if (value.dtype === "float32" || value.dtype === "int32") return tf.tensor(value.data.slice(), dims, type);
  if (value.dtype === "bool") return tf.tensor(value.data.slice(), dims, "bool");
  const numbers = toNumbers(value);
  const far = numbers.find((v) => v < -limit || v >= limit);
  if (far !== undefined)
    throw new AppError(
      "shapeMismatch",
      `'${name}' holds ${far}, and TensorFlow.js has no whole numbers beyond 32 bits.`,
      "Use another device for this model.",
      { value: name },
    );
  return tf.tensor(Int32Array.from(numbers), dims, "int32");
}

/** A copy on the CPU, in the dtype that our graph says. */
export function fromTf(value: TfTensor, dtype: DType): Tensor {
  const data = value.dataSync();
  if (dtype === "float32") return tensor("float32", [...value.shape], Float32Array.from(data));
  return fromNumbers(dtype, [...value.shape], Array.from(data));
}

/** The numbers of a tensor, the largest and smallest int64 as infinities. */
export const wholesOf = (value: Tensor): number[] => toNumbers(value).map((v) => (v > 2 ** 62 ? Infinity : v < -(2 ** 62) ? -Infinity : v));

/** Shapes and counts are short; what is longer is data. */
export const isSmall = (value: Tensor): boolean => sizeOf(value.dims) <= 4096;
