// A language model's card, from its header alone: family, size, bits, context, whether it says how to be talked to, licence, and what it needs to run.
import { createHash } from "node:crypto";
import { createReadStream, existsSync, readFileSync, statSync } from "node:fs";
import { stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { AppError } from "../../ipc/error.ts";
import type { Fits, ModelPort, ModelProfile } from "../../ipc/types.ts";
import { filesOf } from "../formats/language/files.ts";
import type { Gguf } from "../formats/language/gguf.ts";
import { readJson } from "../formats/language/huggingface.ts";
import { type LanguageFile, openLanguageFile } from "../formats/language/open.ts";
import type { WeightType } from "../formats/language/weights.ts";
import { factsOf } from "../models/language/facts.ts";
import { openLanguageModel } from "../models/language/index.ts";

/** Tokens of context that memory is reckoned for, where the model takes as many. */
const usualContext = 4096;
/** What the runtime takes beside weights and cache: its code, and room for one batch of a small model (measured with llama.cpp on the CPU). */
const runtimeBytes = 60 * 2 ** 20;

/** Whole bits of a number in each type; blocks carry scales beside them. */
const bitsOf: Record<WeightType, number> = {
  F32: 32,
  F16: 16,
  BF16: 16,
  Q8_0: 8,
  Q6_K: 6,
  Q5_0: 5,
  Q5_1: 5,
  Q5_K: 5,
  Q4_0: 4,
  Q4_1: 4,
  Q4_K: 4,
};

const cut = (text: string) => (text.length > 2000 ? `${text.slice(0, 2000)}…` : text);

export interface InspectLanguage {
  signal?: AbortSignal | undefined;
  /** Whether every byte goes into the fingerprint (default), or the names, sizes and header alone, for files used where they lie. */
  whole?: boolean;
}

/**
 * The card of a GGUF file or a Hugging Face folder.
 * @throws what the strict readers throw; modelInvalid for a folder of a family that is not known; cancelled
 */
export async function inspectLanguage(path: string, { signal, whole = true }: InspectLanguage = {}): Promise<ModelProfile> {
  const file = openLanguageFile(path);
  try {
    const { family, title, shape } = shapeOf(file, path);
    const types = typesOf(file);
    const parameters = types.reduce((sum, { count }) => sum + count, 0);
    const held = types.reduce((sum, { bytes }) => sum + bytes, 0);
    const reckonedContext = Math.min(shape.context, usualContext);
    const cachePerToken = 2 * shape.layers * shape.kvHeads * shape.headSize * 2;
    const about = aboutOf(file, path);
    const licence = about["licence"] ?? null;
    const files = filesOf(path);
    const can: Fits = title
      ? { fits: true }
      : { fits: false, why: `Models of the kind '${family}' are not among those that Paddock builds itself.` };
    const port = (name: string, dtype: string, dims: ModelPort["dims"]): ModelPort => ({ name, dtype, dims, use: "tensor" });
    return {
      kind: "model",
      file: basename(path),
      format: file.format,
      family: title ?? family,
      bytes: (await Promise.all(files.map((one) => stat(one)))).reduce((sum, { size }) => sum + size, 0),
      files: file.format === "gguf" ? [] : files.map((one) => basename(one)),
      fingerprint: await fingerprintOf(files, whole, signal),
      opsets: {},
      parameters,
      bits: bitsOf[types[0]!.dtype as WeightType],
      weights: types,
      inputs: [port("ids", "int64", ["batch", "tokens"])],
      outputs: [port("logits", "float32", ["batch", "tokens", shape.vocabulary])],
      operators: [],
      nodes: 0,
      about,
      memory: {
        weights: held,
        activations: cachePerToken * reckonedContext,
        total: held + cachePerToken * reckonedContext + runtimeBytes,
      },
      measured: { why: "A language model is timed when it is talked to." },
      training: { full: can, head: can },
      context: shape.context,
      template: hasTemplate(file, path),
      licence,
      language: {
        architecture: family,
        known: title !== undefined,
        layers: shape.layers,
        width: shape.width,
        heads: shape.heads,
        kvHeads: shape.kvHeads,
        vocabulary: shape.vocabulary,
        cachePerToken,
        reckonedContext,
      },
      problems: licence
        ? []
        : [
            {
              code: "noLicence",
              message: "The file tells no licence.",
              hint: "Ask where it came from before you pass it on, or what you make of it.",
            },
          ],
    };
  } finally {
    file.close();
  }
}

/** Sizes of the network: by its family where that is known, else (GGUF alone) as llama.cpp's names for every kind have them. */
function shapeOf(file: LanguageFile, path: string) {
  const facts = factsOf(file, path);
  const family = file.format === "gguf" ? facts.text("general.architecture") : facts.text("model_type");
  try {
    const model = openLanguageModel(path);
    try {
      return { family, title: model.family.title, shape: model.config };
    } finally {
      model.close();
    }
  } catch (thrown) {
    // Only that the family is not known can be got over: llama.cpp may know it. That error names the family.
    if (!(thrown instanceof AppError) || thrown.data["family"] === undefined || file.format !== "gguf") throw thrown;
  }
  const width = facts.whole("embedding_length");
  const heads = facts.whole("attention.head_count", 1);
  const shape = {
    layers: facts.whole("block_count"),
    width,
    heads,
    kvHeads: facts.whole("attention.head_count_kv", heads),
    headSize: facts.whole("attention.key_length", Math.max(1, Math.floor(width / heads))),
    vocabulary: facts.texts("tokenizer.ggml.tokens")?.length ?? facts.whole("vocab_size"),
    context: facts.whole("context_length"),
  };
  return { family, title: undefined, shape };
}

/** Numbers and bytes by type, the most first. */
function typesOf(file: LanguageFile): ModelProfile["weights"] {
  const found = new Map<string, { dtype: string; count: number; bytes: number }>();
  for (const { type, dims, bytes } of file.infos.values()) {
    const entry = found.get(type) ?? { dtype: type, count: 0, bytes: 0 };
    entry.count += dims.reduce((product, d) => product * d, 1);
    entry.bytes += bytes;
    found.set(type, entry);
  }
  if (!found.size) throw new AppError("modelInvalid", "The model has no weights.", "Copy it again.");
  return [...found.values()].sort((a, b) => b.count - a.count);
}

function hasTemplate(file: LanguageFile, path: string): boolean {
  if (file.format === "gguf") return typeof file.metadata.get("tokenizer.chat_template") === "string";
  const told = readJson(path, "tokenizer_config.json")?.["chat_template"];
  return existsSync(join(path, "chat_template.jinja")) || typeof told === "string" || Array.isArray(told);
}

/** What the model says of itself in words. */
function aboutOf(file: LanguageFile, path: string): Record<string, string> {
  const about: Record<string, string> = {};
  if (file.format === "gguf") {
    for (const [key, value] of told(file)) about[key === "license" ? "licence" : key] = cut(value);
    return about;
  }
  const front = frontMatter(path);
  for (const [key, value] of Object.entries(front)) about[key === "license" ? "licence" : key] = cut(value);
  const named = ["LICENSE", "LICENSE.txt", "LICENSE.md"].find((name) => existsSync(join(path, name)));
  if (!about["licence"] && named) about["licence"] = cut(firstLine(join(path, named)));
  const { _name_or_path: name, transformers_version: version } = file.config;
  if (typeof name === "string" && name) about["name"] = cut(name);
  if (typeof version === "string") about["transformers"] = cut(version);
  return about;
}

function* told(file: Gguf): Generator<[string, string]> {
  for (const key of ["name", "author", "organization", "license", "description", "url", "size_label", "finetune", "quantized_by"]) {
    const value = file.metadata.get(`general.${key}`);
    if (typeof value === "string" && value) yield [key, value];
  }
}

/** The lines between "---" at the top of a model's README: plain `key: value` pairs alone. */
function frontMatter(folder: string): Record<string, string> {
  const path = join(folder, "README.md");
  if (!existsSync(path) || statSync(path).size > 4 * 2 ** 20) return {};
  const [, block] = /^---\r?\n([\s\S]*?)\r?\n---/.exec(readFileSync(path, "utf8")) ?? [];
  const pairs = [...(block ?? "").matchAll(/^(license|license_name|base_model):[ \t]*(\S.*?)[ \t]*$/gm)];
  return Object.fromEntries(pairs.map(([, key, value]) => [key!, value!.replace(/^(["'])(.*)\1$/, "$2")]));
}

const firstLine = (path: string): string =>
  readFileSync(path, "utf8")
    .slice(0, 4096)
    .split("\n")
    .map((line) => line.trim())
    .find(Boolean) ?? "see the file";

/** sha-256 over the bytes, in the order of the files; or over names, sizes and the first megabyte of each. */
async function fingerprintOf(files: readonly string[], whole: boolean, signal?: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  for (const one of files) {
    if (!whole) hash.update(`${basename(one)} ${(await stat(one)).size}\n`);
    for await (const chunk of createReadStream(one, { highWaterMark: 2 ** 20, ...(whole ? {} : { end: 2 ** 20 - 1 }) })) {
      signal?.throwIfAborted();
      hash.update(chunk as Buffer);
    }
  }
  return hash.digest("hex");
}
