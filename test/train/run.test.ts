// Whole runs in a folder: what is written, resumed, refused.
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CurvePoint, RunMistakes, RunProgress, RunRecord, RunReport, TrainSpec } from "../../ipc/types.ts";
import { Control } from "../../worker/train/control.ts";
import { table } from "../../worker/train/kinds/table.ts";
import { type RunRequest, trainRun } from "../../worker/train/run.ts";
import { writeTable } from "./table.ts";

let folder: string;
let data: string;
let cache: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "paddock-run-"));
  cache = join(folder, "cache");
  data = await writeTable(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const spec = (more: Partial<TrainSpec> = {}): TrainSpec => ({
  data,
  target: "kind",
  epochs: 12,
  config: { width: 16, depth: 2, members: 2 },
  ...more,
});

let count = 0;
async function start(
  more: Partial<RunRequest> & { spec?: TrainSpec } = {},
  onStep?: (progress: RunProgress, stop: AbortController, control: Control) => void,
) {
  const abort = new AbortController();
  const control = new Control(abort.signal);
  const told: RunProgress[] = [];
  const points: CurvePoint[] = [];
  const run = more.run ?? join(folder, `run${count++}`);
  const done = trainRun({
    cache,
    control,
    signal: abort.signal,
    onProgress: (progress) => {
      told.push(progress);
      onStep?.(progress, abort, control);
    },
    onPoint: (point) => {
      points.push(point);
      const last = told.at(-1); // progress is told ten times a second, points at fixed steps
      if (last?.state === "running") onStep?.({ ...last, step: point.step }, abort, control);
    },
    ...more,
    run,
  });
  return { run, done, told, points };
}

const json = async <T>(...path: string[]): Promise<T> => JSON.parse(await readFile(join(...path), "utf8")) as T;
const curve = async (run: string) =>
  (await readFile(join(run, "metrics.jsonl"), "utf8"))
    .trimEnd()
    .split("\n")
    .map((line) => ({ ...(JSON.parse(line) as CurvePoint), seconds: 0 }));

describe("a run", () => {
  test("classification: the folder tells all", async () => {
    const { run, done, told, points } = await start({ spec: spec({ logLosses: true }) });
    const result = await done;
    expect(result.task).toBe("classification");
    expect(Object.keys(result.metrics.test!)).toEqual(["accuracy", "macroF1", "logLoss", "rocAuc", "averagePrecision", "brier", "ece"]);
    expect(result.losses).toHaveLength(result.steps);
    expect(result.metrics.train["accuracy"]).toBeGreaterThan(result.baseline.constant["accuracy"]!);

    expect((await readdir(run)).sort()).toEqual([
      ...["checkpoints", "encoding.json", "metrics.jsonl", "mistakes.json", "model.onnx", "report.json", "run.json"],
    ]);
    const record = await json<RunRecord>(run, "run.json");
    expect(record).toMatchObject({ version: 1, state: "done", result: { onnx: join(run, "model.onnx") } });
    expect(record.plan!.settings.seed).toBe(1);
    const report = await json<RunReport>(run, "report.json");
    expect(report.parts.test!.confusion!.labels).toEqual(["large", "old", "small"]);
    expect(report.rows.train + report.rows.validation + report.rows.test).toBe(240);
    const mistakes = await json<RunMistakes>(run, "mistakes.json");
    for (const split of ["train", "validation", "test"] as const) {
      expect(report.parts[split]).toMatchObject({ rows: report.rows[split], of: report.rows[split], kept: mistakes.parts[split].length });
      expect(report.metrics[split]).toMatchObject({ accuracy: 1 - report.parts[split]!.wrong! / report.rows[split] });
    }
    expect(mistakes.parts.test[0]!.cells).toHaveLength(5);
    expect(mistakes.parts.test[0]!.hash).toMatch(/^\d+$/);
    const kept = await curve(run);
    expect(kept).toEqual(expect.arrayContaining(points.map((point) => ({ ...point, seconds: 0 }))));
    expect(kept.filter((p) => p.validationLoss !== undefined)).toHaveLength(points.filter((p) => p.validationLoss !== undefined).length);
    expect(told.map((p) => p.state).filter((s, i, all) => s !== all[i - 1])).toEqual(["preparing", "running", "finishing", "done"]);
    expect(told.at(-1)!.referee.code).toBe("converged");
  });

  test("regression: r2 in the target's unit; the same seed gives the same file", async () => {
    const first = await start({ spec: spec({ target: "price", epochs: 40 }) });
    const second = await start({ spec: spec({ target: "price", epochs: 40 }) });
    const [a, b] = [await first.done, await second.done];
    expect(a.metrics).toEqual(b.metrics);
    expect(a.metrics.test!["r2"]).toBeGreaterThan(0.5);
    expect(a.metrics.test!["rmse"]).toBeGreaterThan(20);
    expect(await readFile(join(first.run, "model.onnx"))).toEqual(await readFile(join(second.run, "model.onnx")));
    expect(await curve(first.run)).toEqual(await curve(second.run));
  });

  test("few rows in folds: all but the test rows are learned from, and a resumed run gives the same bits", async () => {
    const few = spec({ target: "price", epochs: 6, config: { width: 8, depth: 2, members: 4, folds: 2 } });
    const whole = await start({ spec: few });
    const expected = await whole.done;
    const { plan } = await json<RunRecord>(whole.run, "run.json");
    expect(plan).toMatchObject({ folds: 2, rows: { train: expect.any(Number) as number } });
    expect(expected.steps).toBe(6 * Math.ceil((plan!.rows.train + plan!.rows.validation) / plan!.batch));
    const cut = await start({ spec: few }, ({ step }, abort) => step >= 10 && abort.abort());
    await expect(cut.done).rejects.toMatchObject({ code: "interrupted" });
    const rest = await start({ run: cut.run });
    expect((await rest.done).metrics).toEqual(expected.metrics);
    expect(await curve(cut.run)).toEqual(await curve(whole.run));
    expect(await readFile(join(cut.run, "model.onnx"))).toEqual(await readFile(join(whole.run, "model.onnx")));
    const wrong = await start({ spec: spec({ config: { members: 3, folds: 2 } }) });
    await expect(wrong.done).rejects.toMatchObject({ code: "usage" });
  });

  test("balanced classes: the rarest counts as much as the others", async () => {
    const path = join(folder, "rare.csv");
    const lines = Array.from({ length: 600 }, (_, i) => {
      const x = ((i * 37) % 600) / 600;
      return `${x.toFixed(4)},${((i * 101) % 600) / 600 < 0.1 + 0.2 * x ? "rare" : "usual"}`;
    });
    await writeFile(path, ["x,kind", ...lines].join("\n"));
    const config = { width: 8, depth: 1, members: 1, folds: 0, waves: 1 };
    const report = async (classWeight: "none" | "balanced") => {
      const { run, done } = await start({ spec: { data: path, target: "kind", epochs: 10, config, classWeight } });
      await done;
      return json<RunReport>(run, "report.json");
    };
    const said = ({ parts }: RunReport, label: string) => {
      const { counts, labels } = parts.test!.confusion!;
      return counts.reduce((sum, row) => sum + row[labels.indexOf(label)]!, 0);
    };
    const [none, balanced] = [await report("none"), await report("balanced")];
    expect(said(none, "rare")).toBe(0);
    expect(said(balanced, "rare")).toBeGreaterThan(10);
    expect(none.calibration!.after.logLoss).toBeGreaterThan(0);
    const other = await start({ spec: spec({ target: "price", classWeight: "balanced" }) });
    await expect(other.done).rejects.toMatchObject({ code: "usage" });
  });

  test("no split: all rows are learned from, exactly so many steps", async () => {
    const { done, run } = await start({ spec: spec({ split: false, steps: 9, batch: 50, shuffle: false, logLosses: true }) });
    const result = await done;
    expect(result).toMatchObject({ steps: 9, stopped: "budget", metrics: { validation: null, test: null } });
    expect(result.losses).toHaveLength(9);
    expect((await json<RunReport>(run, "report.json")).rows).toEqual({ train: 240, validation: 0, test: 0 });
  });

  test("interrupted and resumed equals never interrupted, to the bit", async () => {
    const whole = await start({ spec: spec() });
    const expected = await whole.done;
    const cut = await start({ spec: spec() }, ({ step }, abort) => step >= 20 && abort.abort());
    await expect(cut.done).rejects.toMatchObject({ code: "interrupted" });
    expect(await json<RunRecord>(cut.run, "run.json")).toMatchObject({ state: "interrupted", error: { code: "interrupted" } });
    await writeFile(join(cut.run, "metrics.jsonl"), '{"step": 999, "torn', { flag: "a" });
    const rest = await start({ run: cut.run });
    const result = await rest.done;
    expect(result.metrics).toEqual(expected.metrics);
    expect(await curve(cut.run)).toEqual(await curve(whole.run));
    expect(await readFile(join(cut.run, "model.onnx"))).toEqual(await readFile(join(whole.run, "model.onnx")));
  });

  test("stop keeps the best point and tests it", async () => {
    const { done, told } = await start(
      { spec: spec({ epochs: 4000, seconds: 600 }) },
      ({ step, state }, _, control) => state === "running" && step >= 10 && control.stop(),
    );
    const result = await done;
    expect(result.stopped).toBe("interrupted");
    expect(result.metrics.test).not.toBeNull();
    expect(told.at(-1)).toMatchObject({ state: "done", referee: { code: "stoppedByUser" } });
  });

  test("changed data are not trained on", async () => {
    const other = await writeTable(await mkdtemp(join(folder, "other-")), 60, 2);
    const long = spec({ data: other, epochs: 4000, seconds: 600 });
    const cut = await start({ spec: long }, ({ step }, abort) => step >= 5 && abort.abort());
    await expect(cut.done).rejects.toMatchObject({ code: "interrupted" });
    await writeFile(other, `${await readFile(other, "utf8")}1,2,red,small,3\n`);
    await expect((await start({ run: cut.run })).done).rejects.toMatchObject({ code: "fileChanged" });
    expect((await json<RunRecord>(cut.run, "run.json")).state).toBe("failed");
  });

  test("what cannot be begun says why", async () => {
    await expect((await start({ run: join(folder, "nothing") })).done).rejects.toMatchObject({ code: "runMissing" });
    await expect((await start({ spec: spec({ target: "wings" }) })).done).rejects.toMatchObject({ code: "targetMissing" });
    await expect((await start({ spec: spec({ config: { wings: 2 } }) })).done).rejects.toMatchObject({ code: "usage" });
    await expect((await start({ spec: spec({ model: "bird" }) })).done).rejects.toMatchObject({ code: "usage" });
    const done = await start({ spec: spec({ epochs: 1 }) });
    await done.done;
    await expect((await start({ run: done.run, spec: spec() })).done).rejects.toMatchObject({ code: "folderNotEmpty" });
  });
});

test("a plan says what a run then does", async () => {
  const plan = await table.plan(spec({ epochs: 2 }), { cache, signal: new AbortController().signal });
  const { done, run } = await start({ spec: spec({ epochs: 2 }) });
  await done;
  expect((await json<RunRecord>(run, "run.json")).plan).toEqual(plan);
});
