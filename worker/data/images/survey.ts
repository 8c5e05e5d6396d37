// The first walk through a source: which files there are, and a table of labels where there is one. No picture is read.
import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { AppError } from "../../../ipc/error.ts";
import type { PictureProblem } from "../../../ipc/types.ts";
import { stampOf } from "../cache.ts";
import { readLabels, type LabelTable } from "./labels.ts";
import { maybeLabels, maybePicture } from "./layout.ts";
import type { Source } from "./source.ts";

export interface Survey {
  /** Files that may be pictures. */
  names: string[];
  tables: LabelTable[];
  problems: PictureProblem[];
  /** Changes when a file does. */
  stamp: string;
  /** Milliseconds since 1970 of the newest change. */
  newest: number;
}

/** Findings of another version are made anew. */
const version = "1";

export async function survey(
  source: Source,
  options: { cache: string; target?: string | undefined; signal?: AbortSignal | undefined },
): Promise<Survey> {
  const names: string[] = [];
  const problems: PictureProblem[] = [];
  const tables: LabelTable[] = [];
  const others: string[] = [];
  const onSkipped = (name: string, what: string) =>
    problems.push({
      code: "pictureSkipped",
      file: name,
      data: { file: name, what },
      message: `'${name}' is ${what}, and was passed over.`,
      hint: "Put the file itself there.",
    });
  const wanted = (name: string) => {
    if (maybePicture(name)) names.push(name);
    else if (!maybeLabels(name)) others.push(name);
    return maybeLabels(name);
  };
  for await (const entry of source.entries({ wanted, onSkipped, signal: options.signal }))
    tables.push(await readLabels(entry, options).catch((thrown: unknown) => unreadable(entry.name, thrown, problems)));
  const files =
    source.kind === "folder" ? [...names, ...tables.map(({ name }) => name)].map((name) => join(source.path, name)) : [source.path];
  const { stamp, newest } = await stampOfAll(files, `${version}\n${source.kind}\n${options.target ?? ""}\n`, options.signal);
  if (others.length) problems.push(otherFiles(others));
  return { names, tables: tables.filter((table) => table.rows.length > 0), problems, stamp, newest };
}

/** One stamp for files as they are now, in their order. */
async function stampOfAll(files: readonly string[], begin: string, signal?: AbortSignal): Promise<{ stamp: string; newest: number }> {
  const hash = createHash("sha256").update(begin);
  let newest = 0;
  for (let from = 0; from < files.length; from += 64) {
    signal?.throwIfAborted();
    const some = files.slice(from, from + 64);
    const stats = await Promise.all(some.map((file) => stat(file, { bigint: true })));
    for (const [i, one] of stats.entries()) {
      hash.update(`${some[i]!}\0${stampOf(one)}\n`);
      newest = Math.max(newest, Number(one.mtimeMs), Number(one.ctimeMs));
    }
  }
  return { stamp: hash.digest("hex"), newest };
}

function unreadable(name: string, thrown: unknown, problems: PictureProblem[]): LabelTable {
  const { code, message, hint } = AppError.from(thrown);
  if (code === "cancelled") throw thrown;
  problems.push({ code: "pictureUnreadable", file: name, data: { file: name }, message, hint });
  return { name, columns: [], rows: [] };
}

function otherFiles(names: string[]): PictureProblem {
  const few = names.slice(0, 5);
  const list = few.map((name) => `'${name}'`).join(", ") + (names.length > few.length ? ", …" : "");
  return {
    code: "otherFiles",
    files: few,
    data: { count: names.length },
    message: `${names.length} ${names.length === 1 ? "file is no picture and was" : "files are no pictures and were"} passed over: ${list}.`,
    hint: "Nothing needs to be done.",
  };
}
