// Older operator sets as ours, shape arithmetic reckoned beforehand, equal nodes made one. Each case is run before and after.
import { afterAll, describe, expect, test } from "vitest";
import { type Attribute, Graph, type Node } from "../onnx/graph.ts";
import { printGraph } from "../onnx/print.ts";
import { openEngine } from "../run/engine.ts";
import { fromNumbers, int64, type Tensor, toNumbers } from "../tensor.ts";
import { dedupe } from "./dedupe.ts";
import { fold } from "./fold.ts";
import { normalize } from "./normalize.ts";
import { runPasses } from "./pass.ts";

const engine = await openEngine("cpu", { threads: 1 });
afterAll(() => engine.dispose());

type Plain = Omit<Partial<Node>, "attrs"> & { type: string; attrs?: Record<string, Attribute> };
const ints = (...value: number[]): Attribute => ({ type: "ints", value });
const int = (value: number): Attribute => ({ type: "int", value });
const float = (value: number): Attribute => ({ type: "float", value });

/** x (float32, dims) → y through the nodes, in an operator set. */
function graphOf(version: number, dims: (number | string)[], nodes: Plain[], constants: Record<string, Tensor> = {}): Graph {
  const graph = new Graph("old");
  graph.opsets.set("", version);
  graph.addInput({ name: "x", dtype: "float32", dims });
  for (const [name, value] of Object.entries(constants)) graph.addInitializer(name, value);
  for (const node of nodes) graph.addNode({ inputs: ["x"], outputs: ["y"], ...node });
  graph.addOutput({ name: "y", dtype: "float32", dims: [] });
  return graph;
}

async function run(graph: Graph, x: Tensor): Promise<number[]> {
  const session = await engine.load(graph);
  const out = await session.run({ x });
  await session.dispose();
  return toNumbers(out["y"]!);
}

const numbers = (...dims: number[]): Tensor =>
  fromNumbers(
    "float32",
    dims,
    Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i * 1.7) * 2),
  );

describe("the same numbers as the older operator set", () => {
  const cases: [string, number, number[], Plain[], Record<string, Tensor>?][] = [
    ["Squeeze 11", 11, [2, 1, 3], [{ type: "Squeeze", attrs: { axes: ints(1) } }]],
    ["Unsqueeze 11", 11, [2, 3], [{ type: "Unsqueeze", attrs: { axes: ints(0, -1) } }]],
    ["ReduceSum 11", 11, [2, 3], [{ type: "ReduceSum", attrs: { axes: ints(1), keepdims: int(0) } }]],
    ["ReduceMean 13", 13, [2, 3, 4], [{ type: "ReduceMean", attrs: { axes: ints(-1) } }]],
    ["Split 11", 11, [2, 5], [{ type: "Split", outputs: ["a", "y"], attrs: { axis: int(1), split: ints(2, 3) } }]],
    ["Split 13 without lengths", 13, [2, 6], [{ type: "Split", outputs: ["a", "y"], attrs: { axis: int(1) } }]],
    ["Slice 9", 9, [4, 5], [{ type: "Slice", attrs: { starts: ints(1, -3), ends: ints(3, 1000), axes: ints(0, 1) } }]],
    ["Pad 9", 9, [2, 3], [{ type: "Pad", attrs: { pads: ints(1, 0, 0, 2), value: float(0.5) } }]],
    ["Clip 8", 8, [2, 3], [{ type: "Clip", attrs: { min: float(-0.5), max: float(1) } }]],
    ["Dropout 9", 9, [2, 3], [{ type: "Dropout", attrs: { ratio: float(0.9) } }]],
    ["Softmax 11 over two axes", 11, [2, 3, 4], [{ type: "Softmax" }]],
    ["LogSoftmax 11 over the last", 11, [2, 3, 4], [{ type: "LogSoftmax", attrs: { axis: int(2) } }]],
    ["Flatten", 11, [2, 3, 4], [{ type: "Flatten", attrs: { axis: int(2) } }]],
    [
      "Constant of floats",
      13,
      [2],
      [
        { type: "Constant", inputs: [], outputs: ["c"], attrs: { value_floats: { type: "floats", value: [1, 2] } } },
        { type: "Mul", inputs: ["x", "c"] },
      ],
    ],
  ];
  test.each(cases)("%s", async (_, version, dims, nodes, constants) => {
    const old = graphOf(version, dims, nodes, constants);
    const before = printGraph(old);
    const graph = runPasses(old, normalize());
    expect(graph.opsets.get("")).toBe(21);
    const x = numbers(...dims);
    expect(await run(graph, x)).toEqual(await run(old, x));
    expect(printGraph(old)).toBe(before);
    const [y] = graph.outputs;
    expect(y!.dims.every((d) => typeof d === "number")).toBe(true);
  });
});

/** What PyTorch's exporter writes for x.view(x.size(0), 2, -1). */
const view: Plain[] = [
  { type: "Shape", outputs: ["s"] },
  { type: "Gather", inputs: ["s", "zero"], outputs: ["b"], attrs: { axis: int(0) } },
  { type: "Unsqueeze", inputs: ["b", "first"], outputs: ["b1"] },
  { type: "Concat", inputs: ["b1", "two", "rest"], outputs: ["shape"], attrs: { axis: int(0) } },
  { type: "Reshape", inputs: ["x", "shape"] },
];
const shapes = { zero: int64([], [0]), first: int64([1], [0]), two: int64([1], [2]), rest: int64([1], [-1]) };

describe("shape arithmetic", () => {
  test("around a symbolic length becomes one constant shape", async () => {
    const graph = runPasses(graphOf(13, ["batch", 6], view, shapes), normalize());
    expect(graph.nodes.map((n) => n.type)).toEqual(["Reshape"]);
    expect(graph.outputs[0]!.dims).toEqual(["batch", 2, 3]);
    expect(await run(graph, numbers(3, 6))).toEqual(toNumbers(numbers(3, 6)));
  });

  test("is numbers when the length is fixed on request; one that is not there is named", () => {
    const graph = runPasses(graphOf(13, ["batch", 6], view, shapes), normalize({ sizes: { batch: 4 } }));
    expect(graph.inputs[0]!.dims).toEqual([4, 6]);
    expect(graph.outputs[0]!.dims).toEqual([4, 2, 3]);
    expect(() => runPasses(graphOf(13, ["batch", 6], view, shapes), normalize({ sizes: { bach: 4 } }))).toThrow("'bach'");
    expect(runPasses(graphOf(13, ["?x.0", 6], view, shapes), normalize({ sizes: { "x.0": 4 } })).inputs[0]!.dims).toEqual([4, 6]);
  });

  test("reckons a length that is left open beside a symbolic one", () => {
    const nodes: Plain[] = [
      { type: "Transpose", outputs: ["turned"], attrs: { perm: { type: "ints", value: [0, 2, 1, 3] } } },
      { type: "Shape", outputs: ["s"] },
      { type: "Gather", inputs: ["s", "one"], outputs: ["t"], attrs: { axis: int(0) } },
      { type: "Unsqueeze", inputs: ["t", "first"], outputs: ["t1"] },
      { type: "Concat", inputs: ["rest", "t1", "two"], outputs: ["shape"], attrs: { axis: int(0) } },
      { type: "Reshape", inputs: ["turned", "shape"] },
    ];
    const graph = runPasses(graphOf(13, ["batch", "time", 4, 2], nodes, { ...shapes, one: int64([], [1]) }), normalize());
    expect(graph.outputs[0]!.dims).toEqual(["batch*4", "time", 2]);
  });

  test("folds the same in a graph that is normalised already", () => {
    const graph = runPasses(graphOf(21, ["B", 6], view, shapes), fold);
    expect(graph.nodes.map((n) => n.type)).toEqual(["Reshape"]);
  });

  test("names of lengths that could be mistaken for numbers or sums are made plain", () => {
    const graph = runPasses(graphOf(13, ["3", 6], [{ type: "Relu" }]), normalize());
    expect(graph.inputs[0]!.dims).toEqual(["n3", 6]);
    expect(runPasses(graphOf(13, ["a*b", 6], [{ type: "Relu" }]), normalize()).inputs[0]!.dims).toEqual(["a_b", 6]);
  });
});

test("equal nodes become one, and what reads them too", () => {
  const nodes: Plain[] = [
    { type: "Exp", outputs: ["a"] },
    { type: "Exp", outputs: ["b"] },
    { type: "Neg", inputs: ["a"], outputs: ["c"] },
    { type: "Neg", inputs: ["b"], outputs: ["d"] },
    { type: "Add", inputs: ["c", "d"] },
  ];
  const graph = runPasses(graphOf(21, ["B", 6], nodes), normalize(), dedupe);
  expect(graph.nodes.map((n) => [n.type, n.inputs])).toEqual([
    ["Exp", ["x"]],
    ["Neg", ["a"]],
    ["Add", ["c", "c"]],
  ]);
});

test("errors name the node, its operator and its shapes", () => {
  const wrong = graphOf(13, ["B", 6], [{ type: "MatMul", name: "layer/7", inputs: ["x", "w"] }], { w: numbers(5, 2) });
  expect(() => runPasses(wrong, normalize())).toThrow(/Node 'layer\/7' \(MatMul of float32\[B, 6\], float32\[5, 2\]\)/);
  expect(() => runPasses(graphOf(13, ["B"], [{ type: "Frobnicate", name: "odd" }]), normalize())).toThrow(/'odd'.*Frobnicate is not known/);
});

test("floats that only set how a node works are not trained", () => {
  const graph = graphOf(
    13,
    ["B", 6],
    [
      { type: "Mul", inputs: ["x", "w"], outputs: ["m"] },
      { type: "Dropout", inputs: ["m", "ratio"] },
    ],
  );
  graph.addInitializer("w", numbers(6), { trainable: true });
  graph.addInitializer("ratio", fromNumbers("float32", [], [0.3]), { trainable: true });
  expect(runPasses(graph, normalize()).parameters).toEqual(["w"]);
});
