import { expect, test } from "vitest";
import { parseGraphics, readRam, readResident } from "./memory.ts";

test("RAM in use is some of all", () => {
  const { usedBytes, totalBytes } = readRam();
  expect(usedBytes).toBeGreaterThan(0);
  expect(usedBytes).toBeLessThanOrEqual(totalBytes);
});

test.skipIf(process.platform !== "linux")("a process's resident set is read, a missing one's is not", () => {
  expect(readResident(process.pid)!).toBeGreaterThan(10e6);
  expect(readResident(2 ** 22 + 1)).toBeUndefined();
});

test.each([
  ["NVIDIA H200, 3, 143771\n", { name: "NVIDIA H200", usedBytes: 3 * 2 ** 20, totalBytes: 143_771 * 2 ** 20 }],
  ["A, B, 1, 2\nsecond, 1, 2\n", { name: "A, B", usedBytes: 2 ** 20, totalBytes: 2 ** 21 }],
  ["No devices were found\n", undefined],
  ["NVIDIA Jetson, [N/A], [N/A]\n", undefined],
  ["", undefined],
])("nvidia-smi's %j", (text, graphics) => {
  expect(parseGraphics(text)).toEqual(graphics);
});
