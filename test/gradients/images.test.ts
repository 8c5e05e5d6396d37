// Three nets of images as PyTorch exports them, held against the loss and gradients that PyTorch finds (test/references/images.py).
import { readFileSync } from "node:fs";
import { afterAll, expect, test } from "vitest";
import { sortNodes } from "../../worker/onnx/check.ts";
import type { Graph } from "../../worker/onnx/graph.ts";
import { opset } from "../../worker/onnx/graph.ts";
import { decodeModel } from "../../worker/onnx/proto.ts";
import { Builder } from "../../worker/ops/builder.ts";
import { inferGraph } from "../../worker/ops/infer.ts";
import { trainedBatchNorm } from "../../worker/passes/batchNorm.ts";
import { openEngine } from "../../worker/run/engine.ts";
import { float32, type Tensor, toNumbers } from "../../worker/tensor.ts";
import { gradients } from "../../worker/train/gradient.ts";

interface Reference {
  x: { dims: number[]; values: number[] };
  loss: number;
  gradients: Record<string, number[]>;
}

const file = (name: string) => new URL(`../references/images.${name}`, import.meta.url);
const engine = await openEngine("cpu", { threads: 1 });
afterAll(() => engine.dispose());

/** The exported graph at our opset (nothing in it changed its meaning in between), typed. */
function imported(name: string): Graph {
  const graph = decodeModel(readFileSync(file(`${name}.onnx`)));
  graph.opsets.set("", opset);
  sortNodes(graph);
  inferGraph(graph);
  return graph;
}

/** Loss and gradients of a graph by our rules. */
async function differentiate(graph: Graph, x: Tensor, wrt: readonly string[]): Promise<Record<string, Tensor>> {
  const g = new Builder(graph.clone());
  for (const [name, dx] of gradients(g, g.value("loss"), wrt)) g.output(dx, `grad:${name}`);
  const session = await engine.load(g.graph);
  const out = await session.run({ x });
  await session.dispose();
  return out;
}

/** Norm of the difference over the norm. */
function relative(a: readonly number[], b: readonly number[]): number {
  const norm = (v: readonly number[]) => Math.sqrt(v.reduce((sum, e) => sum + e * e, 0));
  return norm(a.map((v, i) => v - b[i]!)) / norm(b);
}

for (const name of ["convnet", "resampler", "volume"])
  test(`${name}: loss and gradients are PyTorch's`, async () => {
    const reference = JSON.parse(readFileSync(file(`${name}.json`), "utf8")) as Reference;
    const graph = imported(name);
    const x = float32(reference.x.dims, reference.x.values);
    const found = await differentiate(trainedBatchNorm(graph), x, Object.keys(reference.gradients));
    expect(Math.abs(toNumbers(found["loss"]!)[0]! / reference.loss - 1)).toBeLessThan(1e-5);
    for (const [parameter, expected] of Object.entries(reference.gradients)) {
      const got = toNumbers(found[`grad:${parameter}`]!);
      expect(got.length, parameter).toBe(expected.length);
      const size = Math.max(...expected.map(Math.abs));
      // A bias before a normalisation over its channel: its gradient is nothing but rounding.
      if (size < 1e-6) expect(Math.max(...got.map(Math.abs)), parameter).toBeLessThan(1e-6);
      else expect(relative(got, expected), parameter).toBeLessThan(1e-4);
    }
  });
