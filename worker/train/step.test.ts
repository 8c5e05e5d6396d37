import { expect, test } from "vitest";
import { Builder } from "../ops/builder.ts";
import { openEngine } from "../run/engine.ts";
import { float32 } from "../tensor.ts";
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

test("running statistics of a batch normalisation in training are states that follow the batches", async () => {
  const g = new Builder("norm");
  const x = g.input("x", "float32", ["B", 1]);
  const scale = g.parameter("scale", [1], Float32Array.of(1));
  const bias = g.parameter("bias", [1], Float32Array.of(0));
  const [mean, variance] = [g.constant(float32([1], [0]), "mean"), g.constant(float32([1], [1]), "variance")];
  const attrs = { training_mode: 1, momentum: 0.75 };
  const [y] = g.op("BatchNormalization", [x, scale, bias, mean, variance], attrs, { outputs: 3 });
  g.output(g.reduceSum(g.square(g.add(y!, 1)), { keepdims: false }), "loss");
  const step = trainingStep(g.graph, { loss: "loss", optimizer: { name: "sgd" } });
  expect(step.states.map((s) => s.name)).toEqual(["scale", "bias", "mean", "variance", "t"]);
  const engine = await openEngine("cpu");
  const session = await engine.train(step, undefined);
  for (let i = 0; i < 2; i++) await session.step({ x: float32([2, 1], [1, 5]) }, 0.1);
  const state = await session.read();
  expect(state.get("mean")!.data[0]).toBeCloseTo(0.25 * 3 + 0.75 * (0.25 * 3), 5);
  expect(state.get("variance")!.data[0]).toBeCloseTo(0.25 * 4 + 0.75 * (0.25 * 4 + 0.75), 5);
  await engine.dispose();
});
