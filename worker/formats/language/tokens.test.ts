// Tokens of real models from GGUF and from Hugging Face folders, and chat templates that mean harm.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { shared } from "../../../test/shared.ts";
import { openLanguageFile } from "./open.ts";
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
