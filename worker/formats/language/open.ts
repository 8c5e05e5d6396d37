// A language model on disk, whichever form it has: its settings as its own format tells them, and its weights. Nothing is copied or kept in
// memory beyond the header.
import { closeSync, openSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import { AppError } from "../../../ipc/error.ts";
import { type Gguf, openGguf } from "./gguf.ts";
import { type HuggingfaceFolder, openHuggingface } from "./huggingface.ts";

export type LanguageFile = ({ format: "gguf" } & Gguf) | ({ format: "huggingface" } & HuggingfaceFolder);

/** Whether a path is a language model by its look: a .gguf file, a blob of Ollama that begins as one, or a folder with config.json and weights. */
export function looksLikeLanguageModel(path: string): boolean {
  if (/\.gguf$/i.test(path)) return true;
  if (/(^|[/\\])sha256-[0-9a-f]{64}$/.test(path)) return beginsAsGguf(path);
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return false;
  const has = (name: string) => statSync(join(path, name), { throwIfNoEntry: false })?.isFile() ?? false;
  return has("config.json") && (has("model.safetensors") || has("model.safetensors.index.json"));
}

function beginsAsGguf(path: string): boolean {
  if (!statSync(path, { throwIfNoEntry: false })?.isFile()) return false;
  const file = openSync(path, "r");
  try {
    const start = Buffer.alloc(4);
    return readSync(file, start, 0, 4, 0) === 4 && start.toString("latin1") === "GGUF";
  } finally {
    closeSync(file);
  }
}

/** @throws what `openGguf` and `openHuggingface` throw */
export function openLanguageFile(path: string): LanguageFile {
  const facts = statSync(path, { throwIfNoEntry: false });
  if (!facts) throw new AppError("fileMissing", `There is no file or folder '${path}'.`, "Check the path.", { file: path });
  return facts.isDirectory() ? { format: "huggingface", ...openHuggingface(path) } : { format: "gguf", ...openGguf(path) };
}
