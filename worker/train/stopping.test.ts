import { expect, test } from "vitest";
import { type BestPoint, freshStopping, isConverged, look } from "./stopping.ts";

const point = (step: number, validationLoss: number): BestPoint => ({ step, epoch: step, seconds: step, validationLoss, metric: 0 });

test("keeps the lowest loss and stops after the patience is spent", () => {
  let state = freshStopping();
  const seen: string[] = [];
  for (const [step, loss] of [3, 2, 2, 2.5, 1.5, 1.6, 1.7, 1.8].entries()) {
    const next = look(state, point(step, loss));
    state = next.state;
    seen.push(`${next.better ? "better" : "worse"}${isConverged(state, 3) ? " stop" : ""}`);
  }
  expect(seen).toEqual(["better", "better", "worse", "worse", "better", "worse", "worse", "worse stop"]);
  expect(state.best).toMatchObject({ step: 4, validationLoss: 1.5 });
});

test("a loss that is not finite is never the best", () => {
  const { state, better } = look(freshStopping(), point(1, NaN));
  expect(better).toBe(false);
  expect(state.best).toBeNull();
  expect(isConverged(state, 1)).toBe(false);
});
