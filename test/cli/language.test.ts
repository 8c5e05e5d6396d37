// Language models on the command line: what they say next, and refusals.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "../shared.ts";
import { home, paddock } from "./setUp.ts";

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

test("a model on disk is fine-tuned where no folder is named, and its adapter kept", async () => {
  const data = join(home, "rows.jsonl");
  const rows = Array.from({ length: 12 }, (_, i) => JSON.stringify({ input_ids: [1, 3 + i, 5, 7 + i, 9, 2] }));
  writeFileSync(data, rows.join("\n"));
  const { code, json } = await paddock(["train", data, "--model", join(folder, "llama"), "--rank", "2", "--steps", "2", "--json"]);
  expect(code).toBe(0);
  expect(json).toMatchObject({ task: "language", steps: 2, model: { name: "llama" } });
  expect(existsSync(join(json["onnx"] as string, "adapter_model.safetensors"))).toBe(true);
  const wrong = await paddock(["train", data, "--rank", "2", "--json"]);
  expect(wrong.code).toBe(2);
});
