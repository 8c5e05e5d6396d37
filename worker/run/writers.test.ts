import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openWriter, shortest, withoutFormula } from "./writers.ts";

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), "paddock-writers-"))));
afterEach(() => rm(folder, { recursive: true, force: true }));

const rows = [
  ["1", 'say "hi", twice'],
  ["", "line one\nline two"],
  ["=1+1", " spaced "],
];
const scored = { classes: Int32Array.of(0, 1, 0), probabilities: Float32Array.of(0.9, 0.1, 0.25, 0.75, 0.6, 0.4) };

async function write(name: string, columns = ["n", "text, with comma"], classes: string[] | undefined = ["=SUM(A1)", "-1"]) {
  const out = join(folder, name);
  const writer = await openWriter(out, { columns, ...(classes ? { classes } : {}) });
  await writer.write(rows.slice(0, 2), { classes: scored.classes.subarray(0, 2), probabilities: scored.probabilities.subarray(0, 4) });
  await writer.write(rows.slice(2), { classes: scored.classes.subarray(2), probabilities: scored.probabilities.subarray(4) });
  await writer.finish();
  return out;
}

test("CSV is RFC 4180, keeps the cells as they were and disarms class names only", async () => {
  const text = await readFile(await write("out.csv"), "utf8");
  expect(text).toBe(
    [
      'n,"text, with comma",prediction,probability =SUM(A1),probability -1',
      `1,"say ""hi"", twice",'=SUM(A1),0.9,0.1`,
      `,"line one\nline two",-1,0.25,0.75`,
      `=1+1," spaced ",'=SUM(A1),0.6,0.4`,
      "",
    ].join("\r\n"),
  );
});

test("JSON Lines carry the row, the prediction, the probabilities and the input", async () => {
  const lines = (await readFile(await write("out.jsonl"), "utf8")).trimEnd().split("\n");
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(
    rows.map(([n, text], i) => ({
      row: i + 1,
      prediction: i === 1 ? "-1" : "=SUM(A1)",
      probabilities: { "=SUM(A1)": [0.9, 0.25, 0.6][i], "-1": [0.1, 0.75, 0.4][i] },
      input: { n, "text, with comma": text },
    })),
  );
});

test("Parquet keeps order, missing values and names that differ only in case", async () => {
  const out = await write("out.parquet", ["Prediction", "prediction"]);
  const instance = await DuckDBInstance.create();
  const connection = await instance.connect();
  const reader = await connection.runAndReadAll(`SELECT * FROM '${out}'`);
  expect(reader.columnNames()).toEqual(["Prediction", "prediction_", "prediction__", "probability =SUM(A1)", "probability -1"]);
  expect(reader.getRows().map((row) => row.slice(0, 3))).toEqual([
    ["1", 'say "hi", twice', "=SUM(A1)"],
    [null, "line one\nline two", "-1"],
    ["=1+1", " spaced ", "=SUM(A1)"],
  ]);
  expect(Math.fround(reader.getRows()[0]![3] as number)).toBe(Math.fround(0.9));
  connection.closeSync();
  instance.closeSync();
  expect(await readdir(folder)).toEqual(["out.parquet"]);
});

test.each(["out.csv", "out.jsonl", "out.parquet"])("an abandoned %s leaves nothing behind and the old file alone", async (name) => {
  const out = join(folder, name);
  await writeFile(out, "old");
  const writer = await openWriter(out, { columns: ["a"] });
  await writer.write([["1"]], { values: Float32Array.of(24.3) });
  await writer.abandon();
  expect(await readdir(folder)).toEqual([name]);
  expect(await readFile(out, "utf8")).toBe("old");
});

test("an unknown ending and a folder that is not there are told", async () => {
  await expect(openWriter(join(folder, "out.xlsx"), { columns: [] })).rejects.toMatchObject({ code: "usage" });
  for (const name of ["out.csv", "out.parquet"])
    await expect(openWriter(join(folder, "nowhere", name), { columns: ["a"] })).rejects.toMatchObject({ code: "folderNotWritable" });
});

test("a float32 is shown as the shortest number that rounds to it", () => {
  for (const value of [24.3, 0.1, 1 / 3, 1e-20, 123456.789, 0, 16777216, -2.5e30]) {
    const narrow = Math.fround(value);
    expect(Math.fround(shortest(narrow))).toBe(narrow);
    expect(String(shortest(narrow)).length).toBeLessThanOrEqual(14);
  }
  expect(shortest(Math.fround(24.3))).toBe(24.3);
});

test("class names that are numbers or lone signs stay", () => {
  expect(["+", "-", "-1", "+1.5e3", "yes", "a=b", ""].map(withoutFormula)).toEqual(["+", "-", "-1", "+1.5e3", "yes", "a=b", ""]);
  expect(["=1", "-2+3", "@x", "\tq", "+cmd|x"].map(withoutFormula)).toEqual(["'=1", "'-2+3", "'@x", "'\tq", "'+cmd|x"]);
});
