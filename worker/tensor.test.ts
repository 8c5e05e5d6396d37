import { expect, test } from "vitest";
import { fromRawBytes } from "./tensor.ts";

test("raw bytes are copied, also out of a Buffer at an odd offset", () => {
  const file = Buffer.concat([Buffer.from([7]), Buffer.from(Float32Array.of(1, -2.5).buffer)]);
  const t = fromRawBytes("float32", [2], file.subarray(1));
  file.fill(0);
  expect([...(t.data as Float32Array)]).toEqual([1, -2.5]);
});

test("too few bytes are told with both counts", () => {
  expect(() => fromRawBytes("int64", [3], new Uint8Array(16))).toThrow("has 24 bytes, but there are 16");
});
