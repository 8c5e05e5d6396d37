// DuckDB files: the chosen table, attached read-only with everything outside the file closed. Views and macros are never run.
import { constants, copyFile, rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { AppError } from "../../../ipc/error.ts";
import type { TablePart } from "../../../ipc/types.ts";
import { literal } from "../duckdb.ts";
import { nameColumns } from "../names.ts";
import { createRaw, openDraft } from "../raw.ts";
import { waiting } from "./changesWaiting.ts";
import { columnsOf, quoted, sourceOf } from "./fromSql.ts";
import {
  broken,
  choosePart,
  countRows,
  type Imported,
  maxColumns,
  noDialect,
  otherParts,
  type Reader,
  type ReadInput,
  tooLarge,
} from "./reader.ts";

export const duckdb: Reader = {
  id: "duckdb",
  title: "a DuckDB file",
  endings: [".duckdb", ".ddb"],
  text: false,
  accepts: (head) => head.toString("latin1", 8, 12) === "DUCK",
  read,
};

/** Three headers of a sector each stand before the first block. */
const headers = 3 * 4096;

interface Part extends TablePart {
  schema: string;
}

async function read(input: ReadInput): Promise<Imported> {
  const { file, folder, part, signal } = input;
  if (input.scan.bytes < headers) throw broken(file, "it ends within its header", `byte ${input.scan.bytes}`);
  // A copy: the engine locks what it opens, and would take up a log of changes that lies beside the original.
  const copy = join(folder, "source.duckdb");
  await copyFile(file, copy, constants.COPYFILE_FICLONE);
  const database = await openDraft(folder, copy, `${copy}.wal`);
  try {
    try {
      await database.run(`ATTACH ${literal(copy)} AS source (READ_ONLY)`, signal);
    } catch (error) {
      throw refusal(file, error);
    }
    // The file keeps no order of its own: the largest comes first.
    const found = await database.rows(
      `SELECT schema_name, table_name, estimated_size FROM duckdb_tables() WHERE database_name = 'source' AND NOT internal
       ORDER BY schema_name <> 'main', estimated_size DESC, table_name`,
      signal,
    );
    const parts: Part[] = found.map(([schema, name, rows]) => ({
      name: schema === "main" ? String(name) : `${String(schema)}.${String(name)}`,
      schema: String(schema),
      rows: Number(rows),
    }));
    const chosen = choosePart(file, parts, part, "table");
    const table = chosen.schema === "main" ? chosen.name : chosen.name.slice(chosen.schema.length + 1);
    const relation = `source.${quoted(chosen.schema)}.${quoted(table)}`;
    let width = 0;
    try {
      const { columns, told } = await columnsOf(database, relation, signal);
      if (columns.length === 0) throw broken(file, `table '${chosen.name}' has no columns that can be read`);
      if (columns.length > maxColumns) throw tooLarge(file, `the table has more than ${maxColumns} columns`);
      width = columns.length;
      await createRaw(database, sourceOf(columns, relation), width, signal);
      await database.run("DETACH source", signal);
      const { names, problems } = nameColumns(columns.map(({ name }) => name));
      const rows = await countRows(database, file);
      problems.push(...told, ...otherParts(parts, chosen.name, "table"));
      if (await logBeside(file)) problems.push(waiting(file));
      const told2 = parts.map(({ name, rows }) => ({ name, ...(rows === undefined ? {} : { rows }) }));
      return { database, names, rows, problems, dialect: noDialect, part: chosen.name, parts: told2 };
    } catch (error) {
      throw refusal(file, error, `table '${chosen.name}'`);
    }
  } catch (error) {
    database.close();
    throw error;
  } finally {
    await rm(copy, { force: true });
  }
}

async function logBeside(file: string): Promise<boolean> {
  return stat(`${file}.wal`).then(
    ({ size }) => size > 0,
    () => false,
  );
}

function refusal(file: string, error: unknown, where?: string): unknown {
  if (error instanceof AppError || (error as Error).name === "AbortError") return error;
  const text = error instanceof Error ? error.message : String(error);
  if (/version number|newer version|storage version/i.test(text))
    return new AppError(
      "formatUnknown",
      `${basename(file)} was written by a DuckDB of another storage version.`,
      "Save the table as Parquet and choose that file.",
      { file: basename(file) },
      error,
    );
  if (/encrypt/i.test(text))
    return new AppError(
      "formatUnknown",
      `${basename(file)} is encrypted.`,
      "Save the table as Parquet and choose that file.",
      { file: basename(file) },
      error,
    );
  return broken(file, "the database cannot be read", where, error);
}
