import { expect, test } from "vitest";
import { residualsOf } from "./residuals.ts";

test("mean, median and the ninetieth of a hundred; every answer is in a bar", () => {
  const truth = Array.from({ length: 101 }, (_, i) => i);
  const { mean, median, ninety, histogram } = residualsOf(
    truth.map((t, i) => t + (i - 40) / 10),
    truth,
  );
  expect(mean).toBeCloseTo(1, 9);
  expect(median).toBeCloseTo(2.5, 1);
  expect(ninety).toBeCloseTo(5, 1);
  expect(histogram.counts.reduce((a, b) => a + b)).toBe(101);
  expect([histogram.edges[0], histogram.edges.at(-1)]).toEqual([-4, 6]);
  expect(histogram.edges).toHaveLength(histogram.counts.length + 1);
});

test("one far out does not leave one bar for all others; it is counted apart", () => {
  const truth = new Float64Array(1000);
  const predicted = Float64Array.from({ length: 1000 }, (_, i) => (i === 500 ? 1e6 : Math.sin(i)));
  const { histogram } = residualsOf(predicted, truth);
  expect([histogram.below, histogram.above]).toEqual([0, 1]);
  expect(histogram.edges.at(-1)!).toBeLessThan(2);
  expect(histogram.counts.filter((n) => n > 0).length).toBeGreaterThan(10);
});

test("exact answers are one bar about 0", () => {
  const { histogram, mean } = residualsOf([1, 2, 3], [1, 2, 3]);
  expect(mean).toBe(0);
  expect(histogram.counts.reduce((a, b) => a + b)).toBe(3);
  expect(histogram.edges[0]).toBeLessThan(0);
});
