// Gradients beside a graph's outputs: what is random is followed through what it drew.
import { afterAll, expect, test } from "vitest";
import { Builder } from "../ops/builder.ts";
import { openEngine } from "../run/engine.ts";
import { bools, float32, toNumbers } from "../tensor.ts";
import { gradientGraph } from "./gradientGraph.ts";

const engine = await openEngine("cpu", { threads: 1 });
afterAll(() => engine.dispose());

/** loss = Σ dropout(x w); the result of the dropout is an output too. */
function dropped(training: "constant" | "input") {
  const g = new Builder("dropped");
  const x = g.input("x", "float32", [64]);
  const w = g.parameter("w", [64], new Float32Array(64).fill(2));
  const flag = training === "input" ? g.input("training", "bool", []) : g.constant(bools([], [true]));
  const y = g.op("Dropout", [g.mul(x, w), g.scalar(0.25), flag]);
  g.output(y, "y");
  g.output(g.reduceSum(y, { keepdims: false }), "loss");
  return gradientGraph(g.graph, { loss: "loss" });
}
const x = float32(
  [64],
  Array.from({ length: 64 }, (_, i) => 1 + i / 8),
);

test("the gradient of a Dropout in training goes through the mask that it drew", async () => {
  const session = await engine.load(dropped("constant"));
  const drawn = new Set<string>();
  for (let run = 0; run < 3; run++) {
    const out = await session.run({ x });
    const y = toNumbers(out["y"]!);
    const kept = y.map((v) => v !== 0);
    expect(kept.filter((k) => k).length).toBeGreaterThan(24);
    expect(kept.filter((k) => !k).length).toBeGreaterThan(2);
    toNumbers(out["grad:w"]!).forEach((v, i) => expect(v).toBeCloseTo(kept[i] ? x.data[i]! / 0.75 : 0, 5));
    drawn.add(kept.map(Number).join(""));
  }
  await session.dispose();
  expect(drawn.size).toBe(3);
});

test("where its training flag is an input, both ways", async () => {
  const session = await engine.load(dropped("input"));
  const still = await session.run({ x, training: bools([], [false]) });
  expect(toNumbers(still["grad:w"]!)).toEqual(toNumbers(x));
  const moved = await session.run({ x, training: bools([], [true]) });
  const y = toNumbers(moved["y"]!);
  toNumbers(moved["grad:w"]!).forEach((v, i) => expect(v).toBeCloseTo(y[i] ? x.data[i]! / 0.75 : 0, 5));
  await session.dispose();
});
