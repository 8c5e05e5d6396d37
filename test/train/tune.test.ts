// Fine-tuning as a whole run: rows of tokens give PEFT's losses step by step, an adapter to begin with counts, and what is kept is read back.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { RunReport, RunResult, TextSample, TrainSpec } from "../../ipc/types.ts";
import { readPeft } from "../../worker/formats/language/peft.ts";
import { float32 } from "../../worker/tensor.ts";
import { openGraphTalker } from "../../worker/run/talk/graph.ts";
import { Control } from "../../worker/train/control.ts";
import { trainRun } from "../../worker/train/run.ts";
import { safetensors } from "../../worker/train/safetensors.ts";
import { root, shared } from "../shared.ts";

const folder = mkdtempSync(join(tmpdir(), "paddock-tune-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const fixtures = join(root, "test/references/language");

const signal = new AbortController().signal;
let count = 0;
function train(data: string, more: Partial<TrainSpec>): Promise<RunResult> {
  const run = join(folder, `run${count++}`);
  const cache = join(folder, "cache");
  return trainRun({ run, cache, control: new Control(signal), signal, spec: { data, ...more }, onProgress: () => {}, onPoint: () => {} });
}

interface Reference {
  rank: number;
  alpha: number;
  targets: string[];
  first: Record<string, { dims: number[]; data: number[] }>;
  batches: { ids: number[][]; labels: number[][] }[];
  losses: number[];
}
const { runs } = JSON.parse(readFileSync(join(fixtures, "lora.json"), "utf8")) as { runs: Record<string, Reference> };

test("rows of tokens and a PEFT adapter to begin with: PEFT's own losses", async () => {
  const own = runs["llama"]!;
  const rows = own.batches.flatMap(({ ids, labels }) => ids.map((row, i) => JSON.stringify({ input_ids: row, labels: labels[i] })));
  const data = join(folder, "rows.jsonl");
  writeFileSync(data, `${rows.join("\n")}\n`);
  const adapter = join(folder, "first");
  await mkdir(adapter);
  const config = { peft_type: "LORA", r: own.rank, lora_alpha: own.alpha, target_modules: own.targets, bias: "none" };
  writeFileSync(join(adapter, "adapter_config.json"), JSON.stringify(config));
  const tensors = new Map(Object.entries(own.first).map(([name, { dims, data: values }]) => [name, float32(dims, values)]));
  writeFileSync(join(adapter, "adapter_model.safetensors"), Buffer.concat(safetensors(tensors)));
  const result = await train(data, {
    model: join(fixtures, "llama"),
    method: "lora",
    initAdapter: adapter,
    batch: 2,
    epochs: 1,
    lr: 3e-3,
    schedule: "constant",
    weightDecay: 0,
    shuffle: false,
    split: false,
    logLosses: true,
  });
  expect(result.losses).toHaveLength(30);
  result.losses!.forEach((loss, i) => expect(Math.abs(loss - own.losses[i]!)).toBeLessThan(1e-3 * own.losses[i]!));
  expect(result.model.trainable).toBe([...tensors.values()].reduce((sum, t) => sum + t.data.length, 0));
  const kept = readPeft(result.onnx);
  expect([kept.rank, kept.alpha, kept.layers.size]).toEqual([own.rank, own.alpha, Object.keys(own.first).length / 2]);
});

const stories = shared("models/gguf/stories260K/stories260K-Q8_0.gguf");
test.skipIf(!stories)("conversations teach a quantised model by qlora, answers alone", { timeout: 120_000 }, async () => {
  const things = ["cat", "dog", "bird", "fish", "tree"];
  const rows = Array.from({ length: 60 }, (_, i) => {
    const [a, b] = [things[i % 5]!, things[(i * 3 + 1) % 5]!];
    return JSON.stringify({ prompt: `Tell me of the ${a} and the ${b}, number ${i}.`, completion: `Once upon a time a ${a} met a ${b}.` });
  });
  const data = join(folder, "chats.jsonl");
  writeFileSync(data, `${rows.join("\n")}\n`);
  const prompts = ["Tell me of the cat and the tree, number 99.", " "];
  const result = await train(data, { model: stories!, task: "language", epochs: 10, rank: 4, prompts });
  expect(result.metrics.test!["perplexity"]).toBeLessThan(0.5 * result.baseline.constant["perplexity"]!);
  expect(readPeft(result.onnx).rank).toBe(4);
  const talker = await openGraphTalker(stories!, { adapter: result.onnx });
  const talked = await talker.talk({
    asked: { turns: [{ role: "user", content: prompts[0]! }] },
    maxTokens: 64,
    sampling: { temperature: 0, repeatPenalty: 1 },
  });
  await talker.dispose();
  const { tune } = JSON.parse(readFileSync(join(result.run, "report.json"), "utf8")) as RunReport;
  expect(tune?.plan).toMatchObject({ method: "qlora", rank: 4, base: "gguf", form: "chats", shortened: 0 });
  // What was taught is answered after, and was not before; the empty prompt is none.
  expect(tune?.answers.map(({ prompt }) => prompt)).toEqual([prompts[0]]);
  expect(tune?.answers[0]!.text).toBe(talked.text);
  expect(tune?.answers[0]!.text).toMatch(/^Once upon a time a cat/);
  expect(tune?.answers[0]!.before).not.toMatch(/Once upon a time a cat/);
  const samples = readFileSync(join(result.run, "samples.jsonl"), "utf8").trim().split("\n");
  expect(samples.map((line) => (JSON.parse(line) as TextSample).step)).toEqual([0, result.bestStep]);
});

test("rows that are no tokens of the model are refused with their number", async () => {
  const data = join(folder, "bad.jsonl");
  writeFileSync(data, `${JSON.stringify({ input_ids: [1, 2, 3] })}\n${JSON.stringify({ input_ids: [1, 9999] })}\n`);
  await expect(train(data, { model: join(fixtures, "llama") })).rejects.toMatchObject({ code: "valueInvalid", data: { row: 2 } });
});
