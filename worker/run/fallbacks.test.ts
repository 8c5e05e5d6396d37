import { expect, test } from "vitest";
import { fallbacksIn } from "./fallbacks.ts";

type Shape = Record<string, number[]>;
const node = (op_name: string, provider: string, output: Shape, kind = "_kernel_time", input: Shape = { float: [1, 3, 8, 8] }) => ({
  cat: "Node",
  name: `${op_name}_1${kind}`,
  args: { op_name, provider, input_type_shape: [input], output_type_shape: [output] },
});

test("nodes that ran on the processor, by operator, without shapes and without what is no node", () => {
  const profile = JSON.stringify([
    { cat: "Session", name: "model_run" },
    node("NonZero", "CPUExecutionProvider", { int64: [2, 9] }),
    node("MaxPool", "CPUExecutionProvider", { float: [1, 3, 4, 4] }),
    node("MaxPool", "CPUExecutionProvider", { float: [1, 3, 2, 2] }),
    node("MaxPool", "CPUExecutionProvider", { float: [1, 3, 2, 2] }, "_fence_before"),
    node("Conv", "WebGpuExecutionProvider", { float: [1, 3, 4, 4] }),
    node("Shape", "CPUExecutionProvider", { int64: [4] }),
    node("Mod", "CPUExecutionProvider", { int64: [] }, "_kernel_time", { int64: [] }),
    node("Pow", "CPUExecutionProvider", { double: [] }, "_kernel_time", { double: [] }),
    node("Concat", "CPUExecutionProvider", { int64: [4] }, "_kernel_time", { int64: [1] }),
    node("ReduceSum", "CPUExecutionProvider", { float: [] }),
  ]);
  expect(fallbacksIn(profile)).toEqual([
    { operator: "MaxPool", count: 2 },
    { operator: "NonZero", count: 1 },
    { operator: "ReduceSum", count: 1 },
  ]);
});
