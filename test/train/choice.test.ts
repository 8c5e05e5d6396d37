// What a run settles when it begins: with "auto" it tries what there is, and a resumed run goes by what was found.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { RunProgress, RunRecord, TrainSpec } from "../../ipc/types.ts";
import { Control } from "../../worker/train/control.ts";
import { type RunRequest, trainRun } from "../../worker/train/run.ts";
import { writeTable } from "./table.ts";

let folder: string;
let data: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "paddock-choice-"));
  data = await writeTable(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const wide = { width: 256, depth: 3, members: 8 };

function train(run: string, spec: TrainSpec | undefined, more: Partial<RunRequest> = {}, stopAt = Infinity) {
  const abort = new AbortController();
  const told: RunProgress[] = [];
  const done = trainRun({
    run,
    ...(spec ? { spec } : {}),
    cache: join(folder, "cache"),
    control: new Control(abort.signal),
    signal: abort.signal,
    onProgress: (progress) => told.push(progress),
    onPoint: (point) => {
      if (point.step >= stopAt) abort.abort();
    },
    ...more,
  });
  return { done, told };
}
const recordOf = async (run: string) => JSON.parse(await readFile(join(run, "run.json"), "utf8")) as RunRecord;

test("auto tries one thread and all on the processor and says what it found; a resumed run asks nothing again", async () => {
  const run = join(folder, "auto");
  const spec: TrainSpec = { data, target: "price", steps: 60, seed: 5, batch: 32, config: wide, device: "auto", logLosses: true };
  // Long enough to be worth a trial by the reckoning of the plan.
  const long: TrainSpec = { ...spec, steps: 4000 };
  const { done, told } = train(run, long, {}, 6);
  await expect(done).rejects.toMatchObject({ code: "interrupted" });
  const { choice, trying } = await recordOf(run);
  expect(trying).toBeUndefined();
  expect(choice).toMatchObject({ why: "fastest", batch: 32 });
  expect(choice!.trials.filter((t) => t.device === "cpu").every((t) => t.stepMs! > 0)).toBe(true);
  expect(choice!.trials.every((t) => t.stepMs !== null || t.why)).toBe(true);
  const cpu = choice!.trials.filter((t) => t.device === "cpu").map((t) => t.threads);
  expect(cpu[0]).toBe(1);
  expect(told.at(-1)!.choice).toEqual(choice);

  // Another choice in the file is what the resumed run goes by: it tries nothing itself.
  const record = await recordOf(run);
  const settled = { ...choice!, device: "cpu", threads: 1, trials: [] };
  await writeFile(join(run, "run.json"), JSON.stringify({ ...record, choice: settled }));
  const again = train(run, undefined, {}, 12);
  await expect(again.done).rejects.toMatchObject({ code: "interrupted" });
  expect((await recordOf(run)).choice).toEqual(settled);
}, 60_000);

test("a net too small for a trial is not tried, and says so", async () => {
  const run = join(folder, "small");
  const result = await train(run, { data, target: "kind", steps: 20, device: "auto", config: { width: 8, depth: 1, members: 2 } }).done;
  expect(result.device).toBe("cpu");
  expect(result.choice).toMatchObject({ device: "cpu", threads: 1, why: "short", trials: [] });
});

test("a batch that does not fit is halved before the run begins, and the run says so", async () => {
  const run = join(folder, "shrunk");
  const spec: TrainSpec = { data, target: "kind", steps: 4, batch: 190, config: wide };
  const whole = await train(join(folder, "whole"), spec).done;
  const limit = whole.choice!.memory.forecastBytes - 1;
  const result = await train(run, spec, { memoryLimit: limit }).done;
  expect(whole.choice!.shrunkFrom).toBeUndefined();
  expect(result.choice).toMatchObject({ shrunkFrom: 190, batch: 95 });
  expect(result.choice!.memory.forecastBytes).toBeLessThan(limit);
  expect((await recordOf(run)).plan!.batch).toBe(95);
});

test("mixed precision is refused where no device computes in float16, with each reason", async () => {
  const spec: TrainSpec = { data, target: "kind", steps: 4, precision: "mixed" };
  const cpu = train(join(folder, "half"), { ...spec, device: "cpu" });
  await expect(cpu.done).rejects.toMatchObject({ code: "deviceFailed", message: expect.stringContaining("float16 in float32") as string });
  expect(await recordOf(join(folder, "half"))).toMatchObject({ state: "failed", error: { code: "deviceFailed" } });
});
