import { describe, expect, test } from "vitest";
import { fastest, fitting } from "./choose.ts";
import { type Facts, makePlan } from "./kinds/tablePlan.ts";

const facts: Facts = {
  task: "regression",
  target: "y",
  numeric: 8,
  categories: [],
  inputs: 8,
  rows: { train: 4000, validation: 500, test: 500 },
};
const spec = { data: "x", batch: 2048, config: { width: 256, depth: 4, members: 16 } };

describe("the fastest of what was tried", () => {
  const cpu = (threads: number, stepMs: number | null) => ({ device: "cpu", threads, stepMs });
  test("is taken", () =>
    expect(fastest([cpu(1, 9), cpu(2, 5), { device: "webgpu", threads: 2, stepMs: 3 }])).toEqual({ device: "webgpu", threads: 2 }));
  test("unless it is faster by chance only", () => expect(fastest([cpu(1, 5), cpu(2, 4.9)])).toEqual({ device: "cpu", threads: 1 }));
  test("among those that ran", () =>
    expect(fastest([cpu(1, null), { device: "webgpu", threads: 1, stepMs: null, why: "no adapter" }, cpu(2, 7)])).toEqual({
      device: "cpu",
      threads: 2,
    }));
  test("and none of none", () => expect(fastest([cpu(1, null)])).toBeUndefined());
});

describe("a batch that fits the memory", () => {
  const plan = makePlan(facts, spec);
  const planFor = (batch: number) => makePlan(facts, { ...spec, batch });
  test("stays where it fits", () => expect(fitting({ plan, planFor }, 1e12)).toBe(plan));
  test("is halved as often as it must be", () => {
    const limit = plan.plan.estimatedBytes - 1;
    const half = fitting({ plan, planFor }, limit);
    expect(half.plan.batch).toBe(1024);
    expect(half.plan.estimatedBytes).toBeLessThan(limit);
    expect(half.course.stepsPerEpoch).toBe(4);
    const less = fitting({ plan, planFor }, half.plan.estimatedBytes - 1);
    expect(less.plan.batch).toBe(512);
  });
  test("and not where that does not help", () => {
    const { plan: last } = fitting({ plan, planFor }, 1);
    expect(last.batch).toBeLessThan(64);
    expect(last.batch).toBeGreaterThanOrEqual(1);
  });
});
