// That each form is chosen where it should be; that all give the same numbers is told by test/gradients/lowered.test.ts.
import { describe, expect, test } from "vitest";
import type { Graph } from "../onnx/graph.ts";
import { Builder, type Value } from "../ops/builder.ts";
import { fromNumbers, int64 } from "../tensor.ts";
import { lower, lowerings } from "./lower.ts";
import { runPasses } from "./pass.ts";

/** Operators of the graph after lowering, in order. */
function types(build: (g: Builder) => Value, device = "cpu"): string[] {
  const g = new Builder("case");
  g.output(build(g));
  return runPasses(g.graph, lower(device)).nodes.map((n) => n.type);
}

const input = (g: Builder, name: string, ...dims: (number | string)[]) => g.input(name, "float32", dims);

/** The weights' gradient of a Conv as its rule writes it. */
function weights(g: Builder, c: number, m: number, group = 1): Value {
  const swap = [1, 0, 2, 3];
  const large = input(g, "x", "B", c, 6, 6);
  const small = input(g, "dy", "B", m, 4, 4);
  const parts = () => g.reshape(g.transpose(g.reshape(large, [-1, group, c / group, 6, 6]), [2, 1, 0, 3, 4]), [c / group, -1, 6, 6]);
  const swapped = group === 1 ? g.transpose(large, swap) : parts();
  return g.transpose(g.op("Conv", [swapped, g.transpose(small, swap)], { ...(group > 1 && { group }) }), swap);
}

describe("clean-ups", () => {
  test("two transposes are one, or none", () => {
    expect(types((g) => g.transpose(g.transpose(input(g, "x", 2, 3, "B"), [2, 0, 1]), [1, 2, 0]))).toEqual(["Identity"]);
    expect(types((g) => g.transpose(g.transpose(input(g, "x", 2, 3, 4), [2, 0, 1]), [2, 0, 1]))).toEqual(["Transpose"]);
  });
  test("of two reshapes the last counts", () => {
    expect(types((g) => g.relu(g.reshape(g.reshape(input(g, "x", "B", 6), [-1]), [-1, 3])))).toEqual(["Reshape", "Relu"]);
    expect(types((g) => g.relu(g.reshape(g.unsqueeze(input(g, "x", 2, 6), [0]), [2, 6])))).toEqual(["Relu"]);
  });
  test("a zero in a shape is a length of its input, which stays", () => {
    expect(types((g) => g.reshape(g.reshape(input(g, "x", "B", 6), [-1, 3]), [0, 1, 3]))).toEqual(["Reshape", "Reshape"]);
  });
  test("factors of one and terms of zero go, unless they stretch", () => {
    expect(types((g) => g.relu(g.mul(input(g, "x", 2), g.constant(fromNumbers("float32", [2], [1, 1])))))).toEqual(["Relu"]);
    expect(types((g) => g.mul(input(g, "x", 2), g.constant(fromNumbers("float32", [1, 2], [1, 1]))))).toEqual(["Mul"]);
    expect(types((g) => g.relu(g.add(input(g, "x", 2), g.zerosLike(input(g, "like", 2)))))).toEqual(["Relu"]);
    expect(types((g) => g.relu(g.sub(0, input(g, "x", 2))))).toEqual(["Sub", "Relu"]);
  });
  test("what follows from zeros is zeros", () => {
    expect(types((g) => g.add(input(g, "x", 2), g.neg(g.mul(input(g, "v", 2), g.zerosLike(input(g, "like", 2))))))).toEqual(["Identity"]);
  });
  test("what an operator stretches by itself is not stretched before", () => {
    expect(types((g) => g.mul(input(g, "x", 2, 3), g.expand(input(g, "small", 1, 3), [2, 3])))).toEqual(["Mul"]);
    expect(types((g) => g.mul(input(g, "x", 1, 3), g.expand(input(g, "small", 1, 3), [2, 3])))).toEqual(["Expand", "Mul"]);
  });
  test("equal nodes are made once", () => {
    const twice = (g: Builder) => {
      const x = input(g, "x", 2, 3);
      return g.add(g.transpose(g.transpose(g.exp(x), [1, 0]), [1, 0]), g.exp(g.transpose(g.transpose(x, [1, 0]), [1, 0])));
    };
    expect(types(twice)).toEqual(["Exp", "Add"]);
  });
  test("an output is named, not copied", () => {
    expect(types((g) => g.transpose(g.transpose(g.exp(input(g, "x", 2, 3)), [1, 0]), [1, 0]))).toEqual(["Exp"]);
  });
});

describe("forms", () => {
  test("weights of wide layers: a product for each place; of a first layer: the convolution; depthwise: sums", () => {
    expect(types((g) => weights(g, 16, 8)).filter((t) => t === "Gemm")).toHaveLength(9);
    expect(types((g) => weights(g, 8, 8)).filter((t) => t === "Gemm")).toHaveLength(1);
    expect(types((g) => weights(g, 3, 8))).toContain("Conv");
    expect(types((g) => weights(g, 4, 4, 4)).filter((t) => t === "ReduceSum")).toHaveLength(10);
    expect(types((g) => weights(g, 8, 8, 2))).not.toContain("Conv");
  });
  test("small images under many weights: one product for the batch; else the runtime's convolution", () => {
    const conv = (side: number) => (g: Builder) =>
      g.op("Conv", [input(g, "x", "B", 64, side, side), input(g, "w", 64, 64, 3, 3)], { pads: [1, 1, 1, 1] });
    expect(types(conv(2))).toContain("MatMul");
    expect(types(conv(4))).toEqual(["Conv"]);
    expect(types(conv(2), "webgpu")).toEqual(["Conv"]);
    const back = (side: number) => (g: Builder) =>
      g.op("ConvTranspose", [input(g, "dy", "B", 64, side, side), input(g, "w", 64, 64, 3, 3)], { pads: [1, 1, 1, 1] });
    expect(types(back(4))).toContain("Col2Im");
    expect(types(back(8))).toEqual(["ConvTranspose"]);
  });
  test("tiling windows are undone by repeating", () => {
    const ones = (g: Builder) => g.constant(fromNumbers("float32", [1, 1, 2, 2], [1, 1, 1, 1]));
    expect(types((g) => g.op("ConvTranspose", [input(g, "x", "B", 1, 3, 3), ones(g)], { strides: [2, 2] }))).toEqual(["Resize"]);
    expect(types((g) => g.op("ConvTranspose", [input(g, "x", "B", 1, 3, 3), ones(g)], { strides: [1, 1] }))).toEqual(["ConvTranspose"]);
  });
  test("WebGPU gets no transposed convolution in three dimensions", () => {
    const volume = (g: Builder) =>
      g.op("ConvTranspose", [input(g, "x", "B", 2, 3, 3, 3), input(g, "w", 2, 4, 2, 2, 2)], { strides: [2, 2, 2] });
    expect(types(volume)).toEqual(["ConvTranspose"]);
    expect(types(volume, "webgpu")).not.toContain("ConvTranspose");
  });
  test("a column sum is a product with ones", () => {
    expect(types((g) => g.reduceSum(input(g, "x", 8, 4), { axes: [0], keepdims: false }))).toContain("MatMul");
    expect(types((g) => g.reduceSum(input(g, "x", 8, 4), { axes: [1], keepdims: false }))).toEqual(["ReduceSum"]);
  });
  test("short tables by one-hot products, long ones by scattering", () => {
    const table = (rows: number) => (g: Builder) => {
      const at = g.unsqueeze(g.input("at", "int64", ["B"]), [-1]);
      return g.op("ScatterND", [g.zerosLike(input(g, "t", rows, 3)), at, input(g, "dy", "B", 3)], { reduction: "add" });
    };
    expect(types(table(64))).toContain("OneHot");
    expect(types(table(65))).toContain("ScatterND");
  });
});

test("each lowering tells what it was measured by, and looks at an operator", () => {
  for (const { name, at, measured } of lowerings) {
    expect(at.length, name).toBeGreaterThan(0);
    expect(measured.length, name).toBeGreaterThan(15);
  }
  expect(new Set(lowerings.map((l) => l.name)).size).toBe(lowerings.length);
});

test("the given graph is left alone, inner graphs and all", () => {
  const g = new Builder("outer");
  const x = g.input("x", "float32", [2]);
  const kept = g.mul(g.constant(int64([1], [1]), "one"), g.cast(x, "int64"));
  g.output(kept, "y");
  const before = JSON.stringify(nodesOf(g.graph));
  expect(runPasses(g.graph, lower("cpu")).nodes.map((n) => n.type)).toEqual(["Cast"]);
  expect(JSON.stringify(nodesOf(g.graph))).toBe(before);
});

const nodesOf = (graph: Graph) => graph.nodes;
