// Reports as they were written by this version and by the one before it.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readMistakes, readReport } from "./reports.ts";

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "paddock-reports-"))));
afterAll(() => rm(folder, { recursive: true, force: true }));
const write = (name: string, value: unknown) => writeFile(join(folder, name), typeof value === "string" ? value : JSON.stringify(value));

const shared = {
  task: "classification",
  target: "kind",
  classes: ["a", "b"],
  rows: { train: 8, validation: 1, test: 4 },
  metrics: { train: { accuracy: 1 }, validation: { accuracy: 1 }, test: { accuracy: 0.75 } },
  baseline: { constant: { accuracy: 0.5 }, linear: { accuracy: 0.5 } },
  verdict: { beatsConstant: true, beatsLinear: true, metric: "accuracy", network: 0.75, constant: 0.5, linear: 0.5 },
};

test("a report of version 1 is shown as far as it knew", async () => {
  await write("report.json", {
    ...shared,
    confusion: { labels: ["a", "b"], counts: [[2, 1], [0, 1]] }, // prettier-ignore
    columns: ["x", "kind"],
    mistakes: [{ row: 3, cells: ["7", "a"], truth: "a", prediction: "b", badness: 0.9 }],
  });
  const report = await readReport(folder);
  expect(report).toMatchObject({ ...shared, version: 2, kind: "table" });
  expect(report.parts).toEqual({
    train: null,
    validation: null,
    test: { rows: 4, of: 4, kept: 1, wrong: 1, confusion: { labels: ["a", "b"], counts: [[2, 1], [0, 1]] } }, // prettier-ignore
  });
  expect(report).not.toHaveProperty("mistakes");
  const { columns, mistakes } = await readMistakes(folder, "test");
  expect(columns).toEqual(["x", "kind"]);
  expect(mistakes).toEqual([{ row: 3, cells: ["7", "a"], truth: "a", prediction: "b", right: false, loss: 0.9, sure: 0.9 }]);
  expect((await readMistakes(folder, "train")).mistakes).toEqual([]);
});

test("of pictures, the cell of version 1 was their file; of numbers there was no confusion, and nothing may have been held out", async () => {
  const mistakes = [{ row: 3, cells: ["a/1.png"], truth: "a", prediction: "b", badness: 0.9 }];
  await write("report.json", { ...shared, pictures: { size: 32 }, columns: ["file"], mistakes });
  expect(await readReport(folder)).toMatchObject({ kind: "images" });
  expect((await readMistakes(folder, "test")).mistakes[0]).toMatchObject({ file: "a/1.png", cells: [] });
  const scatter = { truth: [1, 2], predicted: [1, 3] };
  const metrics = { train: { r2: 0.5 }, validation: null, test: null };
  await write("report.json", { ...shared, task: "recommend", metrics, scatter, columns: [], mistakes: [] });
  const report = await readReport(folder);
  expect(report.kind).toBe("ratings");
  expect(report.parts.train).toMatchObject({ rows: 8, scatter: { ...scatter, rows: [] } });
  expect(report.parts.test).toBeNull();
});

test("version 2 is read as it is, with its mistakes beside it", async () => {
  const report = { version: 2, kind: "table", ...shared, parts: { train: null, validation: null, test: { rows: 4, of: 4, kept: 1 } } };
  const mistake = { row: 3, hash: "9", cells: ["7"], truth: "a", prediction: "b", right: false, loss: 2.3, sure: 0.9 };
  await write("report.json", report);
  expect(await readReport(folder)).toEqual(report);
  expect(await readMistakes(folder, "test")).toEqual({ columns: [], mistakes: [] }); // the report alone was copied
  await write("mistakes.json", { version: 1, columns: ["x"], parts: { train: [], validation: [], test: [mistake] } });
  expect(await readMistakes(folder, "test")).toEqual({ columns: ["x"], mistakes: [mistake] });
});

test("a newer report is left alone; a damaged one and none are said", async () => {
  await write("report.json", { version: 3 });
  await expect(readReport(folder)).rejects.toMatchObject({ code: "runNewer" });
  await write("report.json", "{");
  await expect(readReport(folder)).rejects.toMatchObject({ code: "runInvalid" });
  const old = { metrics: {}, rows: {}, columns: [], mistakes: [] };
  for (const wrong of [
    "[1]",
    {},
    { version: 2 },
    { ...old, confusion: { counts: null } },
    { ...old, mistakes: [1] },
    { ...old, rows: 1 },
  ]) {
    await write("report.json", wrong);
    await expect(readReport(folder), JSON.stringify(wrong)).rejects.toMatchObject({ code: "runInvalid" });
  }
  await write("report.json", { version: 2, parts: {} });
  await write("mistakes.json", { version: 1, columns: [], parts: { train: [] } });
  await expect(readMistakes(folder, "test")).rejects.toMatchObject({ code: "runInvalid" });
  await expect(readReport(join(folder, "none"))).rejects.toMatchObject({ code: "runNotTrained" });
});
