// Runs of language models: text in, a model out that has learned more than counting, and that goes on to the bit where it was stopped.
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { decodeModel } from "../../worker/onnx/proto.ts";
import type { LanguageProfile, RunReport, RunResult, TextSample, TrainSpec } from "../../ipc/types.ts";
import { Random } from "../../worker/random.ts";
import { evaluateLanguage } from "../../worker/run/evaluateLanguage.ts";
import { openWriter } from "../../worker/run/languageModel.ts";
import { openPredictor } from "../../worker/run/predict.ts";
import { Control } from "../../worker/train/control.ts";
import { kinds } from "../../worker/train/kinds/index.ts";
import { trainRun } from "../../worker/train/run.ts";

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "paddock-language-"))));
afterAll(() => rm(folder, { recursive: true, force: true }));
const signal = new AbortController().signal;
const small = { context: 24, layers: 1, width: 32, heads: 2, vocabulary: 300 };

let count = 0;
interface Options {
  run?: string;
  signal?: AbortSignal;
  onSample?: (sample: TextSample) => void;
}
function train(
  spec: TrainSpec | undefined,
  { run = join(folder, `run${count++}`), signal: own = signal, onSample }: Options = {},
): Promise<RunResult> {
  const request = { run, cache: join(folder, "cache"), control: new Control(own), signal: own, onProgress: () => {}, onPoint: () => {} };
  return trainRun({ ...request, ...(spec ? { spec } : {}), ...(onSample ? { onSample } : {}) });
}

/** Sentences in which a word follows from the one two before it: pairs say little, a model can know. */
const random = new Random(4, "tale");
const pick = (words: readonly string[]) => words[random.next() % words.length]!;
const sentence = () => {
  const who = pick(["king", "queen", "猫"]);
  return `The ${who} has ${{ king: "crowns", queen: "roses", 猫: "鱼" }[who]!} now.`;
};
const tale = Array.from({ length: 300 }, () => Array.from({ length: 4 }, sentence).join(" ")).join("\n\n");

test(
  "a text is learned better than by counting pairs; what was written on the way is kept; the model runs and is judged alone",
  { timeout: 300_000 },
  async () => {
    const data = join(folder, "tale.txt");
    await writeFile(data, tale.replaceAll("\n", "\r\n"));
    const found = (await kinds.language.inspect(data, { cache: join(folder, "cache"), signal })) as LanguageProfile;
    expect(found).toMatchObject({ kind: "language", form: "file", rows: 1, encoding: "utf-8" });
    expect(found.preview.map(({ text }) => text).join("")).toMatch(/^The /);
    const told: TextSample[] = [];
    const result = await train(
      { data, task: "language", steps: 100, config: small, lr: 0.01 },
      { onSample: (sample) => told.push(sample) },
    );
    const { test: held } = result.metrics;
    expect(result).toMatchObject({
      task: "language",
      model: { name: "gpt" },
      verdict: { metric: "perplexity", beatsConstant: true, beatsLinear: true },
    });
    expect(held!["perplexity"]).toBeCloseTo(Math.exp(held!["loss"]!), 6);
    expect(held!["bitsPerByte"]).toBeLessThan(2);
    const report = JSON.parse(await readFile(join(result.run, "report.json"), "utf8")) as RunReport;
    const { samples } = report.language!;
    expect(samples.length).toBeGreaterThanOrEqual(5);
    expect(samples[0]).toMatchObject({ step: 0 });
    expect(new Set(samples.map(({ prompt }) => prompt)).size).toBe(1);
    expect(told.map(({ step }) => step)).toEqual(samples.map(({ step }) => step));
    expect(samples.at(-1)!.text).toContain("The ");

    const writer = await openWriter(result.run);
    const asked = { prompt: "The king has", maxTokens: 12, temperature: 0 };
    const pieces: string[] = [];
    const answer = await writer.generate(asked, { onText: (text) => pieces.push(text) });
    expect(answer.text).toMatch(/^ (crowns|roses|鱼) now\. The /);
    expect(pieces.join("")).toBe(answer.text);
    expect(answer.prompt.map(({ text }) => text).join("")).toBe(asked.prompt);
    expect((await writer.generate({ prompt: "", maxTokens: 5, temperature: 1 })).tokens).toBe(5);
    await writer.dispose();
    const refused = openPredictor(result.run);
    await expect(refused).rejects.toMatchObject({ code: "usage", hint: expect.stringContaining("paddock chat") as string });
    const graph = decodeModel(new Uint8Array(await readFile(result.onnx)));
    expect(graph.outputs.map(({ name }) => name)).toEqual(["logits"]);
    const other = join(folder, "other.txt");
    await writeFile(other, tale.slice(0, 4000));
    const { metrics } = await evaluateLanguage(result.run, other, { cache: join(folder, "cache"), scratch: join(folder, "scratch") });
    expect(metrics["loss"]).toBeCloseTo(result.metrics.train["loss"]!, 0);
  },
);

test("stopped and gone on with, a run has the weights and the samples of one that never stopped", { timeout: 300_000 }, async () => {
  const data = join(folder, "short.txt");
  await writeFile(data, tale.slice(0, 12_000));
  const spec: TrainSpec = { data, task: "language", steps: 30, config: { ...small, dropout: 0.1 } };
  const whole = await train(spec);
  const run = join(folder, "broken");
  for (const stop of [1, 4]) {
    const abort = new AbortController();
    let seen = 0;
    const onSample = (): void => void (++seen >= stop && abort.abort());
    await expect(train(stop === 1 ? spec : undefined, { run, signal: abort.signal, onSample })).rejects.toMatchObject({
      code: "interrupted",
    });
  }
  const rest = await train(undefined, { run });
  expect(rest.metrics).toEqual(whole.metrics);
  for (const name of ["model.onnx", "samples.jsonl", "tokenizer.json"])
    expect(await readFile(join(run, name))).toEqual(await readFile(join(whole.run, name)));
});

test("of conversations the answers are learned, each by its question", { timeout: 300_000 }, async () => {
  const data = join(folder, "chats.jsonl");
  const capital: Record<string, string> = { France: "Paris", Italy: "Rome", 中国: "北京", Japan: "Tokyo" };
  const rows = Array.from({ length: 400 }, (_, i) => {
    const [land, city] = Object.entries(capital)[i % 4]!;
    const question = `${pick(["Tell me", "Please say", "I ask"])} number ${random.next() % 1000}: the capital of ${land}?`;
    return JSON.stringify({
      messages: [
        { role: "user", content: question },
        { role: "assistant", content: `It is ${city}.` },
      ],
    });
  });
  await writeFile(data, rows.join("\n"));
  const result = await train({ data, steps: 110, config: { ...small, context: 48 }, lr: 0.01 });
  expect(result.task).toBe("language");
  const writer = await openWriter(result.run);
  expect(writer.card.asked).toBe("chat");
  const answer = await writer.generate({ prompt: "Please say number 7: the capital of Italy?", maxTokens: 20, temperature: 0 });
  expect(answer).toMatchObject({ text: "It is Rome.", ended: "end" });
  await writer.dispose();
});

test("a folder of texts and a table's column are read; what is too little is refused", async () => {
  const texts = join(folder, "diary");
  await mkdir(texts);
  for (let i = 0; i < 6; i++) await writeFile(join(texts, `${i}.md`), `Day ${i}.\n\n${tale.slice(i * 500, i * 500 + 400)}`);
  await writeFile(join(texts, "broken.txt"), Buffer.from([0, 1, 2, 3]));
  const source = { cache: join(folder, "cache"), signal };
  expect(await kinds.language.inspect(texts, source)).toMatchObject({ form: "folder", rows: 6, problems: [{ code: "unreadableTexts" }] });
  const table = join(folder, "table.csv");
  await writeFile(table, `text,label\n${Array.from({ length: 60 }, (_, i) => `"${sentence()} ${sentence()} ${i}",${i % 2}`).join("\n")}\n`);
  expect(await kinds.language.inspect(table, source)).toMatchObject({ form: "table", rows: 60 });
  expect((await kinds.language.plan({ data: table, task: "language" }, source)).language).toMatchObject({ context: 64, layers: 2 });
  const tiny = join(folder, "tiny.txt");
  await writeFile(tiny, "Too little.");
  await expect(kinds.language.inspect(tiny, source)).rejects.toMatchObject({ code: "tooFewRows" });
  await expect(kinds.language.plan({ data: table, task: "language", model: "mlp" }, source)).rejects.toMatchObject({ code: "usage" });
});
