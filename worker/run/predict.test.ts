import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { handmade as bytes } from "../../test/export/handmade.ts";
import { chunkRows, openPredictor, type Predictor } from "./predict.ts";

let folder: string;
let predictor: Predictor;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "paddock-predict-"));
  await writeFile(join(folder, "model.onnx"), bytes);
  predictor = await openPredictor(folder);
});
afterAll(async () => {
  await predictor.dispose();
  await rm(folder, { recursive: true, force: true });
});

test("rows by name give predictions in order, whatever the order of their fields", async () => {
  const predictions = await predictor.predictRows([
    { "b b": "1,000", a: " 2 " },
    { a: "3" },
    { region: " east ", a: "NA", "b b": "", extra: "ignored" },
    { region: "nowhere", a: "-1" },
    {},
  ]);
  expect(predictions.map(({ row, prediction }) => [row, prediction])).toEqual([
    [1, "no"],
    [2, "yes"],
    [3, "yes"],
    [4, "no"],
    [5, "yes"],
  ]);
  expect(predictions[1]!.probabilities!["yes"]).toBeCloseTo(1 / (1 + Math.exp(-3)), 6);
  expect(predictions[4]!.probabilities).toEqual({ yes: 0.5, no: 0.5 });
});

test("a number that cannot be read is told with row and column", async () => {
  await expect(predictor.predictRows([{ a: "1" }, { a: "one" }])).rejects.toMatchObject({
    code: "valueInvalid",
    data: { row: 2, column: "a", value: "one" },
  });
});

test("more rows than fit at once, and a cancel between", async () => {
  const rows = Array.from({ length: chunkRows(3) + 5 }, (_, i) => ({ a: String(i - 10) }));
  const predictions = await predictor.predictRows(rows);
  expect(predictions).toHaveLength(rows.length);
  expect(predictions.at(-1)).toMatchObject({ row: rows.length, prediction: "yes" });
  expect(predictions[3]).toMatchObject({ row: 4, prediction: "no" });
  await expect(predictor.predictRows(rows, AbortSignal.abort())).rejects.toMatchObject({ name: "AbortError" });
});

test("a model.onnx alone is enough; what is no model is told", async () => {
  const alone = join(folder, "alone.onnx");
  await writeFile(alone, bytes);
  const other = await openPredictor(alone);
  expect(other.form).toMatchObject({ task: "classification", target: "ok", classes: ["yes", "no"] });
  expect(other.form.fields.map(({ name, type }) => [name, type])).toEqual([["a", "number"], ["b b", "number"], ["region", "category"]]); // prettier-ignore
  await other.dispose();

  const run = join(folder, "run");
  await mkdir(run);
  await expect(openPredictor(run)).rejects.toMatchObject({ code: "runMissing" });
  await writeFile(join(run, "run.json"), "{}");
  await expect(openPredictor(run)).rejects.toMatchObject({ code: "runNotTrained" });
  await writeFile(join(run, "model.onnx"), "not a model");
  await expect(openPredictor(run)).rejects.toMatchObject({ code: "modelInvalid" });
  await expect(openPredictor(join(folder, "nothing"))).rejects.toMatchObject({ code: "runMissing" });
  await expect(openPredictor(join(folder, "nothing.onnx"))).rejects.toMatchObject({ code: "fileMissing" });
});
