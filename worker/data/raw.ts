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

/** @param source a relation with the columns c0, c1, … (`width` of them), all VARCHAR, NULL for empty */
export async function createRaw(database: Database, source: string, width: number, signal?: AbortSignal): Promise<void> {
  const columns = Array.from({ length: width }, (_, i) => `c${i}`);
  // `k`: md5 of the row's text, its fields parted by the unit separator. Splits are made of it, so it must never change. Reckoned where it
  // is asked for: many tables are looked at and never split, and it costs as much as parsing them.
  const key = `md5_number_lower(concat_ws(chr(31), ${columns.map((c) => `coalesce(${c}, '')`).join(", ")}))`;
  const typed = [...columns.map((c) => `${c} VARCHAR`), `k UBIGINT GENERATED ALWAYS AS (${key}) VIRTUAL`];
  await database.run(`CREATE TABLE raw (${typed.join(", ")})`, signal);
  await database.run(`INSERT INTO raw SELECT ${columns.join(", ")} FROM ${source}`, signal);
}

/** The engine's strict reader over a delimited text; `padded`: rows may end before the last column. */
export function csvSource(file: string, width: number, options: { delimiter?: string; header?: boolean; padded?: boolean } = {}): string {
  const columns = Array.from({ length: width }, (_, i) => `'c${i}': 'VARCHAR'`);
  return `read_csv(${literal(file)}, auto_detect = false, strict_mode = true, compression = 'none', header = ${options.header ?? false},
    delim = ${literal(options.delimiter ?? ",")}, quote = '"', escape = '"'${options.padded ? ", null_padding = true, parallel = false" : ""},
    columns = {${columns.join(", ")}})`;
}
