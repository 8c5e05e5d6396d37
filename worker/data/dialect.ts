// How a delimited text is written: what separates its fields and whether it has a line of names. Decided on a sample, by counting.
import { isMissingNumber } from "./missing.ts";
import { recordsOf } from "./records.ts";

export interface Dialect {
  /** One character; " " means runs of blanks. */
  delimiter: string;
  header: boolean;
  /** Fields of the usual record. */
  width: number;
  /** The first row has one name less than the rows have fields: the first column holds the rows' names. */
  rowNames: boolean;
  /** The names of the columns, as written; "" where there is none. */
  names: string[];
  /** Fields after the last name that are empty in every sampled row (a delimiter at the end of each line). */
  surplus: number;
}

const candidates = ["\t", ";", "|", ","];
const number = /^[-+]?(\d+([.,]\d*)?|[.,]\d+)([eE][-+]?\d+)?%?$/;

/** @param cut whether the text goes on after the sample */
export function findDialect(sample: string, cut: boolean): Dialect {
  let best = { delimiter: ",", share: 0, width: 1 };
  for (const delimiter of candidates) {
    const widths = widthsOf(sample, delimiter, cut);
    const { width, share } = mode(widths);
    // Nearly equal shares: the earlier candidate, as commas also stand inside numbers of semicolon files.
    if (width > 1 && share > best.share + 0.02) best = { delimiter, share, width };
  }
  if (best.width === 1) {
    const { width, share } = mode(widthsOf(sample, " ", cut));
    const rows = recordsOf(sample, { delimiter: " " }, cut, 200);
    const fields = rows.slice(1).flatMap((row) => row.fields);
    if (width > 1 && share === 1 && fields.length > 0 && fields.filter((field) => number.test(field)).length >= fields.length / 2)
      best = { delimiter: " ", share, width };
  }
  const rows = recordsOf(sample, { delimiter: best.delimiter }, cut, 1001).map((record) => record.fields);
  let first = rows[0] ?? [];
  const body = rows.slice(1, 1001);
  const width = body.length ? mode(body.map((row) => row.length)).width : first.length;
  if (first.length > width && first.slice(width).every((name) => name.trim() === "")) first = first.slice(0, width);
  const header = isHeader(first, body);
  const rowNames = header && first.length === width - 1 && body.some((row) => row.length === width && row.at(-1)!.trim() !== "");
  const names = header ? (rowNames ? ["", ...first] : first) : first.map(() => "");
  let surplus = 0;
  if (!rowNames && width > names.length && body.every((row) => row.slice(names.length).every((field) => field === "")))
    surplus = width - names.length;
  return { delimiter: best.delimiter, header, width: names.length, rowNames, names, surplus };
}

function widthsOf(sample: string, delimiter: string, cut: boolean): number[] {
  return recordsOf(sample, { delimiter }, cut, 1000).map((record) => record.fields.length);
}

/** The most frequent width and its share of the records. */
function mode(widths: number[]): { width: number; share: number } {
  const counts = new Map<number, number>();
  for (const width of widths) counts.set(width, (counts.get(width) ?? 0) + 1);
  let best = { width: 1, share: 0 };
  for (const [width, count] of counts) if (count > best.share * widths.length) best = { width, share: count / widths.length };
  return best;
}

/**
 * Names are words above columns; a first row of values looks like the rows below it. A number over a column of numbers says "no
 * names", unless the row is a run of years (wide tables); words that come again in their own column, in every column, say it too.
 */
export function isHeader(first: string[], body: string[][]): boolean {
  const cells = first.map((cell) => cell.trim());
  const filled = cells.filter((cell) => cell !== "");
  if (filled.length === 0) return false;
  const columns = cells.map((_, i) => body.map((row) => (row[i] ?? "").trim()).filter((cell) => !isMissingNumber(cell)));
  const numeric = (i: number): boolean =>
    columns[i]!.length > 0 && columns[i]!.filter((c) => number.test(c)).length >= columns[i]!.length * 0.8;
  const numbersOnTop = cells.flatMap((cell, i) => (number.test(cell) && (body.length === 0 || numeric(i)) ? [Number(cell)] : []));
  const wordsOnTop = cells.filter((cell, i) => !isMissingNumber(cell) && !number.test(cell) && numeric(i)).length;
  if (numbersOnTop.length > wordsOnTop) {
    const years =
      numbersOnTop.length > 1 && numbersOnTop.every((v, i, all) => v >= 1800 && v <= 2200 && (i === 0 || v === all[i - 1]! + 1));
    const words = cells.some((cell) => cell !== "" && !number.test(cell));
    return years && words;
  }
  if (body.length === 0 || cells.some((_, i) => numeric(i))) return true;
  if (new Set(filled).size < filled.length) return false;
  const again = cells.filter((cell, i) => columns[i]!.includes(cell)).length;
  return again < Math.max(1, cells.length / 2);
}

/** Names for people and for the model: blanks trimmed, empty ones as column1…, doubles numbered. */
export function uniqueNames(written: readonly string[]): { names: string[]; empty: number[]; doubled: number[] } {
  const taken = new Set<string>();
  const empty: number[] = [];
  const doubled: number[] = [];
  const given = new Set(written.map((name) => name.trim()));
  const names = written.map((name, i) => {
    const base = name.trim() || `column${i + 1}`;
    if (name.trim() === "") empty.push(i);
    let unique = base;
    for (let n = 2; taken.has(unique) || (unique !== name.trim() && given.has(unique)); n++) unique = `${base}_${n}`;
    if (unique !== base && name.trim() !== "") doubled.push(i);
    taken.add(unique);
    return unique;
  });
  return { names, empty, doubled };
}
