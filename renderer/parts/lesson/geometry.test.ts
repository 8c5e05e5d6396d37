import { expect, test } from "vitest";
import { firstPoints } from "../../state/lesson.svelte.ts";
import { bowlFrame, bowlOf, cutLine, frameOf, niceStep, scaleTo, snap, ticks } from "./geometry.ts";
import { pointsFrom } from "./ownPoints.ts";
import { paintBowl } from "./paintBowl.ts";
import { rateAt, ratePlace } from "./rate.ts";

test("steps and ticks are round numbers", () => {
  expect([0.03, 1, 3, 7, 12, 0].map(niceStep)).toEqual([0.05, 1, 5, 10, 20, 1]);
  expect(snap(0.1 + 0.2, 0.05)).toBe(0.3);
  expect(Object.is(snap(-0.001, 0.1), 0)).toBe(true);
  expect(ticks([-1, 1], 4)).toEqual([-1, -0.5, 0, 0.5, 1]);
});

test("the window holds all points with room around them", () => {
  const frame = frameOf(firstPoints);
  expect(frame).toEqual({ x: [0, 4], y: [0, 20] });
  expect(frameOf([{ x: 0, y: 0 }])).toEqual({ x: [0, 1], y: [0, 1] });
  const low = frameOf([{ x: -5, y: -5 }]);
  expect(low.x[0]).toBeLessThan(-5);
  expect(low.x[1]).toBe(0);
});

test("a scale and its way back agree", () => {
  const scale = scaleTo({ x: [0, 4], y: [0, 20] }, { left: 40, top: 10, width: 400, height: 200 });
  expect([scale.left(1), scale.top(0), scale.top(20)]).toEqual([140, 210, 10]);
  expect([scale.x(140), scale.y(10)]).toEqual([1, 20]);
});

test("a line is cut to its window, or has left it", () => {
  const frame = { x: [0, 4], y: [0, 20] } as const;
  expect(cutLine({ a: 4, b: 2 }, frame)).toEqual([
    { x: 0, y: 2 },
    { x: 4, y: 18 },
  ]);
  const steep = cutLine({ a: 1e9, b: -1e9 }, frame)!;
  expect(steep[0].x).toBeCloseTo(1, 6);
  expect(steep.every((p) => p.y >= 0 && p.y <= 20)).toBe(true);
  expect(cutLine({ a: 0, b: 21 }, frame)).toBeNull();
  expect(cutLine({ a: 1e9, b: 1e9 }, frame)).toBeNull();
});

test("the map holds the walk, growing three times at the most", () => {
  const near = bowlFrame(firstPoints, [{ a: 1, b: 1 }]);
  expect(near.x[0]).toBeLessThan(1);
  expect(bowlFrame(firstPoints, [{ a: 15, b: 2 }]).x[1]).toBeGreaterThan(15);
  const far = bowlFrame(firstPoints, [{ a: 1e12, b: 1e12 }]);
  expect(far.x[1] - far.x[0]).toBeCloseTo(8 * (near.x[1] - near.x[0]));
});

test("the bowl is the mean squared gap, lowest on the line itself", () => {
  const loss = bowlOf(firstPoints);
  expect(loss(1, 1)).toBeCloseTo(55, 9);
  expect(loss(4, 2)).toBeCloseTo(0, 9);
});

test("the map is darkest where the loss is lowest", () => {
  const frame = { x: [3, 5], y: [1, 3] } as const;
  const pixels = paintBowl(bowlOf(firstPoints), frame, 41, 41, 0.01, { low: [0, 0, 0], high: [255, 255, 255], line: [128, 128, 128] });
  const at = (left: number, top: number) => pixels[(top * 41 + left) * 4]!;
  expect(at(20, 20)).toBeLessThan(at(40, 0));
  expect(pixels[3]).toBe(255);
});

test("the rate's slider is logarithmic and says two digits", () => {
  expect([rateAt(0), rateAt(1 / 3), rateAt(1)]).toEqual([0.001, 0.01, 1]);
  expect(ratePlace(0.1)).toBeCloseTo(2 / 3);
  expect([ratePlace(1e-9), ratePlace(50)]).toEqual([0, 1]);
  expect(rateAt(ratePlace(0.05))).toBe(0.05);
});

test("two columns become points of the lesson's size; rows without both numbers are left out", () => {
  const rows = [
    ["10", "a", "1000"],
    ["20", "b", "3000"],
    ["", "c", "5"],
    ["30", "d", "n/a"],
    ["15", "e", "2000"],
  ];
  expect(pointsFrom(rows, 0, 2)).toEqual([
    { x: 0, y: 0 },
    { x: 3, y: 15 },
    { x: 1.5, y: 7.5 },
  ]);
  expect(pointsFrom(rows, 1, 2)).toEqual([]);
  expect(
    pointsFrom(
      [
        ["1", "1"],
        ["1", "2"],
      ],
      0,
      1,
    ),
  ).toEqual([]);
  expect(
    pointsFrom(
      Array.from({ length: 500 }, (_, i) => [String(i), "7"]),
      0,
      1,
    ).length,
  ).toBe(200);
});
