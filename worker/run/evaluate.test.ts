import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { handmade } from "../../test/export/handmade.ts";
import { evaluateRun } from "./evaluate.ts";

let folder: string;
let cache: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "paddock-evaluate-"));
  cache = join(folder, "cache");
  await writeFile(join(folder, "model.onnx"), handmade);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function file(name: string, rows: string[]): Promise<string> {
  await writeFile(join(folder, name), ["a,b b,region,ok", ...rows, ""].join("\n"));
  return join(folder, name);
}

test("rows with an answer are judged; one without is left out; a class never seen is wrong", async () => {
  const rows = await file("rows.csv", ["5,1,west,yes", "0,3,west,no", "4,1,west,no", "3,0,west,", "1,2,east,yes", "-3,0,west,maybe"]);
  const { metrics, report, mistakes } = await evaluateRun(folder, rows, { cache });
  expect(metrics["accuracy"]).toBeCloseTo(3 / 5, 12);
  expect(report).toMatchObject({
    task: "classification",
    target: "ok",
    classes: ["yes", "no"],
    rows: { test: 5 },
    parts: { test: { rows: 5, wrong: 2, confusion: { labels: ["yes", "no"], counts: [[2, 0], [1, 1]] } } }, // prettier-ignore
    verdict: { metric: "accuracy" },
  });
  expect(report.metrics.test).toEqual(metrics);
  expect(report.baseline.constant["accuracy"]).toBeCloseTo(2 / 5, 12);
  expect(mistakes.columns).toEqual(["a", "b b", "region", "ok"]);
  const wrong = mistakes.parts.test.filter(({ right }) => !right);
  expect(wrong.map(({ row, truth, prediction, cells }) => [row, truth, prediction, cells[0]])).toEqual([
    [6, "maybe", "no", "-3"],
    [3, "no", "yes", "4"],
  ]);
});

test("without the answers' column, or without an answer, it says so", async () => {
  const unknown = join(folder, "unknown.csv");
  await writeFile(unknown, "a,b b,region\n1,2,west\n3,4,east\n");
  await expect(evaluateRun(folder, unknown, { cache })).rejects.toMatchObject({ code: "targetMissing", data: { column: "ok" } });
  const empty = await file("empty.csv", ["5,1,west,", "0,3,west,"]);
  await expect(evaluateRun(folder, empty, { cache })).rejects.toMatchObject({ code: "targetEmpty" });
});
