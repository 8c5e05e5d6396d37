// The cells of one sheet, row by row, as texts: what formulas came to when the file was saved, dates as ISO writes them, errors as missing.
import { Buffer } from "node:buffer";
import { broken, maxColumns, tooLarge } from "./reader.ts";
import { type Book, type DateStyle, escaped, walk } from "./xlsxBook.ts";
import type { Zip } from "./zip.ts";

export interface SheetRow {
  /** Its number in the sheet, from 1. */
  row: number;
  cells: (string | null)[];
}

/** What was seen on the way. */
export interface SheetNotes {
  /** Cells such as #DIV/0!: how many, and the first. */
  errors: { count: number; first: string; row: number };
  /** Columns in which a date with a time of day stands. */
  moments: Set<number>;
}

/** Column and row counted from 0. */
export interface Merge {
  column: number;
  from: number;
  to: number;
}

const mostRows = 1_048_576;

/** Calls `take` for each row that has cells, in order, and `flush` now and then. Throws fileBroken, fileTooLarge. */
export async function readSheet(
  file: string,
  zip: Zip,
  book: Book,
  sheet: { name: string; path: string },
  take: (row: SheetRow) => void,
  options: { signal?: AbortSignal | undefined; flush?: () => Promise<void> } = {},
): Promise<SheetNotes> {
  const notes: SheetNotes = { errors: { count: 0, first: "", row: 0 }, moments: new Set() };
  const refuse = (what: string) => broken(file, what, `sheet '${sheet.name}', row ${row}`);
  let row = 0;
  let last = 0;
  let cells: (string | null)[] = [];
  let column = -1;
  let type = "n";
  let style: DateStyle | undefined;
  let value = "";
  let within: "v" | "t" | undefined;
  let data = false;
  let sounded = 0;
  const finishCell = (): void => {
    const text = cellText();
    if (text === null) return;
    while (cells.length <= column) cells.push(null);
    cells[column] = text;
  };
  const cellText = (): string | null => {
    if (value === "") return null;
    switch (type) {
      case "s": {
        const index = Number(value);
        const text = book.shared[index];
        if (text === undefined) throw refuse(`a cell asks for the shared text ${value.slice(0, 20)}, and there are ${book.shared.length}`);
        return text === "" ? null : text;
      }
      case "str":
      case "inlineStr":
        return escaped(value);
      case "b":
        return value === "1" || value.toLowerCase() === "true" ? "TRUE" : "FALSE";
      case "e":
        if (notes.errors.count++ === 0) Object.assign(notes.errors, { first: `${letters(column)}${row}`, row });
        return null;
      case "d":
        return value.replace("T", " ").replace(/(\.0+)?Z?$/, "");
      default: {
        const number = Number(value);
        if (!Number.isFinite(number))
          throw refuse(`cell ${letters(column)}${row} says '${value.slice(0, 20)}' where a number should stand`);
        if (style === undefined) return String(number);
        const text = dateText(number, style, book.from1904);
        if (text.length > 10) notes.moments.add(column);
        return text;
      }
    }
  };
  await walk(
    file,
    zip,
    sheet.path,
    options.signal,
    {
      open(name, attribute) {
        if (name === "c" && data) {
          const reference = attribute("r");
          column = reference === undefined ? column + 1 : columnOf(reference);
          if (column < 0 || column >= 16_384) throw refuse(`'${String(reference).slice(0, 20)}' is no cell`);
          if (column >= maxColumns) throw tooLarge(file, `sheet '${sheet.name}' has more than ${maxColumns} columns`);
          type = attribute("t") ?? "n";
          style = type === "n" ? book.styles[Number(attribute("s") ?? 0)] : undefined;
          value = "";
        } else if (name === "v") within = "v";
        else if (name === "t") within = "t";
        else if (name === "rPh") sounded++;
        else if (name === "row" && data) {
          const said = Number(attribute("r") ?? last + 1);
          if (!Number.isInteger(said) || said <= last || said > mostRows)
            throw broken(file, `row ${last} is followed by row '${String(said).slice(0, 20)}'`, `sheet '${sheet.name}'`);
          row = said;
          cells = [];
          column = -1;
        } else if (name === "sheetData") data = true;
      },
      close(name) {
        if (name === "v" || name === "t") within = undefined;
        else if (name === "rPh") sounded--;
        else if (name === "c" && data) finishCell();
        else if (name === "row" && data) {
          last = row;
          if (cells.length > 0) take({ row, cells });
        } else if (name === "sheetData") data = false;
      },
      text(piece) {
        if (within === "v" || (within === "t" && sounded === 0 && type === "inlineStr")) value += piece;
      },
    },
    options.flush,
  );
  return notes;
}

/** The merged cells, which stand after the rows: only the end of the sheet is read as XML. Merges of one row are left out. */
export async function readMerges(file: string, zip: Zip, path: string, signal?: AbortSignal): Promise<Merge[]> {
  let tail = "";
  let found = false;
  for await (const piece of zip.pieces(path, signal)) {
    tail += Buffer.from(piece).toString("latin1");
    if (!found) {
      const at = tail.indexOf("mergeCells");
      found = at >= 0;
      tail = found ? tail.slice(at) : tail.slice(-16);
    } else if (tail.length > 50_000_000) throw tooLarge(file, "it merges too many cells");
  }
  const merges: Merge[] = [];
  for (const [, a, x, b, y] of tail.matchAll(
    /mergeCell\s[^>]*?ref\s*=\s*["']\$?([A-Z]{1,3})\$?(\d{1,7}):\$?([A-Z]{1,3})\$?(\d{1,7})["']/g,
  )) {
    const [from, to] = [Number(x) - 1, Number(y) - 1];
    if (columnOf(`${a}1`) <= columnOf(`${b}1`) && from < to && to < mostRows) merges.push({ column: columnOf(`${a}1`), from, to });
  }
  return merges;
}

/** "BC12" → 54; -1 for what is no cell. */
export function columnOf(reference: string): number {
  let column = 0;
  let i = 0;
  for (; i < reference.length; i++) {
    const code = reference.charCodeAt(i) & ~32;
    if (code < 65 || code > 90) break;
    column = column * 26 + code - 64;
    if (column > 16_384) return -1;
  }
  return i === 0 || i === reference.length ? -1 : column - 1;
}

export function letters(column: number): string {
  let text = "";
  for (let n = column + 1; n > 0; n = Math.floor((n - 1) / 26)) text = String.fromCharCode(65 + ((n - 1) % 26)) + text;
  return text;
}

/** Excel counts days from 1900-01-00 and believes that 1900 was a leap year; the fraction is the time of day. */
export function dateText(serial: number, style: DateStyle, from1904: boolean): string {
  const seconds = Math.round((serial - Math.floor(serial)) * 86_400);
  const days = Math.floor(serial) - (from1904 ? 24_107 : serial < 60 ? 25_568 : 25_569); // from 1970-01-01
  const moment = new Date(days * 86_400_000 + seconds * 1000);
  if (serial < 0 || Number.isNaN(moment.getTime()) || moment.getUTCFullYear() > 9999) return String(serial);
  const iso = moment.toISOString();
  if (style === "time" && serial < 1) return iso.slice(11, 19);
  return style === "date" || seconds === 0 ? iso.slice(0, 10) : `${iso.slice(0, 10)} ${iso.slice(11, 19)}`;
}
