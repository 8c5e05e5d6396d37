// Rewrites a delimited text as plain UTF-8 CSV (comma, every field quoted, LF between records) that the engine's strict reader takes.
// Files in other encodings, with mixed line ends, or that the engine refuses go this way; here a bad row is named by its line.
import { open } from "node:fs/promises";
import { basename } from "node:path";
import { AppError } from "../../ipc/error.ts";
import type { Dialect } from "./dialect.ts";
import { Records } from "./records.ts";
import { letters, type Scan } from "./scan.ts";

/** The engine reads lines of up to 2 MB. */
const longest = 1_900_000;

export interface Repaired {
  /** Rows with empty fields after the last column, which were dropped. */
  surplusRows: number;
  firstSurplusLine: number;
}

/**
 * Throws `tableRagged` with the first lines that have too few or too many fields or a quote that is never closed, `tableEncoding`,
 * `cancelled`; the target is then not to be used.
 */
export async function repair(file: string, scan: Scan, dialect: Dialect, target: string, signal?: AbortSignal): Promise<Repaired> {
  try {
    return await rewrite(file, scan, dialect, target, true, signal);
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== "tableRagged") throw error;
    // Some texts use the quote as a mere letter: right when every row then has its fields.
    try {
      return await rewrite(file, scan, dialect, target, false, signal);
    } catch (second) {
      throw second instanceof AppError && second.code === "tableRagged" ? error : second;
    }
  }
}

async function rewrite(
  file: string,
  scan: Scan,
  dialect: Dialect,
  target: string,
  quotes: boolean,
  signal?: AbortSignal,
): Promise<Repaired> {
  const name = basename(file);
  const width = dialect.width;
  const bad: { line: number; fields: number }[] = [];
  let badCount = 0;
  const result: Repaired = { surplusRows: 0, firstSurplusLine: 0 };
  let whole = 0; // fields in quotes, and fields that only begin with one
  let lone = 0;
  let pending = "";
  let first = true;
  const reader = new Records({ delimiter: dialect.delimiter, quotes }, (fields, line) => {
    if (first && dialect.header) {
      first = false;
      return;
    }
    first = false;
    if (fields.length !== width) {
      if (fields.length > width && fields.slice(width).every((field) => field.trim() === "")) {
        if (result.surplusRows++ === 0) result.firstSurplusLine = line;
      } else {
        badCount++;
        if (bad.length < 10) bad.push({ line, fields: fields.length });
        return;
      }
    }
    if (!quotes)
      for (const field of fields) {
        if (field.startsWith('"')) /"[ ]*$/.test(field.slice(1)) ? whole++ : lone++;
      }
    let record = "";
    for (let i = 0; i < width; i++) {
      const field = fields[i]!;
      record += `${i ? "," : ""}"${field.includes('"') ? field.replaceAll('"', '""') : field}"`;
    }
    if (record.length > longest) throw tooLong(name, line, record.length);
    pending += record + "\n";
  });
  const out = await open(target, "w");
  try {
    for await (const piece of letters(file, scan, signal)) {
      reader.push(piece);
      if (pending.length > 1 << 20) {
        await out.write(pending);
        pending = "";
      }
    }
    const closed = reader.end();
    const stray = closed ? reader.strayAt : reader.openedAt;
    if (stray > 0)
      throw new AppError(
        "tableRagged",
        `${name}, line ${stray}: a quote opens here and is ${closed ? "closed in the midst of a later line" : "never closed"}.`,
        'Close the quote, or double it ("") where it belongs to the text.',
        { file: name, row: stray, line: stray },
      );
    // They are real quotes; but between tabs, which texts hardly hold, a row that has its fields without them needs none.
    if (whole > lone && dialect.delimiter !== "\t") throw ragged(name, width, [{ line: 1, fields: width }], 1);
    if (badCount > 0) throw ragged(name, width, bad, badCount);
    await out.write(pending);
  } finally {
    await out.close();
  }
  return result;
}

function ragged(file: string, width: number, bad: { line: number; fields: number }[], count: number): AppError {
  const [one] = bad;
  const also = bad.slice(1).map((row) => row.line);
  const others =
    count > 1
      ? ` So ${count === 2 ? "is" : "are"} ${count - 1} more (line${count === 2 ? "" : "s"} ${also.join(", ")}${count > 10 ? ", …" : ""}).`
      : "";
  return new AppError(
    "tableRagged",
    `${file}, line ${one!.line}: the row has ${one!.fields} field${one!.fields === 1 ? "" : "s"} where the table has ${width} columns.${others}`,
    one!.fields > width
      ? "Put fields that contain the delimiter in quotes, or remove what is too much."
      : "Complete the row, or remove it.",
    { file, row: one!.line, line: one!.line, fields: one!.fields, columns: width, count, lines: bad.map((row) => row.line) },
  );
}

function tooLong(file: string, line: number, length: number): AppError {
  return new AppError(
    "tableRagged",
    `${file}, line ${line}: the row is ${(length / 1e6).toFixed(1)} million letters long.`,
    "A quote is probably not closed there: look at this line.",
    { file, row: line, line, length },
  );
}
