// Byte-level byte pair encoding: what comes back is what went in, the merges are the most frequent pairs, and others read the file alike.
import { readFileSync } from "node:fs";
import { Tokenizer } from "@huggingface/tokenizers";
import { describe, expect, test } from "vitest";
import { shared } from "../../../test/shared.ts";
import { Random } from "../../random.ts";
import { alphabet, Bpe, endOfText, readBpe } from "./bpe.ts";
import { trainBpe, WordCounts } from "./bpeTrainer.ts";

async function learn(text: string, size: number, specials = [endOfText]): Promise<Bpe> {
  const words = new WordCounts();
  words.add(text);
  return trainBpe(words.counts, { size, specials });
}

test("the most frequent pair is joined first, of equals the one with the lower ids; what is there once is not", async () => {
  const bpe = await learn("ab ab ab cd cd abc", 400);
  const [first] = bpe.merges;
  expect(first!.map((id) => bpe.show(id)).join("")).toBe("ab");
  expect(bpe.size).toBe(1 + 256 + bpe.merges.length);
  expect(bpe.encode("ab")).toHaveLength(1);
  expect(bpe.encode("xyz")).toHaveLength(3);
});

const odd = [
  "",
  " ",
  "\n\n\t x",
  "naïve café 中文，句子。 日本語 🙂👩‍👩‍👧",
  "I'll we've it's",
  "1234 5,678.9",
  "\0\u0001\ufeff",
  "a".repeat(5000),
  "  trailing  ",
];

test("whatever can be written comes back as it was", async () => {
  const bpe = await learn(odd.join("\n").repeat(3), 420);
  const random = new Random(1, "text");
  const noise = Array.from({ length: 40 }, () =>
    Array.from({ length: 60 }, () => String.fromCodePoint([32, 97, 0x4e00, 0x1f600, 10][random.next() % 5]! + (random.next() % 20))).join(
      "",
    ),
  );
  for (const text of [...odd, ...noise]) expect(bpe.decode(bpe.encode(text))).toBe(text);
});

test("long words are joined as short ones are, however long", async () => {
  const bpe = await learn("abab abc bcbc ".repeat(50), 300);
  const word = Array.from({ length: 60 }, (_, i) => "abc"[(i * i) % 3]!).join("");
  // Beyond 64 letters by a heap; here the same by looking through them all.
  const long = word.repeat(3);
  const ids = Array.from(long, (letter) => bpe.encode(letter)[0]!);
  for (const [rank, [a, b]] of bpe.merges.entries())
    for (let i = 0; i + 1 < ids.length; i++) if (ids[i] === a && ids[i + 1] === b) ids.splice(i, 2, 257 + rank);
  expect(bpe.encode(long)).toEqual(ids);
  const began = performance.now();
  expect(bpe.encode("ab".repeat(200_000)).length).toBeLessThan(200_001);
  expect(performance.now() - began).toBeLessThan(20_000);
});

test("names of special tokens are those tokens, or plain text where strangers wrote it", async () => {
  const bpe = await learn("some words and some more words", 280, [endOfText, "<|user|>"]);
  expect(bpe.encode(`a${endOfText}b`)).toContain(0);
  expect(bpe.encode(`a${endOfText}b<|user|>`, { plain: true }).every((id) => id > 1)).toBe(true);
  expect(bpe.decode(bpe.encode(`a${endOfText}b`, { plain: true }))).toBe(`a${endOfText}b`);
});

describe("tokenizer.json", () => {
  test("is read as it was written, and damaged ones are refused", async () => {
    const bpe = await learn("the cat sat on the mat, the cat 猫坐在垫子上，猫。".repeat(4), 320);
    const again = readBpe(bpe.toJson(), "tokenizer.json");
    expect(again.merges).toEqual(bpe.merges);
    expect(again.encode("the 猫 sat")).toEqual(bpe.encode("the 猫 sat"));
    const parts = JSON.parse(bpe.toJson()) as { model: { merges: string[][]; vocab: Record<string, number> } };
    const damaged = [
      "{",
      "[]",
      JSON.stringify({ ...parts, model: { ...parts.model, merges: [["nowhere", "x"]] } }),
      JSON.stringify({ ...parts, model: { ...parts.model, vocab: { ...parts.model.vocab, a: 1e9 } } }),
      JSON.stringify({ ...parts, model: { ...parts.model, vocab: { ...parts.model.vocab, a: 65_000 } } }), // beyond the tokens, but a number
      JSON.stringify({ ...parts, model: { ...parts.model, vocab: { a: 0 } } }),
      JSON.stringify({ ...parts, pre_tokenizer: null }),
    ];
    for (const json of damaged) expect(() => readBpe(json, "x")).toThrow(expect.objectContaining({ code: "modelInvalid" }));
  });

  const file = shared("data/text/llamafactory_sft/alpaca_zh_demo.json");
  test.skipIf(!file)("gives others the same tokens: Hugging Face's reader, English and Chinese", async () => {
    const text = readFileSync(file!, "utf8").slice(0, 60_000);
    const bpe = await learn(text, 900);
    const other = new Tokenizer(JSON.parse(bpe.toJson()) as object, { clean_up_tokenization_spaces: false });
    for (let from = 0; from < text.length; from += 6000) {
      const part = text.slice(from, from + 6000);
      const { ids } = other.encode(part, { add_special_tokens: false });
      expect(bpe.encode(part)).toEqual(ids);
      expect(other.decode(ids, { skip_special_tokens: false })).toBe(part);
    }
  });
});

test("every byte has its letter once", () => {
  expect(new Set(alphabet).size).toBe(256);
});
