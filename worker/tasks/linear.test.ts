import { expect, test } from "vitest";
import { Random } from "../random.ts";
import { applyLinear, fitLogistic, fitRidge, type LinearRows } from "./linear.ts";

const table = (x: number[][], ones: number[][] = x.map(() => []), width = 0): LinearRows => ({
  rows: x.length,
  numeric: x[0]!.length,
  x: Float32Array.from(x.flat()),
  ones: Int32Array.from(ones.flat()),
  perRow: ones[0]!.length,
  width,
});

test("ridge meets its normal equations on wildly scaled inputs", async () => {
  const random = new Random(1);
  const x = Array.from({ length: 200 }, () => [1e6 + 1e4 * random.normal(), random.normal(), 1e-3 * random.normal()]);
  const y = x.map(([a, b, c]) => 3 + (a! - 1e6) / 1e4 + 2 * b! - 500 * c! + 0.01 * random.normal());
  const data = table(x);
  const predicted = applyLinear(await fitRidge(data, y), data);
  const rmse = Math.sqrt(predicted.reduce((sum, p, i) => sum + (p - y[i]!) ** 2, 0) / y.length);
  expect(rmse).toBeLessThan(0.03);
});

// sklearn.linear_model.LogisticRegression(C=1) on the standardised column [-1.341641, -0.447214, 0.447214, 1.341641], y = [0, 0, 1, 1]:
// the optimum has a zero slope, which is what is checked.
test("logistic regression is at the optimum of the penalised loss", async () => {
  const data = table([[1], [2], [3], [4]]);
  const y = Int32Array.from([0, 0, 1, 1]);
  const model = await fitLogistic(data, y, 2);
  const scores = applyLinear(model, data);
  const std = Math.sqrt(1.25);
  let slope = 0;
  for (let i = 0; i < 4; i++) {
    const p = 1 / (1 + Math.exp(scores[2 * i]! - scores[2 * i + 1]!));
    slope += (p - y[i]!) * ((i + 1 - 2.5) / std);
  }
  slope += model.weights[1]! * std; // penalty |W|²/2 of the whitened weight of class 1
  expect(Math.abs(slope)).toBeLessThan(1e-4);
});

test("categories separate classes; -1 is no category", async () => {
  const data = table(
    Array.from({ length: 60 }, () => []),
    Array.from({ length: 60 }, (_, i) => [i % 3 === 2 ? -1 : i % 3]),
    2,
  );
  const y = Int32Array.from({ length: 60 }, (_, i) => i % 3);
  const scores = applyLinear(await fitLogistic(data, y, 3), data);
  for (let i = 0; i < 60; i++) expect(scores.subarray(i * 3, i * 3 + 3).indexOf(Math.max(...scores.subarray(i * 3, i * 3 + 3)))).toBe(y[i]);
});
