// Folders of texts, one class a folder (spam/1.txt, ham/2.md), and plain text files with a text a line, as tables: columns text, label and
// file. They are written as CSV and then read like any table, so that splits, copies, health and memory are those of tables.
import { type FileHandle, open, opendir, stat } from "node:fs/promises";
import { basename, extname, join, relative, sep } from "node:path";
import { AppError } from "../../../ipc/error.ts";
import type { Problem } from "../../../ipc/types.ts";
import { head, letters, scan } from "../scan.ts";
import { mostLetters } from "./pieces.ts";

export const columns = { text: "text", label: "label", file: "file" } as const;

const endings = new Set([".txt", ".md", ".markdown", ".text"]);
export const isTextFile = (path: string): boolean => endings.has(extname(path).toLowerCase());

/** Files that are looked at, and how deep: more is not a folder of texts. */
const limits = { files: 2_000_000, depth: 8, told: 20 };

export interface TextFolder {
  /** Texts, by their paths within the folder, in the order of their names. */
  files: string[];
  /** Folders that hold them directly under the top one; empty where they lie in the top one. */
  classes: string[];
  others: number;
}

/** The texts under a folder. Links are not followed. Throws `fileUnreadable`, `fileTooLarge`. */
export async function listTexts(folder: string, signal?: AbortSignal, most = limits.files): Promise<TextFolder> {
  const files: string[] = [];
  let others = 0;
  const walk = async (at: string, depth: number): Promise<void> => {
    signal?.throwIfAborted();
    const entries = await opendir(at).catch((error: unknown) => {
      throw new AppError(
        "fileUnreadable",
        `The folder '${at}' cannot be read.`,
        "Give yourself the right to read it.",
        { file: at },
        error,
      );
    });
    for await (const entry of entries) {
      if (entry.name.startsWith(".") || entry.isSymbolicLink()) continue;
      const path = join(at, entry.name);
      if (entry.isDirectory()) {
        if (depth < limits.depth) await walk(path, depth + 1);
      } else if (entry.isFile() && isTextFile(path)) files.push(relative(folder, path));
      else if (entry.isFile()) others++;
      if (files.length > most)
        throw new AppError("fileTooLarge", `'${basename(folder)}' holds more than ${most} texts.`, "Choose a folder with fewer.", {
          file: folder,
          limit: most,
        });
    }
  };
  await walk(folder, 0);
  files.sort();
  const classes = [...new Set(files.map(classOf))].filter((name) => name !== "").sort();
  return { files, classes, others };
}

/** The folder right under the top one, "" for a text that lies in the top one. */
const classOf = (file: string): string => (file.includes(sep) ? file.slice(0, file.indexOf(sep)) : "");

const cell = (text: string): string => `"${text.replaceAll('"', '""')}"`;

/**
 * Writes the folder's texts as CSV with the columns text, label and file. Files that are no text are left out, each told with why.
 * @param called the name to tell where it is another than the folder's
 * @throws AppError fileEmpty where no text is there
 */
export async function folderToCsv(
  folder: string,
  out: string,
  signal?: AbortSignal,
  called = basename(folder),
): Promise<{ rows: number; problems: Problem[] }> {
  const { files } = await listTexts(folder, signal);
  const bad: { file: string; why: string }[] = [];
  const handle = await open(out, "wx");
  let rows = 0;
  try {
    await handle.write(`${columns.text},${columns.label},${columns.file}\n`);
    for (const file of files) {
      signal?.throwIfAborted();
      const text = await readText(join(folder, file), signal).catch((error: unknown) => {
        if (signal?.aborted || !(error instanceof AppError)) throw error;
        bad.push({ file, why: error.code });
        return undefined;
      });
      if (text === undefined) continue;
      await handle.write(`${cell(text)},${cell(classOf(file))},${cell(file.split(sep).join("/"))}\n`);
      rows++;
    }
  } finally {
    await handle.close();
  }
  if (rows === 0)
    throw new AppError("fileEmpty", `'${called}' holds no text that can be read.`, "Put .txt or .md files into a folder a class.", {
      file: called,
      unreadable: bad.slice(0, limits.told).map(({ file }) => file),
    });
  return { rows, problems: bad.length ? [unreadable(bad)] : [] };
}

function unreadable(bad: { file: string; why: string }[]): Problem {
  const names = bad.slice(0, 5).map(({ file }) => `'${file}'`).join(", "); // prettier-ignore
  return {
    code: "unreadableTexts",
    data: { count: bad.length, files: names },
    message: `${bad.length} file${bad.length === 1 ? " is" : "s are"} empty or no text: ${names}${bad.length > 5 ? ", …" : ""}.`,
    hint: "They are left out; save them as UTF-8 to take them in.",
  };
}

/** As much of a text file as is ever read of a text. Throws fileEmpty, fileNotText, tableEncoding. */
export async function readText(file: string, signal?: AbortSignal): Promise<string> {
  const scanned = await scan(file, signal);
  const { text } = await head(file, scanned, 4 * mostLetters);
  return text.slice(0, mostLetters).replaceAll("\0", " ");
}

/** Writes a plain text file as CSV with the column text: a row a line, empty lines as they are. Throws what reading throws. */
export async function linesToCsv(file: string, out: string, signal?: AbortSignal): Promise<number> {
  const scanned = await scan(file, signal);
  const handle = await open(out, "wx");
  try {
    await handle.write(`${columns.text}\n`);
    return await writeLines(handle, letters(file, scanned, signal));
  } finally {
    await handle.close();
  }
}

/** A line that goes on for megabytes is held only as far as it is read. */
async function writeLines(handle: FileHandle, pieces: AsyncIterable<string>): Promise<number> {
  let rows = 0;
  let line = "";
  let begun = false;
  const batch: string[] = [];
  let size = 0;
  const flush = async (): Promise<void> => {
    if (batch.length) await handle.write(batch.join(""));
    batch.length = 0;
    size = 0;
  };
  const end = (): void => {
    const row = `${cell(line.endsWith("\r") ? line.slice(0, -1) : line)}\n`;
    batch.push(row);
    size += row.length;
    rows++;
    line = "";
    begun = false;
  };
  for await (const piece of pieces) {
    let from = 0;
    for (;;) {
      const at = piece.indexOf("\n", from);
      const to = at < 0 ? piece.length : at;
      if (line.length < mostLetters) line += piece.slice(from, Math.min(to, from + mostLetters - line.length));
      begun ||= to > from;
      if (at < 0) break;
      end();
      if (size > 1 << 20) await flush();
      from = at + 1;
    }
  }
  if (begun) end();
  await flush();
  return rows;
}

export const isFolder = async (path: string): Promise<boolean> => (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
