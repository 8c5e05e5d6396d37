// Runs on texts: held to scikit-learn's TF-IDF + logistic regression on the same split (stored: references/text.py), and from a folder of
// class folders to a model that runs anywhere.
import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RunReport, RunResult, TrainSpec } from "../../ipc/types.ts";
import { planSplit, textKeySql } from "../../worker/data/split.ts";
import { openTexts } from "../../worker/data/text/openTexts.ts";
import { targetOf } from "../../worker/data/encoding.ts";
import { openEngine } from "../../worker/run/engine.ts";
import { evaluateRun } from "../../worker/run/evaluate.ts";
import { openPredictor } from "../../worker/run/predict.ts";
import { predictFile } from "../../worker/run/predictFile.ts";
import { Random } from "../../worker/random.ts";
import { float32, tensor } from "../../worker/tensor.ts";
import { Control } from "../../worker/train/control.ts";
import { kindOf, kinds } from "../../worker/train/kinds/index.ts";
import { trainRun } from "../../worker/train/run.ts";
import { root, shared } from "../shared.ts";
import { createWorker } from "../../worker/serve.ts";

let folder: string;
let cache: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "paddock-text-"));
  cache = join(folder, "cache");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const signal = new AbortController().signal;
let count = 0;
function train(data: string, more: Partial<TrainSpec> = {}): Promise<RunResult> {
  const run = join(folder, `run${count++}`);
  const control = new Control(signal);
  return trainRun({ run, cache, control, signal, spec: { data, ...more }, onProgress: () => {}, onPoint: () => {} });
}

interface Stored {
  sets: Record<string, { train: number; test: number; peers: Record<string, { accuracy: number; macroF1: number }> }>;
}
const stored = join(root, "test/references/text.json");
const sets = ["sms_spam/sms.tsv", "waimai_10k/waimai_10k.csv"];

describe.each(sets)("%s", (name) => {
  const file = shared(`data/text/${name}`);
  test.skipIf(!file)("is learned at least as well as scikit-learn does it", { timeout: 300_000 }, async () => {
    expect(await kindOf(file!, {}, { cache, signal })).toBe("text");
    const split = process.env["PADDOCK_TEXT_SPLIT"];
    if (split !== undefined) return writeSplit(split, name, file!);
    const { peers, ...rows } = (JSON.parse(readFileSync(stored, "utf8")) as Stored).sets[name]!;
    const result = await train(file!);
    const report = JSON.parse(await readFile(join(result.run, "report.json"), "utf8")) as RunReport;
    expect(report.rows).toMatchObject(rows);
    expect(Object.keys(peers)).toHaveLength(2); // pieces of words and of letters
    for (const [peer, { accuracy, macroF1 }] of Object.entries(peers)) {
      expect(result.metrics.test!["accuracy"], peer).toBeGreaterThanOrEqual(accuracy);
      expect(result.metrics.test!["macroF1"], peer).toBeGreaterThanOrEqual(macroF1);
    }
    expect(result.seconds).toBeLessThan(120);
  });
});

/** The rows of each part as a run makes them, for the script that asks scikit-learn. */
async function writeSplit(to: string, name: string, file: string): Promise<void> {
  const table = await openTexts(file, { cache });
  const { profile, database } = table;
  const target = targetOf(table, profile.target!.column, "classification");
  const text = profile.columns.findIndex(({ type }) => type === "text");
  const { sql } = await planSplit(table, target, { seed: 1, split: true, key: textKeySql(text) }, true);
  const found = await database.rows(`SELECT ${sql}, c${text}, c${target.index} FROM raw ORDER BY rowid`);
  await table.close();
  const part = (wanted: number) => found.filter(([at]) => Number(at) === wanted).map(([, ...row]) => row.map((cell) => cell ?? ""));
  const known = existsSync(to) ? (JSON.parse(readFileSync(to, "utf8")) as object) : {};
  await writeFile(to, JSON.stringify({ ...known, [name]: { train: part(0), test: part(2) } }));
}

/** Made sentences of two kinds, in English and Chinese, as files in a folder a class. */
async function writeTexts(at: string, each = 120): Promise<string> {
  const random = new Random(5);
  const pick = (list: string[]) => list[random.next() % list.length]!;
  const words = {
    good: ["great", "lovely", "fresh", "好吃", "很快", "推荐"],
    bad: ["cold", "awful", "late", "难吃", "太慢", "失望"],
  };
  const filler = ["the", "food", "was", "a", "bit", "and", "味道", "今天", "我们", "order"];
  for (const label of ["good", "bad"] as const) {
    await mkdir(join(at, label), { recursive: true });
    for (let i = 0; i < each; i++) {
      const text = Array.from({ length: 8 }, (_, k) => pick(k % 4 === 1 ? words[label] : filler)).join(" ");
      await writeFile(join(at, label, `${i}.${i % 2 ? "txt" : "md"}`), `${text} ${i}\n`);
    }
  }
  return at;
}

describe("a folder of class folders", () => {
  let data: string;
  let result: RunResult;
  beforeAll(async () => {
    data = await writeTexts(join(folder, "reviews"));
    await writeFile(join(data, "good", "picture.txt"), Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 0, 1, 2]));
    await writeFile(join(data, "bad", "empty.txt"), "");
    result = await train(data, { epochs: 20 });
  }, 120_000);

  test("is told as texts with classes, and which files are none", async () => {
    expect(await kindOf(data, {}, { cache, signal })).toBe("text");
    const found = await kinds.text.inspect(data, { cache, signal });
    expect(found).toMatchObject({
      kind: "text",
      file: "reviews",
      rows: 240,
      text: "text",
      target: { column: "label", task: "classification" },
    });
    if (found.kind !== "text") throw new Error("these are texts");
    expect(found.classes!.toSorted((a, b) => a.value.localeCompare(b.value))).toEqual([{ value: "bad", count: 120 }, { value: "good", count: 120 }]); // prettier-ignore
    expect(found.problems).toContainEqual(expect.objectContaining({ code: "unreadableTexts", data: { count: 2, files: "'bad/empty.txt', 'good/picture.txt'" } })); // prettier-ignore
  });

  test("shows its rows like a table", async () => {
    const worker = createWorker(() => undefined);
    try {
      const rows = await worker.handlers.rows({ file: data, offset: 0, limit: 2, cache }, signal);
      expect(rows).toHaveLength(2);
      expect(rows[0]!.some((cell) => /^(good|bad)$/.test(cell))).toBe(true);
    } finally {
      await worker.dispose();
    }
  });

  test("is learned; plan, report and baselines are those of any run", async () => {
    expect(result).toMatchObject({ task: "classification", model: { name: "ngrams" } });
    expect(result.metrics.test!["accuracy"]).toBeGreaterThan(0.95);
    expect(result.baseline.constant["accuracy"]).toBeLessThan(0.75);
    const report = JSON.parse(await readFile(join(result.run, "report.json"), "utf8")) as RunReport;
    expect(report.classes).toEqual(["bad", "good"]);
    expect(await kinds.text.plan({ data }, { cache, signal })).toMatchObject({ text: { column: "text", leftOut: [] }, rows: report.rows });
  });

  test("the same data and seed give the same numbers", async () => {
    const again = await train(data, { epochs: 20 });
    expect(again.metrics).toEqual(result.metrics);
  });

  test("answers folders, files of lines and single texts alike; evaluates; explains", async () => {
    const predictor = await openPredictor(result.run);
    try {
      const lines = join(folder, "lines.txt");
      await writeFile(lines, "the food was great\n味道 难吃\n\nlovely, 推荐");
      const { predictions } = await predictFile(predictor, { file: lines, cache });
      expect(predictions.map(({ prediction }) => prediction)).toEqual(["good", "bad", expect.anything(), "good"]);
      const [one] = await predictor.predictRows([{ text: "the food was great" }]);
      expect(one!.probabilities!["good"]).toBeCloseTo(predictions[0]!.probabilities!["good"]!, 5);
      const explained = await predictFile(predictor, { file: lines, cache, explain: true });
      const tokens = explained.predictions[0]!.tokens!;
      expect(tokens.map(({ piece }) => piece)).toEqual(expect.arrayContaining(["great", "was great", "<gr", "eat>"]));
      const best = tokens.toSorted((a, b) => b.effect! - a.effect!)[0]!;
      expect("the food was <great>").toContain(best.piece);
      expect(explained.predictions[2]!.tokens).toEqual([]);
    } finally {
      await predictor.dispose();
    }
    const { metrics } = await evaluateRun(result.run, data, { cache });
    expect(metrics["accuracy"]).toBeGreaterThan(0.95);
  });

  test("model.onnx answers what tokenize.mjs makes of a text, with nothing of ours between", async () => {
    const { tokenize } = (await import(pathToFileURL(join(result.run, "tokenize.mjs")).href)) as {
      tokenize(texts: string[]): { ids: BigInt64Array; weights: Float32Array; dims: [number, number] };
    };
    const texts = ["the food was great", "味道 难吃", "", "x".repeat(100_000)];
    const { ids, weights, dims } = tokenize(texts);
    const engine = await openEngine("cpu", { threads: 1 });
    const session = await engine.load(new Uint8Array(await readFile(result.onnx)));
    const { label, probabilities } = await session.run({ ids: tensor("int64", dims, ids), weights: float32(dims, weights) });
    await engine.dispose();
    expect([...(label!.data as string[])].slice(0, 2)).toEqual(["good", "bad"]);
    const predictor = await openPredictor(result.onnx);
    const ours = await predictor.predictRows(texts.map((text) => ({ text })));
    await predictor.dispose();
    ours.forEach(({ probabilities: p }, i) => expect(p!["good"]).toBeCloseTo(Number(probabilities!.data[2 * i + 1]), 5));
  });
});

test("a number is learned from texts in a table; what else stands there is named as left out", { timeout: 120_000 }, async () => {
  const random = new Random(9);
  const rows = Array.from({ length: 400 }, (_, i) => {
    const stars = random.next() % 5;
    const text = Array.from({ length: 12 }, (_, k) =>
      k % 3 === 0 ? ["terrible", "poor", "fair", "fine", "superb"][stars] : `word${random.next() % 40}`,
    );
    return `"${text.join(" ")} ${i}",${random.next() % 90},${(stars * 10 + (i % 7) / 7).toFixed(3)}`;
  });
  const file = join(folder, "stars.csv");
  await writeFile(file, `review,age,points\n${rows.join("\n")}\n`);
  expect(await kindOf(file, {}, { cache, signal })).toBe("table");
  const spec = { data: file, target: "points", task: "text" } as const;
  expect(await kinds.text.plan(spec, { cache, signal })).toMatchObject({
    task: "regression",
    text: { column: "review", leftOut: ["age"] },
  });
  const result = await train(file, { target: "points", task: "text", epochs: 30 });
  expect(result.metrics.test!["r2"]).toBeGreaterThan(0.8);
  await expect(train(file, { target: "review", task: "text" })).rejects.toMatchObject({ exitCode: expect.any(Number) as number });
});
