// ONNX language models that keep keys and values, with the names that Hugging Face's exporters give them: the same logits as the model whole, and
// the same answers in a talk.
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type LanguageModel, openLanguageModel } from "../../worker/models/language/index.ts";
import { LanguageNet } from "../../worker/models/language/net.ts";
import { encodeModel } from "../../worker/onnx/proto.ts";
import { Builder, type Value } from "../../worker/ops/builder.ts";
import { openEngine, type Engine } from "../../worker/run/engine.ts";
import { languageLogits } from "../../worker/run/languageLogits.ts";
import { openTalker } from "../../worker/run/talk/open.ts";
import { pastDecoder } from "../../worker/run/talk/past.ts";
import { root } from "../shared.ts";

const base = join(root, "test/references/language/llama");
const folder = mkdtempSync(join(tmpdir(), "paddock-past-"));
let model: LanguageModel;
let engine: Engine;
beforeAll(async () => {
  model = openLanguageModel(base);
  engine = await openEngine("cpu", { threads: 1 });
});
afterAll(async () => {
  await engine.dispose();
  model.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Kind {
  /** Keys and values in 16 bits. */
  half?: boolean;
  /** Two graphs in one, told which is wanted; a wrong word makes all logits 0. */
  branch?: boolean;
  /** Another input besides. */
  more?: string;
}

function graphOf({ half = false, branch = false, more }: Kind): Uint8Array {
  const { kvHeads, headSize } = model.config;
  const g = new Builder("merged");
  const ids = g.input("input_ids", "int64", [1, "T"]);
  const mask = g.input("attention_mask", "int64", [1, "S"]);
  const positions = g.input("position_ids", "int64", [1, "T"]);
  const outputs: [Value, string][] = [];
  let earlier: Value | undefined;
  const cache = {
    positions: (b: Builder) =>
      b.assume(b.op("Range", [b.scalar(0, "int64"), b.reshape(b.lengthOf(mask, 1), []), b.scalar(1, "int64")]), ["S"]),
    extend(layer: number, keys: Value, values: Value) {
      const whole = (part: string, added: Value) => {
        const past = g.input(`past_key_values.${layer}.${part}`, half ? "float16" : "float32", [1, kvHeads, "P", headSize]);
        earlier ??= past;
        const all = g.assume(g.concat([half ? g.cast(past, "float32") : past, added], { axis: 2 }), [1, kvHeads, "S", headSize]);
        outputs.push([half ? g.cast(all, "float16") : all, `present.${layer}.${part}`]);
        return all;
      };
      return { keys: whole("key", keys), values: whole("value", values) };
    },
  };
  let logits = model.build(new LanguageNet(g, model.source), { ids, positions, cache });
  if (branch) {
    const told = g.input("use_cache_branch", "bool", [1]);
    const has = g.greater(g.lengthOf(earlier!, 2), g.scalar(0, "int64"));
    logits = g.mul(logits, g.where(g.equal(g.cast(told, "int64"), g.cast(has, "int64")), g.scalar(1), g.scalar(0)));
  }
  if (more !== undefined) logits = g.add(logits, g.input(more, "float32", [1]));
  g.output(logits, "logits");
  for (const [value, name] of outputs) g.output(value, name);
  return encodeModel(g.graph);
}

const ids = [1, 5, 9, 33, 12, 7, 20, 31, 4, 8];

describe.each<[string, Kind, number]>([
  ["as the exporter writes it", {}, 1e-5],
  ["keys and values in 16 bits", { half: true }, 5e-3],
  ["two graphs in one", { branch: true }, 1e-5],
])("%s", (_, kind, tolerance) => {
  test("the logits of the whole text, however it comes", async () => {
    const session = await engine.load(graphOf(kind));
    const decoder = pastDecoder(session, 64, "model.onnx");
    for (const parts of [[ids], [ids.slice(0, 4), ids.slice(4, 5), ids.slice(5)]]) {
      decoder.reset();
      let last: Float32Array = new Float32Array(0);
      for (const part of parts) last = await decoder.next(part);
      const { logits } = await languageLogits(base, [ids]);
      const expected = logits.subarray(-last.length);
      const scale = Math.max(...expected.map(Math.abs));
      expect(Math.max(...expected.map((v, i) => Math.abs(v - last[i]!))) / scale).toBeLessThan(tolerance);
    }
    await session.dispose();
  });
});

test("is talked with, its tokenizer beside the folder onnx, and says what the folder's own model says", async () => {
  const vocab = Object.fromEntries(["<unk>", "<s>", "</s>", ..."abcdefghijklmnopqrstuvwxyzABCDEFGHIJK"].map((token, id) => [token, id]));
  const added = { id: 2, content: "</s>", special: true, single_word: false, lstrip: false, rstrip: false, normalized: false };
  const tokenizer = {
    added_tokens: [added],
    normalizer: null,
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
    post_processor: null,
    decoder: { type: "ByteLevel" },
    model: { type: "BPE", vocab, merges: [], unk_token: null, byte_fallback: false },
  };
  const [foreign, own] = [join(folder, "foreign"), join(folder, "own")];
  cpSync(base, own, { recursive: true });
  mkdirSync(join(foreign, "onnx"), { recursive: true });
  for (const to of [foreign, own]) {
    writeFileSync(join(to, "tokenizer.json"), JSON.stringify(tokenizer));
    writeFileSync(join(to, "tokenizer_config.json"), JSON.stringify({ eos_token: "</s>" }));
  }
  writeFileSync(join(foreign, "config.json"), JSON.stringify({ max_position_embeddings: 64 }));
  writeFileSync(join(foreign, "onnx/model.onnx"), graphOf({ branch: true }));
  const spec = { asked: { text: "abcd" }, maxTokens: 20, sampling: { temperature: 0, repeatPenalty: 1 } };
  const said: string[] = [];
  for (const path of [foreign, own]) {
    const talker = await openTalker({ model: path });
    expect(talker.facts).toMatchObject({ cached: true, context: 64, by: "ONNX Runtime" });
    said.push((await talker.talk(spec)).text);
    await talker.dispose();
  }
  expect(said[0]).toBe(said[1]);
  expect(said[0]!.length).toBeGreaterThan(5);
  writeFileSync(join(foreign, "onnx/model.onnx"), graphOf({ more: "pixel_values" }));
  await expect(openTalker({ model: foreign })).rejects.toMatchObject({ code: "modelInvalid", data: { input: "pixel_values" } });
});
