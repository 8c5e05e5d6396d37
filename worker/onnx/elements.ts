// ONNX's numbers for element types.
import { AppError } from "../../ipc/error.ts";
import type { DType } from "../tensor.ts";
import { TensorProto_DataType as Code } from "./gen/onnx_pb.ts";

const codes: Record<DType, number> = {
  float32: Code.FLOAT,
  float64: Code.DOUBLE,
  float16: Code.FLOAT16,
  int8: Code.INT8,
  uint8: Code.UINT8,
  int16: Code.INT16,
  uint16: Code.UINT16,
  int32: Code.INT32,
  uint32: Code.UINT32,
  int64: Code.INT64,
  uint64: Code.UINT64,
  bool: Code.BOOL,
  uint4: Code.UINT4,
  string: Code.STRING,
};
const byCode = new Map(Object.entries(codes).map(([dtype, code]) => [code, dtype as DType]));

/** ONNX's number for a dtype (the `to` of Cast). */
export function dtypeCode(dtype: DType): number {
  return codes[dtype];
}

/** The dtype of ONNX's number. Throws `modelInvalid` for those we do not know. */
export function dtypeOf(code: number, where: string): DType {
  const dtype = byCode.get(code);
  if (!dtype)
    throw new AppError(
      "modelInvalid",
      `${where} has the element type ${code}, which is not supported.`,
      "Use an ONNX model that a current tool wrote, or export it again.",
      { element: code },
    );
  return dtype;
}
