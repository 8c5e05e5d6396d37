import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { AppError } from "../../ipc/error.ts";
import { Builder } from "../ops/builder.ts";
import { inferGraph } from "../ops/infer.ts";
import { OrtEngine } from "../run/onnxruntime.ts";
import { type DType, dtypes, float32, fromNumbers, int64, strings, toNumbers } from "../tensor.ts";
import { check, sortNodes } from "./check.ts";
import { Graph } from "./graph.ts";
import { printGraph } from "./print.ts";
import { decodeModel, encodeModel } from "./proto.ts";

function sample(): Graph {
  const g = new Builder("sample");
  const x = g.input("x", "float32", ["B", 3]);
  const w = g.parameter("w", [3, 2], Float32Array.of(1, 2, 3, 4, 5, 6));
  const y = g.softmax(g.mul(g.matmul(x, w), 0.5), { axis: 1 });
  g.output(g.reshape(y, [-1, 2, 1]), "y");
  g.output(
    g.op(
      "LabelEncoder",
      [g.input("word", "string", ["B", 1])],
      { keys_strings: ["a", "é"], values_int64s: [1, 2], default_int64: -1 },
      { domain: "ai.onnx.ml" },
    ),
    "code",
  );
  g.graph.metadata.set("paddock", '{"é":1}');
  return g.graph;
}

const engine = new OrtEngine("cpu", { threads: 1 });
afterAll(() => engine.dispose());

test("a graph comes back from its bytes as it was", () => {
  const graph = sample();
  const again = decodeModel(encodeModel(graph));
  expect(again.parameters).toEqual(["w"]); // the 0.5 is a Constant node in the file, so it is not taken for a parameter
  expect(again.metadata.get("paddock")).toBe('{"é":1}');
  inferGraph(again);
  check(again);
  expect(printGraph(again).split("\n").sort()).toEqual(printGraph(graph).split("\n").sort());
});

test("the runtime reads what we write", async () => {
  const session = await engine.load(encodeModel(sample()));
  expect(session.inputs.map((i) => [i.name, i.dtype, i.dims])).toEqual([
    ["x", "float32", ["B", 3]],
    ["word", "string", ["B", 1]],
  ]);
  for (const rows of [1, 4]) {
    const out = await session.run({
      x: float32([rows, 3], Array.from({ length: 3 * rows }, Number)),
      word: strings(
        [rows, 1],
        Array.from({ length: rows }, () => "é"),
      ),
    });
    expect(out["y"]!.dims).toEqual([rows, 2, 1]);
    expect(toNumbers(out["code"]!)).toEqual(Array.from({ length: rows }, () => 2));
  }
});

test("every dtype survives, with its extremes", () => {
  for (const dtype of dtypes) {
    const graph = new Graph(dtype);
    const value = dtype === "string" ? strings([2], ["", "中"]) : fromNumbers(dtype as DType, [2], [0, 1]);
    graph.addInitializer("v", value);
    graph.addOutput({ name: "v", dtype: dtype as DType, dims: [2] });
    expect(decodeModel(encodeModel(graph)).initializers.get("v")).toEqual(value);
  }
  const graph = new Graph();
  graph.addInitializer("v", int64([2], [Infinity, -Infinity]));
  expect(decodeModel(encodeModel(graph)).initializers.get("v")!.data).toEqual(BigInt64Array.of(2n ** 63n - 1n, -(2n ** 63n)));
});

test("the text form is stable", () => {
  expect(printGraph(sample())).toMatchInlineSnapshot(`
    "sample(x: float32[B, 3], word: string[B, 1]) → y: float32[B, 2, 1], code: int64[B, 1]
      param w: float32[3, 2]
      const c: float32[] = 0.5
      const c_1: int64[3] = [-1, 2, 1]
      MatMul: float32[B, 2] = MatMul(x, w)
      Mul: float32[B, 2] = Mul(MatMul, c)
      Softmax: float32[B, 2] = Softmax(Mul) {axis: 1}
      Reshape: float32[B, 2, 1] = Reshape(Softmax, c_1)
      y: float32[B, 2, 1] = Identity(Reshape)
      LabelEncoder: int64[B, 1] = ai.onnx.ml.LabelEncoder(word) {keys_strings: [a, é], values_int64s: [1, 2], default_int64: -1}
      code: int64[B, 1] = Identity(LabelEncoder)
    "
  `);
});

describe("check and sort", () => {
  test("nodes out of order are put in order, a circle is refused", () => {
    const graph = new Graph();
    graph.addInput({ name: "x", dtype: "float32", dims: [1] });
    graph.addNode({ type: "Neg", inputs: ["a"], outputs: ["b"] });
    graph.addNode({ type: "Abs", inputs: ["x"], outputs: ["a"] });
    graph.addOutput({ name: "b", dtype: "float32", dims: [1] });
    expect(() => check(graph)).toThrow("Neg 'b' uses 'a', which nothing before it defines");
    sortNodes(graph);
    check(graph);
    graph.addNode({ type: "Add", inputs: ["p", "q"], outputs: ["q"] });
    expect(() => sortNodes(graph)).toThrow("waits for itself");
  });

  test("a name cannot be defined twice", () => {
    const graph = new Graph();
    graph.addInput({ name: "x", dtype: "float32", dims: [1] });
    expect(() => graph.addNode({ type: "Neg", inputs: ["x"], outputs: ["x"] })).toThrow("defines 'x' twice");
  });
});

describe("hostile bytes", () => {
  const bytes = encodeModel(sample());
  const modelInvalid = (data: Uint8Array) => {
    try {
      const graph = decodeModel(data);
      sortNodes(graph);
      check(graph);
      inferGraph(graph);
      printGraph(graph);
    } catch (thrown) {
      if (!(thrown instanceof AppError)) throw thrown;
      expect(["modelInvalid", "operatorUnknown", "shapeMismatch"]).toContain(thrown.code);
    }
  };

  test("cut off anywhere", () => {
    for (let i = 0; i < bytes.length; i++) modelInvalid(bytes.subarray(0, i));
  });

  test("changed bytes", () => {
    const edits = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(edits, (changes) => {
        const data = bytes.slice();
        for (const [at, value] of changes) data[at] = value;
        modelInvalid(data);
      }),
      { numRuns: 3000, seed: 1 },
    );
  });

  test("noise, and pieces put in the wrong place", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), modelInvalid), { numRuns: 1000, seed: 2 });
    fc.assert(
      fc.property(fc.nat(bytes.length), fc.nat(bytes.length), fc.nat(bytes.length), (a, b, c) => {
        const [from, to] = [Math.min(a, b), Math.max(a, b)];
        modelInvalid(Uint8Array.from([...bytes.subarray(0, c), ...bytes.subarray(from, to), ...bytes.subarray(c)]));
      }),
      { numRuns: 1000, seed: 3 },
    );
  });

  test("what it says: an empty file, text, no operator set", () => {
    expect(() => decodeModel(new Uint8Array())).toThrow("has no graph");
    expect(() => decodeModel(new TextEncoder().encode("a,b\n1,2\n"))).toThrow(AppError);
  });
});
