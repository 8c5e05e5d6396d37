// How each column is read: the type found on a sample, as SQL over the table of texts. The table in DuckDB is `raw`: c0, c1, … as
// written (NULL for empty), `k` the hash of the row, reckoned where a query names it; rowid counts from 0. Nothing typed is stored: the engine reads texts as fast.
import { type DatabaseOptions, literal } from "./duckdb.ts";
import { datePartsSql, dateStructSql, isoDaysSql } from "./dates.ts";
import { type NumberFormat, numberSql } from "./numbers.ts";

export type { DatabaseOptions };

/** How one column of `raw` is read. `missing`: the marks (as written, trimmed) that mean no value, besides the empty text. */
export type Reading = { name: string; index: number; missing: string[] } & (
  { type: "number"; format: NumberFormat } | { type: "date"; format: string } | { type: "text" }
);

/** Blanks that people and programs leave around a value. */
const blanks = "' ' || chr(9) || chr(10) || chr(13) || chr(160) || chr(12288) || chr(65279)";

/** The value of column `index` without blanks around it. */
export function trimmedSql(index: number): string {
  return `trim(c${index}, ${blanks})`;
}

/** JavaScript's side of the same. */
export function trimmed(text: string): string {
  return text.replace(/^[ \t\n\r\u00a0\u3000\ufeff]+|[ \t\n\r\u00a0\u3000\ufeff]+$/g, "");
}

/**
 * A sub-select with the columns r (row, from 0), k, and for each reading v<index>: DOUBLE (numbers), VARCHAR (texts), or, for dates,
 * DOUBLE days from 1970 and with `parts` also y/m/d/h/days<index>; NULL for missing. `where` filters on r and k, `raw` on the columns of
 * `raw`; `also`: further columns by name, SQL over `raw`.
 */
export function typedSql(
  readings: readonly Reading[],
  options: { where?: string; raw?: string; parts?: boolean; texts?: boolean; also?: Record<string, string> } = {},
): string {
  const first: string[] = [];
  const final: string[] = [];
  for (const reading of readings) {
    const i = reading.index;
    if (options.texts) {
      first.push(`${trimmedSql(i)} AS t${i}`);
      final.push(`CASE WHEN t${i} IN (${["", ...reading.missing].map(literal).join(", ")}) THEN NULL ELSE t${i} END AS t${i}`);
    }
    if (reading.type === "number") {
      first.push(`${numberSql(`c${i}`, reading.format)} AS n${i}`);
      final.push(`CASE WHEN isfinite(n${i}) THEN n${i} END AS v${i}`);
    } else if (reading.type === "date") {
      const struct = dateStructSql(`c${i}`, reading.format);
      const iso = options.parts ? undefined : isoDaysSql(`c${i}`, reading.format);
      if (iso) first.push(`${iso} AS f${i}`);
      first.push(`${iso ? `CASE WHEN f${i} IS NULL THEN ${struct} END` : struct} AS s${i}`);
      const parts = datePartsSql(`s${i}`, reading.format);
      const days = `(${parts.days} + (${parts.hour} * 60 + ${parts.minute}) / 1440.0)::DOUBLE`;
      final.push(`${iso ? `coalesce(f${i}, ${days})` : days} AS v${i}`);
      if (options.parts) for (const [name, part] of Object.entries(parts)) final.push(`${part} AS ${name}${i}`);
    } else {
      first.push(`${trimmedSql(i)} AS w${i}`);
      final.push(`CASE WHEN w${i} IN (${["", ...reading.missing].map(literal).join(", ")}) THEN NULL ELSE w${i} END AS v${i}`);
    }
  }
  for (const [name, sql] of Object.entries(options.also ?? {})) {
    first.push(`${sql} AS ${name}`);
    final.push(name);
  }
  const conditions = [...(options.where ? [options.where.replaceAll(/\br\b/g, "rowid")] : []), ...(options.raw ? [options.raw] : [])];
  const where = conditions.length ? ` WHERE ${conditions.map((one) => `(${one})`).join(" AND ")}` : "";
  const inner = `SELECT rowid AS r, k${first.map((f) => `, ${f}`).join("")} FROM raw${where}`;
  return `(SELECT r, k${final.map((f) => `, ${f}`).join("")} FROM (${inner}))`;
}

/** The value of typedSql's v<index> over `raw` itself. */
export function rawValueSql(reading: Reading): string {
  const c = `c${reading.index}`;
  if (reading.type === "number") {
    const number = numberSql(c, reading.format);
    return `(CASE WHEN isfinite(${number}) THEN ${number} END)`;
  }
  if (reading.type === "date") {
    const parts = datePartsSql(dateStructSql(c, reading.format), reading.format);
    return `(${parts.days} + (${parts.hour} * 60 + ${parts.minute}) / 1440.0)::DOUBLE`;
  }
  const text = trimmedSql(reading.index);
  return `(CASE WHEN ${text} IN (${["", ...reading.missing].map(literal).join(", ")}) THEN NULL ELSE ${text} END)`;
}

/** A value of the target as the name of its class: whole numbers without a point. `v`: SQL of the value. */
export function classText({ type }: Reading, v: string): string {
  if (type !== "number") return v;
  return `CASE WHEN ${v} = floor(${v}) AND abs(${v}) < 1e15 THEN (${v}::BIGINT)::VARCHAR ELSE ${v}::VARCHAR END`;
}

/**
 * The different texts of a column of words, as rows (c: as written, v: trimmed, NULL for missing; n: how often). Grouping comes before
 * trimming: a few texts to trim, not millions. `where` filters on the columns of `raw`.
 */
export function countedSql(reading: Reading, where = "true", count = "count(*)"): string {
  const c = `c${reading.index}`;
  const marks = ["", ...reading.missing].map(literal).join(", ");
  return `(SELECT c, n, CASE WHEN t IN (${marks}) THEN NULL ELSE t END AS v FROM
    (SELECT ${c} AS c, n, ${trimmedSql(reading.index)} AS t FROM (SELECT ${c}, ${count} AS n FROM raw WHERE ${where} GROUP BY ${c})))`;
}

/** Whether a row of `raw` has a value in this column. */
export function presentSql(reading: Reading): string {
  const c = `c${reading.index}`;
  if (reading.type === "number") return `coalesce(isfinite(${numberSql(c, reading.format)}), false)`;
  if (reading.type === "date") return `coalesce(${dateStructSql(c, reading.format)}.p0, '') <> ''`;
  return `coalesce(${trimmedSql(reading.index)}, '') NOT IN (${["", ...reading.missing].map(literal).join(", ")})`;
}
