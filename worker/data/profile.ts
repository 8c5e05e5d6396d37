// What is in a table: per column its type, spread and most frequent values, counted by the engine in two passes over all rows.
import type { ColumnProfile, IgnoredBecause } from "../../ipc/types.ts";
import type { Cell, Database } from "./duckdb.ts";
import { hasTime } from "./dates.ts";
import type { Inferred } from "./infer.ts";
import { countedSql, type Reading, typedSql } from "./readings.ts";

/** Up to here distinct values and quartiles are exact; beyond, quartiles come from about as many rows, picked by their hash. */
export const exactRows = 100_000;
const bins = 20;
const day = 86_400_000;

/** Columns a query: each distinct count takes some megabytes for its table, however few the rows. */
const width = 16;

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
  const typed = readings.filter(({ type }) => type !== "text");
  const distinct = rows <= exactRows ? "count(DISTINCT" : "approx_count_distinct(";
  // Of numbers beyond 1e154 the squares would be out of range: those are reckoned at a 2⁵¹²th of their size.
  const wanted = (times: string, over: string) =>
    typed.flatMap(({ type, index: i }) => {
      const common = [`count(v${i})`, `${distinct} v${i})`, `min(v${i})`, `max(v${i})`];
      return type === "date"
        ? common
        : [
            ...common,
            `avg(v${i}${times})${over}`,
            `coalesce(stddev_samp(v${i}${times}), 0)${over}`,
            `bool_and(v${i} = floor(v${i}))`,
            `min(v${i} - r)`,
            `max(v${i} - r)`,
          ];
    });
  const ask = (times = "", over = "") => database.rows(`SELECT ${wanted(times, over).join(", ")} FROM ${typedSql(typed)}`, signal);
  const [facts] = typed.length
    ? await ask().catch((thrown: unknown) => {
        if (thrown instanceof Error && thrown.message.includes("out of range")) return ask(` * ${2 ** -512}`, ` / ${2 ** -512}`);
        throw thrown;
      })
    : [[]];
  const columns: ColumnProfile[] = [];
  let at = 0;
  for (const item of part) {
    const { reading } = item;
    if (reading.type === "text") columns.push(await describeWords(database, item, rows, preview, signal));
    else {
      const length = reading.type === "date" ? 4 : 9;
      columns.push(describe(item, facts!.slice(at, at + length), rows, preview));
      at += length;
    }
  }
  await quartiles(database, readings, columns, rows, signal);
  await histograms(database, readings, columns, signal);
  return columns;
}

async function describeWords(
  database: Database,
  item: Inferred,
  rows: number,
  preview: readonly string[][],
  signal?: AbortSignal,
): Promise<ColumnProfile> {
  const values = `(SELECT v, sum(n)::BIGINT AS n FROM ${countedSql(item.reading)} WHERE v IS NOT NULL GROUP BY v)`;
  const found = await database.rows(`SELECT v, n, count(*) OVER (), sum(n) OVER () FROM ${values} ORDER BY n DESC, v LIMIT 20`, signal);
  const [first] = found;
  const column = describe(item, [first ? Number(first[3]) : 0, first ? Number(first[2]) : 0], rows, preview);
  if (column.type === "category") column.top = found.map(([value, count]) => ({ value: String(value), count: Number(count) }));
  return column;
}

function describe(item: Inferred, facts: Cell[], rows: number, preview: readonly string[][]): ColumnProfile {
  const { reading } = item;
  const present = Number(facts[0]);
  const column: ColumnProfile = {
    name: reading.name,
    type: present === 0 ? "empty" : reading.type === "text" ? "category" : reading.type,
    missing: rows - present,
    distinct: Math.min(Number(facts[1]), present),
    examples: [
      ...new Set(preview.map((row) => row[reading.index]!).filter((text) => text.trim() !== "" && !reading.missing.includes(text.trim()))),
    ].slice(0, 5),
  };
  if (present === 0) return { ...column, distinct: 0, ignored: "empty" };
  if (reading.type === "number") {
    column.integer = facts[6] === true;
    column.min = Number(facts[2]);
    column.max = Number(facts[3]);
    column.mean = steady(Number(facts[4]));
    column.std = steady(Number(facts[5]));
  } else if (reading.type === "date") {
    column.format = reading.format;
    column.min = Math.round(Number(facts[2]) * day);
    column.max = Math.round(Number(facts[3]) * day);
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
function ignoredBecause(item: Inferred, column: ColumnProfile, present: number, rows: number, facts: Cell[]): IgnoredBecause | undefined {
  const { reading, words, letters } = item;
  if (column.distinct <= 1) return "constant";
  // Beyond exactRows the count of different numbers is an estimate, within a few parts in a hundred.
  const unique = column.distinct >= present * (rows <= exactRows || reading.type === "text" ? 1 : 0.93);
  if (reading.type === "number") {
    if (!column.integer || !unique || present < rows || rows < 10) return undefined;
    const counted = facts[7] === facts[8]; // the value is the row's number plus a constant
    const consecutive = column.max! - column.min! === present - 1;
    if (idName.test(column.name)) return "identifier";
    const first = reading.index === 0 && counted && rows >= 20 && !quantityName.test(column.name);
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

async function quartiles(
  database: Database,
  readings: readonly Reading[],
  columns: ColumnProfile[],
  rows: number,
  signal?: AbortSignal,
): Promise<void> {
  const numbers = readings.filter((_, i) => columns[i]!.type === "number");
  if (numbers.length === 0) return;
  const where = rows <= exactRows ? {} : { where: `k % ${Math.ceil(rows / exactRows)} = 0` };
  const picks = numbers.flatMap(({ index: i }) => [0.25, 0.5, 0.75].map((q) => `quantile_cont(v${i}, ${q})`));
  const [facts] = await database.rows(`SELECT ${picks.join(", ")} FROM ${typedSql(numbers, where)}`, signal);
  let at = 0;
  for (const [i] of readings.entries()) {
    const column = columns[i]!;
    if (column.type !== "number") continue;
    const [low, middle, high] = facts!.slice(at, at + 3).map((v) => (v === null ? (column.mean ?? 0) : Number(v)));
    column.quartiles = [low!, middle!, high!];
    at += 3;
  }
}

async function histograms(database: Database, readings: readonly Reading[], columns: ColumnProfile[], signal?: AbortSignal): Promise<void> {
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
      `histogram(least(${count - 1}, greatest(0, floor((v${index} - (${low})::DOUBLE) / (${step})::DOUBLE)))::INTEGER)::VARCHAR`,
  );
  const [facts] = await database.rows(`SELECT ${wanted.join(", ")} FROM ${typedSql(drawn.map(({ reading }) => reading))}`, signal);
  for (const [n, { i, low, step, count }] of drawn.entries()) {
    const counts = new Array<number>(count).fill(0);
    for (const [, bar, number] of String(facts![n]).matchAll(/(\d+)=(\d+)/g)) counts[Number(bar)] = Number(number);
    const scale = columns[i]!.type === "date" ? day : 1;
    columns[i]!.histogram = { edges: Array.from({ length: count + 1 }, (_, e) => (low + e * step) * scale), counts };
  }
}
