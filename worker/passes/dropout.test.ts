import { afterAll, expect, test } from "vitest";
import type { Dim } from "../onnx/graph.ts";
import { Builder } from "../ops/builder.ts";
import { OrtEngine } from "../run/onnxruntime.ts";
import type { StepGraph } from "../run/engine.ts";
import { bools, float32, toNumbers } from "../tensor.ts";
import { trainingStep } from "../train/step.ts";
import { withoutDropout } from "./dropout.ts";

const engine = new OrtEngine("cpu", { threads: 1 });
afterAll(() => engine.dispose());

const width = 40;
const rows = 50;

/** out = dropout(x · 1), kept, so that the mask can be seen. */
function step(seed: number, dims: Dim[] = ["B", width]): StepGraph {
  const g = new Builder("drop");
  const x = g.input("x", "float32", dims);
  const p = g.parameter("p", [1], Float32Array.of(1));
  const a = g.dropout(g.mul(x, p), 0.25);
  const b = g.dropout(a, 0.25);
  g.output(a, "a");
  g.output(b, "b");
  g.output(g.reduceMean(b, { keepdims: false }), "loss");
  return trainingStep(g.graph, { loss: "loss", optimizer: { name: "sgd" }, keep: ["a", "b"], seed });
}

const ones = float32([rows, width], new Float32Array(rows * width).fill(1));

async function masks(graph: StepGraph, steps: number): Promise<number[][]> {
  const session = await engine.train(graph, undefined);
  const seen: number[][] = [];
  for (let i = 0; i < steps; i++) seen.push(toNumbers((await session.step({ x: ones }, 0))["a"]!));
  await session.dispose();
  return seen;
}

test("a quarter is dropped, the rest scaled up; each step, row, node and seed draws anew", async () => {
  const [first, second] = await masks(step(1), 2);
  const share = (values: number[]) => values.filter((v) => v === 0).length / values.length;
  expect(share(first!)).toBeGreaterThan(0.22);
  expect(share(first!)).toBeLessThan(0.28);
  expect(new Set(first)).toEqual(new Set([0, Math.fround(1 / 0.75)]));
  const same = (a: number[], b: number[]) => a.filter((v, i) => v === b[i]).length / a.length;
  expect(same(first!, second!)).toBeLessThan(0.7); // by chance 0.625
  expect(same(first!, (await masks(step(2), 1))[0]!)).toBeLessThan(0.7);
  expect(same(first!.slice(0, -width), first!.slice(width))).toBeLessThan(0.7);
});

test("the same seed draws the same, to the bit, and the state resumes it", async () => {
  const graph = step(7);
  const whole = await masks(graph, 6);
  expect(await masks(graph, 6)).toEqual(whole);
  const session = await engine.train(graph, undefined);
  for (let i = 0; i < 3; i++) await session.step({ x: ones }, 0);
  const saved = await session.read();
  await session.dispose();
  const resumed = await engine.train(step(99), undefined); // the seed comes from the state
  await resumed.write(saved);
  for (let i = 3; i < 6; i++) expect(toNumbers((await resumed.step({ x: ones }, 0))["a"]!)).toEqual(whole[i]);
  await resumed.dispose();
});

test("works on more axes, and vanishes in inference", async () => {
  const graph = step(1, ["B", 2, width / 2]);
  const session = await engine.train(graph, undefined);
  const out = await session.step({ x: float32([3, 2, width / 2], new Float32Array(3 * width).fill(1)) }, 0.1);
  expect(out["a"]!.dims).toEqual([3, 2, width / 2]);
  await session.dispose();
  const g = new Builder("d");
  g.output(g.dropout(g.input("x", "float32", ["B", 2]), 0.5), "y");
  const plain = withoutDropout(g.graph);
  expect(plain.nodes.map((n) => n.type)).not.toContain("Dropout");
  expect(plain.outputs.map((o) => o.name)).toEqual(["y"]);
});

test("draws for a width that only the run tells", async () => {
  const [first, second] = await masks(step(1, ["B", "T"]), 2);
  expect(first).toHaveLength(rows * width);
  const share = (values: number[]) => values.filter((v) => v === 0).length / values.length;
  expect(Math.abs(share(first!) - 0.25)).toBeLessThan(0.03);
  expect(first!.filter((v, i) => v === second![i]).length / first!.length).toBeLessThan(0.7);
});

test("gives its mask, as exporters of training graphs ask for it", async () => {
  for (const ratio of [0, 0.5]) {
    const g = new Builder("drop");
    const p = g.parameter("p", [1], Float32Array.of(1));
    const x = g.mul(g.input("x", "float32", ["B", width]), p);
    const [y, kept] = g.op("Dropout", [x, g.scalar(ratio), g.constant(bools([], [true]))], {}, { outputs: 2 });
    g.output(y!, "y");
    g.output(g.cast(kept!, "float32"), "kept");
    g.output(g.reduceMean(y!, { keepdims: false }), "loss");
    const session = await engine.train(trainingStep(g.graph, { loss: "loss", optimizer: { name: "sgd" }, keep: ["y", "kept"] }), undefined);
    const out = await session.step({ x: ones }, 0);
    await session.dispose();
    const values = toNumbers(out["y"]!);
    expect(toNumbers(out["kept"]!)).toEqual(values.map((v) => (v === 0 ? 0 : 1)));
    expect(values.filter((v) => v === 0).length / values.length).toBeCloseTo(ratio, 1);
  }
});
