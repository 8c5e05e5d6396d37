import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { CurvePoint } from "../ipc/types.ts";
import { Curve, curveLimit, readCurve, thin } from "./curve.ts";

const point = (step: number, trainLoss: number, validationLoss?: number): CurvePoint => ({
  step,
  epoch: step / 100,
  seconds: step / 1000,
  lr: 0.1,
  trainLoss,
  ...(validationLoss === undefined ? {} : { validationLoss }),
});

describe("a thinned curve", () => {
  const points = Array.from({ length: 100_000 }, (_, i) => point(i + 1, 1 / (i + 1), i % 500 === 0 ? 2 / (i + 1) : undefined));
  points[43_211] = point(43_212, 99);
  points[76_543] = point(76_544, -1);
  points[61_500] = point(61_501, 0.5, 77);
  const thinned = thin(points);

  test("has at most 2,000 points, the first, the last and every extreme", () => {
    expect(thinned.length).toBeLessThanOrEqual(curveLimit);
    expect(thinned.length).toBeGreaterThan(curveLimit / 3);
    for (const at of [0, 43_211, 61_500, 76_543, 99_999]) expect(thinned).toContain(points[at]);
  });

  test("is in order and made of points of the curve", () => {
    expect(thinned.map(({ step }) => step)).toEqual([...thinned.map(({ step }) => step)].sort((a, b) => a - b));
    expect(new Set(thinned).size).toBe(thinned.length);
  });

  test("is the curve itself when that is short", () => {
    expect(thin(points.slice(0, 2000))).toEqual(points.slice(0, 2000));
  });
});

test("a growing curve keeps its extremes and its bound", () => {
  const curve = new Curve();
  for (let step = 1; step <= 50_000; step++) curve.add(point(step, step === 777 ? 50 : 1, step === 31_000 ? 9 : undefined));
  const kept = curve.points();
  expect(kept.length).toBeLessThanOrEqual(curveLimit);
  expect(kept.map(({ step }) => step)).toEqual(expect.arrayContaining([1, 777, 31_000, 50_000]));
});

test("metrics.jsonl: a torn last line, a damaged one and steps done twice are borne", async () => {
  const folder = mkdtempSync(join(tmpdir(), "paddock-curve-"));
  const path = join(folder, "metrics.jsonl");
  const lines = [1, 2, 3, 4].map((step) => JSON.stringify(point(step, 1)));
  writeFileSync(path, [...lines, "\u0000\u0000", JSON.stringify(point(3, 2)), '{"step":4,"ep'].join("\n"));
  expect((await readCurve(path)).points().map(({ step, trainLoss }) => [step, trainLoss])).toEqual([
    [1, 1],
    [2, 1],
    [3, 2],
  ]);
  expect((await readCurve(join(folder, "none"))).points()).toEqual([]);
  rmSync(folder, { recursive: true });
});
