import { expect, test } from "vitest";
import { Builder } from "../ops/builder.ts";
import { leftToCpu } from "./leftToCpu.ts";

test("what WebGPU refuses while it runs gets a name and is left to the CPU; the given graph stays as it is", () => {
  const g = new Builder("net");
  const x = g.input("x", "float32", [1, 1, 4, 4]);
  const pool = { kernel_shape: [2, 2], strides: [2, 2] };
  const plain = g.op("MaxPool", [x], pool);
  const [, indices] = g.op("MaxPool", [g.relu(x)], pool, { outputs: 2 });
  g.output(plain, "plain");
  g.output(indices!);
  const { graph, names } = leftToCpu(g.graph, "webgpu");
  expect(names).toHaveLength(1);
  expect(graph.nodes.find((n) => n.name === names[0])).toMatchObject({ type: "MaxPool", outputs: [expect.any(String), indices!.name] });
  expect(g.graph.nodes.some((n) => n.name === names[0])).toBe(false);
  expect(leftToCpu(g.graph, "cpu")).toEqual({ graph: g.graph, names: [] });
});
