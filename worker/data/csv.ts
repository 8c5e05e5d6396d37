// CSV, TSV and any other delimited text into the engine: one read to fingerprint and to find the encoding, a sample to find the
// dialect, then DuckDB's own strict reader. What it refuses is rewritten by repair.ts, which fixes it or names the line.
import { rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { AppError } from "../../ipc/error.ts";
import type { Problem } from "../../ipc/types.ts";
import { type Dialect, findDialect, uniqueNames } from "./dialect.ts";
import { Database, literal } from "./duckdb.ts";
import { repair } from "./repair.ts";
import { head, type Scan } from "./scan.ts";

export interface Imported {
  database: Database;
  names: string[];
  rows: number;
  dialect: { delimiter: string; quote: string; header: boolean; encoding: string };
  problems: Problem[];
}

const sampleBytes = 1 << 20;

/**
 * Makes `raw` in `<folder>/table.duckdb` (readings.ts says what is in it) and leaves it open for writing. The caller closes it, and
 * removes the folder when this throws: tableRagged, tableNoRows, tableNoColumns, tableEncoding, fileNotText, outOfMemory, diskFull.
 */
export async function importCsv(file: string, scan: Scan, folder: string, signal?: AbortSignal): Promise<Imported> {
  const name = basename(file);
  const { text, cut } = await head(file, scan, sampleBytes);
  if (text.trim() === "")
    throw new AppError("fileEmpty", `${name} holds nothing but blanks.`, "Choose a file that has rows.", { file: name });
  const dialect = findDialect(text, cut);
  if (dialect.width === 0) throw new AppError("tableNoColumns", `${name} has no columns.`, "Choose a table.", { file: name });
  const { names, empty, doubled } = uniqueNames(dialect.names);
  const problems: Problem[] = [];
  if (!dialect.header) problems.push(noHeader(names.length));
  else nameProblems(dialect, names, empty, doubled, problems);
  if (scan.guessed) problems.push(encodingGuessed(scan.encoding));

  const clean = join(folder, "clean.csv");
  const plain =
    scan.encoding === "utf-8" &&
    dialect.delimiter !== " " &&
    dialect.width > 1 &&
    dialect.surplus === 0 &&
    (scan.mark === 0 || dialect.header) &&
    !/^\s*[\r\n]/.test(text);
  let database = plain ? await attempt(file, folder, names.length, dialect.delimiter, dialect.header, signal) : undefined;
  if (!database) {
    const repaired = await repair(file, scan, dialect, clean, signal);
    database = await load(clean, folder, names.length, ",", false, signal);
    await rm(clean, { force: true });
    if (repaired.surplusRows > 0 && dialect.surplus === 0)
      problems.push(surplus(repaired.surplusRows, repaired.firstSurplusLine, names.length));
  }
  try {
    const [count] = await database.rows("SELECT count(*) FROM raw");
    const rows = Number(count![0]);
    if (rows === 0)
      throw new AppError("tableNoRows", `${name} has names of columns but no rows.`, "Choose a file that has rows below its first line.", {
        file: name,
      });
    return {
      database,
      names,
      rows,
      problems,
      dialect: { delimiter: dialect.delimiter, quote: '"', header: dialect.header, encoding: scan.encoding },
    };
  } catch (error) {
    database.close();
    throw error;
  }
}

/** The engine's strict reader on the file as it is; undefined where it refuses the text. */
async function attempt(
  file: string,
  folder: string,
  width: number,
  delimiter: string,
  header: boolean,
  signal?: AbortSignal,
): Promise<Database | undefined> {
  try {
    return await load(file, folder, width, delimiter, header, signal);
  } catch (error) {
    if (error instanceof AppError || signal?.aborted) throw error;
    return undefined;
  }
}

async function load(
  file: string,
  folder: string,
  width: number,
  delimiter: string,
  header: boolean,
  signal?: AbortSignal,
): Promise<Database> {
  const path = join(folder, "table.duckdb");
  await rm(path, { force: true });
  await rm(`${path}.wal`, { force: true });
  const database = await Database.open(path, { reads: file, scratch: join(folder, "spill") });
  try {
    const columns = Array.from({ length: width }, (_, i) => `c${i}`);
    // `k`: md5 of the row's text, its fields parted by the unit separator. Splits are made of it, so it must never change.
    const key = `md5_number_lower(concat_ws(chr(31), ${columns.map((c) => `coalesce(${c}, '')`).join(", ")}))`;
    await database.run(
      `CREATE TABLE raw AS SELECT *, ${key} AS k FROM read_csv(${literal(file)}, auto_detect = false, strict_mode = true,
        compression = 'none', header = ${header}, delim = ${literal(delimiter)}, quote = '"', escape = '"',
        columns = {${columns.map((c) => `'${c}': 'VARCHAR'`).join(", ")}})`,
      signal,
    );
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function noHeader(columns: number): Problem {
  return {
    code: "noHeader",
    data: { columns },
    message: "The file has no line of column names: the first line is a row like the others.",
    hint: "The columns are called column1, column2, … Add a first line with names if you like.",
  };
}

function nameProblems(dialect: Dialect, names: string[], empty: number[], doubled: number[], problems: Problem[]): void {
  for (const i of doubled)
    problems.push({
      code: "duplicateColumnName",
      column: names[i]!,
      row: 1,
      data: { name: dialect.names[i]!.trim(), column: i + 1 },
      message: `Two columns are called "${dialect.names[i]!.trim()}": column ${i + 1} is now "${names[i]!}".`,
      hint: "Give every column a name of its own.",
    });
  for (const i of empty)
    problems.push({
      code: "emptyColumnName",
      column: names[i]!,
      row: 1,
      data: { column: i + 1 },
      message: `Column ${i + 1} has no name: it is now "${names[i]!}".`,
      hint: "Give every column a name.",
    });
}

function encodingGuessed(encoding: string): Problem {
  return {
    code: "encodingGuessed",
    data: { encoding },
    message: `The file is not UTF-8: it was read as ${encoding}.`,
    hint: "If letters look wrong, save the file as UTF-8.",
  };
}

function surplus(rows: number, line: number, columns: number): Problem {
  return {
    code: "raggedRows",
    row: line,
    data: { rows, columns },
    message: `${rows} row${rows === 1 ? " has" : "s have"} empty fields after the last column (the first is line ${line}); they were left out.`,
    hint: "Remove the delimiters at the end of these lines.",
  };
}
