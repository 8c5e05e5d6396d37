// Which files a language model is made of: a GGUF file alone, or those of a Hugging Face folder that are read; scripts, pickles and all else
// are none of it.
import { existsSync, statSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { readJson } from "./huggingface.ts";

/** Files of a Hugging Face folder that a model is made of, the weights apart. Nothing else is read, copied or counted. */
const companionNames = [
  "config.json",
  "generation_config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "chat_template.jinja",
  "README.md",
  "LICENSE",
  "LICENSE.txt",
  "LICENSE.md",
];

/** Names of the files that hold the weights of a folder. */
function weightNames(folder: string): string[] {
  const map = readJson(folder, "model.safetensors.index.json")?.["weight_map"];
  if (typeof map !== "object" || map === null) return ["model.safetensors"];
  return [...new Set(Object.values(map).map(String))].sort();
}

/** All files of the model at a path: the file itself, or those of its folder. */
export function filesOf(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  const index = existsSync(join(path, "model.safetensors.index.json")) ? ["model.safetensors.index.json"] : [];
  const there = companionNames.filter((name) => existsSync(join(path, name)));
  return [...there, ...index, ...weightNames(path)].map((name) => join(path, name));
}

/** Whether a folder holds a language model somewhere right below; for archives and folders that were dropped. */
export async function languageFoldersBelow(folder: string, deep = 3): Promise<string[]> {
  if (existsSync(join(folder, "config.json")) && filesThere(folder)) return [folder];
  if (deep === 0) return [];
  const found: string[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true }))
    if (entry.isDirectory() && !entry.name.startsWith(".")) found.push(...(await languageFoldersBelow(join(folder, entry.name), deep - 1)));
  return found.sort();
}

const filesThere = (folder: string): boolean =>
  existsSync(join(folder, "model.safetensors")) || existsSync(join(folder, "model.safetensors.index.json"));
