// One small table in every format that is read, made by other programs than ours where there are any.
import { DuckDBInstance } from "@duckdb/node-api";
import * as XLSX from "@e965/xlsx";
import { type Table, tableFromArrays, tableToIPC } from "apache-arrow";
import sqlite from "node-sqlite3-wasm";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface Row {
  name: string;
  size: number | null;
  count: number;
  sold: boolean;
}

/** 60 rows with missing values, quotes, line ends and letters of several scripts. */
export const rows: Row[] = Array.from({ length: 60 }, (_, i) => ({
  name: ["plain", 'with "quotes"', "two\nlines", "größe", "北京"][i % 5]! + (i % 3),
  size: i % 7 === 3 ? null : i * 1.25 - 3,
  count: (i * 37) % 23,
  sold: i % 2 === 0,
}));

/** As they come out of a reader. */
export const texts = rows.map(({ name, size, count, sold }) => [name, size === null ? "" : String(size), String(count), String(sold)]);
export const columnNames = ["name", "size", "count", "sold"];

type Maker = (path: string) => Promise<void> | void;

async function byEngine(path: string, ...statements: string[]): Promise<void> {
  const instance = await DuckDBInstance.create(path);
  const connection = await instance.connect();
  try {
    for (const statement of statements) await connection.run(statement);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

const sqlText = (text: string): string => `'${text.replaceAll("'", "''")}'`;
const values = rows.map(({ name, size, count, sold }) => `(${sqlText(name)}, ${size ?? "NULL"}, ${count}, ${sold})`).join(", ");
export const selected = `SELECT * FROM (VALUES ${values}) AS t (name, size, count, sold)`;
const typed = `SELECT name, size::DOUBLE AS size, count::INTEGER AS count, sold FROM (${selected})`;

/** Makers by the name of the file, which says the format. */
export const makers: Record<string, Maker> = {
  "table.csv": (path) => {
    const cell = (text: string): string => `"${text.replaceAll('"', '""')}"`;
    writeFileSync(path, [columnNames, ...texts].map((row) => row.map(cell).join(",") + "\n").join(""));
  },
  "table.xlsx": (path) => {
    const book = XLSX.utils.book_new();
    XLSX.utils.book_append_sheet(book, XLSX.utils.json_to_sheet(rows), "Rows");
    XLSX.utils.book_append_sheet(book, XLSX.utils.aoa_to_sheet([["a", "b"], [1, 2], [3, 4]]), "Other"); // prettier-ignore
    writeFileSync(path, XLSX.write(book, { type: "buffer", bookType: "xlsx", compression: true }) as Buffer);
  },
  "table.parquet": (path) => byEngine(":memory:", `COPY (${typed}) TO ${sqlText(path)} (FORMAT parquet)`),
  "table.json": (path) => writeFileSync(path, JSON.stringify(rows, undefined, 1)),
  "table.jsonl": (path) => writeFileSync(path, rows.map((row) => JSON.stringify(row)).join("\n")),
  "table.arrow": (path) => writeFileSync(path, tableToIPC(arrowTable(), "file")),
  "stream.arrows": (path) => writeFileSync(path, tableToIPC(arrowTable(), "stream")),
  "table.sqlite": (path) => {
    const database = new sqlite.Database(path);
    database.exec(`CREATE TABLE "the rows" (name TEXT, size REAL, count INTEGER, sold TEXT); CREATE TABLE other (a, b);
      CREATE VIEW seen AS SELECT * FROM "the rows"; INSERT INTO other VALUES (1, 2), (3, 4)`);
    for (const { name, size, count, sold } of rows)
      database.run('INSERT INTO "the rows" VALUES (?, ?, ?, ?)', [name, size, count, String(sold)]);
    database.close();
  },
  "table.duckdb": (path) =>
    byEngine(
      path,
      `CREATE TABLE "the rows" AS ${typed}`,
      "CREATE TABLE other AS SELECT 1 AS a, 2 AS b",
      "CREATE VIEW seen AS SELECT 1",
      "CHECKPOINT",
    ),
};

function arrowTable(): Table {
  const column = (of: keyof Row): unknown => rows.map((row) => row[of]);
  const columns = Object.fromEntries(columnNames.map((name) => [name, column(name as keyof Row)]));
  return tableFromArrays(columns as Record<string, string[]>) as unknown as Table;
}

/** Writes the file of this name into the folder and answers its path. */
export async function makeFile(folder: string, name: string): Promise<string> {
  const path = join(folder, name);
  rmSync(path, { force: true });
  await makers[name]!(path);
  return path;
}
