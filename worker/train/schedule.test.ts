// Schedules against PyTorch's, from stored rates (test/references/schedules.py).
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { freshPlateau, judgePlateau, learningRate, type PlannedSchedule, schedules } from "./schedule.ts";

interface Reference {
  torch: string;
  planned: Record<string, { schedule: PlannedSchedule; total: number; rates: number[] }>;
  plateau: { options: { factor: number; patience: number; threshold: number; cooldown: number }; losses: number[]; rates: number[] }[];
}
const reference = JSON.parse(readFileSync(new URL("../../test/references/schedules.json", import.meta.url), "utf8")) as Reference;
const names = Object.keys(schedules) as PlannedSchedule[];

describe(`rates are those of PyTorch ${reference.torch}`, () => {
  test.each(Object.entries(reference.planned))("%s", (_, { schedule, total, rates }) => {
    expect(rates).toHaveLength(total);
    rates.forEach((rate, step) => expect(learningRate(schedule, 0.1, step, total), `step ${step}`).toBeCloseTo(rate, 12));
  });

  test("every planned schedule is among them", () => {
    expect(new Set(Object.values(reference.planned).map((row) => row.schedule))).toEqual(new Set(names));
  });

  test.each(reference.plateau)("plateau $options", ({ options, losses, rates }) => {
    let state = freshPlateau(0.1);
    losses.forEach((loss, i) => {
      state = JSON.parse(JSON.stringify(judgePlateau(state, loss, options))) as typeof state; // as a checkpoint keeps it
      expect(state.rate, `judgement ${i}`).toBeCloseTo(rates[i]!, 15);
    });
  });
});

describe.each(names)("%s", (name) => {
  test("stays between 0 and the base rate, whatever the length", () => {
    for (const total of [0, 1, 2, 3, 4, 7, 10, 1000])
      for (let step = 0; step < total + 5; step++) {
        const lr = learningRate(name, 0.1, step, total);
        expect(lr, `${step} of ${total}`).toBeGreaterThanOrEqual(0);
        expect(lr, `${step} of ${total}`).toBeLessThanOrEqual(0.1 + 1e-12);
      }
  });
});

test("a plateau keeps a rate that can hardly fall, and does not count losses that are no numbers as better", () => {
  expect(judgePlateau({ ...freshPlateau(1e-8), best: 1 }, 2, { patience: 0 }).rate).toBe(1e-8);
  expect(judgePlateau(freshPlateau(1), Number.NaN)).toEqual({ rate: 1, best: null, since: 1, rest: 0 });
});
