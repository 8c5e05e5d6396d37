import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { handmade, handmadeModel } from "../../test/export/handmade.ts";
import { openPredictor, type Predictor } from "./predict.ts";
import { predictFile } from "./predictFile.ts";

let folder: string;
let cache: string;
let predictor: Predictor;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "paddock-predict-file-"));
  cache = join(folder, "cache");
  await writeFile(join(folder, "model.onnx"), handmade);
  predictor = await openPredictor(join(folder, "model.onnx"));
});
afterAll(async () => {
  await predictor.dispose();
  await rm(folder, { recursive: true, force: true });
});

async function file(name: string, text: string): Promise<string> {
  await writeFile(join(folder, name), text);
  return join(folder, name);
}

test("the file's own columns come first, in its order, then the answers", async () => {
  const input = await file("rows.csv", 'note,region,b b,a\n"x, y",west,1,5\n,east,"1,000",\n"say ""hi""",,0,-3\n');
  const out = join(folder, "rows out.csv");
  const { rows, predictions } = await predictFile(predictor, { file: input, out, cache });
  expect(rows).toBe(3);
  expect(predictions.map(({ row, prediction }) => [row, prediction])).toEqual([[1, "yes"], [2, "yes"], [3, "no"]]); // prettier-ignore
  const lines = (await readFile(out, "utf8")).split("\r\n");
  expect(lines[0]).toBe("note,region,b b,a,prediction,probability yes,probability no");
  expect(lines[1]).toMatch(/^"x, y",west,1,5,yes,0\.9525\d+,0\.0474\d+$/);
  expect(lines[2]).toMatch(/^,east,"1,000",,yes,0\.9999\d+,/);
  expect(lines[3]).toMatch(/^"say ""hi""",,0,-3,no,/);
  expect(lines).toHaveLength(5);
});

test("without an output all predictions come back", async () => {
  const input = await file("many.csv", "region;a;b b\n" + Array.from({ length: 5000 }, (_, i) => `w;${i - 2500.5};0\n`).join(""));
  const { rows, predictions } = await predictFile(predictor, { file: input, cache });
  expect(rows).toBe(5000);
  expect(predictions).toHaveLength(5000);
  predictions.forEach(({ row, prediction }, i) => expect([row, prediction]).toEqual([i + 1, i > 2500 ? "yes" : "no"]));
});

test("a missing column and a cell that is no number are told, and nothing is left", async () => {
  const before = await readdir(folder);
  const out = join(folder, "none.csv");
  const lacking = await file("lacking.csv", "a,zone\n1,2\n3,4\n");
  await expect(predictFile(predictor, { file: lacking, out, cache })).rejects.toMatchObject({
    code: "columnMissing",
    data: { file: "lacking.csv", columns: ["b b", "region"], found: ["a", "zone"] },
  });
  const rows = Array.from({ length: 30 }, (_, i) => `${i === 17 ? "oops" : i},1,west\n`).join("");
  const wrong = await file("wrong.csv", `a,b b,region\n${rows}`);
  await expect(predictFile(predictor, { file: wrong, out, cache })).rejects.toMatchObject({
    code: "valueInvalid",
    data: { file: "wrong.csv", row: 18, column: "a", value: "oops" },
  });
  await expect(predictFile(predictor, { file: wrong, out: wrong, cache })).rejects.toMatchObject({ code: "usage" });
  await expect(predictFile(predictor, { file: wrong, out, cache, signal: AbortSignal.abort() })).rejects.toThrow();
  expect((await readdir(folder)).filter((name) => !before.includes(name)).sort()).toEqual(["lacking.csv", "wrong.csv"]);
});

test("a line of names among words only is known by its cells", async () => {
  const input = await file("words.csv", "a,b b,region\n,,east\n");
  const { rows, predictions } = await predictFile(predictor, { file: input, cache });
  expect([rows, predictions[0]!.prediction]).toEqual([1, "yes"]);
});

test("where the training file had no names, columns are matched by place, with the answers' column or without it", async () => {
  const model = await file("nameless.onnx", "");
  await writeFile(model, handmadeModel(["column1", "column2", "column3", "column4"], false));
  const nameless = await openPredictor(model);
  try {
    const answers = async (name: string, text: string) =>
      (await predictFile(nameless, { file: await file(name, text), cache })).predictions.map(({ prediction }) => prediction);
    expect(await answers("all.csv", "1,5,west,yes\n5,1,west,no\n")).toEqual(["no", "yes"]);
    expect(await answers("inputs.csv", "1,5,west\n5,1,west\n2,2,east\n")).toEqual(["no", "yes", "yes"]);
    await expect(answers("fewer.csv", "1,5\n5,1\n")).rejects.toMatchObject({ code: "columnMissing", data: { column: "column3" } });
  } finally {
    await nameless.dispose();
  }
});
