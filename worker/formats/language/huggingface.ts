// A Hugging Face folder: config.json, the weights in one safetensors file or in parts that an index names, tokenizer.json. Parts stay in
// the folder: no paths, no links out of it.
import { lstatSync, readFileSync, realpathSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { AppError } from "../../../ipc/error.ts";
import { openSafetensors } from "./safetensors.ts";
import type { WeightFile, WeightInfo } from "./weights.ts";

export interface HuggingfaceFolder extends WeightFile {
  readonly config: Readonly<Record<string, unknown>>;
  /** Bytes of tokenizer.json are read by who needs them. */
  readonly tokenizer: string | undefined;
}

/** Larger JSON than any model has beside it (tokenizer.json with a large vocabulary: 40 MB). */
const largestJson = 200 * 2 ** 20;

/** Old files keep masks and counters beside the weights. */
const noWeight = (name: string): boolean => /(\.attn\.(masked_)?bias|attention\.(masked_)?bias|rotary_emb\.inv_freq)$/.test(name);

/**
 * @throws fileMissing where config.json or the weights are not there; modelInvalid, naming the file
 */
export function openHuggingface(folder: string): HuggingfaceFolder {
  const config = readJson(folder, "config.json");
  if (!config)
    throw new AppError("fileMissing", `The folder '${folder}' has no config.json.`, "Choose the folder of a whole Hugging Face model.", {
      file: join(folder, "config.json"),
    });
  const parts = new Map<string, WeightFile>();
  const open = (name: string) => {
    const known = parts.get(name);
    if (known) return known;
    const part = openSafetensors(inside(folder, name), noWeight);
    parts.set(name, part);
    return part;
  };
  const close = () => parts.forEach((part) => part.close());
  try {
    const infos = new Map<string, WeightInfo>();
    const where = new Map<string, WeightFile>();
    const index = readJson(folder, "model.safetensors.index.json");
    const map = index?.["weight_map"];
    if (index && !isMap(map)) throw invalid(join(folder, "model.safetensors.index.json"), "does not say which file holds which weights");
    const named: [string, string | undefined][] = isMap(map) ? Object.entries(map) : [["", undefined]];
    for (const [name, file] of named) {
      const part = open(file ?? "model.safetensors");
      for (const own of file === undefined ? part.infos.keys() : [name]) {
        const info = part.infos.get(own);
        if (!info) {
          if (noWeight(own)) continue;
          throw invalid(join(folder, file!), `has no tensor '${own}', which the index says it holds`);
        }
        infos.set(own, info);
        where.set(own, part);
      }
    }
    const tokenizer = join(folder, "tokenizer.json");
    return {
      config,
      tokenizer: statSync(tokenizer, { throwIfNoEntry: false })?.isFile() ? tokenizer : undefined,
      infos,
      bytes(name) {
        const part = where.get(name);
        if (!part) throw invalid(folder, `has no tensor '${name}'`, "The model may be of another family, or incomplete.");
        return part.bytes(name);
      },
      close,
    };
  } catch (thrown) {
    close();
    throw thrown;
  }
}

/** A JSON object of the folder, or undefined where the file is not there. */
export function readJson(folder: string, name: string): Record<string, unknown> | undefined {
  const path = join(folder, name);
  const facts = statSync(path, { throwIfNoEntry: false });
  if (!facts) return undefined;
  if (!facts.isFile() || facts.size > largestJson) throw invalid(path, "is no JSON file of a size that models have");
  try {
    const value: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // said below
  }
  throw invalid(path, "is not a JSON object");
}

/**
 * The path of a file that the index names: a plain name in the folder. A link is followed only where the folder is a snapshot of the Hugging Face
 * cache, whose files are links into the `blobs` folder beside it.
 */
function inside(folder: string, name: string): string {
  const path = join(folder, name);
  if (!/^[\w.-]+$/.test(name) || name.startsWith("."))
    throw invalid(join(folder, "model.safetensors.index.json"), `names the file '${name}', which is not in its folder`);
  const facts = lstatSync(path, { throwIfNoEntry: false });
  if (!facts)
    throw new AppError(
      "fileMissing",
      `The model's weights '${name}' are not in '${folder}'.`,
      "Copy the whole folder of the model, in safetensors form.",
      {
        file: path,
      },
    );
  if (facts.isSymbolicLink()) {
    const blobs = join(dirname(dirname(realpathSync(folder))), "blobs");
    if (dirname(realpathSync(path)) !== blobs) throw invalid(path, "is a link to another folder");
  }
  return path;
}

const isMap = (x: unknown): x is Record<string, string> =>
  typeof x === "object" && x !== null && !Array.isArray(x) && Object.values(x).every((v) => typeof v === "string");

function invalid(file: string, what: string, hint = "The model is incomplete or damaged: copy its whole folder again."): AppError {
  return new AppError("modelInvalid", `${file} ${what}.`, hint, { file });
}
