import { describe, expect, test } from "vitest";
import { Lesson, lessonFit } from "./lesson.ts";

const points = { x: [1, 2, 3], y: [6, 10, 14] };

describe("fit", () => {
  test.each(["sgd", "momentum", "adam"] as const)("%s finds y = 4x + 2", async (optimizer) => {
    const { a, b, loss, steps } = await lessonFit({ ...points, optimizer, lr: 0.05 });
    expect(a).toBeCloseTo(4, 6);
    expect(b).toBeCloseTo(2, 6);
    expect(loss).toBeLessThan(1e-9);
    expect(steps).toBeGreaterThan(10);
  });

  test("wild scales", async () => {
    const x = [1e9, 1e9 + 1, 1e9 + 2, 1e9 + 5];
    const { a, b } = await lessonFit({ x, y: x.map((v) => 3e-6 * v - 7), optimizer: "sgd", lr: 1 });
    expect(a / 3e-6).toBeCloseTo(1, 4);
    expect((a * x[1]! + b) / (3e-6 * x[1]! - 7)).toBeCloseTo(1, 9);
  });

  test("one point, equal points, a flat line", async () => {
    const one = await lessonFit({ x: [5], y: [7], optimizer: "sgd", lr: 0.1 });
    expect(one.a * 5 + one.b).toBeCloseTo(7, 6);
    const same = await lessonFit({ x: [2, 2], y: [1, 3], optimizer: "adam", lr: 0.1 });
    expect(same.a * 2 + same.b).toBeCloseTo(2, 5);
    expect(await lessonFit({ x: [1, 2], y: [0, 0], optimizer: "sgd", lr: 0.1 })).toEqual({ a: 0, b: 0, loss: 0, steps: 0 });
  });

  test("points that cannot be used are refused", async () => {
    await expect(lessonFit({ x: [1], y: [1, 2], optimizer: "sgd", lr: 0.1 })).rejects.toMatchObject({ code: "usage" });
    await expect(lessonFit({ x: [NaN], y: [1], optimizer: "sgd", lr: 0.1 })).rejects.toMatchObject({ code: "usage" });
    await expect(lessonFit({ x: [], y: [], optimizer: "sgd", lr: 0.1 })).rejects.toMatchObject({ code: "usage" });
  });
});

describe("step by step", () => {
  test("the first step of SGD is the slope times the rate", async () => {
    const lesson = await Lesson.open({ ...points, optimizer: "sgd", lr: 0.01 });
    const first = lesson.state;
    expect(first).toMatchObject({ step: 0, a: 0, b: 0, nudge: { a: 0, b: 0 }, settled: false });
    expect(first.loss).toBeCloseTo((36 + 100 + 196) / 3, 9);
    expect(first.gradient.a).toBeCloseTo((-2 * (6 + 20 + 42)) / 3, 9);
    const next = await lesson.step();
    expect(next.nudge.a).toBeCloseTo(-0.01 * first.gradient.a, 5);
    expect(next.nudge.b).toBeCloseTo(-0.01 * first.gradient.b, 5);
    expect(next.loss).toBeLessThan(first.loss);
    await lesson.dispose();
  });

  test("it starts where it is told, and settles", async () => {
    const lesson = await Lesson.open({ ...points, optimizer: "sgd", lr: 0.1, a: 4, b: 1.9 });
    expect(lesson.state.a).toBe(4);
    const states = await lesson.steps(800);
    expect(states).toHaveLength(500);
    expect(states.at(-1)!.settled).toBe(true);
    expect(states.at(-1)!.b).toBeCloseTo(2, 4);
    await lesson.dispose();
  });

  test("too large a rate: the numbers grow as they do, until they cannot", async () => {
    const lesson = await Lesson.open({ ...points, optimizer: "sgd", lr: 1 });
    const states = await lesson.steps(5);
    expect(states.at(-1)!.loss).toBeGreaterThan(states[0]!.loss);
    await expect(lesson.steps(100)).rejects.toMatchObject({ code: "lossNotFinite" });
    await lesson.dispose();
  });
});
