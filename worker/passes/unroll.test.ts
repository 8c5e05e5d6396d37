// Loops made straight give what the runtime gives for them, and can then be differentiated.
import { afterAll, expect, test } from "vitest";
import { AppError } from "../../ipc/error.ts";
import { type Attributes, type Dim, Graph } from "../onnx/graph.ts";
import { Builder } from "../ops/builder.ts";
import { OrtEngine } from "../run/onnxruntime.ts";
import { bools, type DType, float32, int64, scalar, type Tensor, toNumbers } from "../tensor.ts";
import { gradients } from "../train/gradient.ts";
import { normalize } from "./normalize.ts";
import { runPasses } from "./pass.ts";

const engine = new OrtEngine("cpu", { threads: 1 });
afterAll(() => engine.dispose());

const unroll = (g: Graph): Graph => runPasses(g, normalize());
const graph = (value: Graph) => ({ type: "graph" as const, value });
const int = (value: number) => ({ type: "int" as const, value });
const ints = (...value: number[]) => ({ type: "ints" as const, value });

/** An inner graph: [name, dtype, dims] of inputs and outputs, nodes as [type, inputs, output, attrs]. */
function body(
  inputs: [string, DType, Dim[]][],
  nodes: [string, string[], string, Attributes?][],
  outputs: [string, DType, Dim[]][],
): Graph {
  const g = new Graph("body");
  for (const [name, dtype, dims] of inputs) g.addInput({ name, dtype, dims });
  for (const [type, from, to, attrs] of nodes) g.addNode({ type, inputs: from, outputs: [to], ...(attrs && { attrs }) });
  for (const [name, dtype, dims] of outputs) g.addOutput({ name, dtype, dims });
  return g;
}

async function run(g: Graph, feeds: Record<string, Tensor>): Promise<Record<string, number[]>> {
  const session = await engine.load(g);
  const out = await session.run(feeds);
  await session.dispose();
  return Object.fromEntries(Object.entries(out).map(([name, t]) => [name, toNumbers(t)]));
}

/** x · w three times over, each round kept: `y` last, `all` (3, 2). */
function loop(count: "constant" | "input", stop?: number): Graph {
  const g = new Graph("loop");
  g.addInput({ name: "x", dtype: "float32", dims: [2] });
  if (count === "input") g.addInput({ name: "n", dtype: "int64", dims: [] });
  else g.addInitializer("n", int64([], [3]));
  g.addInitializer("w", float32([2], [2, 3]), { trainable: true });
  g.addInitializer("go", bools([], [true]));
  g.addInitializer("limit", int64([], [stop ?? 99]));
  const inner = body(
    [["i", "int64", []], ["c", "bool", []], ["h", "float32", [2]]], // prettier-ignore
    [["Mul", ["h", "w"], "h2"], ["Less", ["i", "limit"], "c2"], ["Identity", ["h2"], "row"]], // prettier-ignore
    [["c2", "bool", []], ["h2", "float32", [2]], ["row", "float32", [2]]], // prettier-ignore
  );
  g.addNode({ type: "Loop", name: "rounds", inputs: ["n", "go", "x"], outputs: ["y", "all"], attrs: { body: graph(inner) } });
  g.addOutput({ name: "y", dtype: "float32", dims: [2] });
  g.addOutput({ name: "all", dtype: "float32", dims: ["T", 2] });
  return g;
}
const x = float32([2], [1, -1]);

test("a Loop of known length, also one that stops itself", async () => {
  for (const stop of [undefined, 1]) {
    const straight = unroll(loop("constant", stop));
    expect(straight.nodes.map((n) => n.type)).not.toContain("Loop");
    expect(await run(straight, { x })).toEqual(await run(loop("constant", stop), { x }));
  }
});

test("the gradient goes through every round", async () => {
  const g = new Builder(unroll(loop("constant")));
  const loss = g.reduceSum(g.value("y"), { keepdims: false });
  g.output(gradients(g, loss, ["w"]).get("w")!, "dw");
  expect((await run(g.graph, { x }))["dw"]).toEqual([3 * 4, -3 * 9]); // d(x w³)/dw = 3 x w²
});

test("a Scan, also backwards", async () => {
  for (const back of [0, 1]) {
    const g = new Graph("scan");
    g.addInput({ name: "x", dtype: "float32", dims: [3, 2] });
    g.addInitializer("start", float32([2], [0, 1]));
    const inner = body(
      [["h", "float32", [2]], ["row", "float32", [2]]], // prettier-ignore
      [["Add", ["h", "row"], "s"], ["Tanh", ["s"], "h2"], ["Identity", ["h2"], "out"]], // prettier-ignore
      [["h2", "float32", [2]], ["out", "float32", [2]]], // prettier-ignore
    );
    const attrs = { body: graph(inner), num_scan_inputs: int(1), scan_input_directions: ints(back), scan_output_axes: ints(1) };
    g.addNode({ type: "Scan", inputs: ["start", "x"], outputs: ["last", "all"], attrs });
    g.addOutput({ name: "last", dtype: "float32", dims: [2] });
    g.addOutput({ name: "all", dtype: "float32", dims: [2, 3] });
    const feeds = { x: float32([3, 2], [1, 2, -1, 0.5, 0.25, 3]) };
    const straight = await run(unroll(g), feeds);
    const own = await run(g, feeds);
    for (const name of ["last", "all"]) straight[name]!.forEach((v, i) => expect(v).toBeCloseTo(own[name]![i]!, 6));
  }
});

test("an If takes its constant branch", async () => {
  for (const yes of [true, false]) {
    const g = new Graph("if");
    g.addInput({ name: "x", dtype: "float32", dims: [2] });
    g.addInitializer("c", bools([], [yes]));
    const branch = (type: string) => body([], [[type, ["x"], `y${type}`]], [[`y${type}`, "float32", [2]]]);
    g.addNode({
      type: "If",
      inputs: ["c"],
      outputs: ["y"],
      attrs: { then_branch: graph(branch("Neg")), else_branch: graph(branch("Abs")) },
    });
    g.addOutput({ name: "y", dtype: "float32", dims: [2] });
    expect(unroll(g).nodes.map((n) => n.type)).toContain(yes ? "Neg" : "Abs");
    expect(await run(unroll(g), { x })).toEqual({ y: yes ? [-1, 1] : [1, 1] });
  }
});

/** y = x · w where the sum of x is positive, else a value of the shape `other`. */
function choice(other: (g: Graph) => Graph): Graph {
  const g = new Graph("choice");
  g.addInput({ name: "x", dtype: "float32", dims: ["B"] });
  g.addInitializer("w", float32([1], [3]), { trainable: true });
  g.addInitializer("zero", scalar(0));
  g.addNode({ type: "ReduceSum", inputs: ["x"], outputs: ["s"], attrs: { keepdims: int(0) } });
  g.addNode({ type: "Greater", inputs: ["s", "zero"], outputs: ["positive"] });
  const yes = body([], [["Mul", ["x", "w"], "yes"]], [["yes", "float32", ["B"]]]);
  const branches = { then_branch: graph(yes), else_branch: graph(other(g)) };
  g.addNode({ type: "If", name: "pick", inputs: ["positive"], outputs: ["y"], attrs: branches });
  g.addOutput({ name: "y", dtype: "float32", dims: ["B"] });
  return g;
}

test("an If on data chooses between its branches, and its gradient with it", async () => {
  const both = choice(() => body([], [["Neg", ["x"], "no"]], [["no", "float32", ["B"]]]));
  const g = new Builder(unroll(both));
  expect(g.graph.nodes.map((n) => n.type)).not.toContain("If");
  const loss = g.reduceSum(g.value("y"), { keepdims: false });
  for (const [name, dx] of gradients(g, loss, ["w", "x"])) g.output(dx, `d${name}`);
  expect(await run(g.graph, { x: float32([2], [1, 2]) })).toEqual({ y: [3, 6], dw: [3], dx: [3, 3] });
  expect(await run(g.graph, { x: float32([2], [-1, -2]) })).toEqual({ y: [1, 2], dw: [-0], dx: [-1, -1] });
});

test("an If on data whose branches differ in shape is refused with both", () => {
  const uneven = choice(() => body([], [["Unsqueeze", ["x", "axis"], "no"]], [["no", "float32", ["B", 1]]]));
  uneven.addInitializer("axis", int64([1], [1]));
  expect(() => unroll(uneven)).toThrow(/'pick' \(If of bool\[\]\): .* its branches give float32\[B\] and float32\[B, 1\]/);
});

test("lists go round with a Loop", async () => {
  const g = new Graph("lists");
  g.addInput({ name: "x", dtype: "float32", dims: [2] });
  g.addInitializer("n", int64([], [3]));
  const none = new Graph("none");
  g.addNode({ type: "SequenceEmpty", inputs: [], outputs: ["none"] });
  for (const [name, dtype] of [["i", "int64"], ["c", "bool"], ["list", "float32"]] as const) none.addInput({ name, dtype, dims: [] }); // prettier-ignore
  none.addNode({ type: "Identity", inputs: ["c"], outputs: ["c2"] });
  none.addNode({ type: "Cast", inputs: ["i"], outputs: ["step"], attrs: { to: int(1) } });
  none.addNode({ type: "Mul", inputs: ["x", "step"], outputs: ["part"] });
  none.addNode({ type: "SequenceInsert", inputs: ["list", "part"], outputs: ["longer"] });
  for (const [name, dtype] of [["c2", "bool"], ["longer", "float32"]] as const) none.addOutput({ name, dtype, dims: [] }); // prettier-ignore
  g.addNode({ type: "Loop", inputs: ["n", "", "none"], outputs: ["all"], attrs: { body: graph(none) } });
  g.addNode({ type: "ConcatFromSequence", inputs: ["all"], outputs: ["y"], attrs: { axis: int(0), new_axis: int(1) } });
  g.addOutput({ name: "y", dtype: "float32", dims: [3, 2] });
  const straight = unroll(g);
  expect(straight.nodes.some((n) => n.type.includes("Sequence") || n.type === "Loop")).toBe(false);
  expect(await run(straight, { x })).toEqual({ y: [0, -0, 1, -1, 2, -2] });
});

test("weights inside a body are trained, once for all rounds; nodes of older operator sets become those of today", async () => {
  const g = new Graph("inner");
  g.opsets.set("", 11);
  g.addInput({ name: "x", dtype: "float32", dims: [2] });
  g.addInitializer("n", int64([], [2]));
  const inner = body(
    [["i", "int64", []], ["c", "bool", []], ["h", "float32", [2]]], // prettier-ignore
    [
      ["Mul", ["h", "inner.w"], "m"],
      ["Unsqueeze", ["m"], "u", { axes: ints(0) }],
      ["ReduceSum", ["u"], "h2", { axes: ints(0), keepdims: int(0) }],
    ],
    [["c", "bool", []], ["h2", "float32", [2]]], // prettier-ignore
  );
  inner.addInitializer("inner.w", float32([2], [2, 3]), { trainable: true });
  g.addNode({ type: "Loop", inputs: ["n", "", "x"], outputs: ["y"], attrs: { body: graph(inner) } });
  g.addOutput({ name: "y", dtype: "float32", dims: [2] });
  const b = new Builder(unroll(g));
  expect(b.graph.parameters).toEqual(["inner.w"]);
  const loss = b.reduceSum(b.value("y"), { keepdims: false });
  b.output(gradients(b, loss, ["inner.w"]).get("inner.w")!, "dw");
  expect(await run(b.graph, { x })).toEqual({ y: [4, -9], dw: [4, -6] });
});

test("what only the run decides is refused, by name and with the reason", () => {
  expect(() => unroll(loop("input"))).toThrow(AppError);
  expect(() => unroll(loop("input"))).toThrow(
    /Node 'rounds' \(Loop of int64\[\].*cannot be differentiated: its trip count is known only when the graph runs/,
  );
  const g = loop("constant");
  g.setInitializer("n", scalar(1e12, "int64"));
  g.setInitializer("limit", scalar(1e12, "int64"));
  expect(() => unroll(g)).toThrow(/more than 200000 nodes/);
});
