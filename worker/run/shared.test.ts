import { expect, test } from "vitest";
import { float32, type Tensor } from "../tensor.ts";
import { Builder } from "../ops/builder.ts";
import { decodeModel, encodeModel, encodeParted } from "../onnx/proto.ts";
import { OrtEngine } from "./onnxruntime.ts";
import { fed, sharedConstants } from "./shared.ts";

const width = 512;
const filled = (seed: number) =>
  float32(
    [width, width],
    Float32Array.from({ length: width * width }, (_, i) => Math.sin(i * seed) / width),
  );

function net() {
  const g = new Builder("net");
  const x = g.input("x", "float32", ["T", width]);
  const a = g.constant(filled(1), "a");
  const b = g.constant(filled(2), "b");
  g.output(g.add(g.op("MatMul", [g.gemm(x, a, undefined, { transB: 1 }), b]), g.gemm(x, a)), "y");
  return g.graph;
}

const feeds = {
  x: float32(
    [2, width],
    Float32Array.from({ length: 2 * width }, (_, i) => Math.cos(i)),
  ),
};

test("a session over shared constants answers as one that holds its own; only what is about as fast so is shared", async () => {
  const graph = net();
  expect([...sharedConstants(graph).keys()]).toEqual(["a"]); // b is laid out anew for MatMul
  const engine = new OrtEngine("cpu");
  const answer = async (shared: boolean): Promise<Tensor> => {
    const session = await engine.load(graph, { shared });
    expect(session.inputs.map(({ name }) => name)).toEqual(["x"]);
    return (await session.run(feeds))["y"]!;
  };
  const [own, shared] = [await answer(false), await answer(true)];
  own.data.forEach((value, i) => expect(Math.abs(Number(value) - Number(shared.data[i]))).toBeLessThan(1e-6));
  // What is in the file is what the session computes with.
  const file = await engine.load(encodeModel(graph));
  expect((await file.run(feeds))["y"]!.data).toEqual(own.data);
  await engine.dispose();
});

test("large constants are told by place and not written; the session takes them before it is made, and needs them no longer", async () => {
  const graph = net();
  const { model, beside } = encodeParted(graph, 1000);
  expect(model.length).toBeLessThan(2000);
  expect([...beside.values()].map((bytes) => bytes.length)).toEqual([4 * width * width, 4 * width * width]);
  const read = decodeModel(model, ({ location, offset, length }) => beside.get(location)!.subarray(offset, offset + length));
  expect(read.initializers.get("a")!.data).toEqual(graph.initializers.get("a")!.data);
  const engine = new OrtEngine("cpu");
  const session = await engine.load(graph);
  const before = (await session.run(feeds))["y"]!.data.slice();
  for (const value of graph.initializers.values()) (value.data as Float32Array).fill(0);
  expect((await session.run(feeds))["y"]!.data).toEqual(before);
  await engine.dispose();
});

test("a constant of another graph is fed only where it is the same one, not where it has the same name", () => {
  const [one, other] = [net(), net()];
  const fixed = sharedConstants(one);
  expect(fed(one, fixed).inputs.map(({ name }) => name)).toEqual(["x", "a"]);
  expect(fed(other, fixed).inputs.map(({ name }) => name)).toEqual(["x"]);
});
