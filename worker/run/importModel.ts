// A model file of unknown origin copied into a folder of ours: the file, the data that it keeps beside it, a list of class names; nothing else, and
// nothing from elsewhere. A folder or an archive is searched for the one model in it.
import { createReadStream, createWriteStream } from "node:fs";
import { lstat, mkdir, readdir, stat, statfs, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { AppError } from "../../ipc/error.ts";
import { archiveKind, openSource } from "../data/images/source.ts";
import { filesOf, languageFoldersBelow } from "../formats/language/files.ts";
import { looksLikeLanguageModel, openLanguageFile } from "../formats/language/open.ts";
import { named, readGraph } from "../formats/onnx.ts";
import { isModelPath } from "../formats/onnxCard.ts";
import { takesTokens, tokenizerName, tokenizerPath } from "../formats/textEncoder.ts";
import { labelNames } from "./labelsBeside.ts";

/**
 * Copies the model at `source` into the folder `into`, which is made.
 * @returns the name of the model's file there
 * @throws what reading a model throws; formatUnknown where there is no model, or more than one; archiveUnsafe, diskFull
 */
export async function importModel(
  source: string,
  { into, scratch, signal }: { into: string; scratch: string; signal?: AbortSignal | undefined },
): Promise<{ file: string }> {
  const path = await modelAt(source, scratch, signal);
  if (looksLikeLanguageModel(path)) return importLanguage(path, into, signal);
  const folder = dirname(path);
  const data = new Set<string>();
  // The gate: whatever the file names is looked at before anything is copied.
  const graph = named(path, () => readGraph(path, (location) => data.add(location)));
  signal?.throwIfAborted();
  await mkdir(into, { recursive: true });
  const file = basename(path);
  await copyPlain(path, join(into, file), signal);
  for (const location of data) await copyPlain(join(folder, location), join(into, location), signal);
  for (const name of labelNames(file)) {
    const facts = await lstat(join(folder, name)).catch(() => undefined);
    if (!facts?.isFile() || facts.size > 16 * 2 ** 20) continue;
    await copyPlain(join(folder, name), join(into, name), signal);
    break;
  }
  const tokenizer = takesTokens(graph.inputs) ? tokenizerPath(path) : undefined;
  if (tokenizer !== undefined && (await lstat(tokenizer)).size <= mostTokenizer)
    await copyPlain(tokenizer, join(into, tokenizerName), signal);
  return { file };
}

/** A tokenizer larger than this is none. */
const mostTokenizer = 64 * 2 ** 20;

/** A GGUF file as it is, or a Hugging Face folder as a folder of that name, without what is no part of the model. */
async function importLanguage(path: string, into: string, signal?: AbortSignal): Promise<{ file: string }> {
  // The gate: counts, offsets and sizes against the file's length, and parts that stay in their folder.
  openLanguageFile(path).close();
  const files = filesOf(path);
  await mkdir(into, { recursive: true });
  await roomFor(into, files);
  const folder = (await stat(path)).isDirectory();
  const file = folder ? "model" : /\.gguf$/i.test(path) ? basename(path) : `${basename(path)}.gguf`;
  for (const one of files) await copyPlain(one, folder ? join(into, file, basename(one)) : join(into, file), signal);
  return { file };
}

/** Says before a byte is written that the disk has no room. */
async function roomFor(folder: string, files: readonly string[]): Promise<void> {
  let needed = 0;
  for (const one of files) needed += (await stat(one)).size;
  const disk = await statfs(folder).catch(() => undefined);
  const free = disk ? disk.bavail * disk.bsize : Infinity;
  if (free >= needed) return;
  throw new AppError(
    "diskFull",
    `The model takes ${(needed / 1e9).toFixed(1)} GB, and the disk has ${(free / 1e9).toFixed(1)} GB free.`,
    "Free some space, or put the workspace on another disk.",
    { needed, free },
  );
}

/** The model that a path means; of an archive it is unpacked into `scratch`. */
async function modelAt(source: string, scratch: string, signal?: AbortSignal): Promise<string> {
  const facts = await stat(source).catch(() => undefined);
  if (!facts) throw new AppError("fileMissing", `There is no file '${source}'.`, "Check the name and the folder.", { file: source });
  if (looksLikeLanguageModel(source)) return source;
  if (facts.isDirectory()) return only([...(await languageFoldersBelow(source)), ...(await modelsBelow(source))], source);
  if (isModelPath(source) || (await archiveKind(source)) === undefined) return source;
  return only(await unpacked(source, scratch, signal), source);
}

function only(found: readonly string[], source: string): string {
  if (found.length === 1) return found[0]!;
  const names = found.map((path) => basename(path)).slice(0, 10);
  throw new AppError(
    "formatUnknown",
    found.length
      ? `'${basename(source)}' holds ${found.length} models: ${names.join(", ")}.`
      : `'${basename(source)}' holds no model that is read.`,
    "Choose one .onnx file, with its data files where it has some, one .gguf file, or the folder of a Hugging Face model.",
    { file: source, files: names },
  );
}

const isModelFile = (name: string): boolean => isModelPath(name) || /\.gguf$/i.test(name);

/** Levels below a folder that are looked into, and files that are looked at. */
const deep = 3;
const many = 10_000;

async function modelsBelow(folder: string): Promise<string[]> {
  const found: string[] = [];
  let seen = 0;
  const walk = async (at: string, depth: number): Promise<void> => {
    for (const entry of await readdir(at, { withFileTypes: true })) {
      if (++seen > many || entry.name.startsWith(".")) continue;
      if (entry.isDirectory() && depth < deep) await walk(join(at, entry.name), depth + 1);
      else if (entry.isFile() && isModelFile(entry.name)) found.push(join(at, entry.name));
    }
  };
  await walk(folder, 0);
  return found.sort();
}

/** Files of an archive may be as large as a model; all of them together as the disk holds. */
const bounds = { entries: 10_000, pictureBytes: 1.5 * 2 ** 30, totalBytes: 64 * 2 ** 30, ratio: 200, pixels: 1, seconds: 60 };

/** Unpacks plain files, and answers the models among them. Names that leave the archive, links and devices are refused by its reader. */
async function unpacked(archive: string, scratch: string, signal?: AbortSignal): Promise<string[]> {
  const source = await openSource(archive);
  const found: string[] = [];
  for await (const { name, read } of source.entries({ wanted: () => true, signal, limits: bounds })) {
    const path = join(scratch, ...name.split("/"));
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, await read(), { flag: "wx" });
    if (isModelFile(name)) found.push(path);
  }
  return [...(await languageFoldersBelow(scratch)), ...found.sort()];
}

/** Bytes only: no links, no attributes; a file that is there already is not written over. */
async function copyPlain(from: string, to: string, signal?: AbortSignal): Promise<void> {
  const facts = await lstat(from);
  if (!facts.isFile())
    throw new AppError("modelInvalid", `'${from}' is a link or no plain file.`, "Choose the file itself.", { file: from });
  await mkdir(dirname(to), { recursive: true });
  try {
    await pipeline(createReadStream(from), createWriteStream(to, { flags: "wx", flush: true }), { signal });
  } catch (thrown) {
    if (signal?.aborted || (thrown as NodeJS.ErrnoException).code !== "ENOSPC") throw thrown;
    throw new AppError(
      "diskFull",
      `The disk is full; '${basename(to)}' was not written.`,
      "Free some space and try again.",
      { file: to },
      thrown,
    );
  }
}
