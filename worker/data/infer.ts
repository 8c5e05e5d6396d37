// What type each column is. A sample of the rows suggests a reading; the engine then
// tries it on every row, and a column where it fails is read as text.
import { type Cell, type Database, literal } from "./duckdb.ts";
import { datePattern, findDateFormats } from "./dates.ts";
import { isMissingNumber, isMissingWord } from "./missing.ts";
import { areCodes, findNumberFormat } from "./numbers.ts";
import { type Facts, factsOf } from "./facts.ts";
import { presentSql, type Reading, trimmed, trimmedSql } from "./readings.ts";

export interface Inferred {
  reading: Reading;
  /** Texts in a column of numbers or dates that are neither that nor a mark for missing: how many, and some of them. */
  unreadable: { count: number; examples: string[]; row: number };
  /** Marks for missing that were found, with how often. */
  marks: { value: string; count: number }[];
  /** Of texts: mean number of words and letters of the different ones of the sample. */
  words: number;
  letters: number;
  /** Of four cells of the sample that are not empty, three say something of their own. */
  various: boolean;
  /** Of numbers and dates. */
  facts?: Facts;
}

interface Counted {
  value: string;
  count: number;
}

/** Rows that the sample takes at the least when there are more. */
const sampleRows = 8_000;

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
  const sample = await countCells(database, names.length, rows, rows <= wanted ? rows : wanted, signal);
  const found: Inferred[] = [];
  for (const [index, name] of names.entries()) {
    const values = sample[index]!;
    const { reading, dates } = suggest(name, index, values);
    const reading2 = dates.length > 1 ? { ...reading, format: await betterDate(database, index, dates, delimiter, signal) } : reading;
    found.push({
      reading: reading2 as Reading,
      unreadable: { count: 0, examples: [], row: 0 },
      marks: [],
      words: 0,
      letters: 0,
      various: isVarious(values),
    });
  }
  if (found.some(({ reading }) => reading.type === "number" && reading.format === "1.234,5"))
    for (const { reading } of found)
      if (reading.type === "number" && reading.format === "plain" && ambiguous.has(reading)) reading.format = "1.234,5";
  await verify(database, found, rows, signal);
  for (const item of found) if (item.reading.type === "text") Object.assign(item, lengths(sample[item.reading.index]!));
  return found;
}

/** Blocks that the half of a sample is taken in that is not the beginning: the engine passes over what lies between. */
const blocks = 50;

/** Which rows are looked at: the first ones, and as many in blocks over the whole table. */
function sampled(rows: number, wanted: number): [from: number, to: number][] {
  if (rows <= wanted) return [[0, rows]];
  const first = Math.floor(wanted / 2);
  const length = Math.max(1, Math.floor(first / blocks));
  const from = (block: number): number => first + Math.floor(((rows - first - length) * block) / (blocks - 1));
  return [[0, first], ...Array.from({ length: blocks }, (_, block): [number, number] => [from(block), from(block) + length])];
}

/** The different texts of each column among `wanted` rows, trimmed, the most frequent first. */
async function countCells(database: Database, columns: number, rows: number, wanted: number, signal?: AbortSignal): Promise<Counted[][]> {
  const counts = Array.from({ length: columns }, () => new Map<string, number>());
  let end = 0; // blocks of a table that is hardly larger than the sample touch
  for (const [from, to] of sampled(rows, wanted)) {
    const where = `rowid >= ${Math.max(from, end)} AND rowid < ${to}`;
    end = to;
    for await (const chunk of database.chunks(`SELECT * FROM texts WHERE ${where}`, signal))
      for (const [index, column] of counts.entries()) {
        const vector = chunk.getColumnVector(index);
        for (let r = 0; r < chunk.rowCount; r++) {
          const text = trimmed((vector.getItem(r) ?? "") as string);
          column.set(text, (column.get(text) ?? 0) + 1);
        }
      }
  }
  return counts.map((column) => [...column].map(([value, count]) => ({ value, count })).sort((a, b) => b.count - a.count));
}

function isVarious(values: readonly Counted[]): boolean {
  const present = values.filter(({ value }) => value !== "");
  let cells = 0;
  for (const { count } of present) cells += count;
  return present.length > 0.75 * cells;
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

/** Tries every reading of numbers and dates on all rows; fills in what was not readable, the marks that were found, and the facts. */
async function verify(database: Database, found: Inferred[], rows: number, signal?: AbortSignal): Promise<void> {
  const typed = found.map(({ reading }) => reading).filter(({ type }) => type !== "text");
  const facts = await factsOf(database, typed, rows, signal);
  for (const [n, reading] of typed.entries()) {
    const i = reading.index;
    const item = found[i]!;
    item.facts = facts[n]!;
    if (item.facts.given === item.facts.present) continue;
    // Only what is not read is trimmed.
    const odd = await database.rows(
      `SELECT t, count(*)::INTEGER AS n, min(r) FROM (SELECT ${trimmedSql(i)} AS t, rowid AS r FROM raw WHERE c${i} IS NOT NULL AND NOT ${presentSql(reading)})
       WHERE t <> '' GROUP BY t ORDER BY n DESC, t LIMIT 1000`,
      signal,
    );
    judge(item, odd, item.facts.present, rows);
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
    delete item.facts;
    return;
  }
  if (lone && unreadable > 0.05 * rows && item.reading.type === "number") item.marks.push({ value: strange[0]!, count: unreadable });
  else if (unreadable > 0) item.unreadable = { count: unreadable, examples: strange.slice(0, 5), row: firstRow + 1 };
  item.reading.missing = [...item.marks.map(({ value }) => value)];
}
