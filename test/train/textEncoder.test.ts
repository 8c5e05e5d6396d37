// An imported encoder of texts: its features are those of transformers (references/encoder.py), a head learns on them in seconds, its last blocks or
// all of it go on learning; what does not fit is refused in plain words.
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RunResult, TrainSpec } from "../../ipc/types.ts";
import { fileTokens } from "../../worker/data/text/textTokens.ts";
import { openTextEncoder } from "../../worker/formats/textEncoder.ts";
import { Random } from "../../worker/random.ts";
import { openPredictor } from "../../worker/run/predict.ts";
import { importModel } from "../../worker/run/importModel.ts";
import { contextOf, openTextExtractor } from "../../worker/run/textFeatures.ts";
import { Control } from "../../worker/train/control.ts";
import { inspectModel } from "../../worker/train/inspectModel.ts";
import { kindFor } from "../../worker/train/kinds/index.ts";
import { trainRun } from "../../worker/train/run.ts";
import { root, shared } from "../shared.ts";

const stored = join(root, "test/references/encoder");
const traced = join(stored, "traced.onnx");
let folder: string;
let cache: string;
let data: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "paddock-encoder-"));
  cache = join(folder, "cache");
  data = join(folder, "meals.csv");
  const random = new Random(4);
  const pick = (list: string[]) => list[random.next() % list.length]!;
  const rows = Array.from({ length: 240 }, (_, i) => {
    const good = i % 2 === 0;
    const filler = Array.from({ length: 2 + (random.next() % 3) }, () => pick(["the", "food", "today", "味道", "order"]));
    return `"${filler.join(" ")} ${pick(good ? ["great", "很好吃"] : ["awful", "太难吃"])}",${good ? "yes" : "no"},${(good ? 8 : 2) + filler.length / 7},${i}`;
  });
  await writeFile(data, `review,liked,points,number\n${rows.join("\n")}\n`);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

let count = 0;
function train(more: Partial<TrainSpec>): Promise<RunResult> {
  const spec = { data, task: "text", target: "liked", model: traced, epochs: 10, ...more } as const;
  const { signal } = new AbortController();
  return trainRun({
    run: join(folder, `run${count++}`),
    cache,
    control: new Control(signal),
    signal,
    spec,
    onProgress: () => {},
    onPoint: () => {},
  });
}

interface Stored {
  texts: string[];
  ids: number[][];
  features: number[][];
}
test.each(["traced.onnx", "exported.onnx"])("the features of %s are those of transformers", async (name) => {
  const { texts, ids, features } = JSON.parse(await readFile(join(stored, "encoder.json"), "utf8")) as Stored;
  const encoder = await openTextEncoder(join(stored, name));
  expect(encoder).toMatchObject({ features: 32, vocabulary: 104, length: undefined, batch: undefined });
  const context = await contextOf(encoder);
  expect(context).toBe(32); // of 48 places, the longest length that is tried
  const tokens = fileTokens(encoder.tokenizer, context, "tokenizer.json");
  expect(texts.map((text) => tokens.encode(text))).toEqual(ids);
  const extractor = await openTextExtractor(encoder);
  const found = await extractor.run(ids); // all at once: what fills says nothing
  await extractor.dispose();
  features.flat().forEach((value, i) => expect(Math.abs(found[i]! - value)).toBeLessThan(1e-4));
});

describe("a head", () => {
  test("learns classes on features that are computed once, and the file alone answers", { timeout: 60_000 }, async () => {
    const first = await train({});
    expect(first).toMatchObject({ task: "classification", model: { name: "head on traced.onnx", parameters: 66 } });
    expect(first.metrics.test!["accuracy"]).toBeGreaterThan(0.7); // by a random encoder's features
    const elsewhere = join(folder, "elsewhere.onnx");
    await writeFile(elsewhere, await readFile(first.onnx));
    const predictor = await openPredictor(elsewhere);
    const answers = await predictor.predictRows([
      { review: "food today awful" },
      { review: "food today great" },
      { review: "today ".repeat(99) },
    ]);
    await predictor.dispose();
    expect(answers[1]!.probabilities!["yes"]).toBeGreaterThan(answers[0]!.probabilities!["yes"]!);
    expect(predictor.card.licence).toContain("traced.onnx");
    const again = await train({}); // from the cache
    expect(again.metrics).toEqual(first.metrics);
  });

  test("learns a number", { timeout: 60_000 }, async () => {
    const result = await train({ target: "points", epochs: 20 });
    expect(result.task).toBe("regression");
    expect(result.metrics.test!["r2"]).toBeGreaterThan(0.2);
  });

  test("is what a table with a column of texts gets where an encoder is named", async () => {
    const { signal } = new AbortController();
    const kind = await kindFor({ data, target: "liked", model: traced }, { cache, signal });
    const plan = await kind.plan({ data, target: "liked", model: traced }, { cache, signal });
    expect(plan).toMatchObject({ model: { name: "head on traced.onnx" }, text: { column: "review", leftOut: ["points"] } });
  });
});

test.each(["last", "full"] as const)("with the method %s the encoder's own weights go on learning", { timeout: 60_000 }, async (method) => {
  const result = await train({ method, epochs: 6, lr: 0.003, model: method === "full" ? join(stored, "exported.onnx") : traced });
  const { trainable, parameters } = result.model;
  expect(trainable!).toBeGreaterThan(method === "full" ? 15_000 : 4000);
  expect(trainable!).toBeLessThanOrEqual(parameters);
  expect(result.metrics.test!["accuracy"]).toBeGreaterThan(method === "full" ? 0.9 : 0.7);
  const predictor = await openPredictor(result.onnx);
  const [bad, good] = await predictor.predictRows([{ review: "food today awful" }, { review: "food today great" }]);
  await predictor.dispose();
  expect(good!.probabilities!["yes"]).toBeGreaterThan(bad!.probabilities!["yes"]!);
});

test("what does not fit is refused in plain words", async () => {
  const lonely = join(folder, "lonely", "traced.onnx");
  await mkdir(join(folder, "lonely"));
  await cp(traced, lonely);
  await expect(train({ model: lonely })).rejects.toMatchObject({
    code: "fileMissing",
    message: expect.stringContaining("tokenizer.json") as string,
  });
  // Another model's tokenizer: its tokens lie beyond the table.
  const vocabulary = JSON.parse(await readFile(join(stored, "tokenizer.json"), "utf8")) as { model: { vocab: Record<string, number> } };
  vocabulary.model.vocab["food"] = 5000;
  await writeFile(join(folder, "lonely", "tokenizer.json"), JSON.stringify(vocabulary));
  await expect(train({ model: lonely })).rejects.toMatchObject({
    code: "modelInvalid",
    message: expect.stringContaining("5000") as string,
  });
  await writeFile(join(folder, "lonely", "tokenizer.json"), "{");
  await expect(train({ model: lonely })).rejects.toMatchObject({ code: "modelInvalid" });
  // A network of pictures.
  const pictures = join(root, "test/references/images.convnet.onnx");
  await expect(train({ model: pictures })).rejects.toMatchObject({
    code: "modelInvalid",
    message: expect.stringContaining("texts") as string,
  });
  await expect(train({ method: "lora" })).rejects.toMatchObject({ code: "usage" });
  await expect(train({ model: "ngrams", method: "full" })).rejects.toMatchObject({ code: "usage" });
});

test("the shelf takes an encoder with its tokenizer, as models are published too, and its card says what can learn", async () => {
  const published = join(folder, "published");
  await mkdir(join(published, "onnx"), { recursive: true });
  await cp(traced, join(published, "onnx", "model.onnx"));
  await cp(join(stored, "tokenizer.json"), join(published, "tokenizer.json"));
  const into = join(folder, "shelf");
  const { file } = await importModel(join(published, "onnx", "model.onnx"), { into, scratch: join(folder, "unpacked") });
  const card = await inspectModel(join(into, file), { measure: false });
  expect(card).toMatchObject({ encoder: { features: 32, tunable: true }, training: { head: { fits: true }, full: { fits: true } } });
  await rm(join(into, "tokenizer.json"));
  expect((await inspectModel(join(into, file), { measure: false })).encoder).toBeUndefined();
});

const real = shared("models/onnx/use_lite_en_int8/model_quantized.onnx");
const spam = shared("data/text/sms_spam/sms.tsv");
test.skipIf(!real || !spam)(
  "a real encoder in 8 bits gives features to a head, and says why it cannot learn itself",
  { timeout: 120_000 },
  async () => {
    const oracle = JSON.parse(await readFile(shared("models/onnx/use_lite_en_int8/oracle_tfjs.json")!, "utf8")) as {
      text: string;
      ids: number[];
      emb: number[];
    }[];
    const encoder = await openTextEncoder(real!);
    const tokens = fileTokens(encoder.tokenizer, 256, "tokenizer.json");
    const extractor = await openTextExtractor(encoder);
    for (const { text, ids, emb } of oracle) {
      expect(tokens.encode(text)).toEqual(ids);
      const found = await extractor.run([ids]);
      expect(emb.reduce((sum, v, i) => sum + v * found[i]!, 0)).toBeGreaterThan(0.99); // both of length 1
    }
    await extractor.dispose();
    await expect(train({ data: spam!, target: undefined as never, model: real!, method: "full" })).rejects.toMatchObject({ code: "usage" });
  },
);
