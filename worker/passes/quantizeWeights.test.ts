import { afterAll, expect, test } from "vitest";
import { AppError } from "../../ipc/error.ts";
import type { Graph } from "../onnx/graph.ts";
import { decodeModel, encodeModel } from "../onnx/proto.ts";
import { Builder } from "../ops/builder.ts";
import { Random } from "../random.ts";
import { openEngine } from "../run/engine.ts";
import { float32, int64, sizeOf, type Tensor } from "../tensor.ts";
import { runPasses } from "./pass.ts";
import { quantizeWeights } from "./quantizeWeights.ts";

const engine = await openEngine("cpu", { threads: 1 });
afterAll(() => engine.dispose());

const random = new Random(3, "weights");
const normal = (...dims: number[]) =>
  float32(
    dims,
    Float32Array.from({ length: sizeOf(dims) }, () => random.normal()),
  );

async function run(graph: Graph, feeds: Record<string, Tensor>): Promise<Float32Array> {
  const session = await engine.load(encodeModel(graph));
  const { y } = await session.run(feeds);
  await session.dispose();
  return y!.data as Float32Array;
}

/** The largest difference, in units of the answers' spread. */
function gap(a: Float32Array, b: Float32Array): number {
  const spread = Math.sqrt(a.reduce((sum, v) => sum + v * v, 0) / a.length);
  return a.reduce((most, v, i) => Math.max(most, Math.abs(v - b[i]!)), 0) / spread;
}

const cases: [string, (g: Builder) => void, Record<string, Tensor>, string][] = [
  ["a product", (g) => g.output(g.matmul(g.input("x", "float32", ["B", 64]), g.constant(normal(64, 80), "w")), "y"), { x: normal(9, 64) }, "MatMulInteger"], // prettier-ignore
  ["a product of many matrices", (g) => g.output(g.matmul(g.input("x", "float32", [3, "B", 64]), g.constant(normal(3, 64, 40), "w")), "y"), { x: normal(3, 5, 64) }, "MatMulInteger"], // prettier-ignore
  ["Gemm, turned, with its factors", (g) => g.output(g.gemm(g.input("x", "float32", ["B", 64]), g.constant(normal(80, 64), "w"), g.constant(normal(80), "b"), { transB: 1, alpha: 0.5, beta: 2 }), "y"), { x: normal(9, 64) }, "MatMulInteger"], // prettier-ignore
  ["vectors", (g) => g.output(g.gather(g.constant(normal(400, 16), "table"), g.input("x", "int64", ["B", 2])), "y"), { x: int64([3, 2], [0, 399, 7, 7, 12, 300]) }, "DequantizeLinear"], // prettier-ignore
  ["numbers", (g) => g.output(g.gather(g.constant(normal(5000), "table"), g.input("x", "int64", ["B"])), "y"), { x: int64([3], [0, 4999, 7]) }, "DequantizeLinear"], // prettier-ignore
  ["a convolution", (g) => g.output(g.op("Conv", [g.input("x", "float32", ["B", 16, 8, 8]), g.constant(normal(32, 16, 3, 3), "w"), g.constant(normal(32), "b")], { pads: [1, 1, 1, 1] }), "y"), { x: normal(2, 16, 8, 8) }, "DequantizeLinear"], // prettier-ignore
];

test.each(cases)(
  "%s keeps its answers within the rounding, on standard operators, in a third of the size",
  async (_, build, feeds, made) => {
    const g = new Builder("float");
    build(g);
    const small = runPasses(decodeModel(encodeModel(g.graph)), quantizeWeights);
    const types = small.nodes.map((node) => node.type);
    expect(types).toContain(made);
    expect(small.nodes.every((node) => node.domain === "")).toBe(true);
    const [before, after] = [await run(g.graph, feeds), await run(small, feeds)];
    expect(gap(before, after)).toBeLessThan(0.08);
    expect(gap(before, after)).toBeGreaterThan(0); // it was rounded
    expect(encodeModel(small).length).toBeLessThan(encodeModel(g.graph).length / 3 + 2000);
  },
);

test("levels of a factor stay within 7 bits, each column by its own scale; 0 stays 0", () => {
  const w = normal(64, 80);
  for (let i = 0; i < w.data.length; i++) w.data[i] = i % 80 === 3 ? w.data[i]! * 1000 : i % 80 === 4 ? 0 : w.data[i]!;
  const g = new Builder("float");
  g.output(g.matmul(g.input("x", "float32", ["B", 64]), g.constant(w, "w")), "y");
  const small = runPasses(g.graph, quantizeWeights);
  const levels = [...(small.initializers.get("w:int8")!.data as Int8Array)];
  const scale = small.initializers.get("w:scale")!.data as Float32Array;
  expect([Math.min(...levels), Math.max(...levels)]).toEqual([-64, 64]);
  for (const [i, level] of levels.entries())
    expect(Math.abs(level * scale[i % 80]! - w.data[i]!)).toBeLessThanOrEqual(scale[i % 80]! * 0.5001);
});

test("small weights, sums and what is not constant stay; where nothing is left to do it says so", () => {
  const g = new Builder("float");
  const x = g.input("x", "float32", ["B", 64]);
  g.output(g.matmul(g.add(x, g.constant(normal(64), "b")), g.constant(normal(64, 8), "w")), "y");
  g.output(g.matmul(x, g.input("other", "float32", [64, 80])), "z");
  expect(() => runPasses(g.graph, quantizeWeights)).toThrow(AppError);
  expect(() => runPasses(g.graph, quantizeWeights)).toThrow("8 bits would win nothing");
});

test("a weight that two products share is kept once", () => {
  const g = new Builder("float");
  const w = g.constant(normal(64, 64), "w");
  g.output(g.matmul(g.matmul(g.input("x", "float32", ["B", 64]), w), w), "y");
  const small = runPasses(g.graph, quantizeWeights);
  expect([...small.initializers.values()].filter((t) => t.dtype === "int8")).toHaveLength(1);
});
