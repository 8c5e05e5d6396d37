// Optimizers against steps worked out by hand, and that they learn; test/gradients/optimizers.test.ts holds them against PyTorch's.
import { afterAll, describe, expect, test } from "vitest";
import type { OptimizerName } from "../../ipc/types.ts";
import { Builder } from "../ops/builder.ts";
import { seeded } from "../ops/samples.ts";
import { openEngine } from "../run/engine.ts";
import { float32, type Tensor, toNumbers } from "../tensor.ts";
import { optimizer, optimizerNames, type OptimizerSpec } from "./optimizer.ts";
import { type StepGraph, type StepOptions, trainingStep } from "./step.ts";

const engine = await openEngine("cpu", { threads: 1 });
afterAll(() => engine.dispose());

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

describe("by hand: what PyTorch does not have", () => {
  const close = (got: number[], wanted: number[]) => got.forEach((v, i) => expect(v).toBeCloseTo(wanted[i]!, 5));

  test("lion goes by the sign alone", async () => {
    close(await stepsByHand({ name: "lion" }, 0.1, 2), [0.9, 0.8]);
    close(await stepsByHand({ name: "lion", weightDecay: 0.5 }, 0.1, 2), [0.85, 0.7075]);
  });

  test("lamb's step is as long as the parameter", async () => {
    close(await stepsByHand({ name: "lamb" }, 0.1, 3), [0.9, 0.81, 0.729]); // m̂/√v̂ is 1, so p · (1 - lr)
  });

  test("schedule-free: z goes as AdamW does, the parameter between z and its mean", async () => {
    // z: 0.9, 0.8, 0.7; x: 0.9, 0.85, 0.8; y = 0.9 x + 0.1 z
    close(await stepsByHand({ name: "schedulefree", weightDecay: 0 }, 0.1, 3), [0.9, 0.845, 0.79]);
  });

  test("muon's update has singular values near 1", async () => {
    const g = new Builder("two");
    const x = g.input("x", "float32", [2, 3]);
    g.output(g.reduceSum(g.mul(g.parameter("w", [2, 3], new Float32Array(6)), x), { keepdims: false }), "loss");
    const step = trainingStep(g.graph, { loss: "loss", optimizer: { name: "muon", weightDecay: 0 } });
    const session = await engine.train(step, undefined);
    await session.step({ x: float32([2, 3], [5, 1, 0, 0, 0.5, -2]) }, 1);
    const w = toNumbers((await session.read()).get("w")!);
    await session.dispose();
    const dot = (i: number, j: number) => [0, 1, 2].reduce((sum, k) => sum + w[3 * i + k]! * w[3 * j + k]!, 0);
    expect(Math.sqrt(dot(0, 0))).toBeGreaterThan(0.6);
    expect(Math.sqrt(dot(0, 0))).toBeLessThan(1.3);
    expect(Math.abs(dot(0, 1))).toBeLessThan(0.2);
  });
});

describe("every optimizer learns y = tanh(2a - b) with a small net", () => {
  const rates: Partial<Record<OptimizerName, number>> = {
    sgd: 0.3,
    momentum: 0.1,
    nesterov: 0.1,
    adagrad: 0.1,
    adadelta: 30,
    asgd: 0.4,
    lion: 6e-3,
    adafactor: 0.05,
    lamb: 0.02,
  };
  test.each(optimizerNames)("%s", async (name) => {
    const random = seeded(4);
    const draw = (n: number, size: number) => Float32Array.from({ length: n }, () => (random() * 2 - 1) * size);
    const g = new Builder("net");
    const x = g.input("x", "float32", ["B", 2]);
    const y = g.input("y", "float32", ["B", 1]);
    const h = g.tanh(g.add(g.matmul(x, g.parameter("w1", [2, 8], draw(16, 0.9))), g.parameter("b1", [8], draw(8, 0.3))));
    const out = g.add(g.matmul(h, g.parameter("w2", [8, 1], draw(8, 0.5))), g.parameter("b2", [1], draw(1, 0.1)));
    g.output(g.reduceMean(g.square(g.sub(out, y)), { keepdims: false }), "loss");
    const session = await engine.train(trainingStep(g.graph, { loss: "loss", optimizer: { name } }), undefined);
    const rows = draw(64, 1);
    const truth = Float32Array.from({ length: 32 }, (_, i) => Math.tanh(2 * rows[2 * i]! - rows[2 * i + 1]!));
    const losses: number[] = [];
    for (let i = 0; i < 200; i++)
      losses.push(
        Number((await session.step({ x: float32([32, 2], rows), y: float32([32, 1], truth) }, rates[name] ?? 0.02))["loss"]!.data[0]),
      );
    await session.dispose();
    expect(losses.at(-1)!).toBeLessThan(losses[0]! * 0.05);
    expect(losses.at(-1)!).toBeLessThan(0.02);
  });
});

describe("options of a step", () => {
  const net = (options: Partial<StepOptions>) => {
    const g = new Builder("net");
    const x = g.input("x", "float32", ["B", 2]);
    const w = g.parameter("w", [2, 1], Float32Array.of(1, -1));
    g.output(g.reduceMean(g.square(g.matmul(x, w)), { keepdims: false }), "loss");
    return trainingStep(g.graph, { loss: "loss", optimizer: { name: "adam" }, ...options });
  };
  const rows = [1, 2, -1, 0.5, 0.3, 3, 2, -2];
  const batch = (from: number, to: number) => ({ x: float32([to - from, 2], rows.slice(2 * from, 2 * to)) });
  const weights = async (step: StepGraph, batches: Record<string, Tensor>[]) => {
    const session = await engine.train(step, undefined);
    const seen: number[][] = [];
    for (const feeds of batches) {
      await session.step(feeds, 0.1);
      seen.push(toNumbers((await session.read()).get("w")!));
    }
    await session.dispose();
    return seen;
  };

  test("accumulated gradients of halves move as the whole does, and not before", async () => {
    const whole = await weights(net({}), [batch(0, 4), batch(0, 4)]);
    const halves = await weights(net({ accumulate: 2 }), [batch(0, 2), batch(2, 4), batch(0, 2), batch(2, 4)]);
    expect(halves[0]).toEqual([1, -1]);
    halves[1]!.forEach((v, i) => expect(v).toBeCloseTo(whole[0]![i]!, 6));
    expect(halves[2]).toEqual(halves[1]);
    halves[3]!.forEach((v, i) => expect(v).toBeCloseTo(whole[1]![i]!, 6));
  });

  test("a scaled loss gives the same steps; one that overflows changes nothing", async () => {
    const plain = await weights(net({}), [batch(0, 4), batch(0, 4)]);
    const scaled = await weights(net({ lossScale: 1024 }), [batch(0, 4), batch(0, 4)]);
    scaled.flat().forEach((v, i) => expect(v).toBeCloseTo(plain.flat()[i]!, 6));
    expect(await weights(net({ lossScale: 1024 }), [{ x: float32([1, 2], [1e20, 1]) }])).toEqual([[1, -1]]);
  });

  test("inputs and outputs come in the order that is promised", () => {
    const { graph } = net({ lossName: "out" });
    expect(graph.inputs.map((i) => i.name)).toEqual(["x", "lr", "t", "w", "w:m", "w:v"]);
    expect(graph.outputs.map((o) => o.name)).toEqual(["out", "next:w", "next:w:m", "next:w:v", "next:t"]);
  });
});

test("defaults are in force and named", () => {
  expect(optimizer({ name: "adamw" }).used).toEqual({
    name: "adamw",
    weightDecay: 0.01,
    l2: 0,
    beta1: 0.9,
    beta2: 0.999,
    eps: 1e-8,
    amsgrad: false,
  });
  expect(optimizer({ name: "adam", weightDecay: undefined as never }).settings.weightDecay).toBe(0);
});
