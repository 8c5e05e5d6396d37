// The small transformer on texts, from nothing: classes and numbers, English and Chinese; its tokens as others read them; the file alone.
import { Tokenizer } from "@huggingface/tokenizers";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RunReport, RunResult, TrainSpec } from "../../ipc/types.ts";
import { decodeModel } from "../../worker/onnx/proto.ts";
import { Random } from "../../worker/random.ts";
import { openEngine } from "../../worker/run/engine.ts";
import { openPredictor } from "../../worker/run/predict.ts";
import { predictFile } from "../../worker/run/predictFile.ts";
import { tensor } from "../../worker/tensor.ts";
import { Control } from "../../worker/train/control.ts";
import { exportRun } from "../../worker/train/exports/index.ts";
import { kinds } from "../../worker/train/kinds/index.ts";
import { trainRun } from "../../worker/train/run.ts";

let folder: string;
let cache: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "paddock-transformer-"));
  cache = join(folder, "cache");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const signal = new AbortController().signal;
const small: Partial<TrainSpec> = {
  task: "text",
  model: "transformer",
  config: { width: 16, heads: 2, layers: 1, dropout: 0, vocabulary: 320 },
  epochs: 8,
  batch: 16,
  lr: 0.01,
};
function train(data: string, run: string, more: Partial<TrainSpec> = {}): Promise<RunResult> {
  const control = new Control(signal);
  return trainRun({ run, cache, control, signal, spec: { data, ...small, ...more }, onProgress: () => {}, onPoint: () => {} });
}

/** What was written of a meal, in two languages; longer texts give more points. */
async function writeReviews(path: string): Promise<void> {
  const random = new Random(3);
  const pick = (list: string[]) => list[random.next() % list.length]!;
  const rows = Array.from({ length: 300 }, (_, i) => {
    const good = i % 2 === 0;
    const length = 1 + (random.next() % 9);
    const filler = Array.from({ length }, () => pick(["the", "food", "味道", "today", "order", "我们"]));
    return `"${filler.join(" ")} ${pick(good ? ["great", "很好吃"] : ["awful", "太难吃"])} ${i}",${good ? "yes" : "no"},${(good ? 10 : 2) + length / 7}`;
  });
  await writeFile(path, `review,liked,points\n${rows.join("\n")}\n`);
}

describe("classes", () => {
  let data: string;
  let run: string;
  let result: RunResult;
  beforeAll(async () => {
    data = join(folder, "reviews.csv");
    run = join(folder, "run");
    await writeReviews(data);
    result = await train(data, run, { target: "liked" });
  }, 60_000);

  test("are told from tokens", async () => {
    expect(result).toMatchObject({ task: "classification", model: { name: "transformer" } });
    expect(result.metrics.test!["accuracy"]).toBeGreaterThan(0.9);
    const report = JSON.parse(await readFile(join(run, "report.json"), "utf8")) as RunReport;
    expect(report.calibration!.temperature).toBeGreaterThan(0);
    const plan = await kinds.text.plan({ data, ...small, target: "liked" }, { cache, signal });
    expect(plan).toMatchObject({ model: { name: "transformer" }, maxEpochs: 8, text: { column: "review" } });
  });

  test("model.onnx answers tokens that any reader of tokenizer.json makes", async () => {
    const tokenizer = new Tokenizer(JSON.parse(await readFile(join(run, "tokenizer.json"), "utf8")) as object, {});
    const texts = ["The FOOD ﬁne, AWFUL", "味道 很好吃", "today"];
    const ids = texts.map((text) => tokenizer.encode(text).ids);
    const longest = Math.max(...ids.map((row) => row.length));
    const filled = (of: (row: number[], i: number) => number) =>
      tensor(
        "int64",
        [3, longest],
        BigInt64Array.from(ids.flatMap((row) => Array.from({ length: longest }, (_, i) => BigInt(of(row, i))))),
      );
    const engine = await openEngine("cpu", { threads: 1 });
    const session = await engine.load(new Uint8Array(await readFile(result.onnx)));
    const { label, probabilities } = await session.run({
      input_ids: filled((row, i) => row[i] ?? 0),
      attention_mask: filled((row, i) => (i < row.length ? 1 : 0)),
    });
    await engine.dispose();
    expect([...(label!.data as string[])].slice(0, 2)).toEqual(["no", "yes"]);

    // The file alone, somewhere else; each text by itself, so that filling changes nothing.
    const elsewhere = join(folder, "elsewhere.onnx");
    await writeFile(elsewhere, await readFile(result.onnx));
    const predictor = await openPredictor(elsewhere);
    try {
      for (const [i, review] of texts.entries()) {
        const [one] = await predictor.predictRows([{ review }]);
        expect(one!.probabilities!["yes"]).toBeCloseTo(Number(probabilities!.data[2 * i + 1]), 5);
      }
      const [empty] = await predictor.predictRows([{ review: "" }]);
      expect(empty!.probabilities!["yes"]).toBeGreaterThan(0);
      const lines = join(folder, "lines.txt");
      await writeFile(lines, "the food 味道\n");
      const told = await predictFile(predictor, { file: lines, cache, explain: true });
      const tokens = told.predictions[0]!.tokens!;
      expect(tokens.map(({ piece }) => piece).join("")).toBe("the food 味道");
      expect(tokens[0]!.weight).toBeCloseTo(1 / tokens.length, 5);
    } finally {
      await predictor.dispose();
    }
  });

  test("goes away as ONNX and in 8 bits with its tokenizer; a page is refused in plain words", async () => {
    const options = { cache, signal };
    const out = join(folder, "away", "model.onnx");
    await mkdir(join(folder, "away"));
    const made = await exportRun(run, "onnx-int8", out, options);
    expect(made.files).toContain("tokenizer.json");
    expect(decodeModel(new Uint8Array(await readFile(out))).metadata.has("tokenizer")).toBe(true);
    await expect(exportRun(run, "tfjs", join(folder, "page"), options)).rejects.toMatchObject({ code: "exportUnsupported" });
  });

  test("a run that was cut goes on with its own vocabulary, to the same numbers", async () => {
    const go = (at: string, control: Control, onPoint: () => void = () => {}, resume = false) =>
      trainRun({
        run: join(folder, at),
        cache,
        control,
        signal,
        ...(resume ? {} : { spec: { data, ...small, target: "liked", epochs: 3 } }),
        onProgress: () => {},
        onPoint,
      });
    const whole = await go("whole", new Control(signal));
    const cutting = new AbortController();
    await expect(go("cut", new Control(cutting.signal), () => cutting.abort())).rejects.toMatchObject({ code: "interrupted" });
    const again = await go("cut", new Control(signal), () => {}, true);
    expect(again.metrics).toEqual(whole.metrics);
  });
});

test("a number is learned from tokens", { timeout: 60_000 }, async () => {
  const data = join(folder, "points.csv");
  await writeReviews(data);
  const result = await train(data, join(folder, "points"), { target: "points", epochs: 12 });
  expect(result).toMatchObject({ task: "regression" });
  expect(result.metrics.test!["r2"]).toBeGreaterThan(0.7);
  const predictor = await openPredictor(result.onnx);
  const [one] = await predictor.predictRows([{ review: "the food today great" }]);
  await predictor.dispose();
  expect(one!.prediction).toBeGreaterThan(8);
});

test("what a network cannot be made of is refused by name", async () => {
  const data = join(folder, "refused.csv");
  await writeReviews(data);
  const plan = (more: Partial<TrainSpec>) => kinds.text.plan({ data, ...small, target: "liked", ...more }, { cache, signal });
  await expect(plan({ model: "mlp" })).rejects.toMatchObject({ code: "usage", data: { known: ["ngrams", "transformer"] } });
  await expect(plan({ config: { depth: 3 } })).rejects.toMatchObject({ code: "usage" });
});
