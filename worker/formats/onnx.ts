// The gate for ONNX files of unknown origin: sizes are checked against the files before anything is read, and data kept beside the model
// stays beside it (no absolute paths, no "..", no links). What comes out is a graph in our own form.
import { closeSync, fstatSync, lstatSync, openSync, readSync, statSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { AppError } from "../../ipc/error.ts";
import type { Graph } from "../onnx/graph.ts";
import { sortNodes } from "../onnx/check.ts";
import { decodeModel } from "../onnx/proto.ts";
import { dedupe } from "../passes/dedupe.ts";
import { normalize } from "../passes/normalize.ts";
import { runPasses } from "../passes/pass.ts";

/** Protocol buffers end here; larger models keep their weights in files beside them. */
const largest = 2 ** 31 - 1;

export interface OpenOptions {
  /** Numbers for symbolic lengths, by name or "input.axis". */
  sizes?: Record<string, number>;
  /** Only what these outputs need; default all. */
  outputs?: readonly string[];
  /** Initializers that are to be trained, also where they look like settings. */
  trained?: readonly string[] | "all";
}

/**
 * An ONNX file as a graph of our operator set, its types known.
 * @throws fileMissing, fileEmpty, fileTooLarge, modelInvalid, operatorUnknown, shapeMismatch; each names the file
 */
export function readModel(path: string, options: OpenOptions = {}): Graph {
  return openModel(path, options).graph;
}

/** The same, with the graph as the file has it. */
export function openModel(path: string, options: OpenOptions = {}): { graph: Graph; file: Graph } {
  return named(path, () => {
    const file = readGraph(path);
    return { graph: ours(file, options), file };
  });
}

/** A graph as some file has it as one of our operator set. Throws as `readModel` does, but names no file. */
export function ours(file: Graph, options: OpenOptions = {}): Graph {
  return runPasses(narrowed(file, options.outputs), normalize(options), dedupe);
}

/** Errors of reading a model name its file. */
export function named<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    // Depth and size beyond what the engine of JavaScript holds are the file's fault, not ours.
    const error =
      thrown instanceof RangeError
        ? new AppError(
            "modelInvalid",
            `The model is built in a way that cannot be read (${thrown.message}).`,
            "Export it again with a current tool.",
          )
        : thrown;
    if (!(error instanceof AppError) || error.data["file"] !== undefined) throw error;
    throw new AppError(error.code, `${path}: ${error.message}`, error.hint, { ...error.data, file: path }, error.cause);
  }
}

/** A copy without what only other outputs need. */
function narrowed(file: Graph, outputs: readonly string[] | undefined): Graph {
  const wanted = file.outputs.map((o) => o.name).filter((name) => outputs?.includes(name));
  if (!wanted.length) return file;
  const graph = file.clone();
  sortNodes(graph);
  graph.setOutputs(wanted);
  graph.prune();
  return graph;
}

/**
 * The graph as the file has it, of any operator set.
 * @param onData told of each file beside the model that holds data of it, by its path within the folder
 */
export function readGraph(path: string, onData?: (location: string) => void): Graph {
  const folder = dirname(path);
  return decodeModel(readPart(path, { most: largest }), ({ location, offset, length }) => {
    const file = beside(folder, location);
    onData?.(relative(folder, file));
    return readPart(file, { offset, length, most: Number.MAX_SAFE_INTEGER });
  });
}

/** The path of a data file that a model names. */
function beside(folder: string, location: string): string {
  const parts = location.split(/[\\/]/);
  const odd = /^([\\/]|[a-zA-Z]:)|[\0]/.test(location) || parts.includes("..") || location === "";
  if (odd) throw refused(location, "which is outside its folder");
  let path = folder;
  for (const part of parts.filter((p) => p && p !== ".")) {
    path = join(path, part);
    const facts = lstatSync(path, { throwIfNoEntry: false });
    if (!facts)
      throw new AppError("fileMissing", `The model keeps data in '${location}', which is not there.`, "Put the file beside the model.", {
        file: folder + sep + location,
      });
    if (facts.isSymbolicLink()) throw refused(location, "which is a link");
  }
  return path;
}

/** Bytes of a file, its length checked first. */
function readPart(path: string, { offset = 0, length, most }: { offset?: number; length?: number; most: number }): Uint8Array {
  let file: number;
  try {
    // Pipes and devices would wait for ever.
    if (!statSync(path).isFile()) throw new AppError("fileUnreadable", `'${path}' is not a file.`, "Name an ONNX file.", { file: path });
    file = openSync(path, "r");
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    const missing = (cause as NodeJS.ErrnoException).code === "ENOENT";
    throw new AppError(
      missing ? "fileMissing" : "fileUnreadable",
      missing ? `There is no file '${path}'.` : `The file '${path}' cannot be read.`,
      missing ? "Check the path." : "Check its permissions.",
      { file: path },
      cause,
    );
  }
  try {
    const facts = fstatSync(file);
    if (facts.size === 0) throw new AppError("fileEmpty", `The file '${path}' is empty.`, "Name an ONNX file.", { file: path });
    const wanted = length ?? facts.size;
    if (offset + wanted > facts.size)
      throw new AppError(
        "modelInvalid",
        `'${path}' has ${facts.size} bytes, but the model wants ${wanted} from ${offset} on.`,
        "The file was cut off: copy it again.",
        { file: path, bytes: facts.size },
      );
    if (wanted > most)
      throw new AppError("fileTooLarge", `The file '${path}' is larger than an ONNX model can be.`, "Name an ONNX file.", { file: path });
    const bytes = new Uint8Array(wanted);
    for (let done = 0; done < wanted;) {
      const count = readSync(file, bytes, done, Math.min(wanted - done, 2 ** 30), offset + done);
      if (count === 0)
        throw new AppError("fileChanged", `The file '${path}' became shorter while it was read.`, "Try again.", { file: path });
      done += count;
    }
    return bytes;
  } finally {
    closeSync(file);
  }
}

function refused(location: string, why: string): AppError {
  return new AppError(
    "modelInvalid",
    `The model keeps data in '${location}', ${why}.`,
    "Export it again, with its data in one file or beside it.",
    { location },
  );
}
