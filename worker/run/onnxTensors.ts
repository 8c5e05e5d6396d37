// Our tensors as ONNX Runtime's and back (the data is shared, not copied), and one run with its errors made ours.
import { type InferenceSession as OrtSession, Tensor as OrtTensor } from "onnxruntime-node";
import { AppError } from "../../ipc/error.ts";
import type { ValueInfo } from "../onnx/graph.ts";
import type { DType, Tensor } from "../tensor.ts";
import { memoryError } from "./outOfMemory.ts";

export type OrtValues = Record<string, OrtTensor>;
/** What to compute: names, or names with tensors to write into (null: a new one). */
export type Fetches = readonly string[] | Record<string, OrtTensor | null>;

export function toOrt(value: Tensor): OrtTensor {
  return new OrtTensor(value.dtype as "float32", value.data as Float32Array, value.dims);
}

export function fromOrt(value: OrtTensor): Tensor {
  return { dtype: value.type as DType, dims: value.dims, data: value.data } as Tensor; // the runtime's types are ours by name
}

/** A tensor like this one in memory of its own. */
export function twin(value: OrtTensor): OrtTensor {
  return new OrtTensor(value.type as "float32", (value.data as Float32Array).slice(), value.dims);
}

export async function run(session: OrtSession, feeds: OrtValues, fetches: Fetches, device: string): Promise<OrtValues> {
  try {
    return (await session.run(feeds, fetches as Record<string, OrtTensor | null>)) as OrtValues;
  } catch (thrown) {
    throw explain(thrown, device);
  }
}

/** Inputs or outputs of a session. */
export function infos(metadata: readonly OrtSession.ValueMetadata[]): ValueInfo[] {
  return metadata.map((m) => {
    if (!m.isTensor)
      throw new AppError("modelInvalid", `'${m.name}' is not a tensor.`, "Use a model whose inputs and outputs are tensors.", {
        value: m.name,
      });
    return { name: m.name, dtype: m.type as DType, dims: m.shape };
  });
}

export function missing(name: string): AppError {
  return new AppError("shapeMismatch", `The input '${name}' is missing.`, "Give a tensor for every input.", { value: name });
}

/** The runtime's words as an error of ours. */
export function explain(thrown: unknown, device: string): AppError {
  if (thrown instanceof AppError) return thrown;
  const full = memoryError(thrown, { device });
  if (full) return full;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  if (/Invalid (rank|dimension)|Got invalid dimensions|Unexpected input data type|Invalid Feed/i.test(message))
    return new AppError(
      "shapeMismatch",
      `The data does not fit the model: ${message}`,
      "Check the inputs' types and shapes.",
      { device },
      thrown,
    );
  if (/Load model|INVALID_GRAPH|INVALID_PROTOBUF|ShapeInferenceError|NOT_IMPLEMENTED|TypeInferenceError/i.test(message))
    return new AppError("modelInvalid", `The model cannot be run: ${message}`, "Export it again with a current tool.", { device }, thrown);
  return new AppError("deviceFailed", `${device} failed: ${message}`, "Use another device, or try again.", { device }, thrown);
}
