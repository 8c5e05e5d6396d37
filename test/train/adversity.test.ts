// What happens to a machine under a run: the disk fills up, the data go away, the machine sleeps, its clock jumps. Each has a clear end, and what was
// good stays good.
import { execFileSync } from "node:child_process";
import { mkdtemp, mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import type { RunProgress, RunRecord, RunResult, TrainSpec } from "../../ipc/types.ts";
import { copyFileTo, writeJson } from "../../main/files.ts";
import { readCheckpoint } from "../../worker/train/checkpoint.ts";
import { Control } from "../../worker/train/control.ts";
import { trainRun } from "../../worker/train/run.ts";
import { writeTable } from "./table.ts";
import { openToy } from "./toy.ts";

let folder: string;
let data: string;
let calm: RunResult;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "paddock-adversity-"));
  data = await writeTable(folder, 150);
  calm = await train(join(folder, "calm"), spec());
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));
afterEach(() => vi.restoreAllMocks());

const spec = (): TrainSpec => ({ data, target: "price", steps: 40, config: { width: 8, depth: 1, members: 1, folds: 0 }, logLosses: true });

function train(run: string, given?: TrainSpec, onProgress: (progress: RunProgress) => void = () => {}): Promise<RunResult> {
  const { signal } = new AbortController();
  const cache = join(folder, "cache");
  const request = { run, cache, control: new Control(signal), signal, onProgress, onPoint: () => {}, checkpointEvery: 0 };
  return trainRun({ ...request, ...(given ? { spec: given } : {}) });
}

const recordOf = async (run: string) => JSON.parse(await readFile(join(run, "run.json"), "utf8")) as RunRecord;

/** A disk on which no more fits from a moment on: half of what is written arrives, then the system says so. */
async function smallDisk(): Promise<{ full: boolean }> {
  const disk = { full: false };
  const file = await open(data);
  const prototype = Object.getPrototypeOf(file) as typeof file;
  await file.close();
  const real = prototype.writeFile;
  vi.spyOn(prototype, "writeFile").mockImplementation(async function (this: typeof file, content) {
    if (!disk.full) return real.call(this, content);
    const bytes = typeof content === "string" ? Buffer.from(content) : (content as Uint8Array);
    await real.call(this, bytes.subarray(0, bytes.length >> 1));
    throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
  });
  return disk;
}

describe("the disk is full", () => {
  test.each([
    ["at a checkpoint", (progress: RunProgress) => progress.state === "running" && progress.step >= 15],
    ["when the model is written", (progress: RunProgress) => progress.state === "finishing"],
  ])("%s: the run ends and says so, the last good checkpoint is whole, and it goes on when there is room", async (name, when) => {
    const run = join(folder, name);
    const disk = await smallDisk();
    let before = 0;
    const ended = train(run, spec(), (progress) => {
      if (!disk.full && when(progress)) {
        disk.full = true;
        before = progress.step;
      }
    });
    await expect(ended).rejects.toMatchObject({ code: "diskFull", hint: expect.stringContaining("Free some space") as string });
    const { trainer } = (await readCheckpoint(join(run, "checkpoints/last.safetensors")))!;
    expect(trainer.step).toBeGreaterThanOrEqual(Math.min(before, 40) - 1);
    expect(await readdir(run)).not.toContain("model.onnx");
    expect(["running", "finishing"]).toContain((await recordOf(run)).state); // not even that could be written, and what stands there is whole
    disk.full = false;
    const result = await train(run);
    expect(result.losses).toEqual(calm.losses);
    expect(result.metrics).toEqual(calm.metrics);
    const all = await readdir(run, { recursive: true });
    expect(all.filter((file) => file.endsWith(".tmp"))).toEqual([]);
  });

  test("at a record of a project: the old one stays", async () => {
    const path = join(folder, "project.json");
    await writeJson(path, { name: "old" });
    (await smallDisk()).full = true;
    await expect(writeJson(path, { name: "new" })).rejects.toMatchObject({ code: "diskFull" });
    vi.restoreAllMocks();
    expect(JSON.parse(await readFile(path, "utf8"))).toEqual({ name: "old" });
    expect((await readdir(folder)).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });
});

/** A file system of 64 kB, where one may be mounted. */
function mountSmall(at: string): boolean {
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", at], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

test("a real disk that is full, then read-only: refused with the reason, nothing half-written", async ({ skip }) => {
  const disk = join(folder, "disk");
  await mkdir(disk);
  if (!mountSmall(disk)) return skip("no file system may be mounted here");
  try {
    const large = join(folder, "large.csv");
    await writeJson(large, "x".repeat(100_000));
    await expect(copyFileTo(large, join(disk, "large.csv"))).rejects.toMatchObject({ code: "diskFull" });
    await expect(writeJson(join(disk, "a.json"), "x".repeat(100_000))).rejects.toMatchObject({ code: "diskFull" });
    expect(await readdir(disk)).toEqual([]);
    await expect(train(join(disk, "run"), spec())).rejects.toMatchObject({ code: "diskFull" });
    execFileSync("mount", ["-o", "remount,ro", disk]);
    await expect(writeJson(join(disk, "a.json"), 1)).rejects.toMatchObject({ code: "folderNotWritable" });
    await expect(train(join(disk, "other"), spec())).rejects.toMatchObject({ code: "folderNotWritable" });
  } finally {
    execFileSync("umount", [disk]);
  }
});

test("data that went away under a run: it ends and names the file; back again, it goes on to the same end", async () => {
  const run = join(folder, "gone");
  const own = join(folder, "own");
  await mkdir(own);
  const file = join(own, "things.csv");
  await copyFileTo(data, file);
  const abort = new AbortController();
  const request = { run, cache: join(folder, "cache"), control: new Control(abort.signal), signal: abort.signal, onPoint: () => {} };
  const cut = trainRun({
    ...request,
    spec: { ...spec(), data: file },
    checkpointEvery: 0,
    onProgress: ({ state, step }) => state === "running" && step >= 8 && abort.abort(),
  });
  await expect(cut).rejects.toMatchObject({ code: "interrupted" });
  await rename(file, `${file}.away`);
  await expect(train(run)).rejects.toMatchObject({ code: "fileMissing", message: expect.stringContaining("things.csv") as string });
  expect((await recordOf(run)).state).toBe("failed");
  await rename(`${file}.away`, file);
  expect((await train(run)).losses).toEqual(calm.losses);
});

describe("time", () => {
  const hours = 3 * 3600_000;

  test("asleep for hours in the midst of a step, or while it judges: that was no training", async () => {
    const whole = await openToy({ course: { maxSeconds: 100 } });
    await whole.trainer.run();
    const real = performance.now.bind(performance);
    let slept = 0;
    vi.spyOn(performance, "now").mockImplementation(() => real() + slept);
    let steps = 0;
    let judged = 0;
    const toy = await openToy({
      course: { maxSeconds: 100 },
      wrap: (session) => ({
        step: async (feeds, lr) => {
          if ([20, 33].includes(++steps)) slept += hours;
          return session.step(feeds, lr);
        },
        evaluate: async (feeds) => {
          if (++judged === 6) slept += hours;
          return session.evaluate(feeds);
        },
        read: () => session.read(),
        write: (states) => session.write(states),
        dispose: () => session.dispose(),
      }),
    });
    expect(await toy.trainer.run()).toBe("converged");
    expect(slept).toBe(3 * hours);
    expect(toy.trainer.state.step).toBe(70);
    expect(toy.trainer.state.seconds).toBeLessThan(60);
    expect(toy.trainer.state.losses).toEqual(whole.trainer.state.losses);
    await Promise.all([toy.dispose(), whole.dispose()]);
  });

  test.each([-hours, hours])("the clock jumps by %i ms: no duration, no number of a run goes by it", async (jump) => {
    const real = Date.now.bind(Date);
    let by = 0;
    vi.spyOn(Date, "now").mockImplementation(() => real() + by);
    const run = join(folder, `jump${jump}`);
    const told: RunProgress[] = [];
    const result = await train(run, spec(), (progress) => {
      told.push(progress);
      if (progress.step >= 10) by = jump;
    });
    expect(result.losses).toEqual(calm.losses);
    expect(result.seconds).toBeGreaterThan(0);
    expect(result.seconds).toBeLessThan(600);
    for (const { seconds, secondsLeft } of told) {
      expect(seconds).toBeGreaterThanOrEqual(0);
      if (secondsLeft !== null) expect(secondsLeft).toBeLessThan(3600);
    }
  });
});
