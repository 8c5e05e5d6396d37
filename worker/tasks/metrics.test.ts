import { describe, expect, test } from "vitest";
import { classificationMetrics, confusion, regressionMetrics } from "./metrics.ts";

// Expected values: sklearn.metrics 1.9 on the same numbers.
describe("classification", () => {
  const p = Float32Array.from([0.7, 0.2, 0.1, 0.1, 0.5, 0.4, 0.3, 0.3, 0.4, 0.6, 0.3, 0.1]);
  const y = Int32Array.from([0, 1, 1, 0]);

  test("accuracy, macro F1 and log loss of three classes", () => {
    const m = classificationMetrics(p, y, 3);
    expect(m["accuracy"]).toBe(0.75);
    expect(m["macroF1"]).toBeCloseTo((1 + 2 / 3 + 0) / 3, 12);
    expect(m["logLoss"]).toBeCloseTo(-(Math.log(0.7) + Math.log(0.5) + Math.log(0.3) + Math.log(0.6)) / 4, 6);
    expect(m["rocAuc"]).toBeUndefined();
  });

  test("a class that nobody asked for or answered does not lower macro F1", () => {
    expect(classificationMetrics(Float32Array.from([0.9, 0.1, 0, 0.1, 0.9, 0]), Int32Array.from([0, 1]), 3)["macroF1"]).toBe(1);
  });

  test("rocAuc counts ties half", () => {
    const scores = [0.1, 0.4, 0.4, 0.8, 0.4, 0.9];
    const two = Float32Array.from(scores.flatMap((s) => [1 - s, s]));
    // pairs (positive, negative): positives 0.4, 0.8, 0.9; negatives 0.1, 0.4, 0.4 → 8 of 9 with two halves
    expect(classificationMetrics(two, Int32Array.from([0, 0, 1, 1, 0, 1]), 2)["rocAuc"]).toBeCloseTo(8 / 9, 6);
  });

  test("rocAuc is absent where only one class occurs; an unseen class is wrong and finite", () => {
    const m = classificationMetrics(Float32Array.from([0.2, 0.8, 0.3, 0.7]), Int32Array.from([1, -1]), 2);
    expect(m["rocAuc"]).toBeUndefined();
    expect(m["accuracy"]).toBe(0.5);
    expect(Number.isFinite(m["logLoss"])).toBe(true);
  });

  test("confusion", () => {
    expect(confusion(p, y, 3)).toEqual([
      [2, 0, 0],
      [0, 1, 1],
      [0, 0, 0],
    ]);
  });
});

describe("regression", () => {
  test("r2, rmse, mae", () => {
    const m = regressionMetrics([2.5, 0, 2, 8], [3, -0.5, 2, 7]);
    expect(m["r2"]).toBeCloseTo(0.9486081370449679, 12);
    expect(m["rmse"]).toBeCloseTo(Math.sqrt(0.375), 12);
    expect(m["mae"]).toBeCloseTo(0.5, 12);
  });

  test("truth that does not vary", () => {
    expect(regressionMetrics([1, 2], [1, 1])["r2"]).toBe(0);
    expect(regressionMetrics([1, 1], [1, 1])["r2"]).toBe(1);
    expect(regressionMetrics([], [])["rmse"]).toBe(0);
  });
});
