import { cleanup, fireEvent, render, screen, waitFor, within } from "@testing-library/svelte";
import { afterEach, expect, test } from "vitest";
import { fakeApp } from "../../fake/door.ts";
import { FakeHost, homes } from "../../fake/host.ts";
import type { Clock } from "../../state/lesson.svelte.ts";
import { tongue } from "../../state/words.svelte.ts";
import { fakeLesson } from "./fakeLesson.ts";
import LessonStage from "./LessonStage.svelte";

afterEach(() => {
  cleanup();
  tongue.now = "en";
});

/** Frames on demand; a frame advances time by 100 ms. */
function frames(): Clock & { next(): Promise<void> } {
  let now = 0;
  let waiting: (() => void) | null = null;
  return {
    now: () => now,
    calm: () => false,
    frame(callback) {
      waiting = callback;
      return () => (waiting = null);
    },
    async next() {
      now += 100;
      const callback = waiting;
      waiting = null;
      callback?.();
      for (let i = 0; i < 20; i++) await Promise.resolve();
    },
  };
}

async function open(clock = frames()) {
  const host = fakeLesson();
  const view = render(LessonStage, { host, clock });
  await waitFor(() => expect(text("lesson-loss")).toBe("55"));
  return { host, clock, view, lesson: screen.getByTestId("lesson-line") };
}
const text = (id: string) => screen.getByTestId(id).textContent!.trim();
const points = () => screen.getAllByRole("slider", { name: /^(Point at|点：)/ });

test("shows the line, its loss and the numbers of a step", async () => {
  const { lesson } = await open();
  expect(lesson.textContent).toContain("(−32)");
  expect(text("lesson-nudge-a")).toBe("?");
  await fireEvent.click(screen.getByTestId("lesson-step"));
  await waitFor(() => expect(text("lesson-steps")).toBe("1"));
  expect(text("lesson-a")).toBe("2.600");
  expect(text("lesson-b")).toBe("1.700");
  expect(text("lesson-nudge-a")).toBe("+1.6");
  expect(text("lesson-nudge-b")).toBe("+0.7");
  expect(text("lesson-trend")).toMatch(/^Less wrong: this step brought the loss from 55 down to /);
});

test("runs, pauses, and starts again", async () => {
  const { clock } = await open();
  await fireEvent.click(screen.getByRole("button", { name: "Run" }));
  for (let i = 0; i < 10; i++) await clock.next();
  await fireEvent.click(await screen.findByRole("button", { name: "Pause" }));
  const steps = Number(text("lesson-steps"));
  expect(steps).toBeGreaterThan(5);
  await clock.next();
  expect(Number(text("lesson-steps"))).toBe(steps);
  await fireEvent.click(screen.getByRole("button", { name: "Start again" }));
  await waitFor(() => expect(text("lesson-steps")).toBe("0"));
  expect(text("lesson-loss")).toBe("55");
});

test("arrow keys move a point, Delete takes it away, and the loss follows", async () => {
  await open();
  const first = points()[0]!;
  first.focus();
  await fireEvent.keyDown(first, { key: "ArrowUp" });
  await waitFor(() => expect(points()[0]!.getAttribute("aria-valuetext")).toBe("Point at x 1, y 6.2"));
  await waitFor(() => expect(text("lesson-loss")).not.toBe("55"));
  await fireEvent.keyDown(points()[0]!, { key: "Delete" });
  await waitFor(() => expect(points().length).toBe(2));
  expect(screen.getByRole<HTMLButtonElement>("button", { name: "Remove point" }).disabled).toBe(true);
  await fireEvent.click(screen.getByRole("button", { name: "First points again" }));
  await waitFor(() => expect(points().length).toBe(3));
});

test("a point is dragged by the pointer and stays inside the picture", async () => {
  await open();
  const point = points()[2]!;
  await fireEvent.pointerDown(point, { button: 0, pointerId: 1, clientX: 0, clientY: 0 });
  await fireEvent.pointerMove(point, { pointerId: 1, clientX: -500, clientY: 9999 });
  await fireEvent.pointerUp(point, { pointerId: 1 });
  await waitFor(() => expect(points()[2]!.getAttribute("aria-valuetext")).toBe("Point at x 0, y 0"));
  await fireEvent.pointerMove(point, { pointerId: 1, clientX: 300, clientY: 10 });
  expect(points()[2]!.getAttribute("aria-valuetext")).toBe("Point at x 0, y 0");
});

test("points are added by the button and by a double click", async () => {
  const { view } = await open();
  await fireEvent.click(screen.getByRole("button", { name: "Add point" }));
  await waitFor(() => expect(points().length).toBe(4));
  await fireEvent.dblClick(view.container.querySelector(".picture svg")!, { clientX: 200, clientY: 100 });
  await waitFor(() => expect(points().length).toBe(5));
});

test("the sliders put the line where the hand wants it", async () => {
  await open();
  const a = screen.getByRole("slider", { name: "a: how steep" });
  await fireEvent.input(a, { target: { value: "4" } });
  await waitFor(() => expect(text("lesson-a")).toBe("4.000"));
  await waitFor(() => expect(text("lesson-loss")).toBe("1"));
});

test("too large a learning rate is told honestly, with a way out", async () => {
  const { clock } = await open();
  await fireEvent.change(screen.getByTestId("lesson-rate"), { target: { value: "0.5" } });
  await fireEvent.click(screen.getByRole("button", { name: "Run" }));
  for (let i = 0; i < 40; i++) await clock.next();
  await waitFor(() => expect(text("lesson-trend")).toMatch(/^The steps are too long\. With a learning rate of 0\.5/));
  expect(screen.getByTestId<HTMLButtonElement>("lesson-step").disabled).toBe(true);
  expect(screen.getByText("The line has left the picture.")).toBeTruthy();
  await fireEvent.click(screen.getByRole("button", { name: "Start again with 0.05" }));
  for (let i = 0; i < 10; i++) await clock.next();
  await fireEvent.click(await screen.findByRole("button", { name: "Pause" }));
  expect(Number(text("lesson-loss"))).toBeLessThan(1);
});

test("the optimizer is chosen, and the sum says how the nudge is made", async () => {
  const { view } = await open();
  await fireEvent.click(within(view.container).getByRole("radio", { name: "Adam" }));
  await fireEvent.click(screen.getByTestId("lesson-step"));
  await waitFor(() => expect(text("lesson-nudge-a")).toBe("+0.05"));
  expect(screen.getAllByText("scaled to the usual size of the slope").length).toBe(2);
});

test("the guide turns its pages, and the page about the loss shows the squares", async () => {
  await open();
  const squares = screen.getByRole<HTMLInputElement>("checkbox", { name: "Show squares" });
  expect(squares.checked).toBe(false);
  await fireEvent.click(screen.getByRole("button", { name: "Next" }));
  expect(screen.getByRole("heading", { name: "The loss: how wrong the line is" })).toBeTruthy();
  expect(squares.checked).toBe(true);
  await fireEvent.click(screen.getByRole("button", { name: "Next" }));
  expect(squares.checked).toBe(false);
  await fireEvent.click(screen.getByRole("button", { name: /^7\./ }));
  expect(screen.getByRole<HTMLButtonElement>("button", { name: "Next" }).disabled).toBe(true);
});

test("speaks Chinese at once when the language changes", async () => {
  await open();
  tongue.now = "zh";
  await waitFor(() => expect(screen.getByRole("button", { name: "走一步" })).toBeTruthy());
  expect(screen.getByRole("heading", { name: "一条直线，两个数" })).toBeTruthy();
  expect(points()[0]!.getAttribute("aria-valuetext")).toBe("点：x 为 1，y 为 6");
});

test("closing the screen closes the host's lesson", async () => {
  const { host, view } = await open();
  view.unmount();
  expect(host.calls.at(-1)).toBe("close");
});

test("two columns of a table of one's own become the points", async () => {
  const world = new FakeHost();
  world.addProject(homes, "Homes in the city");
  const { app, link } = fakeApp(world);
  const { container } = render(LessonStage, { host: fakeLesson(), tables: app.call, clock: frames() });
  const own = screen.getByTestId("lesson-own");
  await fireEvent.click(await within(own).findByText("Show these points"));
  await waitFor(() => expect(container.querySelectorAll(".point").length).toBeGreaterThan(3));
  expect(own.querySelector("[role=status]")!.textContent).toMatch(/ of .* rows are shown/);
  link.close();
});
