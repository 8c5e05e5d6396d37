import { expect, test } from "vitest";
import { AppError } from "../../ipc/error.ts";
import { memoryError } from "./outOfMemory.ts";

test.each([
  new Error("std::bad_alloc"),
  new Error("bfc_arena.cc:376 AllocateRawInternal Failed to allocate memory for requested buffer of size 1073741824"),
  new Error("Available memory of 12 is smaller than requested bytes of 4096"),
  new Error("VK_ERROR_OUT_OF_DEVICE_MEMORY"),
  new Error("GPUOutOfMemoryError: Not enough memory left."),
  new Error("CUDA failure 2: out of memory"),
  new Error("OOM when allocating tensor with shape[1024,1024]"),
  new RangeError("Array buffer allocation failed"),
  new RangeError("Invalid typed array length: 9007199254740991"),
  Object.assign(new Error("Worker terminated due to reaching memory limit"), { code: "ERR_WORKER_OUT_OF_MEMORY" }),
])("%s is memory that could not be had", (thrown) => {
  expect(memoryError(thrown)).toMatchObject({ code: "outOfMemory", cause: thrown });
});

test.each([
  new Error("Got invalid dimensions for input: x"),
  new RangeError("Invalid typed array length: -1"),
  new RangeError("Maximum call stack size exceeded"),
  new Error("the room is full"),
  new AppError("shapeMismatch", "out of memory is what this is not", ""),
  "out of memory",
  undefined,
])("%s is none", (thrown) => {
  expect(memoryError(thrown)).toBeUndefined();
});
