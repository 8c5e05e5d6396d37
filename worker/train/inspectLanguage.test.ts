// The card of a language model from its header, the copy that goes to the shelf, and what is refused before anything is copied.
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { importModel } from "../run/importModel.ts";
import { inspectLanguage } from "./inspectLanguage.ts";

const fixtures = join(import.meta.dirname, "../../test/references/language");
const folder = mkdtempSync(join(tmpdir(), "paddock-card-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let count = 0;
const place = () => ({ into: join(folder, `in${count++}`, "model"), scratch: join(folder, `scratch${count}`) });

test("a GGUF file and a folder say the same of one model", async () => {
  const gguf = await inspectLanguage(join(fixtures, "qwen3.gguf"));
  const hf = await inspectLanguage(join(fixtures, "qwen3"));
  expect(gguf).toMatchObject({ kind: "model", format: "gguf", family: "Qwen 3", bits: 32, files: [], training: { full: { fits: true } } });
  expect(hf).toMatchObject({ kind: "model", format: "huggingface", family: "Qwen 3", bits: 32, context: gguf.context!, template: false });
  expect(hf.parameters).toBe(gguf.parameters);
  expect(hf.language).toEqual({ ...gguf.language, architecture: "qwen3" });
  const { language, memory } = gguf;
  expect(memory.activations).toBe(language!.cachePerToken * language!.reckonedContext);
  expect(gguf.fingerprint).toMatch(/^[0-9a-f]{64}$/);
  expect((await inspectLanguage(join(fixtures, "qwen3.gguf"), { whole: false })).fingerprint).not.toBe(gguf.fingerprint);
});

test("licence, template and name of a folder are read from what lies beside the weights", async () => {
  const own = join(folder, "told");
  mkdirSync(own);
  for (const name of ["config.json", "model.safetensors"]) copyFileSync(join(fixtures, "llama", name), join(own, name));
  writeFileSync(join(own, "README.md"), '---\nlicense: "apache-2.0"\ntags: [x]\n---\n# A model\n');
  writeFileSync(join(own, "tokenizer_config.json"), JSON.stringify({ chat_template: "{{ messages }}" }));
  expect(await inspectLanguage(own)).toMatchObject({ licence: "apache-2.0", template: true, problems: [] });
});

test("a folder is copied without what is no part of the model; links and damaged files are refused", async () => {
  const own = join(folder, "full");
  mkdirSync(own);
  for (const name of ["config.json", "model.safetensors"]) copyFileSync(join(fixtures, "llama", name), join(own, name));
  for (const name of ["modeling_llama.py", "pytorch_model.bin"]) writeFileSync(join(own, name), "import os");
  const to = place();
  expect(await importModel(own, to)).toEqual({ file: "model" });
  expect(readdirSync(join(to.into, "model")).sort()).toEqual(["config.json", "model.safetensors"]);

  const linked = join(folder, "linked");
  mkdirSync(linked);
  copyFileSync(join(fixtures, "llama", "config.json"), join(linked, "config.json"));
  symlinkSync(join(fixtures, "llama", "model.safetensors"), join(linked, "model.safetensors"));
  await expect(importModel(linked, place())).rejects.toMatchObject({ code: "modelInvalid" });

  const cut = join(folder, "cut.gguf");
  const bytes = readFileSync(join(fixtures, "llama.gguf"));
  writeFileSync(cut, bytes.subarray(0, bytes.length - 500));
  const none = place();
  await expect(importModel(cut, none)).rejects.toMatchObject({ code: "modelInvalid" });
  expect(existsSync(none.into)).toBe(false);
});
