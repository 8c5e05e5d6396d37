import { expect, test } from "vitest";
import { Builder, type Value } from "../ops/builder.ts";
import { openEngine } from "../run/engine.ts";
import { float32 } from "../tensor.ts";
import { isSameInParts } from "./parts.ts";
import { trainingStep } from "./step.ts";

test("fits the line y = 4x + 2", async () => {
  const g = new Builder("line");
  const x = g.input("x", "float32", ["B", 1]);
  const y = g.input("y", "float32", ["B", 1]);
  const a = g.parameter("a", [1, 1], Float32Array.of(0));
  const b = g.parameter("b", [1], Float32Array.of(0));
  const gap = g.sub(g.add(g.matmul(x, a), b), y);
  g.output(g.reduceMean(g.square(gap), { keepdims: false }), "loss");
  const step = trainingStep(g.graph, { loss: "loss", optimizer: { name: "adam" } });
  const engine = await openEngine("cpu");
  const session = await engine.train(step, undefined);
  const feeds = { x: float32([3, 1], [1, 2, 3]), y: float32([3, 1], [6, 10, 14]) };
  let loss = Infinity;
  for (let i = 0; i < 2000; i++) loss = Number((await session.step(feeds, 0.05))["loss"]!.data[0]);
  const state = await session.read();
  expect(loss).toBeLessThan(1e-6);
  expect(state.get("a")!.data[0]).toBeCloseTo(4, 3);
  expect(state.get("b")!.data[0]).toBeCloseTo(2, 2);
  expect(state.get("t")!.data[0]).toBe(2001);
  await engine.dispose();
});

test("running statistics of batch normalisation go round as states; a normalisation used twice goes on from its first use", async () => {
  const g = new Builder("norm");
  const x = g.input("x", "float32", ["B", 1]);
  const scale = g.parameter("scale", [1], Float32Array.of(2));
  const none = g.parameter("bias", [1], Float32Array.of(0));
  const running = [10, 4].map((value, i) => g.constant(float32([1], [value]), `running${i}`));
  const norm = (v: Value) =>
    g.op("BatchNormalization", [v, scale, none, ...running], { training_mode: 1, momentum: 0.9 }, { outputs: 3 })[0]!;
  g.output(g.reduceMean(g.square(g.add(norm(x), norm(g.mul(x, 2)))), { keepdims: false }), "loss");
  const step = trainingStep(g.graph, { loss: "loss", optimizer: { name: "adamw", weightDecay: 0.5 } });
  expect(isSameInParts(g.graph)).toBe(false);
  expect(step.states.map((s) => s.name)).toEqual(["scale", "bias", "running0", "running1", "scale:m", "scale:v", "bias:m", "bias:v", "t"]);
  const engine = await openEngine("cpu", { threads: 1 });
  const session = await engine.train(step, undefined);
  await session.step({ x: float32([2, 1], [1, 3]) }, 0.1); // means 2 and 4, variances as PyTorch keeps them: 2 and 8
  const states = await session.read();
  expect(states.get("running0")!.data[0]).toBeCloseTo(0.9 * (0.9 * 10 + 0.1 * 2) + 0.1 * 4, 5);
  expect(states.get("running1")!.data[0]).toBeCloseTo(0.9 * (0.9 * 4 + 0.1 * 2) + 0.1 * 8, 5);
  await engine.dispose();
});
