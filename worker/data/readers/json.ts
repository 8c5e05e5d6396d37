// JSON (an array of objects, or an object that holds one) and JSON Lines, value by value: nested objects become columns with dotted names,
// lists become their JSON text. Memory stays at the longest value.
import { basename } from "node:path";
import { AppError } from "../../../ipc/error.ts";
import type { TablePart } from "../../../ipc/types.ts";
import { isHeader } from "../dialect.ts";
import { nameColumns, noHeader } from "../names.ts";
import { letters } from "../scan.ts";
import { dropFirstRow } from "../raw.ts";
import { CleanCsv } from "./cleanCsv.ts";
import { type Piece, Values } from "./jsonValues.ts";
import { broken, choosePart, countRows, type Imported, maxColumns, noDialect, noRows, onlyOne, otherParts, type Reader, type ReadInput, tooLarge } from "./reader.ts"; // prettier-ignore

export const json: Reader = {
  id: "json",
  title: "JSON",
  endings: [".json", ".jsonl", ".ndjson", ".geojson"],
  text: true,
  accepts(head, ending) {
    const text = head.toString("utf8").replace(/^\ufeff/, "");
    return json.endings.includes(ending) ? !head.includes(0) || /^\ufeff?\s*[[{]/.test(head.toString("utf16le")) : looksLikeJson(text);
  },
  read,
};

/** Without a name that says it: an object with a key, or a list of such, which no table of another kind begins with. */
function looksLikeJson(text: string): boolean {
  return /^\s*(\[\s*)?\{\s*"(?:[^"\\\n]|\\.)*"\s*:/.test(text);
}

/** Objects below this depth stay JSON text. */
const deepest = 8;

/** Columns by name, and rows on their way into the engine. */
class Columns {
  readonly places = new Map<string, number>();
  readonly #file: string;
  constructor(file: string) {
    this.#file = file;
  }

  row(object: Record<string, unknown>): (string | null)[] {
    const cells: (string | null)[] = new Array<string | null>(this.places.size).fill(null);
    this.#fill(cells, object, "", 1);
    return cells;
  }

  #fill(cells: (string | null)[], object: Record<string, unknown>, before: string, depth: number): void {
    for (const key in object) {
      const value = object[key];
      const name = before + key;
      if (typeof value === "object" && value !== null && !Array.isArray(value) && depth < deepest) {
        this.#fill(cells, value as Record<string, unknown>, `${name}.`, depth + 1);
        continue;
      }
      let place = this.places.get(name);
      if (place === undefined) {
        place = this.places.size;
        if (place >= maxColumns) throw tooLarge(this.#file, `its objects have more than ${maxColumns} different fields`);
        this.places.set(name, place);
      }
      while (cells.length <= place) cells.push(null);
      cells[place] = textOf(value);
    }
  }
}

function textOf(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  return typeof value === "string" ? value : typeof value === "object" ? JSON.stringify(value) : String(value as number | boolean);
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);

async function read(input: ReadInput): Promise<Imported> {
  const { file, scan, folder, signal } = input;
  const csv = await CleanCsv.open(folder);
  try {
    const columns = new Columns(file);
    const values = new Values(file);
    /** Lists as rows: all of them wait for the first two, which say whether there are names. */
    let listed: { width: number } | undefined;
    let only: unknown; // the one value of the file, where it is an object
    const take = ({ value, line }: Piece): void => {
      if (isObject(value) && !listed) {
        if (values.count === 1 && !values.inList) {
          only = value; // the file may be this one object, which then holds the rows
          return;
        }
        if (only !== undefined) put(columns.row(only as Record<string, unknown>), 1);
        only = undefined;
        put(columns.row(value), line);
      } else if (Array.isArray(value) && columns.places.size === 0 && only === undefined) {
        listed ??= { width: 0 };
        listed.width = Math.max(listed.width, value.length);
        if (listed.width > maxColumns) throw tooLarge(file, `its lists have more than ${maxColumns} items`);
        put(value.map(textOf), line);
      } else
        throw new AppError(
          "tableRagged",
          `${basename(file)}, line ${line}: value ${values.count} is ${kindOf(value)} where a row (an object with named fields) was expected.`,
          "Give a list of objects, or one object a line.",
          { file: basename(file), row: values.count, line },
        );
    };
    const put = (cells: (string | null)[], line: number): void => {
      if (csv.add(cells)) return;
      throw new AppError(
        "tableRagged",
        `${basename(file)}, line ${line}: the row is longer than two million letters.`,
        "Shorten its texts.",
        {
          file: basename(file),
          row: csv.rows + 1,
          line,
        },
      );
    };
    let letter = 0;
    for await (const text of letters(file, scan, signal)) {
      for (const piece of values.push(text)) take(piece);
      if (csv.full) await csv.flush();
      letter += text.length;
      input.onProgress?.(Math.min(1, letter / scan.bytes));
    }
    for (const piece of values.end()) take(piece);
    if (only !== undefined) {
      await csv.abandon();
      return await readOne(input, only as Record<string, unknown>);
    }
    onlyOne(input, "JSON");
    if (csv.rows === 0) throw noRows(file);
    if (listed) return await finishLists(input, csv, listed.width);
    return await finish(input, csv, [...columns.places.keys()]);
  } catch (error) {
    await csv.abandon();
    throw error;
  }
}

async function finish(input: ReadInput, csv: CleanCsv, written: string[]): Promise<Imported> {
  const { file, scan, folder, signal } = input;
  if (written.length === 0)
    throw new AppError("tableNoColumns", `${basename(file)}: its objects have no fields.`, "Choose a file with fields.", {
      file: basename(file),
    });
  const { names, problems } = nameColumns(written);
  const database = await csv.finish(folder, names.length, signal);
  return { database, names, problems, rows: await counted(database, file), dialect: { ...noDialect, encoding: scan.encoding } };
}

async function counted(database: Imported["database"], file: string): Promise<number> {
  try {
    return await countRows(database, file);
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Rows that are lists: the first is the names where it looks like it. */
async function finishLists(input: ReadInput, csv: CleanCsv, width: number): Promise<Imported> {
  const { file, scan, folder, signal } = input;
  if (width === 0) throw noRows(file);
  const database = await csv.finish(folder, width, signal);
  try {
    const cells = Array.from({ length: width }, (_, i) => `coalesce(c${i}, '')`).join(", ");
    const top = (await database.rows(`SELECT ${cells} FROM raw ORDER BY rowid LIMIT 1001`, signal)) as string[][];
    const header = top.length > 1 && isHeader(top[0]!, top.slice(1));
    const { names, problems } = header
      ? nameColumns(top[0]!)
      : { names: nameColumns(top[0]!.map(() => "")).names, problems: [noHeader(width)] };
    if (header) await dropFirstRow(database, width, signal);
    return { database, names, problems, rows: await countRows(database, file), dialect: { ...noDialect, header, encoding: scan.encoding } };
  } catch (error) {
    database.close();
    throw error;
  }
}

/** The whole file is one object: the rows are a list in it, or its fields are columns; failing both, it is the only row. */
async function readOne(input: ReadInput, object: Record<string, unknown>): Promise<Imported> {
  const { file, folder } = input;
  const columns = new Columns(file);
  const lists = Object.entries(object).flatMap(([name, value]) =>
    Array.isArray(value) && value.length > 0 && value.every(isObject) ? [{ name, rows: value.length, value }] : [],
  );
  const csv = await CleanCsv.open(folder);
  try {
    let written: string[] | undefined;
    let chosen: { part: string; parts: TablePart[] } | undefined;
    const fields = Object.values(object);
    const { columns: given, data } = object;
    if (lists.length > 0) {
      const list = choosePart(file, lists, input.part, "table");
      chosen = { part: list.name, parts: lists.map(({ name, rows }) => ({ name, rows })) };
      for (const [i, value] of list.value.entries()) await put(columns.row(value), i);
    } else {
      onlyOne(input, "JSON");
      if (
        Array.isArray(given) &&
        Array.isArray(data) &&
        data.length > 0 &&
        data.every((row) => Array.isArray(row) && row.length === given.length)
      ) {
        written = given.map(String); // pandas, orient="split"
        for (const [i, row] of (data as unknown[][]).entries()) await put(row.map(textOf), i);
      } else if (fields.length > 0 && fields.every(Array.isArray) && new Set(fields.map(({ length }) => length)).size === 1) {
        written = Object.keys(object);
        for (let i = 0; i < fields[0]!.length; i++)
          await put(
            fields.map((field) => textOf((field as unknown[])[i])),
            i,
          );
      } else if (fields.length > 1 && sameKeys(fields)) {
        written = Object.keys(object); // pandas, orient="columns"
        for (const [i, key] of Object.keys(fields[0] as object).entries())
          await put(
            fields.map((field) => textOf((field as Record<string, unknown>)[key])),
            i,
          );
      } else await put(columns.row(object), 0);
    }
    if (csv.rows === 0) throw noRows(file);
    const read = await finish(input, csv, written ?? [...columns.places.keys()]);
    return chosen ? { ...read, ...chosen, problems: [...read.problems, ...otherParts(chosen.parts, chosen.part, "table")] } : read;
  } catch (error) {
    await csv.abandon();
    throw error;
  }

  async function put(cells: (string | null)[], row: number): Promise<void> {
    if (!csv.add(cells)) throw broken(file, "the row is longer than two million letters", `row ${row + 1}`);
    if (csv.full) await csv.flush();
  }
}

/** Objects that all have the keys "0", "1", … in common, as columns that are objects by row have. */
function sameKeys(fields: unknown[]): fields is Record<string, unknown>[] {
  if (!fields.every(isObject)) return false;
  const keys = Object.keys(fields[0]!);
  return keys.length > 0 && keys[0] === "0" && fields.every((field) => Object.keys(field).length === keys.length && keys.at(-1)! in field);
}

function kindOf(value: unknown): string {
  return value === null ? "null" : Array.isArray(value) ? "a list" : typeof value === "object" ? "an object" : `a ${typeof value}`;
}
