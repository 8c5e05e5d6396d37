// A run from a file to model.onnx, then onnxruntime-node alone on the raw cells of the test rows: it reaches the very score that the run
// reported. Columns of every kind: numbers with missing ones and thousands, categories with rare and missing ones, dates, other alphabets.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { RunReport } from "../../ipc/types.ts";
import { encodeTable } from "../../worker/data/encode.ts";
import type { Encoding } from "../../worker/data/encoding.ts";
import { openTable } from "../../worker/data/table.ts";
import { Random } from "../../worker/random.ts";
import { evaluateRun } from "../../worker/run/evaluate.ts";
import { openPredictor } from "../../worker/run/predict.ts";
import { predictFile } from "../../worker/run/predictFile.ts";
import { createWorker } from "../../worker/serve.ts";
import { classificationMetrics, regressionMetrics } from "../../worker/tasks/metrics.ts";
import { direct } from "./direct.ts";
import { csvText } from "./tables.ts";

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "paddock-trained-"))));
afterAll(() => rm(folder, { recursive: true, force: true }));

const names = ["size", "城市", "since", "price, net", "label"];
const cities = ["北京", "Zürich", "São Paulo", "Oslo", ""];

/** The answer hangs on every column. */
function makeRows(answer: (score: number) => string): string[][] {
  const random = new Random(7, "trained");
  return Array.from({ length: 400 }, () => {
    const size = random.normal();
    const city = Math.floor(random.uniform() * cities.length);
    const day = Math.floor(random.uniform() * 3000);
    const price = 500 + Math.floor(random.uniform() * 5000);
    const missing = random.uniform() < 0.1;
    const score = (missing ? 0 : size) + [1, -1, 0.5, 0, -0.5][city]! + day / 3000 + price / 5000 - 1;
    return [
      missing ? "" : size.toFixed(4),
      cities[city]!,
      new Date(Date.UTC(2012, 0, 1 + day)).toISOString().slice(0, 10),
      price.toLocaleString("en-US"),
      answer(score),
    ];
  });
}

const cases: [string, "classification" | "regression", (score: number) => string, object?][] = [
  ["two classes", "classification", (score) => (score > 0 ? "yes" : "no")],
  ["many classes", "classification", (score) => `grade ${Math.max(0, Math.min(11, Math.round(score * 3 + 6)))}`, { folds: 2 }],
  ["a large number", "regression", (score) => (1.6e9 + score * 1000).toFixed(1)],
];

test.each(cases)("%s", { timeout: 120_000 }, async (what, task, answer, more = {}) => {
  const file = join(folder, `${what}.csv`);
  const run = join(folder, what);
  const cache = join(folder, "cache");
  const rows = makeRows(answer);
  await writeFile(file, csvText(names, rows));
  const worker = createWorker(() => undefined);
  const lr = what === "many classes" ? 1e-5 : 0.01; // hardly learned: too sure of what it drew at first, so that a temperature is kept
  const spec = { data: file, target: "label", task, epochs: 3, lr, config: { width: 16, depth: 2, members: 2, ...more }, device: "cpu" };
  await worker.handlers.train({ run, spec, cache }, new AbortController().signal);
  await worker.dispose();

  // the rows that the run held out, by their numbers
  const table = await openTable(file, { cache });
  const encoding = JSON.parse(await readFile(join(run, "encoding.json"), "utf8")) as Encoding;
  expect(new Set(encoding.encoders.map(({ kind }) => kind))).toEqual(new Set(["number", "category", "date"]));
  const record = JSON.parse(await readFile(join(run, "run.json"), "utf8")) as { plan: { settings: { seed: number } } };
  const data = await encodeTable(table, encoding, {
    split: { seed: record.plan.settings.seed, split: true },
    scratch: join(folder, "scratch"),
  });
  const { rowNumbers } = await data.test.range(0, data.test.rows);
  await data.close();
  await table.close();

  const report = JSON.parse(await readFile(join(run, "report.json"), "utf8")) as RunReport;
  if (what === "many classes") expect(report.calibration!.temperature).not.toBe(1);
  const held = [...rowNumbers].map((row) => rows[row - 1]!.map((cell) => cell.replaceAll(/(?<=\d),(?=\d)/g, ""))); // floats, as the graph takes them
  const answers = await direct(join(run, "model.onnx"), names, held);
  const metrics =
    task === "classification"
      ? classificationMetrics(
          answers.probabilities!,
          Int32Array.from(held, (row) => report.classes!.indexOf(row[4]!)),
          report.classes!.length,
        )
      : regressionMetrics(answers.value!, held.map((row) => Number(row[4]))); // prettier-ignore
  const told = report.metrics.test!;
  expect(Object.keys(metrics).filter((name) => told[name] !== undefined).length).toBeGreaterThan(2);
  for (const [name, value] of Object.entries(metrics))
    if (told[name] !== undefined) expect(value, name).toBeCloseTo(told[name], task === "regression" ? 2 : 5);

  // people's text through predictRows, the file through predictFile and evaluate: the same answers
  const predictor = await openPredictor(run);
  const whole = rows.map((row) => Object.fromEntries(row.map((cell, i) => [names[i]!, cell])));
  const predictions = await predictor.predictRows(whole);
  if (answers.label) expect([...rowNumbers].map((row) => predictions[row - 1]!.prediction)).toEqual(answers.label);
  else expect([...rowNumbers].map((row) => Math.fround(predictions[row - 1]!.prediction as number))).toEqual([...answers.value!]);
  expect((await predictFile(predictor, { file, cache })).predictions).toEqual(predictions);
  expect(predictor.form.fields.map(({ name, type }) => [name, type])).toEqual([
    ["size", "number"],
    ["城市", "category"],
    ["since", "date"],
    ["price, net", "number"],
  ]);
  // what the form begins with can be predicted
  expect(await predictor.predictRows([Object.fromEntries(predictor.form.fields.map(({ name, example }) => [name, example]))])).toHaveLength(
    1,
  );
  await predictor.dispose();
  const judged = await evaluateRun(run, file, { cache });
  expect(judged.report.rows.test).toBe(rows.length);
  expect(Object.keys(judged.metrics)).toEqual(Object.keys(report.metrics.test!));
});
