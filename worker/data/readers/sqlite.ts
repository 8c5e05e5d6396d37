// SQLite files, by SQLite itself in WebAssembly (a broken file cannot reach beyond its memory), on a copy: the original gets no lock and no
// journal beside it. Only plain tables are read; views, triggers and virtual tables are never run.
import { copyFile, constants, open, rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Database as Sqlite, Statement } from "node-sqlite3-wasm";
import { AppError } from "../../../ipc/error.ts";
import type { Problem, TablePart } from "../../../ipc/types.ts";
import { nameColumns } from "../names.ts";
import { bytesAt } from "./bytes.ts";
import { waiting } from "./changesWaiting.ts";
import { CleanCsv } from "./cleanCsv.ts";
import { quoted } from "./fromSql.ts";
import { broken, choosePart, countRows, type Imported, leftOut, maxColumns, noDialect, noRows, otherParts, type Reader, type ReadInput, tooLarge } from "./reader.ts"; // prettier-ignore

export const sqlite: Reader = {
  id: "sqlite",
  title: "an SQLite file",
  endings: [".sqlite", ".sqlite3", ".db", ".db3"],
  text: false,
  accepts: (head) => head.toString("latin1", 0, 16) === "SQLite format 3\0",
  read,
};

type Value = number | bigint | string | Uint8Array | null;

/** A table and the columns it shows, with those that hold bytes once its rows are known. */
async function read(input: ReadInput): Promise<Imported> {
  const { file, folder, scan, signal } = input;
  await checkHeader(file, scan.bytes);
  const copy = join(folder, "source.sqlite");
  await copyFile(file, copy, constants.COPYFILE_FICLONE);
  await leaveLog(copy);
  const { default: module } = await import("node-sqlite3-wasm");
  let source: Sqlite | undefined;
  const csv = await CleanCsv.open(folder);
  try {
    source = new module.Database(copy, { readOnly: true });
    source.exec("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA query_only = ON; PRAGMA cache_size = -32000");
    const tables = source.all(
      "SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY rowid",
    );
    const parts: TablePart[] = [];
    for (const { name, sql } of tables as { name: unknown; sql: unknown }[])
      if (typeof name === "string" && !/^\s*create\s+virtual/i.test(String(sql))) parts.push({ name });
    const chosen = choosePart(file, await withRows(source, parts, input.part), input.part, "table");
    const statement = source.prepare(`SELECT * FROM ${quoted(chosen.name)}`);
    try {
      const written = namesOf(source, chosen.name);
      if (written.length > maxColumns) throw tooLarge(file, `the table has more than ${maxColumns} columns`);
      const bytes = await copyRows(input, statement, written, chosen.name, csv);
      const { names, problems } = nameColumns(written);
      if (csv.rows === 0) throw noRows(file, `has no rows in its table '${chosen.name}'`);
      const database = await csv.finish(folder, names.length, signal);
      try {
        problems.push(...bytesTold(names, bytes), ...otherParts(parts, chosen.name, "table"));
        const log = await stat(`${file}-wal`).catch(() => undefined);
        if (log && log.size > 0) problems.push(waiting(file));
        return { database, names, rows: await countRows(database, file), problems, dialect: noDialect, part: chosen.name, parts };
      } catch (error) {
        database.close();
        throw error;
      }
    } finally {
      statement.finalize();
    }
  } catch (error) {
    await csv.abandon();
    if (error instanceof AppError || signal?.aborted) throw error;
    throw broken(file, `SQLite cannot read it (${error instanceof Error ? error.message.slice(0, 120) : String(error)})`, undefined, error);
  } finally {
    try {
      source?.close();
    } catch {
      // after a trap there is nothing left to close
    }
    for (const left of [copy, `${copy}-journal`, `${copy}-wal`, `${copy}.lock`]) await rm(left, { recursive: true, force: true });
  }
}

/** The header's numbers (sqlite.org/fileformat2.html, 1.3) against the length of the file. */
async function checkHeader(file: string, bytes: number): Promise<void> {
  const head = await bytesAt(file, 0, 100);
  if (head.length < 100) throw broken(file, "it ends within its header", `byte ${head.length}`);
  const page = head.readUInt16BE(16) === 1 ? 65536 : head.readUInt16BE(16);
  if (page < 512 || (page & (page - 1)) !== 0) throw broken(file, `it says that its pages have ${page} bytes`, "byte 16");
  const pages = head.readUInt32BE(28);
  const current = head.readUInt32BE(24) === head.readUInt32BE(92); // else the count of pages is not kept up
  if (current && pages * page > bytes)
    throw broken(file, `it should have ${pages} pages of ${page} bytes and ends before`, `byte ${bytes}`);
  if (head[18]! > 2 || head[19]! > 2)
    throw new AppError("formatUnknown", `${basename(file)} was written by a later kind of SQLite.`, "Save the table as CSV.", {
      file: basename(file),
    });
}

/** The copy has no log of changes beside it; a header that expects one keeps SQLite from opening it. */
async function leaveLog(copy: string): Promise<void> {
  const handle = await open(copy, "r+");
  try {
    await handle.write(Buffer.from([1, 1]), 0, 2, 18);
  } finally {
    await handle.close();
  }
}

/** Says of the tables up to the first with rows whether they have any. */
async function withRows(source: Sqlite, parts: TablePart[], wanted: string | undefined): Promise<TablePart[]> {
  if (wanted !== undefined) return parts;
  const seen: TablePart[] = [];
  for (const part of parts) {
    const some = source.get(`SELECT 1 AS some FROM ${quoted(part.name)} LIMIT 1`) !== null;
    seen.push(some ? part : { ...part, rows: 0 });
    if (some) break;
  }
  return seen.length < parts.length ? [...seen, ...parts.slice(seen.length)] : seen;
}

function namesOf(source: Sqlite, table: string): string[] {
  return source.all("SELECT name FROM pragma_table_info(?)", table).map(({ name }) => String(name as unknown as string));
}

/** Every row as texts; answers for each column how many of its values are bytes and how many are not. */
async function copyRows(
  { file, scan, signal, onProgress }: ReadInput,
  statement: Statement,
  names: readonly string[],
  table: string,
  csv: CleanCsv,
): Promise<{ bytes: number; others: number }[]> {
  const seen = names.map(() => ({ bytes: 0, others: 0 }));
  let row = 0;
  const started = performance.now();
  let breath = started;
  try {
    for (const found of statement.iterate()) {
      row++;
      // A row takes two bytes at least: more rows than that come from a page that is its own descendant.
      if (row * 2 > scan.bytes) throw broken(file, "its pages lead back to themselves", `table '${table}', row ${row}`);
      const cells: (string | null)[] = [];
      for (const [i, name] of names.entries()) {
        const value = (found as Record<string, Value>)[name] ?? null;
        if (value === null) cells.push(null);
        else if (typeof value === "object") {
          seen[i]!.bytes++;
          cells.push(null);
        } else {
          seen[i]!.others++;
          cells.push(typeof value === "number" && !Number.isFinite(value) ? null : String(value));
        }
      }
      if (!csv.add(cells)) throw broken(file, "the row is longer than two million letters", `table '${table}', row ${row}`);
      if (csv.full) {
        await csv.flush();
        signal?.throwIfAborted();
        onProgress?.(Math.min(1, row / (scan.bytes / 20)));
      } else if (row % 1000 === 0 && performance.now() - breath > 50) {
        await new Promise(setImmediate);
        breath = performance.now();
        signal?.throwIfAborted();
      }
    }
  } catch (error) {
    if (error instanceof AppError || signal?.aborted) throw error;
    const said = error instanceof Error ? error.message.slice(0, 120) : String(error);
    throw broken(file, `SQLite cannot read on (${said})`, `table '${table}', row ${row + 1}`, error);
  }
  return seen;
}

function bytesTold(names: readonly string[], seen: readonly { bytes: number; others: number }[]): Problem[] {
  return names.flatMap((name, i) => (seen[i]!.bytes > 0 ? [leftOut(name, seen[i]!.others > 0 ? "bytes in some rows" : "bytes")] : []));
}
