// What a file format is to the rest: bytes that it knows as its own, and a way into `raw`. One file a format; index.ts lists them.
import { basename } from "node:path";
import { AppError } from "../../../ipc/error.ts";
import type { Problem, TablePart } from "../../../ipc/types.ts";
import type { Database } from "../duckdb.ts";
import type { Scan } from "../scan.ts";

export interface ReadInput {
  file: string;
  /** A new folder to work in: `table.duckdb` is made there, and what else is needed on the way. */
  folder: string;
  /** What was learned on the way through the file. Only texts have an encoding that means anything. */
  scan: Scan;
  /** The sheet or table to read; the first that has rows where nothing is said. */
  part?: string;
  signal?: AbortSignal;
  /** Told how far reading is, 0…1. */
  onProgress?: (fraction: number) => void;
}

export interface Imported {
  /** Holds `raw`, open for writing; the caller closes it. */
  database: Database;
  names: string[];
  rows: number;
  dialect: { delimiter: string; quote: string; header: boolean; encoding: string };
  problems: Problem[];
  /** Of a file with several tables: all of them, and which one this is. */
  parts?: TablePart[];
  part?: string;
}

export interface Reader {
  id: string;
  /** As it is called in a sentence. */
  title: string;
  /** Endings of its files, with the dot. */
  endings: readonly string[];
  /** True where the file is text, and bytes that are no letters are to be refused. */
  text: boolean;
  /** @param head the first bytes (up to 4096)  @param ending the name's ending in lower case, with the dot */
  accepts(head: Buffer, ending: string): boolean;
  /** Throws AppErrors only for what is wrong with the file; the caller removes the folder then. */
  read(input: ReadInput): Promise<Imported>;
}

/** Columns of the widest table that is read. */
export const maxColumns = 10_000;

/** The dialect of what has none. */
export const noDialect = { delimiter: "", quote: "", header: true, encoding: "utf-8" };

/** @param where the place in the file, such as "byte 12" or "sheet 'Data', row 7" */
export function broken(file: string, what: string, where?: string, cause?: unknown): AppError {
  const name = basename(file);
  return new AppError(
    "fileBroken",
    `${name}${where ? `, ${where}` : ""}: ${what}.`,
    "The file is damaged or was not written to its end: save or copy it again.",
    { file: name, what, ...(where ? { where } : {}) },
    cause,
  );
}

export function tooLarge(file: string, what: string): AppError {
  const name = basename(file);
  return new AppError("fileTooLarge", `${name}: ${what}.`, "Save the table alone as CSV or Parquet and choose that file.", {
    file: name,
    what,
  });
}

export function noRows(file: string, what = "has no rows"): AppError {
  const name = basename(file);
  return new AppError("tableNoRows", `${name} ${what}.`, "Choose a file that has rows.", { file: name });
}

/** The wanted part, else the first that has rows, else the first. @param kind "sheet" or "table" */
export function choosePart<P extends TablePart>(file: string, parts: readonly P[], wanted: string | undefined, kind: "sheet" | "table"): P {
  const name = basename(file);
  const names = parts.map((part) => part.name);
  if (parts.length === 0) throw noRows(file, `holds no ${kind} with data`);
  if (wanted === undefined) return parts.find(({ rows }) => rows === undefined || rows > 0) ?? parts[0]!;
  const found = parts.find((part) => part.name === wanted) ?? parts.find((part) => part.name.toLowerCase() === wanted.toLowerCase());
  if (found) return found;
  throw new AppError(
    "partMissing",
    `${name} has no ${kind} called '${wanted}'; it has ${names.slice(0, 20).map((n) => `'${n}'`).join(", ")}${names.length > 20 ? ", …" : ""}.`, // prettier-ignore
    `Name one of these.`,
    { file: name, part: wanted, found: names.slice(0, 100) },
  );
}

/** Told where a file has more tables than the one that is read. */
export function otherParts(parts: readonly TablePart[], chosen: string, kind: "sheet" | "table"): Problem[] {
  const others = parts.filter(({ name }) => name !== chosen).map(({ name }) => name);
  if (others.length === 0) return [];
  const list = others.slice(0, 10).map((name) => `"${name}"`).join(", ") + (others.length > 10 ? ", …" : ""); // prettier-ignore
  return [
    {
      code: "otherParts",
      data: { part: chosen, others: list, count: others.length },
      message: `The file has ${parts.length} ${kind}s; "${chosen}" was read.`,
      hint: `The others: ${list}. On the command line, --${kind} NAME chooses one.`,
    },
  ];
}

/** Refuses `part` where the format has a single table. */
export function onlyOne(input: ReadInput, title: string): void {
  if (input.part === undefined) return;
  throw new AppError(
    "partMissing",
    `${basename(input.file)} is ${title}, which holds one table: there is no '${input.part}' in it.`,
    "Leave --sheet or --table out.",
    { file: basename(input.file), part: input.part, found: [] },
  );
}

/** A column whose values are bytes or the like. */
export function leftOut(column: string, what: string): Problem {
  return {
    code: "columnLeftOut",
    column,
    data: { what },
    message: `"${column}" holds ${what}: it was left out.`,
    hint: "A table model reads numbers, dates and words.",
  };
}

export async function countRows(database: Database, file: string): Promise<number> {
  const [count] = await database.rows("SELECT count(*) FROM raw");
  const rows = Number(count![0]);
  if (rows === 0) throw noRows(file);
  return rows;
}
