// A table that was imported: its profile, its rows as written, and the engine behind them for the other files of this folder.
import { createHash } from "node:crypto";
import { mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { basename, dirname, join } from "node:path";
import { AppError } from "../../ipc/error.ts";
import type { TableProfile } from "../../ipc/types.ts";
import { findAnswers } from "./answers.ts";
import { discard, draftFolder, drop, exists, noted, publish, stampOf, takeNote } from "./cache.ts";
import { Database } from "./duckdb.ts";
import { inferColumns } from "./infer.ts";
import { columnProblems, duplicates, targetProblems } from "./problems.ts";
import { profileColumns } from "./profile.ts";
import { type Reader, readerOf } from "./readers/index.ts";
import type { Reading } from "./readings.ts";
import { scan } from "./scan.ts";
import { guessTarget, taskOf } from "./target.ts";

export interface OpenOptions {
  cache: string;
  /** The sheet or table of a file that holds several; the first that has rows where nothing is said. */
  part?: string;
  signal?: AbortSignal;
  onProgress?: (what: "reading" | "profiling", fraction: number | null) => void;
}

export interface Table {
  profile: TableProfile;
  /** The file that it came from. */
  file: string;
  /** Rows as written, "" for empty, from row `offset` (0 is the first). */
  rows(offset: number, limit: number): Promise<string[][]>;
  close(): Promise<void>;
  /** For the files of this folder: SQL over `raw`, and how its columns are read. */
  readonly database: Database;
  readonly readings: readonly Reading[];
}

/** Counts up when an imported table would come out otherwise. */
const version = 4;

interface Kept {
  version: number;
  /** Size of table.duckdb, to see a torn one. */
  bytes: number;
  readings: Reading[];
  profile: TableProfile;
}

/**
 * Opens the table in `file`, importing it into the cache where it is not there yet.
 * Throws fileMissing, fileUnreadable, fileEmpty, fileNotText, fileBroken, fileTooLarge, fileChanged, partMissing, formatUnknown, table…,
 * cancelled, outOfMemory, diskFull; a failed import leaves nothing behind.
 */
export async function openTable(file: string, options: OpenOptions): Promise<Table> {
  const { cache, part, signal, onProgress } = options;
  signal?.throwIfAborted();
  const stats = await look(file);
  let fingerprint = await noted(cache, file, stats);
  if (fingerprint !== undefined) {
    const table = await openKept(cache, partOf(fingerprint, part), file);
    if (table) return table;
  }
  onProgress?.("reading", 0);
  const total = Math.max(1, Number(stats.size));
  // Looking at the bytes takes about a tenth of the time that the import then takes.
  const reader = await readable(file, () => readerOf(file));
  const scanned = await readable(file, () => scan(file, signal, (bytes) => onProgress?.("reading", (0.1 * bytes) / total), reader.text));
  const whole = scanned.fingerprint;
  fingerprint = partOf(whole, part);
  const known = await openKept(cache, fingerprint, file);
  if (known) {
    await takeNote(cache, file, stats, whole);
    return known;
  }
  const draft = await draftFolder(cache);
  try {
    await importInto(draft, reader, file, { ...scanned, fingerprint }, options);
    if (stampOf(await look(file)) !== stampOf(stats))
      throw new AppError("fileChanged", `${basename(file)} changed while it was read.`, "Try again when nothing writes to it.", {
        file: basename(file),
      });
    await publish(draft, join(cache, fingerprint));
  } catch (error) {
    await drop(draft);
    throw error;
  }
  await takeNote(cache, file, stats, whole);
  const table = await openKept(cache, fingerprint, file);
  if (!table)
    throw new AppError("internal", "The imported table could not be opened again.", "Try again; report it if it stays.", {
      file: basename(file),
    });
  return table;
}

/** What a table is kept under: the content, and the part of it where one was asked for. */
function partOf(content: string, part: string | undefined): string {
  return part === undefined ? content : createHash("sha256").update(`${content}\0${part}`).digest("hex");
}

async function look(file: string) {
  const stats = await readable(file, () => stat(file, { bigint: true }));
  const name = basename(file);
  if (stats.isDirectory())
    throw new AppError("fileUnreadable", `${name} is a folder, not a file.`, "Choose a file that holds a table.", { file: name });
  if (!stats.isFile())
    throw new AppError("fileUnreadable", `${name} is not an ordinary file.`, "Choose a file that holds a table.", { file: name });
  if (stats.size === 0n) throw new AppError("fileEmpty", `${name} is empty.`, "Choose a file that has rows.", { file: name });
  return stats;
}

/** Runs what reads the file; the system's refusals in our words. */
async function readable<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const name = basename(file);
    if (code === "ENOENT" || code === "ENOTDIR")
      throw new AppError("fileMissing", `There is no file ${file}.`, "Look at the path and the spelling.", { file }, error);
    if (
      code === "EACCES" ||
      code === "EPERM" ||
      code === "EIO" ||
      code === "ELOOP" ||
      code === "ENAMETOOLONG" ||
      code === "ERR_INVALID_ARG_VALUE"
    )
      throw new AppError(
        "fileUnreadable",
        `${name} cannot be read (${code}).`,
        "Give yourself the right to read it, or copy it elsewhere.",
        { file: name, reason: code },
        error,
      );
    throw error;
  }
}

async function importInto(
  folder: string,
  reader: Reader,
  file: string,
  scanned: Awaited<ReturnType<typeof scan>>,
  options: OpenOptions,
): Promise<void> {
  const { part, signal, onProgress } = options;
  onProgress?.("reading", null);
  const tell = (done: number): void => onProgress?.("reading", 0.1 + 0.9 * done);
  const read = await reader.read({ file, folder, scan: scanned, part, signal, onProgress: tell });
  const { database, names, rows, dialect, problems } = read;
  try {
    onProgress?.("profiling", 0);
    const inferred = await inferColumns(database, names, rows, dialect.delimiter, signal);
    const preview = await rowsOf(database, names.length, 0, 100);
    onProgress?.("profiling", 0.3);
    const columns = await profileColumns(database, inferred, rows, preview, signal, (done) => onProgress?.("profiling", 0.3 + 0.6 * done));
    const readings = inferred.map(({ reading }) => reading);
    problems.push(...columnProblems(columns, inferred, rows));
    problems.push(...duplicates(await copiesIn(database, names.length, rows, signal)));
    const targets = columns.flatMap((column) => {
      const task = taskOf(column, rows);
      return task ? [{ column: column.name, task }] : [];
    });
    const target = guessTarget(columns, targets);
    if (target)
      problems.push(...targetProblems(target, columns, await findAnswers(database, readings, columns, target.column, rows, signal)));
    const profile: TableProfile = {
      kind: "table",
      file: basename(file),
      bytes: scanned.bytes,
      format: reader.id,
      ...(read.part === undefined ? {} : { part: read.part, parts: read.parts ?? [] }),
      rows,
      columns,
      problems,
      dialect,
      targets,
      ...(target ? { target } : {}),
      preview: preview.slice(0, 20),
      fingerprint: scanned.fingerprint,
    };
    await database.run("CHECKPOINT", signal);
    database.close();
    await drop(join(folder, "spill"));
    const { size } = await stat(join(folder, "table.duckdb"));
    const kept: Kept = { version, bytes: size, readings, profile };
    await writeFile(join(folder, "table.json"), JSON.stringify(kept));
    onProgress?.("profiling", 1);
  } finally {
    database.close();
  }
}

/** How many rows say the same as one before them. By the engine's own 64-bit hashes, as `k` would cost some times as much. */
async function copiesIn(database: Database, columns: number, rows: number, signal?: AbortSignal): Promise<number> {
  const cells = Array.from({ length: columns }, (_, i) => `c${i}`).join(", ");
  const [found] = await database.rows(`SELECT count(DISTINCT hash(${cells})) FROM raw`, signal);
  return rows - Number(found![0]);
}

/** Rows of `raw` as written, "" for empty, from row `offset` (0 is the first). */
export async function rowsOf(database: Database, columns: number, offset: number, limit: number): Promise<string[][]> {
  const from = Math.max(0, Math.floor(offset));
  const to = from + Math.max(0, Math.floor(limit));
  const wanted = Array.from({ length: columns }, (_, i) => `coalesce(c${i}, '')`).join(", ");
  return (await database.rows(`SELECT ${wanted} FROM raw WHERE rowid >= ${from} AND rowid < ${to} ORDER BY rowid`)) as string[][];
}

/** Databases open in this process: DuckDB wants one instance a file. */
const open = new Map<string, { database: Promise<Database>; users: number; scratch: string }>();

/** The table kept under this fingerprint; undefined where there is none, or one that is torn or of another version (then removed). */
async function openKept(cache: string, fingerprint: string, file: string): Promise<Table | undefined> {
  const folder = join(cache, fingerprint);
  const path = join(folder, "table.duckdb");
  if (!(await exists(folder))) return undefined;
  let kept: Kept;
  let database: Database;
  try {
    kept = JSON.parse(await readFile(join(folder, "table.json"), "utf8")) as Kept;
    if (kept.version !== version || kept.profile.fingerprint !== fingerprint) throw new Error("another version");
    if ((await stat(path)).size !== kept.bytes) throw new Error("torn");
    database = await share(path);
  } catch {
    if (!open.has(path)) await discard(cache, folder);
    return undefined;
  }
  let closed = false;
  return {
    profile: { ...kept.profile, file: basename(file) },
    file,
    database,
    readings: kept.readings,
    rows: (offset, limit) => rowsOf(database, kept.readings.length, offset, limit),
    async close() {
      if (closed) return;
      closed = true;
      await unshare(path);
    },
  };
}

async function share(path: string): Promise<Database> {
  let entry = open.get(path);
  if (!entry) {
    const scratch = join(dirname(path), `spill-${process.pid}`);
    const opening = mkdir(scratch, { recursive: true }).then(() =>
      Database.open(path, { readOnly: true, memory: 384e6, scratch, threads: Math.max(1, Math.min(4, availableParallelism())) }),
    );
    entry = { users: 0, database: opening, scratch };
    open.set(path, entry);
  }
  entry.users++;
  try {
    return await entry.database;
  } catch (error) {
    open.delete(path);
    throw error;
  }
}

async function unshare(path: string): Promise<void> {
  const entry = open.get(path);
  if (!entry || --entry.users > 0) return;
  open.delete(path);
  (await entry.database).close();
  await rm(entry.scratch, { recursive: true, force: true });
}
