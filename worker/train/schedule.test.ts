import { describe, expect, test } from "vitest";
import { learningRate, Plateau, schedules } from "./schedule.ts";
import type { ScheduleName } from "../../ipc/types.ts";

const names = Object.keys(schedules) as ScheduleName[];

describe.each(names)("%s", (name) => {
  test("stays between 0 and the base rate, whatever the length", () => {
    for (const total of [0, 1, 2, 3, 10, 1000])
      for (let step = 0; step < total + 5; step++) {
        const lr = learningRate(name, 0.1, step, total);
        expect(lr, `${step} of ${total}`).toBeGreaterThanOrEqual(0);
        expect(lr, `${step} of ${total}`).toBeLessThanOrEqual(0.1 + 1e-12);
      }
  });
});

test("known values", () => {
  const at = (name: ScheduleName, step: number) => learningRate(name, 1, step, 100);
  expect(at("constant", 99)).toBe(1);
  expect([at("step", 0), at("step", 40), at("step", 90)]).toEqual([1, 0.1, 0.1 ** 2]);
  expect(at("cosine", 50)).toBeCloseTo(0.5);
  expect([at("warmup", 0), at("warmup", 4), at("warmup", 5)]).toEqual([0.2, 1, 1]);
  expect(at("onecycle", 0)).toBeCloseTo(1 / 25);
  expect(at("onecycle", 30)).toBeCloseTo(1, 3);
  expect(at("onecycle", 99)).toBeCloseTo(1 / 25 / 1e4);
});

test("plateau: the rate falls when more judgements than patience brought nothing better, then waits", () => {
  const plateau = new Plateau({ factor: 0.5, patience: 1, cooldown: 1 });
  // By PyTorch's ReduceLROnPlateau(factor=0.5, patience=1, cooldown=1) on these losses.
  const losses = [3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1];
  expect(losses.map((loss) => plateau.judge(loss))).toEqual([1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125, 0.125]);
});
