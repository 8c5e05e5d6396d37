// Rounding in the middle of a graph: gradients pass straight through it.
import { afterAll, expect, test } from "vitest";
import { OrtEngine } from "../run/onnxruntime.ts";
import { float32, fromNumbers, toNumbers } from "../tensor.ts";
import { gradients } from "../train/gradient.ts";
import { Builder } from "./builder.ts";

const engine = new OrtEngine("cpu", { threads: 1 });
afterAll(() => engine.dispose());

test("inside the range as if nothing were rounded, outside nothing; scales learn from what rounding lost", async () => {
  const g = new Builder("fake");
  const x = g.input("x", "float32", [4]);
  const scale = g.parameter("scale", [], Float32Array.of(0.5));
  const zero = g.constant(fromNumbers("int8", [], [0]));
  const y = g.op("DequantizeLinear", [g.op("QuantizeLinear", [x, scale, zero]), scale, zero]);
  const loss = g.reduceSum(g.mul(y, g.constant(float32([4], [1, 2, 3, 4]))), { keepdims: false });
  for (const [name, dx] of gradients(g, loss, ["x", "scale"])) g.output(dx, `grad:${name}`);
  const session = await engine.load(g.graph);
  const out = await session.run({ x: float32([4], [0.6, -0.8, 100, -100]) });
  await session.dispose();
  expect(toNumbers(out["grad:x"]!)).toEqual([1, 2, 0, 0]);
  // round(x/s) - x/s inside, the limit outside: (1 - 1.2) + 2 (-2 + 1.6) + 3 · 127 - 4 · 128
  expect(toNumbers(out["grad:scale"]!)[0]).toBeCloseTo(-0.2 - 0.8 + 381 - 512, 4);
});
