import { expect, test } from "vitest";
import type { CurvePoint } from "../../ipc/types.ts";
import { Curve } from "./curve.ts";

const at = (step: number, validationLoss?: number): CurvePoint => ({
  step,
  epoch: 0,
  seconds: 0,
  lr: 0.1,
  trainLoss: 1 / (step + 1),
  ...(validationLoss === undefined ? {} : { validationLoss, metric: 1 - validationLoss }),
});

test("a long run stays small and keeps its ends and its evaluations", () => {
  const curve = new Curve([], 100);
  for (let step = 1; step <= 10_000; step++) curve.add([step % 500 === 0 ? at(step, 0.5) : at(step)]);
  const { x, validation } = curve.columns();
  expect(x.length).toBeLessThanOrEqual(100);
  expect([x[0], x.at(-1)]).toEqual([1, 10_000]);
  expect(x.every((step, i) => i === 0 || step > x[i - 1]!)).toBe(true);
  expect(validation.filter((value) => value !== null)).toHaveLength(20);
});

test("a run made of evaluations only is thinned as well", () => {
  const curve = new Curve([], 50);
  for (let step = 1; step <= 1000; step++) curve.add([at(step, 0.5)]);
  expect(curve.length).toBeLessThanOrEqual(50);
  expect(curve.columns().x.at(-1)).toBe(1000);
});

test("a resumed run takes back what came after its checkpoint", () => {
  const curve = new Curve([at(1), at(2), at(3), at(4)]);
  curve.add([at(3, 0.2), at(5)]);
  expect(curve.columns().x).toEqual([1, 2, 3, 5]);
});
