import { fireEvent, render, screen } from "@testing-library/svelte";
import { expect, test } from "vitest";
import Chart from "./Chart.svelte";
import { chartSummary, lastValue, namedMarks, numberText, powersOfTen, rangeX, rangeY } from "./chart.ts";
import { plotData } from "./chartPlot.ts";

const line = (values: (number | null)[], label = "training") => ({ label, color: "--accent", values });

test("numbers read as people read them", () => {
  expect([0, 1234.5, 0.01234567, 4.5e-7, 1e-7, -3e9, 9.9999e-8, Infinity, Number.NaN, null].map((n) => numberText(n))).toEqual([
    "0",
    "1,235",
    "0.01235",
    "4.5×10⁻⁷",
    "10⁻⁷",
    "−3×10⁹",
    "10⁻⁷",
    "∞",
    "–",
    "–",
  ]);
});

test("the summary names the axes, where the lines end and the marks", () => {
  const text = chartSummary(
    "loss",
    "step",
    [1, 2, 3],
    [line([3, 2, null]), line([4, 3, 2.5], "validation")],
    [{ x: 2, label: "best", kind: "best" }],
  );
  expect(text).toBe("loss, step 3; training: 2; validation: 2.5; best: step 2");
  expect(lastValue([null, null])).toBeNull();
});

test("ranges are never empty, and a linear loss stands on zero", () => {
  expect(rangeX(null, null)).toEqual([0, 1]);
  expect(rangeX(5, 5)).toEqual([5, 6]);
  expect(rangeY(0.1, 2, false)[0]).toBe(0);
  expect(rangeY(-1, 1, false)[0]).toBeLessThan(-1);
  expect(rangeY(3, 3, false)).toEqual([0, 4.5]);
  const [low, high] = rangeY(2, 2, true);
  expect(high / low).toBeGreaterThanOrEqual(10 - 1e-9);
});

test("a logarithmic axis turns what it cannot show into gaps", () => {
  expect(plotData([1, 2, 3], [line([0, 1, Infinity])], true)).toEqual([
    [1, 2, 3],
    [null, 1, null],
  ]);
});

test("a logarithmic axis is marked at powers of ten, never too many", () => {
  expect(powersOfTen(0.01, 20, 5)).toEqual([0.01, 0.1, 1, 10]);
  expect(powersOfTen(1e-9, 30, 4)).toEqual([1e-9, 1e-6, 1e-3, 1]);
});

test("the best point keeps its name where names would touch", () => {
  const places = [
    { left: 50, width: 60, kind: "best" as const },
    { left: 80, width: 60, kind: "checkpoint" as const },
    { left: 300, width: 60, kind: "shrunk" as const },
  ];
  expect(namedMarks(places, 400)).toEqual([true, false, true]);
});

test("speaks its last values, and arrow keys read point by point", async () => {
  const view = render(Chart, {
    series: [line([9, 4, 1])],
    x: [1, 2, 3],
    xLabel: "step",
    yLabel: "loss",
    "data-testid": "loss-chart",
  } as never);
  const picture = screen.getByRole("img");
  expect(screen.getByTestId("loss-chart").contains(picture)).toBe(true);
  expect(picture.getAttribute("aria-label")).toBe("loss, step 3; training: 1");
  await fireEvent.keyDown(picture, { key: "ArrowLeft" });
  expect(view.container.querySelector("[aria-live]")!.textContent).toBe("step 2; training: 4");
  await fireEvent.keyDown(picture, { key: "Home" });
  expect(view.container.querySelector("[aria-live]")!.textContent).toBe("step 1; training: 9");
  await fireEvent.keyDown(picture, { key: "Escape" });
  expect(view.container.querySelector("[aria-live]")!.textContent).toBe("");
  view.unmount();
});
