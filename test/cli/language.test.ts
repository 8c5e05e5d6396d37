// Language models on the command line: what they say next, and refusals.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "../shared.ts";
import { paddock } from "./setUp.ts";

const folder = join(root, "test/references/language");

test("logits are those of transformers, from GGUF and from a Hugging Face folder", async () => {
  const { models } = JSON.parse(readFileSync(join(folder, "logits.json"), "utf8")) as {
    models: Record<string, { ids: number[][]; last: number[][] }>;
  };
  const { ids, last } = models["qwen3"]!;
  for (const form of ["qwen3", "qwen3.gguf"]) {
    const { code, json } = await paddock(["logits", join(folder, form), "--tokens", ids[0]!.join(","), "--json"]);
    expect(code).toBe(0);
    expect(json["shape"]).toEqual([40]);
    const said = json["logits"] as number[];
    last[0]!.forEach((value, i) => expect(said[i]).toBeCloseTo(value, 3));
  }
});

test("a token that the vocabulary does not have is wrong usage, a file that is no model bad input", async () => {
  expect((await paddock(["logits", join(folder, "llama"), "--tokens", "99999", "--json"])).code).toBe(2);
  const { code, json } = await paddock(["logits", join(folder, "logits.json"), "--tokens", "1", "--json"]);
  expect(code).toBe(3);
  expect(JSON.stringify(json)).toContain("logits.json");
});
