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
