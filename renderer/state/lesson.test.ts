import { flushSync } from "svelte";
import { afterEach, expect, test } from "vitest";
import { AppError } from "../../ipc/error.ts";
import { fakeLesson } from "../parts/lesson/fakeLesson.ts";
import { type Clock, Lesson, type LessonHost, stepsDue, thin } from "./lesson.svelte.ts";

/** Frames come when the test says so. */
function handClock(calm = false): Clock & { tick(ms: number): Promise<void> } {
  let now = 0;
  let next: (() => void) | null = null;
  return {
    now: () => now,
    calm: () => calm,
    frame(callback) {
      next = callback;
      return () => (next = null);
    },
    async tick(ms) {
      now += ms;
      const frame = next;
      next = null;
      frame?.();
      // The host's promises and ours settle in microtasks.
      for (let i = 0; i < 20; i++) await Promise.resolve();
      flushSync();
    },
  };
}

let made: Lesson[] = [];
afterEach(() => {
  for (const lesson of made) lesson.dispose();
  made = [];
});

async function open(host: LessonHost = fakeLesson(), clock = handClock()) {
  const lesson = new Lesson(host, clock);
  made.push(lesson);
  await lesson.reset();
  return { lesson, clock, host };
}

test("opens at a = b = 1, where the loss is 55 and the slopes are whole", async () => {
  const { lesson } = await open();
  expect(lesson.loss).toBeCloseTo(55, 5);
  expect(lesson.state?.gradient.a).toBeCloseTo(-32, 4);
  expect(lesson.state?.gradient.b).toBeCloseTo(-14, 4);
  expect(lesson.trend).toBe("start");
});

test("a step nudges by the slope times the learning rate, against the slope", async () => {
  const { lesson } = await open();
  await lesson.stepOnce();
  expect(lesson.before?.gradient.a).toBeCloseTo(-32, 4);
  expect(lesson.state?.nudge.a).toBeCloseTo(1.6, 5);
  expect(lesson.a).toBeCloseTo(2.6, 5);
  expect(lesson.b).toBeCloseTo(1.7, 5);
  expect(lesson.trend).toBe("down");
  expect(lesson.history.map((m) => m.step)).toEqual([0, 1]);
});

test.each(["sgd", "momentum", "adam"] as const)("%s finds y = 4x + 2 and rests there", async (optimizer) => {
  const { lesson, clock } = await open();
  if (optimizer === "adam") void lesson.setRate(0.1);
  await lesson.setOptimizer(optimizer);
  lesson.run();
  for (let i = 0; i < 1500 && lesson.running; i++) await clock.tick(16);
  expect(lesson.a).toBeCloseTo(4, 2);
  expect(lesson.b).toBeCloseTo(2, 2);
  expect(lesson.history.length).toBeLessThanOrEqual(500);
});

test("a run can be paused and goes on from where it was", async () => {
  const { lesson, clock } = await open();
  lesson.run();
  for (let i = 0; i < 60; i++) await clock.tick(16);
  lesson.pause();
  const step = lesson.step;
  expect(step).toBeGreaterThan(3);
  for (let i = 0; i < 10; i++) await clock.tick(16);
  expect(lesson.step).toBe(step);
  lesson.run();
  await clock.tick(16);
  expect(lesson.step).toBeGreaterThan(step);
});

test("with reduced motion the picture changes at most twice a second", async () => {
  const host = fakeLesson();
  const { lesson, clock } = await open(host, handClock(true));
  lesson.run();
  for (let i = 0; i < 125; i++) await clock.tick(16);
  expect(host.calls.filter((call) => call.startsWith("step")).length).toBeLessThanOrEqual(5);
  expect(lesson.step).toBeGreaterThan(20);
});

test("too large a rate diverges: it stops, says so, keeps finite numbers, and a gentler rate learns", async () => {
  const { lesson, clock } = await open();
  await lesson.setRate(0.5);
  lesson.run();
  for (let i = 0; i < 300 && lesson.running; i++) await clock.tick(16);
  expect(lesson.trend).toBe("diverged");
  expect(Number.isFinite(lesson.a) && Number.isFinite(lesson.b)).toBe(true);
  const calls = lesson.step;
  await lesson.stepOnce();
  expect(lesson.step).toBe(calls);
  await lesson.setRate(lesson.gentlerRate);
  await lesson.reset();
  await lesson.stepOnce();
  expect(lesson.trend).toBe("down");
});

test("the engine's lossNotFinite is a divergence, not a failure", async () => {
  const real = fakeLesson();
  const { lesson } = await open({ ...real, lessonStep: () => Promise.reject(new AppError("lossNotFinite", "too large", "smaller")) });
  await lesson.stepOnce();
  expect(lesson.trend).toBe("diverged");
  expect(lesson.error).toBeNull();
});

test("moving a point measures on the new ground and goes on from where the line stands", async () => {
  const { lesson } = await open();
  await lesson.stepOnce();
  const { a, b } = lesson;
  await lesson.movePoint(0, { x: 1, y: 9 });
  expect([lesson.a, lesson.b]).toEqual([a, b]);
  expect(lesson.step).toBe(1);
  expect(lesson.path.length).toBe(1);
  await lesson.stepOnce();
  expect(lesson.step).toBe(2);
});

test("while the hand moves the line, late answers do not pull it back", async () => {
  const real = fakeLesson();
  const waiting: (() => void)[] = [];
  const slow: LessonHost = {
    ...real,
    lessonOpen: (spec) => new Promise((resolve) => waiting.push(() => void real.lessonOpen(spec).then(resolve))),
  };
  const lesson = new Lesson(slow, handClock());
  made.push(lesson);
  const first = lesson.setLine({ a: 2 });
  void lesson.setLine({ a: 3 });
  waiting.shift()!();
  for (let i = 0; i < 20; i++) await Promise.resolve();
  expect(lesson.a).toBe(3);
  waiting.shift()!();
  await first;
  expect(lesson.a).toBe(3);
  expect(lesson.state?.a).toBe(3);
});

test("points are added and taken away; two always stay", async () => {
  const { lesson } = await open();
  await lesson.addPoint({ x: 4, y: 1 });
  expect(lesson.points.length).toBe(4);
  for (let i = 0; i < 5; i++) await lesson.removePoint(0);
  expect(lesson.points.length).toBe(2);
  await lesson.restore();
  expect(lesson.points.length).toBe(3);
});

test("a worker that has gone is opened anew, once; then the error is told and can be retried", async () => {
  const real = fakeLesson();
  let broken = 1;
  const host: LessonHost = {
    ...real,
    lessonStep: (input) => (broken-- > 0 ? Promise.reject(new AppError("workerDied", "gone", "again")) : real.lessonStep(input)),
  };
  const { lesson } = await open(host);
  await lesson.stepOnce();
  expect(lesson.error).toBeNull();
  expect(lesson.step).toBe(1);
  broken = 1e9;
  await lesson.stepOnce();
  expect(lesson.error?.code).toBe("workerDied");
  broken = 0;
  await lesson.retry();
  await lesson.stepOnce();
  expect(lesson.error).toBeNull();
  expect(lesson.step).toBe(2);
});

test("after a rest the line is opened where it stands", async () => {
  const host = fakeLesson();
  const clock = handClock();
  const { lesson } = await open(host, clock);
  await lesson.stepOnce();
  await clock.tick(60_000);
  await lesson.stepOnce();
  expect(host.calls).toEqual(["open", "step 1", "open", "step 1"]);
  expect(lesson.step).toBe(2);
});

test("what is not a learning rate is ignored", async () => {
  const { lesson } = await open();
  for (const bad of [0, -1, Number.NaN, Infinity]) await lesson.setRate(bad);
  expect(lesson.rate).toBe(0.05);
});

test("disposing closes the host's lesson once and stops the frames", async () => {
  const host = fakeLesson();
  const { lesson, clock } = await open(host);
  lesson.run();
  lesson.dispose();
  lesson.dispose();
  await clock.tick(16);
  expect(host.calls).toEqual(["open", "close"]);
});

test("the pace grows, and long walks are thinned with both ends kept", () => {
  expect(stepsDue(1)).toBe(10);
  expect(stepsDue(5)).toBeGreaterThan(400);
  const kept = thin(
    Array.from({ length: 5001 }, (_, i) => i),
    1000,
  );
  expect(kept.length).toBeLessThanOrEqual(1000);
  expect([kept[0], kept.at(-1)]).toEqual([0, 5000]);
});
