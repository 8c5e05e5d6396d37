// CSV, TSV and any other delimited text into the engine: one read to fingerprint and to find the encoding, a sample to find the
// dialect, then DuckDB's own strict reader. What it refuses is rewritten by repair.ts, which fixes it or names the line.
import { rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { AppError } from "../../../ipc/error.ts";
import type { Problem } from "../../../ipc/types.ts";
import { findDialect } from "../dialect.ts";
import type { Database } from "../duckdb.ts";
import { nameColumns, noHeader } from "../names.ts";
import { createRaw, csvSource, openDraft } from "../raw.ts";
import { repair } from "../repair.ts";
import { head } from "../scan.ts";
import { type Imported, onlyOne, type Reader, type ReadInput } from "./reader.ts";

/** The last in the list: any text may be a table, and what is no text is refused by name (scan.ts). */
export const csv: Reader = {
  id: "csv",
  title: "a text table",
  endings: [".csv", ".tsv", ".txt", ".tab", ".data"],
  text: true,
  accepts: () => true,
  read: importCsv,
};

const sampleBytes = 1 << 20;

/** Throws tableRagged, tableNoRows, tableNoColumns, tableEncoding, fileNotText, outOfMemory, diskFull. */
async function importCsv(input: ReadInput): Promise<Imported> {
  const { file, scan, folder, signal } = input;
  onlyOne(input, "a text table");
  const name = basename(file);
  const { text, cut } = await head(file, scan, sampleBytes);
  if (text.trim() === "")
    throw new AppError("fileEmpty", `${name} holds nothing but blanks.`, "Choose a file that has rows.", { file: name });
  const dialect = findDialect(text, cut);
  if (dialect.width === 0) throw new AppError("tableNoColumns", `${name} has no columns.`, "Choose a table.", { file: name });
  const { names, problems } = dialect.header
    ? nameColumns(dialect.names)
    : { names: nameColumns(dialect.names).names, problems: [noHeader(dialect.names.length)] };
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
  const database = await openDraft(folder, file);
  try {
    await createRaw(database, csvSource(file, width, { delimiter, header }), width, signal);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
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
