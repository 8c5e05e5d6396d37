// Whatever text stands in a cell, a model answers or says which cell it cannot read; it never breaks.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { AppError } from "../../ipc/error.ts";
import { openPredictor } from "../../worker/run/predict.ts";
import { shared } from "../shared.ts";
import { direct } from "./direct.ts";
import { csvText } from "./tables.ts";
import { untrainedModel } from "./untrained.ts";

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "paddock-naughty-"))));
afterAll(() => rm(folder, { recursive: true, force: true }));

const own = ["", " ", "\0", "a\0b", "\ud800", "2020-01-01\0", "2020-13-45", "0000-00-00", "9999-12-31", "٠١٢", "1e400", "-0", "0x10", "__proto__", "constructor", "x".repeat(100_000)]; // prettier-ignore
const list = shared("data/hostile/naughty-strings/blns.json");

test("cells of any text", async () => {
  const naughty = [...own, ...(list ? (JSON.parse(await readFile(list, "utf8")) as string[]) : [])];
  const names = ["number", "word", "day", "answer"];
  const rows = Array.from({ length: 60 }, (_, i) => [
    String(i % 17),
    ["red", "green", "blue"][i % 3]!,
    `2021-${String((i % 12) + 1).padStart(2, "0")}-${String((i % 28) + 1).padStart(2, "0")}`,
    i % 2 ? "yes" : "no",
  ]);
  const file = join(folder, "table.csv");
  await writeFile(file, csvText(names, rows));
  const paths = { cache: join(folder, "cache"), scratch: join(folder, "scratch") };
  const model = await untrainedModel(file, { target: "answer", task: "classification", seed: 1, ...paths });
  expect(model.encoding.encoders.map(({ kind }) => kind)).toEqual(["number", "category", "date"]);
  await writeFile(join(folder, "model.onnx"), model.bytes);
  const predictor = await openPredictor(join(folder, "model.onnx"));

  const cells = naughty.map((text) => ["5", text, text, ""]);
  const predictions = await predictor.predictRows(cells.map(([number, word, day]) => ({ number: number!, word: word!, day: day! })));
  const theirs = await direct(model.bytes, names, cells);
  expect(predictions.map(({ prediction }) => prediction)).toEqual(theirs.label);
  for (const { probabilities } of predictions) expect(Object.values(probabilities!).every(Number.isFinite)).toBe(true);

  for (const text of naughty) {
    try {
      const [answer] = await predictor.predictRows([{ number: text }]);
      expect(Number.isFinite(answer!.probabilities!["yes"])).toBe(true);
    } catch (error) {
      expect(error).toBeInstanceOf(AppError);
      expect(error).toMatchObject({ code: "valueInvalid", data: { row: 1, column: "number" } });
    }
  }
  await predictor.dispose();
});
