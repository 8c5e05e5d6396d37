// Language models in the other form: every family's folder as a GGUF file that stock llama.cpp opens, and back as the folder that it was.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { setMaxListeners } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getLlama, type Llama } from "node-llama-cpp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openGguf } from "../../worker/formats/language/gguf.ts";
import { openLanguageFile } from "../../worker/formats/language/open.ts";
import { openSafetensors } from "../../worker/formats/language/safetensors.ts";
import { toFloat32 } from "../../worker/formats/language/levels.ts";
import { openTokens } from "../../worker/formats/language/tokens.ts";
import { conversions } from "../../worker/models/language/conversions.ts";
import { families } from "../../worker/models/language/index.ts";
import { languageLogits } from "../../worker/run/languageLogits.ts";
import { exportRun } from "../../worker/train/exports/index.ts";
import { gapOf, likely, quietLlama } from "../llamaCpp.ts";
import { root, shared } from "../shared.ts";

const fixtures = join(root, "test/references/language");
const folder = mkdtempSync(join(tmpdir(), "paddock-convert-"));
const { signal } = new AbortController();
setMaxListeners(0, signal);
const options = { cache: join(folder, "cache"), signal };
let llama: Llama;
beforeAll(async () => {
  llama = await getLlama(quietLlama);
});
afterAll(async () => {
  await llama.dispose();
  rmSync(folder, { recursive: true, force: true });
});

type Change = (tokenizer: Record<string, unknown>) => Record<string, unknown>;

/** A model of the references with a byte-level tokenizer of as many tokens as it has rows. */
function withTokenizer(name: string, change: Change = (t) => t, settings: Record<string, unknown> = {}): string {
  const out = mkdtempSync(join(folder, `${name}-`));
  cpSync(join(fixtures, name), out, { recursive: true });
  const letters = [..."abcdefghijklmnopqrstuvwxyz", "Ġ", "th", "he", "the", "Ġthe", "an", "Ġa", "Ġan", "in"];
  const vocab = Object.fromEntries(["<unk>", "<s>", "</s>", ...letters, "1", "Ċ"].map((token, id) => [token, id]));
  const merges = [["t", "h"], ["h", "e"], ["th", "e"], ["Ġ", "the"], ["a", "n"], ["Ġ", "a"], ["Ġ", "an"], ["i", "n"]]; // prettier-ignore
  const added = ["<unk>", "<s>", "</s>"].map((content, id) => ({ id, content, special: true, single_word: false, lstrip: false, rstrip: false, normalized: false })); // prettier-ignore
  const tokenizer = {
    added_tokens: added,
    normalizer: null,
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
    post_processor: null,
    decoder: { type: "ByteLevel" },
    model: { type: "BPE", vocab, merges, unk_token: null, byte_fallback: false, ignore_merges: false },
  };
  writeFileSync(join(out, "tokenizer.json"), JSON.stringify(change(tokenizer)));
  writeFileSync(join(out, "tokenizer_config.json"), JSON.stringify({ bos_token: "<s>", eos_token: "</s>", chat_template: "{{ messages[0].content }}" })); // prettier-ignore
  const path = join(out, "config.json");
  writeFileSync(path, JSON.stringify({ ...(JSON.parse(readFileSync(path, "utf8")) as object), ...settings }));
  return out;
}

/** All weights of a folder by name, the output layer that is the table of words apart. */
function weightsOf(path: string): Map<string, Float32Array> {
  const file = openSafetensors(join(path, "model.safetensors"));
  const names = [...file.infos.keys()].filter((name) => !/^(lm_head|embed_out)/.test(name)).sort();
  const all = new Map(names.map((name) => [name, toFloat32(file.infos.get(name)!, file.bytes(name))]));
  file.close();
  return all;
}

// GELU goes by a table of 16-bit numbers in llama.cpp, and for GPT-NeoX by the approximate formula: hence 2e-3 for those that have it.
const exact = ["llama", "llama-tied", "mistral", "qwen2", "qwen2-yarn", "qwen3", "phi3"];
const byTable = ["gemma", "gemma2", "gemma3_text", "gpt2", "gpt_neox", "gpt_neox-serial", "bloom"];
describe.each([...exact, ...byTable])("%s", (name) => {
  test("goes to GGUF, says the same in llama.cpp, and comes back as it was", async () => {
    const path = withTokenizer(name);
    const gguf = join(folder, `${name}.gguf`);
    const made = await exportRun(path, "gguf", gguf, options);
    expect(made.compared.difference).toBeLessThan(1e-5);
    const ids = [1, 5, 9, 33, 12, 7].slice(0, made.notes?.includes("window") ? 4 : 6);
    const texts = ["the an<s>in 1", " than\nthe", "ab</s>"];
    const { logs, tokens } = await likely(llama, gguf, ids, texts);
    expect(await gapOf(path, ids, logs)).toBeLessThan(byTable.includes(name) ? 2e-3 : 1e-5);
    const file = openLanguageFile(path);
    const own = openTokens(file, path);
    file.close();
    expect(tokens).toEqual(texts.map((text) => own.encode(text)));
    const back = join(folder, `${name}-back`);
    await exportRun(gguf, "safetensors", back, options);
    const [weights, other] = [weightsOf(path), weightsOf(back)];
    expect([...other.keys()]).toEqual([...weights.keys()]);
    // Gemma's norms are kept with 1 added, which rounds them.
    for (const [weight, values] of weights)
      expect(Math.max(...values.map((v, i) => Math.abs(v - other.get(weight)![i]!))), weight).toBeLessThanOrEqual(name.startsWith("gemma") ? 2e-7 : 0); // prettier-ignore
    const [before, after] = [await languageLogits(path, [ids]), await languageLogits(back, [ids])];
    expect(Math.max(...after.logits.map((v, i) => Math.abs(v - before.logits[i]!)))).toBeLessThan(1e-5);
    const config = JSON.parse(readFileSync(join(back, "config.json"), "utf8")) as Record<string, unknown>;
    expect(config).toMatchObject({ model_type: name.replace(/-.*/, ""), bos_token_id: 1, eos_token_id: 2 });
  });
});

test("every family goes over", () => expect(Object.keys(conversions).sort()).toEqual(Object.keys(families).sort()));

const stories = shared("models/safetensors/stories260K");
test.skipIf(!stories)("SentencePiece's tokenizer of a real model: scores from its merges, the same tokens in llama.cpp", async () => {
  const gguf = join(folder, "stories.gguf");
  await exportRun(stories!, "gguf", gguf, options);
  const oracle = JSON.parse(readFileSync(shared("models/oracle/stories260K/tokenizer_oracle.json")!, "utf8")) as { text: string; ids_tokenizers: number[] }[]; // prettier-ignore
  const { logs, tokens } = await likely(llama, gguf, [1, 403, 407, 261], oracle.map(({ text }) => text)); // prettier-ignore
  expect(tokens).toEqual(oracle.map(({ ids_tokenizers }) => ids_tokenizers));
  expect(await gapOf(stories!, [1, 403, 407, 261], logs)).toBeLessThan(1e-5);
  const bits = shared("models/gguf/stories260K/stories260K-Q8_0.gguf")!;
  const back = await exportRun(bits, "safetensors", join(folder, "stories-back"), options);
  expect(back.notes).toEqual(["halves"]);
  expect(back.compared.difference).toBeLessThan(1e-3);
});

describe("what cannot be said is refused", () => {
  const model =
    (more: object): Change =>
    (t) => ({ ...t, model: { ...(t["model"] as object), ...more } });
  test.each<[string, string, Change, Record<string, unknown>, string]>([
    ["another kind of tokenizer", "llama", model({ type: "Unigram" }), {}, "only BPE"],
    ["words taken whole", "llama", model({ ignore_merges: true }), {}, "ignore_merges"],
    ["letters made small", "llama", (t) => ({ ...t, normalizer: { type: "Lowercase" } }), {}, "Lowercase"],
    ["an unknown way of parting", "llama", (t) => ({ ...t, pre_tokenizer: { type: "Sequence", pretokenizers: [{ type: "Split", pattern: { Regex: "x+" }, behavior: "Isolated", invert: false }, { type: "ByteLevel", use_regex: false }] } }), {}, "no name for"], // prettier-ignore
    ["pieces that are no bytes", "llama", (t) => ({ ...t, pre_tokenizer: { type: "Metaspace", replacement: "▁", prepend_scheme: "always", split: false } }), {}, "byte_fallback"], // prettier-ignore
    ["tokens beyond the table", "llama", model({ vocab: { a: 99 } }), {}, "99"],
    ["another activation", "llama", (t) => t, { hidden_act: "gelu" }, "its activation is gelu"],
    ["an output layer of Gemma's own", "gpt2", (t) => t, { scale_attn_by_inverse_layer_idx: true }, "scaled by layer"],
  ])("%s", async (_, name, change, settings, why) => {
    const out = join(folder, "refused.gguf");
    const asked = exportRun(withTokenizer(name, change, settings), "gguf", out, options);
    await expect(asked).rejects.toMatchObject({ code: "exportUnsupported", message: expect.stringContaining(why) as string });
  });

  test("no tokenizer at all, and an adapter of a model alone", async () => {
    await expect(exportRun(join(fixtures, "llama"), "gguf", join(folder, "none.gguf"), options)).rejects.toMatchObject({
      code: "fileMissing",
    });
    await expect(exportRun(join(fixtures, "llama"), "peft", join(folder, "none"), options)).rejects.toMatchObject({ code: "usage" });
    expect(() => openGguf(join(folder, "none.gguf"))).toThrow(expect.objectContaining({ code: "fileMissing" }) as Error);
  });
});
