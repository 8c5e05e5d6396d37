// Forms in which tf2onnx writes networks: convolutions between transpositions (NHWC), a recurrent cell as a Loop over the steps of its input,
// Upsample of older operator sets. Results against the runtime's own, gradients against differences.
import { afterAll, expect, test } from "vitest";
import { type Attribute, type Dim, Graph } from "../../worker/onnx/graph.ts";
import { seeded } from "../../worker/ops/samples.ts";
import { normalize } from "../../worker/passes/normalize.ts";
import { runPasses } from "../../worker/passes/pass.ts";
import { openEngine } from "../../worker/run/engine.ts";
import { bools, float32, int64, scalar, sizeOf, type Tensor, toNumbers } from "../../worker/tensor.ts";
import { gradientGraph } from "../../worker/train/gradientGraph.ts";

const engine = await openEngine("cpu", { threads: 1 });
afterAll(() => engine.dispose());

const int = (value: number): Attribute => ({ type: "int", value });
const ints = (...value: number[]): Attribute => ({ type: "ints", value });
const random = seeded(9);
const normal = (...dims: number[]): Tensor =>
  float32(
    dims,
    Array.from({ length: sizeOf(dims) }, () => random() * 2 - 1),
  );
const nodesOf = (g: Graph, nodes: [string, string[], string[], Record<string, Attribute>?][]): void => {
  for (const [type, inputs, outputs, attrs] of nodes) g.addNode({ type, inputs, outputs, ...(attrs && { attrs }) });
};

/** Loss and every gradient of the graph, against the graph itself and differences of its loss. */
async function compare(graph: Graph, x: Tensor): Promise<void> {
  const plain = runPasses(graph, normalize());
  const wanted = [...plain.parameters, "x"];
  const [own, ours] = [await engine.load(graph), await engine.load(gradientGraph(plain, { loss: "loss", wrt: wanted }))];
  const lossOf = async (feeds: Record<string, Tensor>) => toNumbers((await ours.run(feeds))["loss"]!)[0]!;
  expect(await lossOf({ x })).toBeCloseTo(toNumbers((await own.run({ x }))["loss"]!)[0]!, 5);
  const found = await ours.run({ x });
  const at = toNumbers(x);
  for (const i of [0, 3, at.length - 1]) {
    const moved = (shift: number) => ({
      x: float32(
        x.dims,
        at.map((v, j) => (i === j ? v + shift : v)),
      ),
    });
    const slope = ((await lossOf(moved(1e-2))) - (await lossOf(moved(-1e-2)))) / 2e-2;
    expect(toNumbers(found["grad:x"]!)[i], `x[${i}]`).toBeCloseTo(slope, 3);
  }
  for (const name of plain.parameters) {
    const values = plain.initializers.get(name)!;
    const shifted = async (shift: number) => {
      const copy = plain.clone();
      copy.setInitializer(
        name,
        float32(
          values.dims,
          toNumbers(values).map((v, j) => (j === 0 ? v + shift : v)),
        ),
      );
      const session = await engine.load(copy);
      const out = await session.run({ x });
      await session.dispose();
      return toNumbers(out["loss"]!)[0]!;
    };
    const slope = ((await shifted(1e-2)) - (await shifted(-1e-2))) / 2e-2;
    expect(toNumbers(found[`grad:${name}`]!)[0], name).toBeCloseTo(slope, 3);
  }
  await own.dispose();
  await ours.dispose();
}

test("convolutions of channels last, biases by Add, pooling, and a Reshape by what Shape says", async () => {
  const g = new Graph("nhwc");
  g.opsets.set("", 13);
  g.addInput({ name: "x", dtype: "float32", dims: ["unk__1", 6, 6, 2] });
  g.addInitializer("kernel", normal(4, 2, 3, 3), { trainable: true });
  g.addInitializer("bias", normal(4), { trainable: true });
  g.addInitializer("dense", normal(36, 3), { trainable: true });
  for (const [name, value] of Object.entries({ zero: 0, one: 1, last: -1 })) g.addInitializer(name, int64([1], [value]));
  nodesOf(g, [
    ["Transpose", ["x"], ["x0"], { perm: ints(0, 3, 1, 2) }],
    ["Conv", ["x0", "kernel"], ["c"], { auto_pad: { type: "string", value: "SAME_UPPER" }, kernel_shape: ints(3, 3), strides: ints(1, 1), group: int(1), dilations: ints(1, 1) }],
    ["Transpose", ["c"], ["c1"], { perm: ints(0, 2, 3, 1) }],
    ["Add", ["c1", "bias"], ["b"]],
    ["Relu", ["b"], ["r"]],
    ["Transpose", ["r"], ["r1"], { perm: ints(0, 3, 1, 2) }],
    ["MaxPool", ["r1"], ["m"], { kernel_shape: ints(2, 2), strides: ints(2, 2), auto_pad: { type: "string", value: "VALID" } }],
    ["Transpose", ["m"], ["m1"], { perm: ints(0, 2, 3, 1) }],
    ["Shape", ["m1"], ["s"]],
    ["Cast", ["s"], ["s32"], { to: int(6) }],
    ["Slice", ["s32", "zero", "one", "zero"], ["batch"]],
    ["Cast", ["batch"], ["batch64"], { to: int(7) }],
    ["Concat", ["batch64", "last"], ["shape"], { axis: int(0) }],
    ["Reshape", ["m1", "shape"], ["flat"]],
    ["MatMul", ["flat", "dense"], ["y"]],
    ["Tanh", ["y"], ["t"]],
    ["ReduceMean", ["t"], ["loss"], { keepdims: int(0) }],
  ]); // prettier-ignore
  g.addOutput({ name: "loss", dtype: "float32", dims: [] });
  await compare(g, normal(2, 6, 6, 2));
});

test("a recurrent cell as a Loop over the steps of its input", async () => {
  const g = new Graph("while");
  g.opsets.set("", 12);
  g.addInput({ name: "x", dtype: "float32", dims: ["batch", 4, 3] });
  g.addInitializer("kernel", normal(3, 5), { trainable: true });
  g.addInitializer("recurrent", normal(5, 5), { trainable: true });
  g.addInitializer("bias", normal(5), { trainable: true });
  for (const [name, value] of Object.entries({ first: 0, second: 1, width: 5 })) g.addInitializer(name, int64([1], [value]));
  g.addInitializer("zero", scalar(0, "int32"));
  g.addInitializer("one", scalar(1, "int32"));
  g.addInitializer("most", int64([], [2 ** 31 - 1]));
  g.addInitializer("go", bools([], [true]));
  const body = new Graph("body");
  for (const [name, dtype, dims] of [["i", "int64", []], ["cond", "bool", []], ["time", "int32", []], ["h", "float32", ["batch", 5]]] as [string, Tensor["dtype"], Dim[]][]) body.addInput({ name, dtype, dims }); // prettier-ignore
  nodesOf(body, [
    ["Gather", ["major", "time"], ["step"], { axis: int(0) }],
    ["MatMul", ["step", "kernel"], ["a"]],
    ["MatMul", ["h", "recurrent"], ["b"]],
    ["Add", ["a", "b"], ["ab"]],
    ["Add", ["ab", "bias"], ["abc"]],
    ["Tanh", ["abc"], ["h2"]],
    ["Add", ["time", "one"], ["time2"]],
    ["Less", ["time2", "length"], ["more"]],
    ["Identity", ["h2"], ["out"]],
  ]);
  for (const [name, dtype, dims] of [["more", "bool", []], ["time2", "int32", []], ["h2", "float32", ["batch", 5]], ["out", "float32", ["batch", 5]]] as [string, Tensor["dtype"], Dim[]][]) body.addOutput({ name, dtype, dims }); // prettier-ignore
  nodesOf(g, [
    ["Transpose", ["x"], ["major"], { perm: ints(1, 0, 2) }],
    ["Shape", ["x"], ["shape"]],
    ["Slice", ["shape", "second", "two", "first"], ["steps"]],
    ["Cast", ["steps"], ["steps32"], { to: int(6) }],
    ["Squeeze", ["steps32"], ["length"], { axes: ints(0) }],
    ["Slice", ["shape", "first", "second", "first"], ["batch"]],
    ["Concat", ["batch", "width"], ["state"], { axis: int(0) }],
    ["ConstantOfShape", ["state"], ["begin"]],
    ["Loop", ["most", "go", "zero", "begin"], ["time_end", "last", "all"], { body: { type: "graph", value: body } }],
    ["Transpose", ["all"], ["rows"], { perm: ints(1, 0, 2) }],
    ["ReduceSum", ["rows"], ["sums"], { axes: ints(1), keepdims: int(0) }],
    ["Mul", ["sums", "last"], ["y"]],
    ["ReduceMean", ["y"], ["loss"], { keepdims: int(0) }],
  ]);
  g.addInitializer("two", int64([1], [2]));
  g.addOutput({ name: "loss", dtype: "float32", dims: [] });
  await compare(g, normal(2, 4, 3));
});

test.each([
  ["an attribute", 7],
  ["an input", 9],
])("Upsample with its scales as %s", async (_, version) => {
  const g = new Graph("up");
  g.opsets.set("", version);
  g.addInput({ name: "x", dtype: "float32", dims: [1, 2, 3, 3] });
  g.addInitializer("w", normal(1, 2, 6, 6), { trainable: true });
  const mode: Attribute = { type: "string", value: "nearest" };
  if (version === 7)
    g.addNode({ type: "Upsample", inputs: ["x"], outputs: ["u"], attrs: { mode, scales: { type: "floats", value: [1, 1, 2, 2] } } }); // prettier-ignore
  else {
    g.addInitializer("scales", float32([4], [1, 1, 2, 2]), { trainable: true });
    g.addNode({ type: "Upsample", inputs: ["x", "scales"], outputs: ["u"], attrs: { mode } });
  }
  nodesOf(g, [
    ["Mul", ["u", "w"], ["p"]],
    ["Tanh", ["p"], ["t"]],
    ["ReduceMean", ["t"], ["loss"], { keepdims: int(0) }],
  ]);
  g.addOutput({ name: "loss", dtype: "float32", dims: [] });
  const plain = runPasses(g, normalize());
  expect([plain.nodes.map((n) => n.type).includes("Resize"), plain.parameters]).toEqual([true, ["w"]]);
  await compare(g, normal(1, 2, 3, 3));
});
