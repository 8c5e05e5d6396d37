// Fine-tuned language models taken away whole and as adapters: each family's file comes out as it went in, opened again and asked the same.
import { setMaxListeners } from "node:events";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { TrainSpec } from "../../ipc/types.ts";
import { openGguf } from "../../worker/formats/language/gguf.ts";
import { ggufTokenizer } from "../../worker/formats/language/ggufTokenizer.ts";
import { readPeft } from "../../worker/formats/language/peft.ts";
import { languageLogits } from "../../worker/run/languageLogits.ts";
import { openTalker } from "../../worker/run/talk/open.ts";
import { Control } from "../../worker/train/control.ts";
import { exportRun } from "../../worker/train/exports/index.ts";
import { trainRun } from "../../worker/train/run.ts";
import { root, shared } from "../shared.ts";

const folder = mkdtempSync(join(tmpdir(), "paddock-tuned-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const fixtures = join(root, "test/references/language");
const { signal } = new AbortController();
setMaxListeners(0, signal);
const cache = join(folder, "cache");
const data = join(folder, "rows.jsonl");
writeFileSync(data, Array.from({ length: 12 }, (_, i) => JSON.stringify({ input_ids: [1, 3 + i, 5, 7 + i, 9, 2] })).join("\n"));

let count = 0;
async function tuned(model: string, more: Partial<TrainSpec> = {}): Promise<string> {
  const run = join(folder, `run${count++}`);
  const spec: TrainSpec = { data, model, ...(more.method === "head" ? {} : { rank: 2 }), steps: 4, lr: 0.05, batch: 4, ...more };
  await trainRun({ run, cache, control: new Control(signal), signal, spec, onProgress: () => {}, onPoint: () => {} });
  return run;
}
const place = (name: string): string => join(folder, `${name}-${count++}`);
const tokens = [[1, 5, 9, 33, 12, 7]];
const options = { cache, signal };

describe("the whole model", () => {
  test.each(["llama", "gpt2", "gpt_neox", "bloom", "qwen3", "gemma"])("a folder of %s comes out as one", async (name) => {
    const base = join(fixtures, name);
    const run = await tuned(base);
    const out = place(name);
    const result = await exportRun(run, "safetensors", out, options);
    expect(result.compared).toMatchObject({ of: "logits", count: 16 });
    expect(result.compared.difference).toBeLessThan(1e-4);
    expect(result.files).toEqual(expect.arrayContaining(["model.safetensors", "config.json"]));
    const [before, after] = [await languageLogits(base, tokens), await languageLogits(out, tokens)];
    expect(Math.max(...after.logits.map((v, i) => Math.abs(v - before.logits[i]!)))).toBeGreaterThan(1e-3);
  });

  test.each(["llama", "gpt2", "phi3", "gemma2"])("a GGUF file of %s comes out as one, its metadata as they were", async (name) => {
    const base = join(fixtures, `${name}.gguf`);
    const run = await tuned(base);
    const out = `${place(name)}.gguf`;
    const result = await exportRun(run, "gguf", out, options);
    expect(result.compared.difference).toBeLessThan(1e-3);
    const [before, after] = [openGguf(base), openGguf(out)];
    expect(after.metadata).toEqual(before.metadata);
    expect([...after.infos.keys()]).toEqual([...before.infos.keys()]);
    const same = [...before.infos.keys()].filter((n) => Buffer.compare(Buffer.from(before.bytes(n)), Buffer.from(after.bytes(n))) === 0);
    expect(same.length).toBeLessThan(before.infos.size);
    expect(same).toEqual(expect.arrayContaining([...before.infos.keys()].filter((n) => /norm|embd/.test(n))));
    before.close();
    after.close();
  });

  const stories = shared("models/gguf/stories260K/stories260K-Q8_0.gguf");
  test.skipIf(!stories)("of weights in 8 bits those that learned are kept in 16, the others as they are", async () => {
    const run = await tuned(stories!, { steps: 2 });
    const out = `${place("stories")}.gguf`;
    const { compared } = await exportRun(run, "gguf", out, options);
    expect(compared.difference).toBeLessThan(0.02);
    const file = openGguf(out);
    const types = new Set([...file.infos.values()].map(({ type }) => type));
    file.close();
    expect([...types].sort()).toEqual(["F16", "F32", "Q8_0"]);
  });

  test("what a head learned stands in the place of its own", async () => {
    const run = await tuned(join(fixtures, "llama"), { method: "head" });
    const out = place("head");
    const { compared } = await exportRun(run, "safetensors", out, options);
    expect(compared.difference).toBeLessThan(1e-4);
    await expect(exportRun(run, "peft", place("no"), options)).rejects.toMatchObject({ code: "usage" });
  });
});

describe("the adapter alone, and refusals", () => {
  test("PEFT's folder and llama.cpp's file; a form that it has not is refused with those that it has", async () => {
    const run = await tuned(join(fixtures, "llama"));
    const peft = place("peft");
    const result = await exportRun(run, "peft", peft, options);
    expect(readdirSync(peft).sort()).toEqual(["adapter_config.json", "adapter_model.safetensors"]);
    expect(result.compared).toMatchObject({ of: "weights", difference: 0 });
    const lora = `${place("lora")}.gguf`;
    await exportRun(run, "gguf-lora", lora, options);
    expect(readFileSync(lora)).toEqual(readFileSync(join(run, "adapter", "adapter.gguf")));
    await expect(exportRun(run, "onnx", place("no"), options)).rejects.toMatchObject({
      code: "usage",
      hint: expect.stringContaining("peft"),
    });
  });

  test("a base that is gone is named; nothing is left behind", async () => {
    const base = join(folder, "base");
    cpSync(join(fixtures, "llama"), base, { recursive: true });
    const run = await tuned(base);
    rmSync(base, { recursive: true });
    const out = place("gone");
    await expect(exportRun(run, "safetensors", out, options)).rejects.toMatchObject({ code: "fileMissing", data: { file: base } });
    expect(readdirSync(folder).filter((name) => name.includes(".draft"))).toEqual([]);
  });
});

describe("what a run is told to do", () => {
  const llama = join(fixtures, "llama");
  test("a batch in parts teaches the same; alpha counts, and only for adapters", async () => {
    const [whole, parts] = [await tuned(llama, { alpha: 3 }), await tuned(llama, { alpha: 3, accumulate: 3 })];
    const [one, other] = [readPeft(join(whole, "adapter")), readPeft(join(parts, "adapter"))];
    expect([one.alpha, other.alpha]).toEqual([3, 3]);
    for (const [layer, { a, b }] of one.layers) {
      const same = other.layers.get(layer)!;
      expect(Math.max(...a.map((v, i) => Math.abs(v - same.a[i]!)), ...b.map((v, i) => Math.abs(v - same.b[i]!))), layer).toBeLessThan(
        1e-4,
      );
    }
    expect([...one.layers.values()].some(({ b }) => b.some((v) => Math.abs(v) > 1e-3))).toBe(true);
    await expect(tuned(llama, { method: "full", rank: undefined, alpha: 3 } as Partial<TrainSpec>)).rejects.toMatchObject({
      code: "usage",
    });
  });

  test.each(["head", "full"] as const)("what %s learned is talked with, from a folder and from a GGUF file", async (method) => {
    const base = join(folder, `talked-${method}`);
    cpSync(llama, base, { recursive: true });
    const gguf = join(fixtures, "llama.gguf");
    const file = openGguf(gguf);
    const { tokenizer, config } = ggufTokenizer(file, gguf);
    file.close();
    writeFileSync(join(base, "tokenizer.json"), JSON.stringify(tokenizer));
    writeFileSync(join(base, "tokenizer_config.json"), JSON.stringify(config));
    for (const [from, to] of [
      [base, "safetensors"],
      [gguf, "gguf"],
    ] as const) {
      const run = await tuned(from, { method, rank: undefined } as Partial<TrainSpec>);
      const out = to === "gguf" ? `${place(method)}.gguf` : place(method);
      await exportRun(run, to, out, options);
      const said = [];
      for (const model of [run, out, from]) {
        const talker = await openTalker({ model });
        said.push(await talker.talk({ asked: { text: "bcd" }, maxTokens: 4, sampling: { temperature: 0 }, logprobs: 0 }));
        await talker.dispose();
      }
      const logs = said.map(({ chances }) => chances!.map(({ logprob }) => logprob));
      expect(said[0]!.text).toBe(said[1]!.text);
      logs[0]!.forEach((log, i) => expect(log).toBeCloseTo(logs[1]![i]!, 2));
      expect(logs[0]).not.toEqual(logs[2]);
    }
  });
});
