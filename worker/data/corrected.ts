// Corrections laid over a table: a view of the same name in a connection of its own, in which the cells of the target say what they should.
// The table itself stays as it is, and so does each row's hash: what a row is, and on which side of a split, follows from how it was written.
import { type Database, literal } from "./duckdb.ts";
import type { NumberFormat } from "./numbers.ts";
import { classText, type Reading, rawValueSql } from "./readings.ts";
import type { Splittable } from "./split.ts";
import { rowsOf, type Table } from "./table.ts";

export interface Overlay {
  /** The table as it was written. */
  original: Splittable;
  /** Hashes of the rows that are corrected. */
  hashes: string[];
  /** Rows that are corrected, and corrections that no row is found for. */
  rows: number;
  lost: number;
}

/** A table as it is read after corrections; `overlay` where there are any. */
export type CorrectedTable = Table & { overlay?: Overlay };

/**
 * The table with the target's cells as `answers` (by row hash) say; closing it closes the table.
 * @param answers classes, or numbers as programs write them
 */
export async function corrected(
  table: Table,
  target: Reading,
  answers: ReadonlyMap<string, string>,
  signal?: AbortSignal,
): Promise<CorrectedTable> {
  if (answers.size === 0) return table;
  const original: Splittable = { database: table.database, readings: table.readings };
  const found = await rowsWith(table.database, [...answers.keys()], signal);
  const hashes = [...new Set(found.map(([, hash]) => hash))];
  const overlay: Overlay = { original, hashes, rows: found.length, lost: answers.size - hashes.length };
  if (found.length === 0) return { ...table, overlay };
  const byAnswer = new Map<string, number[]>();
  for (const [row, hash] of found) {
    const cell = cellOf(answers.get(hash)!, target);
    byAnswer.set(cell, [...(byAnswer.get(cell) ?? []), row]);
  }
  const cases = [...byAnswer].map(([cell, rows]) => `WHEN rowid IN (${rows.join(", ")}) THEN ${literal(cell)}`);
  const cells = table.readings.map(({ index }) =>
    index === target.index ? `CASE ${cases.join(" ")} ELSE c${index} END AS c${index}` : `c${index}`,
  );
  const database = await table.database.branch();
  try {
    const [name] = await database.rows("SELECT current_database()", signal);
    const raw = `"${String(name![0]).replaceAll('"', '""')}".main.raw`;
    await database.run(`CREATE TEMP VIEW raw AS SELECT rowid AS rowid, ${cells.join(", ")}, k FROM ${raw}`, signal);
  } catch (thrown) {
    database.close();
    throw thrown;
  }
  return {
    ...table,
    database,
    overlay,
    rows: (offset, limit) => rowsOf(database, table.readings.length, offset, limit),
    async close() {
      database.close();
      await table.close();
    },
  };
}

/** What the target of these rows said before it was corrected: their places from 1, and the values (numbers, classes); null where it said nothing. */
export async function answersBefore(
  { overlay }: CorrectedTable,
  target: Reading,
  classes: boolean,
  signal?: AbortSignal,
): Promise<Map<number, string | number | null>> {
  if (!overlay?.hashes.length) return new Map();
  const value = classes ? classText(target, rawValueSql(target)) : rawValueSql(target);
  const rows = await overlay.original.database.rows(`SELECT rowid, ${value} FROM raw WHERE k IN (${keys(overlay.hashes)})`, signal);
  return new Map(rows.map(([row, before]) => [Number(row) + 1, before as string | number | null]));
}

const keys = (hashes: readonly string[]): string => hashes.map((hash) => `${hash}::UBIGINT`).join(", ");

/** Rows (from 0) that have one of these hashes, in their order; what is no hash of a row is passed over. */
export async function rowsWith(
  database: Database,
  hashes: readonly string[],
  signal?: AbortSignal,
): Promise<[row: number, hash: string][]> {
  const known = hashes.filter((hash) => /^\d{1,20}$/.test(hash) && BigInt(hash) < 2n ** 64n);
  if (known.length === 0) return [];
  const rows = await database.rows(`SELECT rowid, k::VARCHAR FROM raw WHERE k IN (${keys(known)}) ORDER BY rowid`, signal);
  return rows.map(([row, hash]) => [Number(row), String(hash)]);
}

/** An answer as it would stand in the column. */
function cellOf(answer: string, target: Reading): string {
  return target.type === "number" ? numberCell(Number(answer), target.format) : answer;
}

/** A number as the column's other numbers are written, without marks between thousands. Agrees with `numberOf`. */
export function numberCell(value: number, format: NumberFormat): string {
  const plain = String(value);
  if (format === "plain") return plain;
  const digits = plain.includes("e") ? value.toLocaleString("en-US", { useGrouping: false, maximumSignificantDigits: 17 }) : plain;
  return format === "1,234.5" ? digits : digits.replace(".", ",");
}
