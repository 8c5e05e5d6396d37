// Class names in a file of their own, as they are often handed out with a model.
import { readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { AppError } from "../../ipc/error.ts";
import { labelsFrom } from "../formats/onnxCard.ts";

/** Names under which labels lie beside a model. */
export const labelNames = (model: string): string[] => [
  `${basename(model).replace(/\.onnx$/i, "")}.labels.txt`,
  "labels.txt",
  "classes.txt",
  "synset.txt",
  "labels.json",
  "classes.json",
];

const most = 16 * 2 ** 20;

/** The names in the file given, else in one beside the model; undefined where there is none. Throws fileMissing, fileBroken for one that was given. */
export async function labelsBeside(model: string, given?: string): Promise<string[] | undefined> {
  if (given !== undefined) {
    const found = await read(given);
    if (found) return found;
    throw new AppError("fileBroken", `'${given}' holds no class names.`, "Write one name a line, or a JSON list.", { file: given });
  }
  for (const name of labelNames(model)) {
    const found = await read(join(dirname(model), name)).catch(() => undefined);
    if (found) return found;
  }
  return undefined;
}

async function read(path: string): Promise<string[] | undefined> {
  const facts = await stat(path).catch(() => undefined);
  if (!facts?.isFile()) throw new AppError("fileMissing", `There is no file '${path}'.`, "Check the name and the folder.", { file: path });
  if (facts.size > most)
    throw new AppError("fileTooLarge", `'${path}' is too large for a list of names.`, "Name another file.", { file: path });
  return labelsFrom(await readFile(path, "utf8"));
}
