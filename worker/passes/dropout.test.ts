import { afterAll, expect, test } from "vitest";
import { Builder } from "../ops/builder.ts";
import { OrtEngine } from "../run/onnxruntime.ts";
import type { StepGraph } from "../run/engine.ts";
import { float32, toNumbers } from "../tensor.ts";
import { trainingStep } from "../train/step.ts";
import { withoutDropout } from "./dropout.ts";

const engine = new OrtEngine("cpu", { threads: 1 });
afterAll(() => engine.dispose());

const width = 40;
const rows = 50;

/** out = dropout(x · 1), kept, so that the mask can be seen. */
function step(seed: number, rank = 2): StepGraph {
  const g = new Builder("drop");
  const x = g.input("x", "float32", rank === 2 ? ["B", width] : ["B", 2, width / 2]);
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
  const graph = step(1, 3);
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
