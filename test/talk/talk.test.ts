// Talking with small real models: by llama.cpp, on our own graph and on a foreign one, the same greedy text; and what is refused before llama.cpp
// sees it.
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { shared } from "../shared.ts";
import { openLanguageModel } from "../../worker/models/language/index.ts";
import { ggufAdapter, peftTensors } from "../../worker/models/language/takeAway.ts";
import { type Adapter, peftConfig } from "../../worker/formats/language/peft.ts";
import { Random } from "../../worker/random.ts";
import { ChatTemplate } from "../../worker/formats/language/template.ts";
import { openTokens } from "../../worker/formats/language/tokens.ts";
import { languageLogits } from "../../worker/run/languageLogits.ts";
import { openTalker } from "../../worker/run/talk/open.ts";
import { fitted, StopText, type Talker, Turns } from "../../worker/run/talk/talker.ts";

const folder = mkdtempSync(join(tmpdir(), "paddock-talk-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const gguf = shared("models/gguf/stories260K/stories260K-F32.gguf");
const hf = shared("models/safetensors/stories260K");
const onnx = shared("models/onnx/stories260K/stories260K.onnx");
const greedy = { sampling: { temperature: 0 }, maxTokens: 24 };
const once = { asked: { text: "Once upon a time" }, ...greedy };
const begins = ", there was a little girl named Lily. She loved to play outside";

describe.skipIf(!gguf || !hf)("a small model of stories (../shared)", { timeout: 60_000 }, () => {
  let talker: Talker;
  beforeAll(async () => {
    talker = await openTalker({ model: gguf! });
  });
  afterAll(() => talker?.dispose());

  test("llama.cpp writes, streams and counts", async () => {
    const parts: string[] = [];
    const said = await talker.talk(once, { onText: (text) => parts.push(text) });
    expect(said.text.startsWith(begins)).toBe(true);
    expect(parts.join("")).toBe(said.text);
    expect(said).toMatchObject({ tokens: 24, ended: "length", dropped: 0, context: { size: 512 } });
    expect(said.context.used).toBeGreaterThan(24);
    expect(said.firstTokenMs).toBeGreaterThan(0);
  });

  test("the same seed writes the same; stop texts and the signal end it; two at once do not mix", async () => {
    const free = { asked: { text: "One day" }, maxTokens: 30, sampling: { temperature: 1, seed: 7 } };
    const [a, b, c] = await Promise.all([talker.talk(free), talker.talk(once), talker.talk(free)]);
    expect(c.text).toBe(a.text);
    expect(b.text.startsWith(begins)).toBe(true);
    const stopped = await talker.talk({ ...once, stop: ["girl named"] });
    expect([stopped.text, stopped.ended]).toEqual([", there was a little ", "end"]);
    const stop = new AbortController();
    const cut = await talker.talk({ ...once, maxTokens: 400 }, { signal: stop.signal, onText: () => stop.abort() });
    expect([cut.ended, cut.tokens < 10]).toEqual(["stopped", true]);
  });

  test("goes on past its context, keeps the latest of what is too long, and refuses a question that never fits", async () => {
    const long = await talker.talk({ ...once, maxTokens: 540 });
    expect(long.tokens).toBe(540);
    const cut = await talker.talk({ ...once, asked: { text: "a dog ran. ".repeat(400) } });
    expect(cut.dropped).toBeGreaterThan(100);
    const turns = [{ role: "user" as const, content: "a dog ran. ".repeat(400) }];
    await expect(talker.talk({ ...greedy, asked: { turns } })).rejects.toMatchObject({ code: "usage" });
  });

  test("JSON by a schema, and embeddings of length 1", async () => {
    const schema = { type: "object", properties: { name: { type: "string", maxLength: 12 }, big: { type: "boolean" } } };
    const said = await talker.talk({ ...once, maxTokens: 200, json: { schema } });
    expect(JSON.parse(said.text)).toEqual({ name: expect.any(String) as string, big: expect.any(Boolean) as boolean });
    const { vectors } = await talker.embed(["A dog.", "A cat.", "A dog."]);
    expect(vectors[0]).toEqual(vectors[2]);
    expect(Math.hypot(...vectors[1]!)).toBeCloseTo(1, 5);
  });

  test("our own graph and a foreign one write the same, with a cache and without", async () => {
    const beside = join(folder, "onnx");
    mkdirSync(beside);
    if (onnx) copyFileSync(onnx, join(beside, "model.onnx"));
    copyFileSync(join(hf!, "tokenizer.json"), join(beside, "tokenizer.json"));
    copyFileSync(join(hf!, "tokenizer_config.json"), join(beside, "tokenizer_config.json"));
    for (const [model, cached] of [[hf!, true], ...(onnx ? [[beside, false] as const] : [])] as const) {
      const other = await openTalker({ model });
      try {
        const said = await other.talk(once);
        expect(said.text.startsWith(begins)).toBe(true);
        expect(other.facts).toMatchObject({ cached, by: "ONNX Runtime" });
        await expect(other.talk({ ...once, json: "object" })).rejects.toMatchObject({ code: "usage" });
      } finally {
        await other.dispose();
      }
    }
  });

  test("how likely its tokens were is told alike by llama.cpp and on our own graph, and changes no answer", async () => {
    const own = await openTalker({ model: hf! });
    const spec = { ...once, maxTokens: 8, logprobs: 3, stop: ["girl"] };
    const [by, on] = [await talker.talk(spec), await own.talk(spec)];
    await own.dispose();
    for (const said of [by, on]) {
      expect(said.text).toBe(", there was a little ");
      // The token that the stop text begins in holds the space before it.
      expect(said.chances!.map(({ text }) => text).join("")).toBe(`${said.text}g`);
    }
    const logs = (said: typeof by) => said.chances!.map(({ logprob, top }) => [logprob, ...top.map((one) => one.logprob)]);
    logs(by).forEach((row, i) => row.forEach((value, j) => expect(value).toBeCloseTo(logs(on)[i]![j]!, 2)));
    const model = openLanguageModel(hf!);
    const ids = openTokens(model.file, hf!).encode("Once upon a time");
    model.close();
    const { logits } = await languageLogits(hf!, [ids]);
    const last = [...logits.slice(-512)];
    const sum = Math.log(last.reduce((all, v) => all + Math.exp(v), 0));
    expect(on.chances![0]!.logprob).toBeCloseTo(Math.max(...last) - sum, 4);
  });

  test.skipIf(!onnx)("a foreign graph without a tokenizer beside it says what is missing", async () => {
    await expect(openTalker({ model: onnx! })).rejects.toMatchObject({
      code: "fileMissing",
      message: expect.stringContaining("tokenizer.json") as string,
    });
  });

  test("an adapter changes both alike; one for another model is refused", async () => {
    const model = openLanguageModel(hf!);
    const random = new Random(5, "adapter");
    const adapter: Adapter = { rank: 4, alpha: 8, stabilised: false, layers: new Map() };
    for (const layer of ["model.layers.0.self_attn.q_proj", "model.layers.2.mlp.down_proj"]) {
      const [outputs = 0, inputs = 0] = model.source.info(`${layer}.weight`).dims;
      const drawn = (size: number) => Float32Array.from({ length: size }, () => random.normal() * 0.2);
      adapter.layers.set(layer, { a: drawn(4 * inputs), b: drawn(4 * outputs), inputs, outputs });
    }
    const own = join(folder, "adapter");
    mkdirSync(own);
    const { safetensors } = await import("../../worker/train/safetensors.ts");
    writeFileSync(join(own, "adapter_config.json"), JSON.stringify(peftConfig(adapter, { base: "stories", swapped: false })));
    writeFileSync(join(own, "adapter_model.safetensors"), Buffer.concat(safetensors(peftTensors(model, adapter))));
    writeFileSync(join(own, "adapter.gguf"), Buffer.concat([...ggufAdapter(model, adapter)]));
    model.close();
    const [a, b] = [await openTalker({ model: gguf!, adapter: own }), await openTalker({ model: hf!, adapter: own })];
    const texts = [(await a.talk(once)).text, (await b.talk(once)).text];
    await Promise.all([a.dispose(), b.dispose()]);
    expect(texts[0]).toBe(texts[1]);
    expect(texts[0]!.startsWith(begins)).toBe(false);
    const fixtures = join(import.meta.dirname, "../references/language");
    await expect(openTalker({ model: join(fixtures, "qwen3.gguf"), adapter: own })).rejects.toMatchObject({ code: "modelInvalid" });
    await expect(openTalker({ model: join(fixtures, "qwen3"), adapter: own })).rejects.toMatchObject({ code: "modelInvalid" });
    await expect(openTalker({ model: gguf!, adapter: fixtures })).rejects.toMatchObject({ code: "fileMissing" });
  });

  test("damaged files are refused by the strict reader, before llama.cpp", async () => {
    const bytes = readFileSync(gguf!);
    const damaged = join(folder, "damaged.gguf");
    const offset = Buffer.from(bytes);
    offset.writeBigUInt64LE(1n << 60n, 8); // the number of tensors
    for (const [content, says] of [
      [bytes.subarray(0, bytes.length - 4096), /cut off|ends/],
      [offset, /number of tensors/],
      [Buffer.concat([Buffer.from("GGML"), bytes.subarray(4)]), /no GGUF/],
    ] as const) {
      writeFileSync(damaged, content);
      const refusal = await openTalker({ model: damaged }).catch((thrown: unknown) => thrown);
      expect(refusal).toMatchObject({ code: "modelInvalid", message: expect.stringMatching(says) as string });
    }
  });
});

test("the oldest turns give way, never the system's and the last; a template without a system gets it with the question", () => {
  const template = new ChatTemplate(
    "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}<{{ m.role }}>{{ m.content }}{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}",
    {},
    "here",
  );
  const tokenize = (text: string) => [...text].map((letter) => letter.codePointAt(0)!);
  const text = (ids: number[]) => String.fromCodePoint(...ids);
  const turns = [
    { role: "system" as const, content: "S" },
    { role: "user" as const, content: "a".repeat(40) },
    { role: "assistant" as const, content: "b".repeat(40) },
    { role: "user" as const, content: "last" },
  ];
  const whole = fitted({ asked: { turns }, maxTokens: 8 }, { context: 400, template, tokenize });
  expect([text(whole.ids).startsWith(`<user>S\n\n${"a".repeat(40)}<assistant>`), whole.dropped]).toEqual([true, 0]);
  const small = fitted({ asked: { turns }, maxTokens: 8 }, { context: 64, template, tokenize });
  expect([text(small.ids), small.dropped]).toEqual(["<user>S\n\nlast<assistant>", 2]);
  const plain = fitted({ asked: { turns }, maxTokens: 8 }, { context: 400, template: undefined, tokenize });
  expect(text(plain.ids)).toBe(`S\n\n${"a".repeat(40)}\n\n${"b".repeat(40)}last\n\n`);
  expect(() => fitted({ asked: { turns: turns.slice(0, 3) }, maxTokens: 8 }, { context: 400, template, tokenize })).toThrow(/question/);
});

test("stop texts are found across pieces and are not given out", () => {
  const given: string[] = [];
  const out = new StopText(["\nUser:", "END"], (text) => given.push(text));
  for (const part of ["Hel", "lo\nU", "ranus E", "N"]) expect(out.add(part)).toBe(false);
  expect(out.add("D and more")).toBe(true);
  expect([out.text, given.join("")]).toEqual(["Hello\nUranus ", "Hello\nUranus "]);
});

test("turns are given in order, and one that leaves while it waits costs nobody's place", async () => {
  const turns = new Turns(1);
  const order: string[] = [];
  let free = () => {};
  const first = turns.use(() => new Promise<void>((resolve) => (free = resolve)));
  const leave = new AbortController();
  const gone = turns.use(async () => void order.push("gone"), leave.signal);
  const next = ["a", "b"].map((name) => turns.use(async () => void order.push(name)));
  leave.abort();
  await expect(gone).rejects.toMatchObject({ code: "cancelled" });
  free();
  await Promise.all([first, ...next]);
  expect(order).toEqual(["a", "b"]);
});
