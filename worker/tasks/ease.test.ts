import { expect, test } from "vitest";
import { Random } from "../random.ts";
import { easeScores, fitEase } from "./ease.ts";
import { invertSymmetric } from "./symmetric.ts";

const sets = (rows: number[][], items: number) => ({
  users: rows.length,
  items,
  starts: Uint32Array.from([0, ...rows.map((_, u) => rows.slice(0, u + 1).flat().length)]),
  item: Int32Array.from(rows.flat()),
});

test("the inverse of a symmetric matrix, times it, is one", async () => {
  const n = 70; // more than a block
  const random = new Random(3, "matrix");
  const half = Array.from({ length: n * n }, () => random.normal());
  const full = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) for (let k = 0; k < n; k++) full[i * n + j]! += half[i * n + k]! * half[j * n + k]! + (i === j ? 1 / n : 0);
  const inverse = await invertSymmetric(full.slice(), n, () => Promise.resolve());
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let k = 0; k < n; k++) sum += full[i * n + k]! * inverse[k * n + j]!;
      expect(sum).toBeCloseTo(i === j ? 1 : 0, 6);
    }
});

test("weights are the closed form of the paper", async () => {
  const rows = [[0, 1], [0, 1], [0, 2], [0], [1]];
  const ease = await fitEase(sets(rows, 3), { lambda: 0.5, most: 3 });
  expect([...ease.known]).toEqual([0, 1, 2]);
  const gram = [[4.5, 2, 1], [2, 3.5, 0], [1, 0, 1.5]]; // prettier-ignore
  // Solved by hand: column i of B minimises over the others, so gram without row and column i, solved for its column.
  const b10 = (2 * 1.5) / (3.5 * 1.5); // others of 0: [1, 2] against (2, 1): 3.5 x = 2, 1.5 y = 1
  expect(ease.weights[1 * 3 + 0]).toBeCloseTo(b10, 6);
  expect(ease.weights[2 * 3 + 0]).toBeCloseTo(1 / 1.5, 6);
  const det = gram[0]![0]! * gram[2]![2]! - 1; // others of 1: [0, 2] against (2, 0)
  expect(ease.weights[0 * 3 + 1]).toBeCloseTo((2 * 1.5) / det, 6);
  expect(ease.weights[2 * 3 + 1]).toBeCloseTo(-2 / det, 6);
  for (let i = 0; i < 3; i++) expect(ease.weights[i * 3 + i]).toBe(0);
});

test("who has nothing gets what most have; what is had, and what is too rare to be known, is left out", async () => {
  const ease = await fitEase(sets([[0, 1], [0, 1], [0, 2], [0], [3]], 4), { lambda: 1, most: 3 }); // prettier-ignore
  const [a, b, c, d] = easeScores(ease, []);
  expect(a!).toBeGreaterThan(b!);
  expect(b!).toBeGreaterThan(c!);
  expect(d).toBe(-Infinity);
  expect(easeScores(ease, [0])[0]).toBe(-Infinity);
});
