// Memory that could not be had, as the runtimes, the drivers and JavaScript say it.
import { AppError } from "../../ipc/error.ts";

/**
 * ONNX Runtime ("Failed to allocate memory for requested buffer", BFCArena), libstdc++ (bad_alloc), WebGPU and Vulkan, CUDA, DirectX, TensorFlow
 * (OOM when allocating tensor), V8 (Array buffer allocation failed, Invalid typed array length), and Node's codes.
 */
const words = new RegExp(
  [
    "bad_alloc",
    "failed to allocate",
    "out of (?:\\w+ )?memory",
    "out_?of_?(?:\\w+_)?memory",
    "\\bOOM\\b",
    "Available memory of \\d+ is smaller than requested",
    "cudaErrorMemoryAllocation|ALLOC_FAILED",
    "cannot allocate memory|ENOMEM",
    "array buffer allocation failed|invalid array buffer length|invalid typed array length: \\d{9,}",
    "ERR_MEMORY_ALLOCATION_FAILED|ERR_WORKER_OUT_OF_MEMORY",
  ].join("|"),
  "i",
);

/** The thrown thing as `outOfMemory`, where it says that; else undefined. */
export function memoryError(thrown: unknown, data: AppError["data"] = {}): AppError | undefined {
  if (thrown instanceof AppError) return thrown.code === "outOfMemory" ? thrown : undefined;
  const { code = "", message = "" } = (thrown instanceof Error ? thrown : {}) as { code?: unknown; message?: string };
  if (!words.test(message) && !words.test(String(code))) return undefined;
  return new AppError(
    "outOfMemory",
    "There is not enough memory for this model and batch.",
    "Use a smaller batch or a smaller model.",
    data,
    thrown,
  );
}
