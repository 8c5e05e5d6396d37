import { afterAll, expect, test } from "vitest";
import { Graph } from "../onnx/graph.ts";
import { OrtEngine } from "../run/onnxruntime.ts";
import { float32, int64, toNumbers } from "../tensor.ts";
import { normalize } from "./normalize.ts";
import { runPasses } from "./pass.ts";

const engine = new OrtEngine("cpu", { threads: 1 });
afterAll(() => engine.dispose());

const withoutLists = (g: Graph): Graph => runPasses(g, normalize());
const int = (value: number) => ({ type: "int" as const, value });

/** x (2, 5) cut along axis 1 into 2, 2, 1; the last and the first, and the list with the first once more, joined again. */
function lists(size: "constant" | "input"): Graph {
  const g = new Graph("lists");
  g.addInput({ name: "x", dtype: "float32", dims: [2, 5] });
  if (size === "input") g.addInput({ name: "size", dtype: "int64", dims: [] });
  else g.addInitializer("size", int64([], [2]));
  g.addInitializer("zero", int64([], [0]));
  g.addInitializer("last", int64([], [-1]));
  g.addNode({ type: "SplitToSequence", name: "cut", inputs: ["x", "size"], outputs: ["parts"], attrs: { axis: int(1) } });
  g.addNode({ type: "SequenceAt", inputs: ["parts", "last"], outputs: ["end"] });
  g.addNode({ type: "SequenceAt", inputs: ["parts", "zero"], outputs: ["start"] });
  g.addNode({ type: "SequenceInsert", inputs: ["parts", "start", "zero"], outputs: ["more"] });
  g.addNode({ type: "ConcatFromSequence", inputs: ["more"], outputs: ["joined"], attrs: { axis: int(1) } });
  g.addNode({ type: "SequenceLength", inputs: ["more"], outputs: ["count"] });
  g.addNode({ type: "SequenceConstruct", inputs: ["start", "start"], outputs: ["pair"] });
  g.addNode({ type: "ConcatFromSequence", inputs: ["pair"], outputs: ["stacked"], attrs: { axis: int(0), new_axis: int(1) } });
  g.addOutput({ name: "end", dtype: "float32", dims: [2, 1] });
  g.addOutput({ name: "joined", dtype: "float32", dims: [2, 7] });
  g.addOutput({ name: "count", dtype: "int64", dims: [] });
  g.addOutput({ name: "stacked", dtype: "float32", dims: [2, 2, 2] });
  return g;
}

test("lists of known length are taken apart, with the runtime's results", async () => {
  const x = float32([2, 5], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  const apart = withoutLists(lists("constant"));
  expect(apart.nodes.filter((n) => n.type.includes("Sequence"))).toEqual([]);
  const [ours, own] = await Promise.all([engine.load(apart), engine.load(lists("constant"))]);
  const [got, want] = [await ours.run({ x }), await own.run({ x })];
  for (const name of ["end", "joined", "count", "stacked"]) {
    expect(got[name]!.dims).toEqual(want[name]!.dims);
    expect(toNumbers(got[name]!)).toEqual(toNumbers(want[name]!));
  }
  await ours.dispose();
  await own.dispose();
});

test("what only the run decides, and lists that leave the graph, are refused by name", () => {
  expect(() => withoutLists(lists("input"))).toThrow(
    /Node 'cut' \(SplitToSequence of .*\): it cannot be used: a place or length in it is known only/,
  );
  const g = new Graph("leaves");
  g.addInput({ name: "x", dtype: "float32", dims: [2] });
  g.addNode({ type: "SequenceConstruct", inputs: ["x"], outputs: ["list"] });
  g.addOutput({ name: "list", dtype: "float32", dims: [] });
  expect(() => withoutLists(g)).toThrow(/'list' leaves the graph as a list/);
});
