import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { fakeApp } from "../fake/door.ts";
import { FakeHost, homes } from "../fake/host.ts";
import { progress } from "../fake/training.ts";
import { Run } from "./run.svelte.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

async function running() {
  const host = new FakeHost();
  const { id: project } = host.addProject(homes);
  const summary = host.addRun(project, "running", 100);
  const { app } = fakeApp(host);
  const run = new Run(app, summary);
  const loading = run.load();
  await vi.advanceTimersByTimeAsync(5);
  await loading;
  return { host, project, run };
}

test("points and progress come to the screen at most ten times a second, a change of state at once", async () => {
  const { run } = await running();
  const before = run.curve;
  run.onPoints([{ step: 104, epoch: 3, seconds: 1, lr: 0.1, trainLoss: 0.5 }]);
  run.onProgress(progress("running", 104, "regression"));
  expect(run.curve).toBe(before);
  await vi.advanceTimersByTimeAsync(101);
  expect(run.curve.x.at(-1)).toBe(104);
  expect(run.progress?.step).toBe(104);
  run.onProgress(progress("paused", 108, "regression"));
  expect(run.state).toBe("paused");
  run.dispose();
});

test("its end is told once, when the report is there, whichever message comes first", async () => {
  const { host, project, run } = await running();
  const done = vi.fn(() => expect(run.report).toBeDefined());
  run.onDone = done;
  run.onProgress({ ...progress("running", 400, "regression"), state: "done" });
  expect(done).not.toHaveBeenCalled();
  host.advance(project, run.id, 5000);
  await run.load();
  await run.onSummary({ ...run.summary, state: "done" });
  await vi.advanceTimersByTimeAsync(200);
  expect(done).toHaveBeenCalledTimes(1);
  run.dispose();
});

test("a training that was over when it was opened makes no news", async () => {
  const host = new FakeHost();
  const { id: project } = host.addProject(homes);
  const { app } = fakeApp(host);
  const run = new Run(app, host.addRun(project, "done", 1600));
  run.onDone = vi.fn();
  await run.load();
  expect(run.report).toBeDefined();
  expect(run.onDone).not.toHaveBeenCalled();
});
