// Sequence models as PyTorch exports them: the loss and every gradient against PyTorch's own (test/references/sequences.py).
import { readFileSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import { Graph, opset } from "../../worker/onnx/graph.ts";
import { check, sortNodes } from "../../worker/onnx/check.ts";
import { decodeModel } from "../../worker/onnx/proto.ts";
import { Builder } from "../../worker/ops/builder.ts";
import { inferGraph } from "../../worker/ops/infer.ts";
import { fullOutputs } from "../../worker/passes/outputs.ts";
import { openEngine } from "../../worker/run/engine.ts";
import { float32, fromNumbers, type Tensor, toNumbers } from "../../worker/tensor.ts";
import { gradients } from "../../worker/train/gradient.ts";

interface Reference {
  inputs: Record<string, number[]>;
  loss: number;
  gradients: Record<string, number[]>;
}

const folder = new URL("../references/sequences/", import.meta.url);
const engine = await openEngine("cpu", { threads: 1 });
afterAll(() => engine.dispose());

const norm = (values: readonly number[]): number => Math.hypot(...values);

describe("sequence models from PyTorch", () => {
  for (const name of ["lstm", "gru", "gpt"])
    test(name, async () => {
      const reference = JSON.parse(readFileSync(new URL(`${name}.json`, folder), "utf8")) as Reference;
      const read = decodeModel(readFileSync(new URL(`${name}.onnx`, folder)));
      sortNodes(read);
      check(read);
      read.opsets.set("", opset); // nothing that these files use has changed from 18 to 21
      inferGraph(read);
      const g = new Builder(fullOutputs(read));
      const wrt = Object.keys(reference.gradients);
      for (const [key, dx] of gradients(g, g.value("loss"), wrt)) g.output(dx, `grad:${key}`);
      const feeds = Object.fromEntries(
        g.graph.inputs.map(({ name: input, dtype, dims }): [string, Tensor] => [
          input,
          fromNumbers(dtype, dims as number[], reference.inputs[input]!),
        ]),
      );
      const session = await engine.load(g.graph);
      const out = await session.run(feeds);
      await session.dispose();
      expect(toNumbers(out["loss"]!)[0]).toBeCloseTo(reference.loss, 5);
      for (const key of wrt) {
        const want = reference.gradients[key]!;
        const off = norm(toNumbers(out[`grad:${key}`]!).map((v, i) => v - want[i]!)) / norm(want);
        expect(off, key).toBeLessThan(1e-4);
      }
    });
});

test("a node that gives its last state alone is differentiated like one that gives every state", async () => {
  const inputs = { x: [4, 2, 3], w: [1, 16, 3], r: [1, 16, 4] };
  const values = (n: number) => Array.from({ length: n }, (_, i) => Math.sin(i * 1.7) / 2);
  const found: number[][] = [];
  for (const first of ["", "all"]) {
    const graph = new Graph("last");
    for (const [name, dims] of Object.entries(inputs)) graph.addInput({ name, dtype: "float32", dims });
    const attrs = { hidden_size: { type: "int" as const, value: 4 } };
    graph.addNode({ type: "LSTM", inputs: ["x", "w", "r"], outputs: [first, "last"], attrs });
    inferGraph(graph);
    for (const full of [graph, fullOutputs(withOutput(graph))]) {
      const g = new Builder(full.clone());
      const loss = g.reduceSum(g.square(g.value("last")), { keepdims: false });
      for (const [name, dx] of gradients(g, loss, ["x", "r"])) g.output(dx, `grad:${name}`);
      g.graph.setOutputs(["grad:x", "grad:r"]);
      const session = await engine.load(g.graph);
      const feeds = Object.entries(inputs).map(([name, dims]): [string, Tensor] => [
        name,
        float32(dims, values(dims[0]! * dims[1]! * dims[2]!)),
      ]);
      const out = await session.run(Object.fromEntries(feeds));
      await session.dispose();
      found.push([...toNumbers(out["grad:x"]!), ...toNumbers(out["grad:r"]!)]);
    }
  }
  expect(Math.hypot(...found[0]!)).toBeGreaterThan(0.01);
  for (const other of found.slice(1)) other.forEach((v, i) => expect(v).toBeCloseTo(found[0]![i]!, 6));
});

function withOutput(graph: Graph): Graph {
  const copy = graph.clone();
  copy.setOutputs(["last"]);
  return copy;
}
