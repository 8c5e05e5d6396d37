import { describe, expect, test } from "vitest";
import { type Facts, foldsFor, makePlan } from "./tablePlan.ts";

const facts = (train: number, more: Partial<Facts> = {}): Facts => ({
  task: "regression",
  target: "y",
  numeric: 8,
  categories: [],
  inputs: 8,
  rows: { train, validation: Math.ceil(train / 8), test: Math.ceil(train / 8) },
  ...more,
});

describe("plan", () => {
  test("grows with the rows, and fits the time", () => {
    let last = 0;
    for (const rows of [3, 50, 1000, 20_000, 500_000, 5_000_000]) {
      const { plan, course } = makePlan(facts(rows), { data: "x" });
      expect(plan.batch).toBeGreaterThanOrEqual(last);
      expect(plan.batch).toBeLessThanOrEqual(rows);
      expect(course.steps).toBeGreaterThan(0);
      expect(plan.estimatedSeconds).toBeLessThanOrEqual(plan.maxSeconds + 2);
      expect(course.steps / course.evaluateEvery).toBeLessThanOrEqual(200);
      last = plan.batch;
    }
  });

  test("what is asked for is done", () => {
    const { plan, course } = makePlan(facts(1000), {
      data: "x",
      optimizer: "sgd",
      lr: 0.5,
      schedule: "constant",
      batch: 10,
      steps: 37,
      seed: 9,
      shuffle: false,
      split: true,
      weightDecay: 0.1,
      seconds: 7,
    });
    expect(plan.settings).toEqual({
      optimizer: "sgd",
      lr: 0.5,
      schedule: "constant",
      weightDecay: 0.1,
      batch: 10,
      seed: 9,
      shuffle: false,
      split: true,
    });
    expect(course).toMatchObject({ steps: 37, patience: Infinity, maxSeconds: 7 });
    expect(makePlan(facts(1000), { data: "x", epochs: 3, batch: 100 }).course.steps).toBe(30);
  });

  test("is the same every time", () => expect(makePlan(facts(777), { data: "x" })).toEqual(makePlan(facts(777), { data: "x" })));
});

test("few rows learn in folds, unless groups or time part them, or the members asked for cannot be dealt", () => {
  const data = "x.csv";
  expect(foldsFor([800, 100, 100], { data })).toBe(8);
  expect(foldsFor([4000, 500, 500], { data })).toBe(5);
  expect(foldsFor([8000, 1000, 1000], { data })).toBe(0);
  expect(foldsFor([10, 2, 2], { data })).toBe(0);
  expect(foldsFor([900, 0, 0], { data, split: false })).toBe(0);
  expect(foldsFor([800, 100, 100], { data, splitBy: { by: "stratified" } })).toBe(8);
  for (const splitBy of [
    { by: "group", column: "shop" },
    { by: "time", column: "day" },
  ] as const)
    expect(foldsFor([800, 100, 100], { data, splitBy })).toBe(0);
  expect(foldsFor([800, 100, 100], { data, config: { members: 2 } })).toBe(0);
  expect(foldsFor([800, 100, 100], { data, config: { folds: 0 } })).toBe(0);
  expect(() => foldsFor([800, 100, 100], { data, config: { folds: 3, members: 4 } })).toThrow(expect.objectContaining({ code: "usage" }));
});
