// Tokens of real models from GGUF and from Hugging Face folders, and chat templates that mean harm.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { shared } from "../../../test/shared.ts";
import { openLanguageFile } from "./open.ts";
import { openStrangeTokenizer } from "./strangeTokenizer.ts";
import { ChatTemplate } from "./template.ts";
import { openTokens } from "./tokens.ts";

const stories = shared("models/gguf/stories260K/stories260K-F32.gguf");
describe.skipIf(!stories)("stories260K", () => {
  const oracle = JSON.parse(readFileSync(shared("models/oracle/stories260K/tokenizer_oracle.json") ?? "", "utf8")) as {
    text: string;
    ids_tokenizers: number[];
  }[];
  test.each(["gguf/stories260K/stories260K-F32.gguf", "safetensors/stories260K"])("%s", (path) => {
    const where = shared(`models/${path}`)!;
    const file = openLanguageFile(where);
    const tokens = openTokens(file, where);
    for (const { text, ids_tokenizers: ids } of oracle) {
      expect(tokens.encode(text), text).toEqual(ids);
      expect(tokens.decode(ids)).toBe(text);
    }
    expect([tokens.bos, tokens.eos]).toEqual([1, 2]);
    file.close();
  });
});

describe("tokenizers that mean harm", () => {
  const split = (regex: string) => ({ type: "Split", pattern: { Regex: regex }, behavior: "Isolated", invert: false });
  const sound = {
    added_tokens: [{ id: 0, content: "<s>", special: true }] as unknown[],
    normalizer: null as unknown,
    pre_tokenizer: split("\\p{L}+|\\s+") as unknown,
    post_processor: null as unknown,
    decoder: null as unknown,
    model: {
      type: "BPE",
      vocab: { "<s>": 0, a: 1, b: 2, ab: 3 } as Record<string, unknown>,
      merges: ["a b"] as unknown[],
      unk_token: "<s>",
    },
  };
  const nested = (depth: number) => {
    let part: unknown = { type: "Lowercase" };
    for (let i = 0; i < depth; i++) part = { type: "Sequence", normalizers: [part] };
    return part;
  };
  const open = (change: object) => openStrangeTokenizer({ ...sound, ...change }, {}, "stranger");
  const refusal = (work: () => unknown) => {
    try {
      work();
    } catch (thrown) {
      expect(thrown).toMatchObject({ code: "modelInvalid" });
      return (thrown as Error).message;
    }
    return "it was taken";
  };

  test("a sound one is read", () => expect(open({}).encode("ab a")).toEqual([3, 0, 1]));

  test.each([
    ["no object", null, /no object/],
    ["a vocabulary of objects", { model: { ...sound.model, vocab: { a: {}, b: [] } } }, /number of a token/],
    ["a vocabulary of fractions", { model: { ...sound.model, vocab: { a: 0.5 } } }, /number of a token/],
    ["scores that are none", { model: { type: "Unigram", vocab: [["a", "x"]], unk_id: 0 } }, /no scores/],
    ["millions of merges", { model: { ...sound.model, merges: new Array(2 ** 22 + 1).fill("a b") } }, /merges/],
    ["merges of numbers", { model: { ...sound.model, merges: [1, [2, 3]] } }, /no pair/],
    ["added tokens without a number", { added_tokens: [{ content: "x" }] }, /added token/],
    ["added tokens that are a word", { added_tokens: "x" }, /added tokens/],
    ["deep nesting", { normalizer: nested(5000) }, /too deeply/],
    ["a list without end", { pre_tokenizer: { type: "Sequence", pretokenizers: Array.from({ length: 9000 }, () => split(" ")) } }, /too many/],
    ["parts that are numbers", { post_processor: { type: "TemplateProcessing", single: [1, 2], pair: [], special_tokens: {} } }, /no list of parts/],
    ["a step that is a list", { decoder: [] }, /no part/],
    ["a pattern of megabytes", { pre_tokenizer: split("a".repeat(30_000)) }, /letters long/],
    ["a pattern that is none", { pre_tokenizer: split("(") }, /cannot be read/],
  ])("%s", (_, change, said) => expect(refusal(() => (change === null ? openStrangeTokenizer(null, {}, "stranger") : open(change)))).toMatch(said)); // prettier-ignore

  test.each([
    ["a pattern that goes back without end", { pre_tokenizer: split("(?:a+)+c") }],
    ["one in what text is made plain by", { normalizer: { type: "Replace", pattern: { Regex: "(a|aa)+$" }, content: "" } }],
  ])("%s is stopped by the clock", (_, change) => {
    const tokens = open(change);
    const began = performance.now();
    expect(refusal(() => tokens.encode("a".repeat(60) + "b"))).toMatch(/come to an end/);
    expect(performance.now() - began).toBeLessThan(15_000);
  });

  test("text that grows with each step is refused, and the process goes on", () => {
    const grow = { type: "Replace", pattern: { String: "a" }, content: "a".repeat(1000) };
    const tokens = open({ normalizer: { type: "Sequence", normalizers: [grow, grow, grow, grow, grow] } });
    expect(refusal(() => tokens.encode("aaa"))).toMatch(/cannot be read/);
  });
});

describe("chat templates", () => {
  const chat = [
    { role: "user", content: "Hi" },
    { role: "assistant", content: "Hello" },
  ];
  const open = (source: string) => new ChatTemplate(source, { bos_token: "<s>", eos_token: "</s>" }, "model");

  test("a conversation as one text", () => {
    const source = "{{ bos_token }}{% for m in messages %}<|{{ m.role }}|>{{ m.content | trim }}{{ eos_token }}{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"; // prettier-ignore
    expect(open(source).render(chat)).toBe("<s><|user|>Hi</s><|assistant|>Hello</s>");
    expect(open(source).render(chat.slice(0, 1), { answer: true })).toBe("<s><|user|>Hi</s><|assistant|>");
  });

  const nested = Array.from({ length: 9 }, (_, i) => `{% for a${i} in range(1000) %}`).join("");
  test.each([
    ["loops without end", `${nested}x${"{% endfor %}".repeat(9)}`, /come to an end|letters/],
    [
      "one that writes without end",
      "{% set ns = namespace(x='ab') %}{% for i in range(30) %}{% set ns.x = ns.x + ns.x %}{% endfor %}{{ ns.x }}",
      /letters|cannot|end/,
    ],
    ["syntax that is none", "{% for %}", /cannot be used/],
    ["nesting without end", "(".repeat(5000), undefined],
    ["deep nesting", `{{ ${"(".repeat(20_000)}1${")".repeat(20_000)} }}`, /cannot be used|end/],
    ["an error that it raises itself", "{{ raise_exception('no system') }}", /no system/],
    ["the outside", "{{ constructor.constructor('return process')().exit(3) }}", undefined],
    ["too long", "x".repeat(300_000), /letters long/],
  ])(
    "%s",
    (_, source, said) => {
      let text: string | undefined;
      try {
        text = open(source).render(chat);
      } catch (thrown) {
        expect((thrown as Error).message).toMatch(said ?? /template/);
        expect((thrown as { code: string }).code).toBe("modelInvalid");
      }
      if (text !== undefined) expect(said).toBeUndefined(); // nothing but text came of it
    },
    20_000,
  );
});
