// Optimizers against PyTorch's, from stored runs (test/references/optimizers.py), and against steps worked out by hand.
import { readFileSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import { Builder } from "../ops/builder.ts";
import { openEngine } from "../run/engine.ts";
import { float32, toNumbers } from "../tensor.ts";
import { optimizer, type OptimizerSpec } from "./optimizer.ts";
import { trainingStep } from "./step.ts";

interface Reference {
  torch: string;
  lr: number;
  x: number[];
  y: number[];
  start: Record<string, { dims: number[]; values: number[] }>;
  rows: { optimizer: OptimizerSpec; clip?: number; losses: number[]; parameters: Record<string, number[]> }[];
}

const reference = JSON.parse(readFileSync(new URL("../../test/references/optimizers.json", import.meta.url), "utf8")) as Reference;
const engine = await openEngine("cpu", { threads: 1 });
afterAll(() => engine.dispose());

describe(`PyTorch ${reference.torch}`, () => {
  for (const row of reference.rows)
    test(JSON.stringify({ ...row.optimizer, clip: row.clip }), async () => {
      const g = new Builder("net");
      const x = g.input("x", "float32", ["B", 3]);
      const y = g.input("y", "float32", ["B", 2]);
      const [w1, b1, w2] = ["w1", "b1", "w2"].map((name) => {
        const { dims, values } = reference.start[name]!;
        return g.parameter(name, dims, Float32Array.from(values));
      });
      const out = g.matmul(g.tanh(g.add(g.matmul(x, w1!), b1!)), w2!);
      g.output(g.reduceMean(g.square(g.sub(out, y)), { keepdims: false }), "loss");
      const step = trainingStep(g.graph, { loss: "loss", optimizer: row.optimizer, ...(row.clip && { clipNorm: row.clip }) });
      const session = await engine.train(step, undefined);
      for (const loss of row.losses) {
        const out = await session.step({ x: float32([8, 3], reference.x), y: float32([8, 2], reference.y) }, reference.lr);
        expect(Number(out["loss"]!.data[0])).toBeCloseTo(loss, 5);
      }
      const state = await session.read();
      // Adam divides by the root of tiny second moments: rounding grows to a few parts in a million.
      for (const [name, values] of Object.entries(row.parameters))
        toNumbers(state.get(name)!).forEach((v, i) => expect(Math.abs(v - values[i]!), `${name}[${i}]`).toBeLessThan(5e-6));
      await session.dispose();
    });
});

/** One parameter p = 1 with the loss 3p, so the gradient is 3. */
async function stepsByHand(spec: OptimizerSpec, lr: number, steps: number): Promise<number[]> {
  const g = new Builder("one");
  g.input("x", "float32", [1]);
  g.output(g.reduceSum(g.mul(g.parameter("p", [1], Float32Array.of(1)), 3), { keepdims: false }), "loss");
  const session = await engine.train(trainingStep(g.graph, { loss: "loss", optimizer: spec }), undefined);
  const seen: number[] = [];
  for (let i = 0; i < steps; i++) {
    await session.step({ x: float32([1], [0]) }, lr);
    seen.push(toNumbers((await session.read()).get("p")!)[0]!);
  }
  await session.dispose();
  return seen;
}

test("by hand: a constant gradient of 3", async () => {
  const close = (got: number[], wanted: number[]) => got.forEach((v, i) => expect(v).toBeCloseTo(wanted[i]!, 5));
  close(await stepsByHand({ name: "sgd" }, 0.1, 2), [0.7, 0.4]);
  close(await stepsByHand({ name: "momentum", momentum: 0.5 }, 0.1, 2), [0.7, 0.25]); // second step: 0.5 · 3 + 3 = 4.5
  close(await stepsByHand({ name: "adam" }, 0.1, 3), [0.9, 0.8, 0.7]); // m̂/√v̂ is 1
  close(await stepsByHand({ name: "adamw", weightDecay: 0.5 }, 0.1, 2), [0.85, 0.7075]); // p · 0.95 - 0.1
});

test("defaults are in force and named", () => {
  expect(optimizer({ name: "adamw" }).settings).toEqual({
    name: "adamw",
    weightDecay: 0.01,
    l2: 0,
    beta1: 0.9,
    beta2: 0.999,
    eps: 1e-8,
    momentum: 0.9,
  });
  expect(optimizer({ name: "adam", weightDecay: undefined as never }).settings.weightDecay).toBe(0);
});
