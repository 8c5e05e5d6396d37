// Excel workbooks (.xlsx, .xlsm), streamed: one sheet's rows into the engine, the names found below titles and empty rows.
import type { Problem, TablePart } from "../../../ipc/types.ts";
import { isHeader } from "../dialect.ts";
import { nameColumns, noHeader } from "../names.ts";
import { CleanCsv } from "./cleanCsv.ts";
import { broken, choosePart, countRows, type Imported, noDialect, noRows, otherParts, type Reader, type ReadInput } from "./reader.ts";
import { type Book, readBook } from "./xlsxBook.ts";
import { type Merge, readMerges, readSheet, type SheetNotes, type SheetRow } from "./xlsxSheet.ts";
import { Zip } from "./zip.ts";

export const xlsx: Reader = {
  id: "xlsx",
  title: "an Excel workbook",
  endings: [".xlsx", ".xlsm"],
  text: false,
  accepts: (head) => ["PK\x03\x04", "PK\x05\x06"].includes(head.toString("latin1", 0, 4)),
  read,
};

/** Rows that wait until it is known where the names stand. */
const topRows = 1001;

async function read(input: ReadInput): Promise<Imported> {
  const { file, part, signal } = input;
  const zip = await Zip.open(file, signal);
  try {
    const book = await readBook(file, zip, signal);
    const parts: TablePart[] = book.sheets.map(({ name }) => ({ name }));
    const chosen = choosePart(file, parts, part, "sheet");
    const wanted = part === undefined ? book.sheets : book.sheets.filter(({ name }) => name === chosen.name);
    for (const sheet of wanted) {
      const table = await new SheetImport(input, zip, book, sheet).run();
      if (!table) continue;
      table.problems.push(...otherParts(parts, sheet.name, "sheet"));
      return { ...table, part: sheet.name, parts };
    }
    throw noRows(file, part === undefined ? "has no sheet with rows" : `has no rows in its sheet '${chosen.name}'`);
  } finally {
    zip.close();
  }
}

class SheetImport {
  readonly #input: ReadInput;
  readonly #zip: Zip;
  readonly #book: Book;
  readonly #sheet: { name: string; path: string };
  #csv!: CleanCsv;
  #top: SheetRow[] | undefined = [];
  #names: string[] | undefined;
  #titles: number[] = [];
  #used = new Set<number>();
  #width = 0;

  constructor(input: ReadInput, zip: Zip, book: Book, sheet: { name: string; path: string }) {
    this.#input = input;
    this.#zip = zip;
    this.#book = book;
    this.#sheet = sheet;
  }

  /** Undefined where the sheet has no rows. */
  async run(): Promise<Imported | undefined> {
    const { file, folder, signal } = this.#input;
    if (!this.#zip.entries.has(this.#sheet.path)) throw broken(file, `its sheet '${this.#sheet.name}' is not in it`);
    const merges = await readMerges(file, this.#zip, this.#sheet.path, signal);
    const fill = new Fill(merges);
    this.#csv = await CleanCsv.open(folder);
    try {
      const take = (row: SheetRow): void => this.#take(fill.row(row));
      const flush = async (): Promise<void> => (this.#csv.full ? this.#csv.flush() : undefined);
      const notes = await readSheet(file, this.#zip, this.#book, this.#sheet, take, { signal, flush });
      this.#decide();
      if (this.#csv.rows === 0) {
        await this.#csv.abandon();
        return undefined;
      }
      return await this.#finish(notes, fill.filled);
    } catch (error) {
      await this.#csv.abandon();
      throw error;
    }
  }

  #take(row: SheetRow): void {
    if (row.cells.every((cell) => cell === null)) return;
    if (!this.#top) return this.#write(row);
    this.#top.push(row);
    if (this.#top.length >= topRows) this.#decide();
  }

  #write({ row, cells }: SheetRow): void {
    this.#width = Math.max(this.#width, cells.length);
    for (let i = 0; i < cells.length; i++) if (cells[i] !== null) this.#used.add(i);
    if (!this.#csv.add(cells))
      throw broken(this.#input.file, "the row is longer than two million letters", `sheet '${this.#sheet.name}', row ${row}`);
  }

  /** Titles above the table go; the first row after them is the names where it looks like it. */
  #decide(): void {
    const top = this.#top;
    if (!top) return;
    this.#top = undefined;
    const filled = top.map(({ cells }) => cells.filter((cell) => cell !== null).length);
    const usual = [...filled].sort((a, b) => a - b)[Math.floor(filled.length / 2)] ?? 0;
    let from = 0;
    while (usual > 1 && from < 20 && from < top.length - 1 && filled[from] === 1) this.#titles.push(top[from++]!.row);
    const body = top.slice(from);
    const [first] = body;
    if (!first) return;
    const width = Math.max(...body.map(({ cells }) => cells.length));
    // Columns that nothing stands in are no part of the table, so they do not speak for or against names.
    const places = Array.from({ length: width }, (_, i) => i).filter((i) => body.some(({ cells }) => (cells[i] ?? null) !== null));
    const texts = body.map(({ cells }) => places.map((i) => cells[i] ?? ""));
    if (texts.length > 1 && isHeader(texts[0]!, texts.slice(1))) {
      this.#names = first.cells.map((cell) => cell ?? "");
      for (const row of body.slice(1)) this.#write(row);
    } else for (const row of body) this.#write(row);
  }

  async #finish(notes: SheetNotes, filled: number): Promise<Imported> {
    const { file, folder, signal } = this.#input;
    const names = this.#names ?? [];
    this.#width = Math.max(this.#width, names.length);
    const kept = Array.from({ length: this.#width }, (_, i) => i).filter((i) => this.#used.has(i) || (names[i] ?? "").trim() !== "");
    // A moment at midnight is written as a day: where others have a time, it gets one too.
    const pick = kept.map((i) => (notes.moments.has(i) ? `CASE WHEN regexp_full_match(c${i}, '\\d{4}-\\d\\d-\\d\\d') THEN c${i} || ' 00:00:00' ELSE c${i} END` : `c${i}`)); // prettier-ignore
    const database = await this.#csv.finish(folder, this.#width, signal, pick);
    try {
      const header = this.#names !== undefined;
      const named = nameColumns(kept.map((i) => names[i] ?? ""));
      const problems = [...(header ? named.problems : [noHeader(kept.length)]), ...this.#told(notes, filled)];
      return { database, names: named.names, problems, rows: await countRows(database, file), dialect: { ...noDialect, header } };
    } catch (error) {
      database.close();
      throw error;
    }
  }

  #told({ errors }: SheetNotes, filled: number): Problem[] {
    const sheet = this.#sheet.name;
    const problems: Problem[] = [];
    if (errors.count > 0)
      problems.push({
        code: "cellErrors",
        row: errors.row,
        data: { count: errors.count, cell: errors.first, sheet },
        message: `${errors.count} cell${errors.count === 1 ? "" : "s"} of the sheet "${sheet}" hold${errors.count === 1 ? "s" : ""} an error such as #DIV/0! (the first: ${errors.first}); taken as missing.`,
        hint: "Correct the formulas in the workbook where they matter.",
      });
    if (filled > 0)
      problems.push({
        code: "mergedCells",
        data: { count: filled, sheet },
        message: `The sheet "${sheet}" merges cells over several rows: ${filled} cell${filled === 1 ? "" : "s"} took the value above.`,
        hint: "Nothing to do if that is what it means.",
      });
    if (this.#titles.length > 0)
      problems.push({
        code: "rowsSkipped",
        row: this.#titles[0]!,
        data: { count: this.#titles.length, sheet },
        message: `${this.#titles.length} row${this.#titles.length === 1 ? "" : "s"} above the table ${this.#titles.length === 1 ? "was" : "were"} taken for a title and left out.`,
        hint: "Start the sheet with the names of the columns.",
      });
    return problems;
  }
}

/** Cells merged downwards: each row of them gets the value of the first. */
class Fill {
  readonly #merges: Merge[];
  readonly #active = new Map<number, { to: number; value: string | null }>();
  #next = 0;
  filled = 0;

  constructor(merges: Merge[]) {
    this.#merges = [...merges].sort((a, b) => a.from - b.from);
  }

  row(given: SheetRow): SheetRow {
    if (this.#merges.length === 0) return given;
    const { cells } = given;
    const row = given.row - 1;
    for (const [column, { to, value }] of this.#active) {
      if (row > to) this.#active.delete(column);
      else if (value !== null && (cells[column] ?? null) === null) {
        while (cells.length <= column) cells.push(null);
        cells[column] = value;
        this.filled++;
      }
    }
    for (; this.#next < this.#merges.length && this.#merges[this.#next]!.from <= row; this.#next++) {
      const { column, from, to } = this.#merges[this.#next]!;
      if (from === row) this.#active.set(column, { to, value: cells[column] ?? null });
    }
    return given;
  }
}
