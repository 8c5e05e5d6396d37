// Columns of numbers and dates counted over all rows: how many cells have a text, how many of them are read, and what those are. Reading texts as values is most of the work, so nothing else goes over all rows.
import type { Cell, Database } from "./duckdb.ts";
import { type Reading, typedSql } from "./readings.ts";

/** Up to here distinct values, quartiles and histograms are exact; beyond, they are estimates, the last two from about as many rows. */
export const exactRows = 100_000;

/** Columns a query: each distinct count takes some megabytes for its table, however few the rows. */
export const width = 16;

/** Of one column; dates are in days from 1970. */
export interface Facts {
  /** Cells that are not empty. */
  given: number;
  /** Cells that are read. */
  present: number;
  distinct: number;
  min: number;
  max: number;
  /** Numbers only. */
  mean: number;
  std: number;
  integer: boolean;
  /** Each value is the number of its row plus the same constant; looked at in the first column only. */
  counted: boolean;
}

/** One for each reading, none of which is of type text. */
export async function factsOf(database: Database, readings: readonly Reading[], rows: number, signal?: AbortSignal): Promise<Facts[]> {
  const facts: Facts[] = [];
  for (let from = 0; from < readings.length; from += width)
    facts.push(...(await ask(database, readings.slice(from, from + width), rows, signal)));
  return facts;
}

async function ask(database: Database, readings: readonly Reading[], rows: number, signal?: AbortSignal): Promise<Facts[]> {
  const distinct = rows <= exactRows ? "count(DISTINCT" : "approx_count_distinct(";
  const source = typedSql(readings);
  const [given] = await database.rows(`SELECT ${readings.map(({ index }) => `count(c${index})`).join(", ")} FROM raw`, signal);
  // Of numbers beyond 1e154 the squares would be out of range: those are reckoned at a 2⁵¹²th of their size.
  const wanted = (times = "", over = "") =>
    readings.flatMap(({ type, index: i }) => [
      `count(v${i})`,
      `${distinct} v${i})`,
      `min(v${i})`,
      `max(v${i})`,
      ...(type === "date"
        ? ["NULL", "NULL", "NULL"]
        : [`avg(v${i}${times})${over}`, `coalesce(stddev_samp(v${i}${times}), 0)${over}`, `bool_and(v${i} = floor(v${i}))`]),
      ...(i === 0 && type === "number" ? [`min(v${i} - r)`, `max(v${i} - r)`] : ["0", "1"]),
    ]);
  const run = (columns: string[]) => database.rows(`SELECT ${columns.join(", ")} FROM ${source}`, signal);
  const [found] = await run(wanted()).catch((thrown: unknown) => {
    if (thrown instanceof Error && thrown.message.includes("out of range")) return run(wanted(` * ${2 ** -512}`, ` / ${2 ** -512}`));
    throw thrown;
  });
  const each = found!.length / readings.length;
  return readings.map((_, n) => ({ given: Number(given![n]), ...factsFrom(found!.slice(n * each, (n + 1) * each)) }));
}

function factsFrom([present, distinct, min, max, mean, std, integer, low, high]: Cell[]): Omit<Facts, "given"> {
  return {
    present: Number(present),
    distinct: Number(distinct),
    min: Number(min),
    max: Number(max),
    mean: Number(mean),
    std: Number(std),
    integer: integer === true,
    counted: low === high,
  };
}
