import { expect, test } from "vitest";
import { Builder, type Value } from "../ops/builder.ts";
import { float32 } from "../tensor.ts";
import type { StepState } from "./engine.ts";
import { writtenInPlace } from "./inPlace.ts";

/** Whether the state m, of two numbers, may be written over when its next value is made this way. */
function may(build: (g: Builder, m: Value, x: Value) => Value, more?: (g: Builder, m: Value, next: Value) => void): boolean {
  const g = new Builder("step");
  const m = g.input("m", "float32", [2]);
  const next = build(g, m, g.input("x", "float32", [2]));
  more?.(g, m, next);
  const [name] = g.graph.producer(next.name)!.outputs;
  g.graph.rename(new Map([[name!, "next:m"]]));
  g.graph.addOutput(g.value("next:m"));
  const state: StepState = { name: "m", dims: [2], dtype: "float32", initial: float32([2], [0, 0]) };
  return writtenInPlace(g.graph, [state]).has("m");
}

test("what is read only on the way to its next value", () => {
  expect(may((g, m, x) => g.add(g.mul(m, 0.9), x))).toBe(true);
  expect(may((g, m, x) => g.add(m, x))).toBe(true);
});

test("not what something else may read later", () => {
  expect(may((g, m, x) => g.add(g.mul(m, 0.9), x), (g, m) => g.output(g.exp(m), "late"))).toBe(false); // prettier-ignore
  expect(may((g, m, x) => g.add(g.mul(m, 0.9), x), (g, m) => g.output(g.exp(g.reshape(m, [1, 2])), "late"))).toBe(false); // prettier-ignore
  expect(may((g, m, x) => g.add(g.mul(m, 0.9), x), (g, m, next) => g.output(g.add(m, next), "late"))).toBe(false); // prettier-ignore
});

test("not where elements are read after others are written", () => {
  expect(may((g, m) => g.gather(m, g.list([1, 0])))).toBe(false);
  expect(may((g, m, x) => g.add(x, g.reshape(g.reshape(m, [1, 2]), [2])))).toBe(false);
});
