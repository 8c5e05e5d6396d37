import { expect, test } from "vitest";
import { Random } from "../random.ts";
import { atTemperature, calibrationError, fitTemperature } from "./calibration.ts";
import { classificationMetrics } from "./metrics.ts";

/** Rows whose classes are drawn by the probabilities of their logits; told are those of the logits times `sharper`. */
function drawn(rows: number, sharper: number) {
  const random = new Random(3, "calibration");
  const probabilities = new Float32Array(rows * 3);
  const truth = new Int32Array(rows);
  for (let i = 0; i < rows; i++) {
    const logits = [random.normal(), random.normal(), random.normal()];
    const softmax = (scale: number) => {
      const e = logits.map((z) => Math.exp(scale * z));
      const sum = e.reduce((a, b) => a + b);
      return e.map((x) => x / sum);
    };
    const [a, b] = softmax(1) as [number, number, number];
    const at = random.uniform();
    truth[i] = at < a ? 0 : at < a + b ? 1 : 2;
    probabilities.set(softmax(sharper), 3 * i);
  }
  return { probabilities, truth };
}

test("probabilities that are too sure get the temperature they were sharpened by, and lose most of their calibration error", () => {
  const { probabilities, truth } = drawn(4000, 2.5);
  const temperature = fitTemperature(probabilities, truth, 3);
  expect(temperature).toBeGreaterThan(2.3);
  expect(temperature).toBeLessThan(2.75);
  const cooled = atTemperature(probabilities, 3, temperature);
  expect(calibrationError(probabilities, truth, 3)).toBeGreaterThan(0.15);
  expect(calibrationError(cooled, truth, 3)).toBeLessThan(0.03);
  const before = classificationMetrics(probabilities, truth, 3);
  const after = classificationMetrics(cooled, truth, 3);
  expect(after["accuracy"]).toBe(before["accuracy"]);
  expect(after["logLoss"]!).toBeLessThan(before["logLoss"]! - 0.2);
});

test("a gain that could be chance leaves the probabilities as they are", () => {
  const { probabilities, truth } = drawn(200, 1);
  expect(fitTemperature(probabilities, truth, 3)).toBe(1);
  expect(atTemperature(probabilities, 3, 1)).toBe(probabilities);
});

test("certain answers and unknown classes do no harm", () => {
  const probabilities = Float32Array.of(1, 0, 0, 1, 1, 0);
  const temperature = fitTemperature(probabilities, Int32Array.of(0, -1, 1), 2);
  expect(Number.isFinite(temperature)).toBe(true);
  expect([...atTemperature(probabilities, 2, 2)]).toEqual([1, 0, 0, 1, 1, 0]);
});

test("the calibration error is the mean gap between what was said and what was right", () => {
  // Two bins: 0.9 said twice, right once; 0.6 said once, right.
  const probabilities = Float32Array.of(0.9, 0.1, 0.1, 0.9, 0.6, 0.4);
  expect(calibrationError(probabilities, Int32Array.of(0, 0, 0), 2)).toBeCloseTo((Math.abs(1.8 - 1) + Math.abs(0.6 - 1)) / 3, 6);
});
