// What type each column is. A sample of the rows suggests a reading; the engine then
// tries it on every row, and a column where it fails is read as text.
import { type Cell, type Database, literal } from "./duckdb.ts";
import { datePattern, findDateFormats } from "./dates.ts";
import { isMissingNumber, isMissingWord } from "./missing.ts";
import { areCodes, findNumberFormat } from "./numbers.ts";
import { type Reading, trimmed, trimmedSql, typedSql } from "./readings.ts";

export interface Inferred {
  reading: Reading;
  /** Texts in a column of numbers or dates that are neither that nor a mark for missing: how many, and some of them. */
  unreadable: { count: number; examples: string[]; row: number };
  /** Marks for missing that were found, with how often. */
  marks: { value: string; count: number }[];
  /** Mean number of words and letters of the distinct texts of the sample. */
  words: number;
  letters: number;
}

interface Counted {
  value: string;
  count: number;
}

/** Rows that the sample takes at the least when there are more. */
const sampleRows = 20_000;

/** In the order of the columns. `delimiter` decides between day and month where nothing else does. */
export async function inferColumns(
  database: Database,
  names: readonly string[],
  rows: number,
  delimiter: string,
  signal?: AbortSignal,
): Promise<Inferred[]> {
  // Wide tables: fewer rows, so that the sample stays at some millions of cells.
  const wanted = Math.max(1000, Math.min(sampleRows, Math.floor(4_000_000 / names.length)));
  const where = rows <= wanted ? "true" : `rowid < ${wanted / 2} OR rowid % ${Math.floor(rows / (wanted / 2))} = 0`;
  const sample = await countCells(database, names.length, where, signal);
  const found: Inferred[] = [];
  for (const [index, name] of names.entries()) {
    const values = sample[index]!;
    const { reading, dates } = suggest(name, index, values);
    const reading2 = dates.length > 1 ? { ...reading, format: await betterDate(database, index, dates, delimiter, signal) } : reading;
    found.push({ reading: reading2 as Reading, unreadable: { count: 0, examples: [], row: 0 }, marks: [], ...lengths(values) });
  }
  if (found.some(({ reading }) => reading.type === "number" && reading.format === "1.234,5"))
    for (const { reading } of found)
      if (reading.type === "number" && reading.format === "plain" && ambiguous.has(reading)) reading.format = "1.234,5";
  await verify(database, found, rows, signal);
  return found;
}

/** The different texts of each column among the rows that `where` picks, trimmed, the most frequent first. */
async function countCells(database: Database, columns: number, where: string, signal?: AbortSignal): Promise<Counted[][]> {
  const counts = Array.from({ length: columns }, () => new Map<string, number>());
  for await (const chunk of database.chunks(`SELECT * EXCLUDE (k) FROM raw WHERE ${where}`, signal))
    for (const [index, column] of counts.entries()) {
      const vector = chunk.getColumnVector(index);
      for (let r = 0; r < chunk.rowCount; r++) {
        const text = trimmed((vector.getItem(r) ?? "") as string);
        column.set(text, (column.get(text) ?? 0) + 1);
      }
    }
  return counts.map((column) => [...column].map(([value, count]) => ({ value, count })).sort((a, b) => b.count - a.count));
}

/** Readings as "plain" whose values would also be thousands with points. */
const ambiguous = new WeakSet<Reading>();

function suggest(name: string, index: number, values: Counted[]): { reading: Reading; dates: string[] } {
  const present = values.filter(({ value }) => !isMissingNumber(value));
  const base = { name, index, missing: [] as string[] };
  if (present.length > 0) {
    const dates = findDateFormats(present, name);
    const numbers = findNumberFormat(values);
    const lone = numbers !== undefined && numbers.odd.length === 1 && present.length >= 6;
    const many = numbers !== undefined && present.length - numbers.odd.length >= 10;
    if (numbers && dates.length === 0 && !areCodes(present) && (numbers.share === 1 || (numbers.share >= 0.95 && many) || lone)) {
      const reading: Reading = { ...base, type: "number", format: numbers.format };
      if (numbers.ambiguous) ambiguous.add(reading);
      return { reading, dates };
    }
    if (dates.length > 0) return { reading: { ...base, type: "date", format: dates[0]! }, dates };
  }
  const others = values.map(({ value }) => value);
  const missing = others.filter((value) => value !== "" && isMissingWord(value, others));
  return { reading: { ...base, type: "text", missing }, dates: [] };
}

function lengths(values: Counted[]): { words: number; letters: number } {
  const texts = values.filter(({ value }) => value !== "");
  if (texts.length === 0) return { words: 0, letters: 0 };
  let words = 0;
  let letters = 0;
  for (const { value } of texts) {
    // A Chinese letter counts as half a word.
    words += value.split(/\s+/).length + Math.floor((value.match(/[\u3400-\u9fff]/g)?.length ?? 0) / 2);
    letters += value.length;
  }
  return { words: words / texts.length, letters: letters / texts.length };
}

/** Of formats that all fit the sample, the one that reads most rows; day before month where semicolons say so, else month first. */
async function betterDate(database: Database, index: number, formats: string[], delimiter: string, signal?: AbortSignal): Promise<string> {
  const counts = formats.map((format) => `count_if(regexp_full_match(c${index}, ${literal(datePattern(format))}))`);
  const [row] = await database.rows(`SELECT ${counts.join(", ")} FROM raw`, signal);
  const most = Math.max(...row!.map(Number));
  const equal = formats.filter((_, i) => Number(row![i]) === most);
  const dayFirst = equal.find((format) => format.startsWith("%d"));
  return delimiter === ";" && dayFirst ? dayFirst : equal[0]!;
}

/** Tries every reading of numbers and dates on all rows; fills in what was not readable and the marks that were found. */
async function verify(database: Database, found: Inferred[], rows: number, signal?: AbortSignal): Promise<void> {
  for (let from = 0; from < found.length; from += 64) {
    const part = found.slice(from, from + 64);
    const typed = part.map(({ reading }) => reading).filter(({ type }) => type !== "text");
    if (typed.length === 0) continue;
    const [given] = await database.rows(`SELECT ${typed.map(({ index }) => `count(c${index})`).join(", ")} FROM raw`, signal);
    const [read] = await database.rows(`SELECT ${typed.map(({ index }) => `count(v${index})`).join(", ")} FROM ${typedSql(typed)}`, signal);
    for (const [i, reading] of typed.entries()) {
      if (given![i] === read![i]) continue;
      const item = found[reading.index]!;
      const odd = await database.rows(
        `SELECT t${reading.index} AS t, count(*)::INTEGER AS n, min(r) FROM ${typedSql([reading], { texts: true })}
         WHERE v${reading.index} IS NULL AND t${reading.index} IS NOT NULL GROUP BY t ORDER BY n DESC, t LIMIT 1000`,
        signal,
      );
      judge(item, odd, Number(read![i]), rows);
    }
  }
  for (const { reading, marks } of found) {
    if (reading.type !== "text" || reading.missing.length === 0) continue;
    const i = reading.index;
    const counted = await database.rows(
      `SELECT ${trimmedSql(i)} AS t, count(*)::INTEGER FROM raw WHERE t IN (${reading.missing.map(literal).join(", ")}) GROUP BY t ORDER BY 2 DESC, t`,
      signal,
    );
    marks.push(...counted.map(([value, count]) => ({ value: String(value), count: Number(count) })));
  }
}

/** Marks are missing values; a few odd texts among many numbers are told; more of them, and the column is text. */
function judge(item: Inferred, odd: Cell[][], read: number, rows: number): void {
  let unreadable = 0;
  let firstRow = Infinity;
  const strange: string[] = [];
  for (const [text, n, row] of odd) {
    const value = String(text);
    if (isMissingNumber(value)) item.marks.push({ value, count: Number(n) });
    else {
      unreadable += Number(n);
      firstRow = Math.min(firstRow, Number(row));
      strange.push(value);
    }
  }
  const lone = strange.length === 1 && read >= unreadable && read >= 5;
  if (unreadable > 0 && unreadable > 0.05 * (read + unreadable) && !lone) {
    const values = odd.map(([text]) => String(text));
    const { name, index } = item.reading;
    item.reading = { name, index, type: "text", missing: values.filter((value) => isMissingWord(value, values)) };
    item.marks = [];
    return;
  }
  if (lone && unreadable > 0.05 * rows && item.reading.type === "number") item.marks.push({ value: strange[0]!, count: unreadable });
  else if (unreadable > 0) item.unreadable = { count: unreadable, examples: strange.slice(0, 5), row: firstRow + 1 };
  item.reading.missing = [...item.marks.map(({ value }) => value)];
}
