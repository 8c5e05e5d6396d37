// What is in a table: per column its type, spread and most frequent values. Of large tables only what must be exact goes over all rows.
import type { ColumnProfile, IgnoredBecause } from "../../ipc/types.ts";
import { type Database, literal } from "./duckdb.ts";
import { hasTime } from "./dates.ts";
import { exactRows, type Facts, width } from "./facts.ts";
import type { Inferred } from "./infer.ts";
import { countedSql, type Reading, trimmedSql, typedSql } from "./readings.ts";

const bins = 20;
const day = 86_400_000;

export async function profileColumns(
  database: Database,
  inferred: readonly Inferred[],
  rows: number,
  preview: readonly string[][],
  signal?: AbortSignal,
  onColumns?: (fraction: number) => void,
): Promise<ColumnProfile[]> {
  const columns: ColumnProfile[] = [];
  for (let from = 0; from < inferred.length; from += width) {
    const part = inferred.slice(from, from + width);
    columns.push(...(await profilePart(database, part, rows, preview, signal)));
    onColumns?.(Math.min(1, (from + width) / inferred.length));
  }
  ignoreLoneIdentifiers(columns);
  return columns;
}

async function profilePart(
  database: Database,
  part: readonly Inferred[],
  rows: number,
  preview: readonly string[][],
  signal?: AbortSignal,
): Promise<ColumnProfile[]> {
  const readings = part.map(({ reading }) => reading);
  const columns: ColumnProfile[] = [];
  for (const item of part)
    columns.push(
      item.facts
        ? describe(item, { ...item.facts, exact: rows <= exactRows }, rows, preview)
        : await describeWords(database, item, rows, preview, signal),
    );
  const typed = readings.filter((_, i) => columns[i]!.type === "number" || columns[i]!.type === "date");
  if (typed.length === 0) return columns;
  if (rows <= exactRows) {
    await quartiles(database, typedSql(typed), readings, columns, signal);
    await histograms(database, typedSql(typed), readings, columns, signal);
    return columns;
  }
  const picked = typedSql(typed, { where: `hash(r) % ${Math.ceil(rows / exactRows)} = 0` });
  await database.run(`CREATE TEMP TABLE picked AS SELECT ${typed.map(({ index }) => `v${index}`).join(", ")} FROM ${picked}`, signal);
  try {
    await quartiles(database, "picked", readings, columns, signal);
    await histograms(database, "picked", readings, columns, signal, rows);
  } finally {
    await database.run("DROP TABLE IF EXISTS picked");
  }
  return columns;
}

/** What a column is described by; of words only how many there are. */
type Known = Pick<Facts, "present" | "distinct"> & Partial<Facts> & { exact: boolean };

async function describeWords(
  database: Database,
  item: Inferred,
  rows: number,
  preview: readonly string[][],
  signal?: AbortSignal,
): Promise<ColumnProfile> {
  const { reading, various } = item;
  if (rows > exactRows && various) {
    // Nearly every text is another: counting them one by one takes most of the time and memory of an import, and nobody looks at them.
    const c = `c${reading.index}`;
    const marks = ["", ...reading.missing];
    const longest = Math.max(...marks.map((mark) => mark.length));
    const present = `coalesce(strlen(${c}) > ${4 * longest + 16} OR ${trimmedSql(reading.index)} NOT IN (${marks.map(literal).join(", ")}), false)`;
    const [facts] = await database.rows(`SELECT count(*), approx_count_distinct(${c}) FROM raw WHERE ${present}`, signal);
    const column = describe(item, { present: Number(facts![0]), distinct: Number(facts![1]), exact: false }, rows, preview);
    if (column.ignored) return column;
  }
  const values = `(SELECT v, sum(n)::BIGINT AS n FROM ${countedSql(reading)} WHERE v IS NOT NULL GROUP BY v)`;
  const found = await database.rows(`SELECT v, n, count(*) OVER (), sum(n) OVER () FROM ${values} ORDER BY n DESC, v LIMIT 20`, signal);
  const [first] = found;
  const column = describe(
    item,
    { present: first ? Number(first[3]) : 0, distinct: first ? Number(first[2]) : 0, exact: true },
    rows,
    preview,
  );
  if (column.type === "category") column.top = found.map(([value, count]) => ({ value: String(value), count: Number(count) }));
  return column;
}

function describe(item: Inferred, facts: Known, rows: number, preview: readonly string[][]): ColumnProfile {
  const { reading } = item;
  const { present } = facts;
  const column: ColumnProfile = {
    name: reading.name,
    type: present === 0 ? "empty" : reading.type === "text" ? "category" : reading.type,
    missing: rows - present,
    distinct: Math.min(facts.distinct, present),
    examples: [
      ...new Set(preview.map((row) => row[reading.index]!).filter((text) => text.trim() !== "" && !reading.missing.includes(text.trim()))),
    ].slice(0, 5),
  };
  if (present === 0) return { ...column, distinct: 0, ignored: "empty" };
  if (reading.type === "number") {
    column.integer = facts.integer === true;
    column.min = facts.min!;
    column.max = facts.max!;
    column.mean = steady(facts.mean!);
    column.std = steady(facts.std!);
  } else if (reading.type === "date") {
    column.format = reading.format;
    column.min = Math.round(facts.min! * day);
    column.max = Math.round(facts.max! * day);
    column.first = isoText(column.min, hasTime(reading.format));
    column.last = isoText(column.max, hasTime(reading.format));
  }
  const ignored = ignoredBecause(item, column, present, rows, facts);
  if (ignored) column.ignored = ignored;
  if (ignored === "freeText") column.type = "text";
  return column;
}

/** Sums over several threads differ in their last digits from run to run: twelve digits do not. */
function steady(value: number): number {
  return Number(value.toPrecision(12));
}

function isoText(milliseconds: number, time: boolean): string {
  const date = new Date(milliseconds);
  if (Number.isNaN(date.getTime())) return "";
  return date.toISOString().slice(0, time ? 16 : 10);
}

const idName =
  /(^|[_\s.-])(id|uid|guid|uuid|key|index|idx|rownum|row|no|nr|number|instant|serial|sequence|编号|序号|学号|工号|单号)$|[a-z]I[dD]$|^(编号|序号|.*id)$|^(unnamed: ?\d+)$/i;
const quantityName = /^(x|t|time|day|year|month|week|hour|minute|second|step|date|age|price|size)/i;

/** Why a column tells a network nothing that it could use on other rows; undefined where it may. */
function ignoredBecause(item: Inferred, column: ColumnProfile, present: number, rows: number, facts: Known): IgnoredBecause | undefined {
  const { reading, words, letters } = item;
  if (column.distinct <= 1) return "constant";
  // An estimated count of different values is right within a few parts in a hundred.
  const unique = column.distinct >= present * (facts.exact ? 1 : 0.93);
  if (reading.type === "number") {
    if (!column.integer || !unique || present < rows || rows < 10) return undefined;
    const consecutive = column.max! - column.min! === present - 1;
    if (idName.test(column.name)) return "identifier";
    const first = reading.index === 0 && facts.counted === true && rows >= 20 && !quantityName.test(column.name);
    return first && consecutive ? "identifier" : undefined;
  }
  if (reading.type === "date" || present < 20) return undefined;
  const share = column.distinct / present;
  if ((words >= 5 || letters >= 50) && share > 0.3 && column.distinct > 50) return "freeText";
  if (share >= 0.9 && words >= 2.5) return "freeText";
  if (unique || (share >= 0.9 && (idName.test(column.name) || column.distinct > 1000))) return "identifier";
  return undefined;
}

/** A column of numbers that only looks like an identifier stays when nothing else is left to learn from. */
function ignoreLoneIdentifiers(columns: ColumnProfile[]): void {
  if (columns.filter((column) => !column.ignored).length >= 2) return;
  for (const column of columns)
    if (column.type === "number" && column.ignored === "identifier" && !idName.test(column.name)) delete column.ignored;
}

/** @param source has the columns v<index> of typedSql */
async function quartiles(
  database: Database,
  source: string,
  readings: readonly Reading[],
  columns: ColumnProfile[],
  signal?: AbortSignal,
): Promise<void> {
  const numbers = readings.filter((_, i) => columns[i]!.type === "number");
  if (numbers.length === 0) return;
  const picks = numbers.map(({ index: i }) => `quantile_cont(v${i}, [0.25, 0.5, 0.75]) AS q${i}`);
  const wanted = numbers.flatMap(({ index: i }) => [1, 2, 3].map((q) => `q${i}[${q}]`));
  const [facts] = await database.rows(`SELECT ${wanted.join(", ")} FROM (SELECT ${picks.join(", ")} FROM ${source})`, signal);
  let at = 0;
  for (const [i] of readings.entries()) {
    const column = columns[i]!;
    if (column.type !== "number") continue;
    const [low, middle, high] = facts!.slice(at, at + 3).map((v) => (v === null ? (column.mean ?? 0) : Number(v)));
    column.quartiles = [low!, middle!, high!];
    at += 3;
  }
}

/**
 * @param source has the columns v<index> of typedSql
 * @param rows of the table, where the source is a part of it: the counts are then raised to the whole
 */
async function histograms(
  database: Database,
  source: string,
  readings: readonly Reading[],
  columns: ColumnProfile[],
  signal?: AbortSignal,
  rows?: number,
): Promise<void> {
  const drawn = readings.flatMap((reading, i) => {
    const { type, min, max, integer } = columns[i]!;
    if ((type !== "number" && type !== "date") || min === undefined || max === undefined || !(max > min)) return [];
    const [low, high] = type === "date" ? [min / day, max / day] : [min, max];
    const few = integer === true && high - low < bins; // one bar a whole number
    const count = few ? high - low + 1 : bins;
    const step = few ? 1 : (high - low) / count;
    if (!Number.isFinite(step) || step <= 0) return [];
    return [{ reading, i, low: few ? low - 0.5 : low, step, count }];
  });
  if (drawn.length === 0) return;
  const wanted = drawn.map(
    ({ reading: { index }, low, step, count }) =>
      `histogram(least(${count - 1}, greatest(0, floor((v${index} - (${low})::DOUBLE) / (${step})::DOUBLE)))::INTEGER) FILTER (WHERE v${index} IS NOT NULL)::VARCHAR`, // greatest passes NULL over
  );
  const [facts] = await database.rows(`SELECT ${wanted.join(", ")} FROM ${source}`, signal);
  for (const [n, { i, low, step, count }] of drawn.entries()) {
    const counts = new Array<number>(count).fill(0);
    for (const [, bar, number] of String(facts![n]).matchAll(/(\d+)=(\d+)/g)) counts[Number(bar)] = Number(number);
    const seen = counts.reduce((sum, count) => sum + count, 0);
    if (rows !== undefined && seen > 0)
      for (let bar = 0; bar < count; bar++) counts[bar] = Math.round((counts[bar]! * (rows - columns[i]!.missing)) / seen);
    const scale = columns[i]!.type === "date" ? day : 1;
    columns[i]!.histogram = { edges: Array.from({ length: count + 1 }, (_, e) => (low + e * step) * scale), counts };
  }
}
