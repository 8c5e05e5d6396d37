// The table of texts that every reader ends in: `raw` (readings.ts says what is in it), made by the engine from whatever it can select.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { Database, literal } from "./duckdb.ts";

/** The database of a folder that is being made, empty. `reads`: the files outside that it may look into. */
export async function openDraft(folder: string, ...reads: string[]): Promise<Database> {
  const path = join(folder, "table.duckdb");
  await rm(path, { force: true });
  await rm(`${path}.wal`, { force: true });
  return Database.open(path, { reads, scratch: join(folder, "spill") });
}

/**
 * `raw` is a view: the texts in a table that the engine writes as it reads them (rows put into a table that is there already cost a half more),
 * with `rowid` and `k`.
 * @param source a relation with the columns c0, c1, … (`width` of them), all VARCHAR, NULL for empty
 */
export async function createRaw(database: Database, source: string, width: number, signal?: AbortSignal): Promise<void> {
  await database.run(`CREATE TABLE texts AS SELECT ${cells(width).join(", ")} FROM ${source}`, signal);
  await view(database, width, signal);
}

/** Takes the first row away; the others count from 0 again. */
export async function dropFirstRow(database: Database, width: number, signal?: AbortSignal): Promise<void> {
  await database.run("DROP VIEW raw", signal);
  await database.run("CREATE TABLE rest AS SELECT * FROM texts WHERE rowid > 0", signal);
  await database.run("DROP TABLE texts", signal);
  await database.run("ALTER TABLE rest RENAME TO texts", signal);
  await view(database, width, signal);
}

async function view(database: Database, width: number, signal?: AbortSignal): Promise<void> {
  // `k`: md5 of the row's text, its fields parted by the unit separator. Splits are made of it, so it must never change. Reckoned where it
  // is asked for: many tables are looked at and never split, and it costs as much as parsing them.
  const key = `md5_number_lower(concat_ws(chr(31), ${cells(width)
    .map((c) => `coalesce(${c}, '')`)
    .join(", ")}))`;
  await database.run(`CREATE VIEW raw AS SELECT rowid, ${cells(width).join(", ")}, ${key} AS k FROM texts`, signal);
}

const cells = (width: number): string[] => Array.from({ length: width }, (_, i) => `c${i}`);

/** The engine's strict reader over a delimited text; `padded`: rows may end before the last column. */
export function csvSource(file: string, width: number, options: { delimiter?: string; header?: boolean; padded?: boolean } = {}): string {
  const columns = Array.from({ length: width }, (_, i) => `'c${i}': 'VARCHAR'`);
  return `read_csv(${literal(file)}, auto_detect = false, strict_mode = true, compression = 'none', header = ${options.header ?? false},
    delim = ${literal(options.delimiter ?? ",")}, quote = '"', escape = '"'${options.padded ? ", null_padding = true, parallel = false" : ""},
    columns = {${columns.join(", ")}})`;
}
