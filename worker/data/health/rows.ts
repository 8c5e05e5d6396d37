// The rows behind each problem: a query made from the problem's code and column, never from a text that came in.
import type { ColumnProfile, Problem } from "../../../ipc/types.ts";
import { countedSql, presentSql, type Reading, rawValueSql, trimmedSql } from "../readings.ts";
import { literal } from "../duckdb.ts";
import { planSplit } from "../split.ts";
import { fences } from "./outliers.ts";
import { every, nearKeySql, type Subject, within } from "./subject.ts";
import { suspects } from "./suspects.ts";

/** Rows (rowid) in the order in which they are shown, as a query with the one column r; undefined where a problem has none. */
type Find = (subject: Subject, column: ColumnProfile, reading: Reading) => string | undefined | Promise<string | undefined>;

const where = (condition: string, order = "rowid") => `SELECT rowid AS r FROM raw WHERE ${condition} ORDER BY ${order}`;
const missing: Find = (_, __, reading) => where(`NOT (${presentSql(reading)})`);
const all: Find = () => where("true");

/** Letters that one encoding read as another leaves behind: the mark for unreadable ones, UTF-8 read as Latin-1 or GBK. */
export const brokenSql = (index: number): string =>
  `regexp_matches(c${index}, '\\x{FFFD}|Ã[\\x{0080}-\\x{00BF}]|â€|Â[\\x{00A0}-\\x{00BF}]|锟斤拷|ï»¿')`;

/** Values of a column of words that differ in large letters alone, in small letters. */
export const variantsSql = (reading: Reading): string =>
  `(SELECT lower(v) AS v, count(*) AS n FROM (SELECT DISTINCT v FROM ${countedSql(reading)} WHERE v IS NOT NULL) GROUP BY lower(v) HAVING count(*) > 1)`;

/** Groups of near copies: `key`, rows of each; `also`: what must hold of a group. */
export function nearGroupsSql(subject: Subject, also = "true"): string {
  const target = subject.target ? rawValueSql(subject.target.reading) : "NULL";
  return `(SELECT key, count(*) AS n FROM (SELECT ${nearKeySql(subject)} AS key, k, ${target} AS y FROM raw WHERE ${within(subject)}) GROUP BY key HAVING ${also})`;
}
export const nearCopies = "count(DISTINCT k) > 1";
export const contradicting = "count(DISTINCT y) > 1";

function inGroups(subject: Subject, also: string): string {
  return `SELECT r FROM (SELECT rowid AS r, ${nearKeySql(subject)} AS key FROM raw WHERE ${within(subject)})
    WHERE key IN (SELECT key FROM ${nearGroupsSql(subject, also)}) ORDER BY key, r`;
}

/** Near copies of which some are learned from and others judge: a group's rows, those that judge last. */
export async function acrossSql(subject: Subject): Promise<string | undefined> {
  const { table, target, split, signal } = subject;
  if (!target || !split.split) return undefined;
  const { sql } = await planSplit(table, target.reading, split, target.task === "classification", signal);
  const rows = `(SELECT rowid AS r, ${nearKeySql(subject)} AS key, ${sql} AS part FROM raw WHERE ${within(subject)} AND (${presentSql(target.reading)}))`;
  return `SELECT r, part FROM ${rows} WHERE key IN (SELECT key FROM ${rows} GROUP BY key HAVING count_if(part = 0) > 0 AND count_if(part > 0) > 0)`;
}

const finds: Partial<Record<Problem["code"], Find>> = {
  mostlyMissing: missing,
  targetMissingRows: missing,
  missingMarks: (_, __, { index, missing: marks }) =>
    where(`${trimmedSql(index)} IN (${["", ...marks].slice(1).map(literal).join(", ") || "NULL"})`),
  unreadableNumbers: (_, __, reading) =>
    where(
      `NOT (${presentSql(reading)}) AND coalesce(${trimmedSql(reading.index)}, '') NOT IN (${["", ...reading.missing].map(literal).join(", ")})`,
    ),
  numbersAsText: (_, __, reading) => where(presentSql(reading)),
  constantColumn: all,
  identifierColumn: all,
  freeTextColumn: (_, __, reading) => where(presentSql(reading)),
  duplicateRows: () => "SELECT rowid AS r FROM raw WHERE k IN (SELECT k FROM raw GROUP BY k HAVING count(*) > 1) ORDER BY k, r",
  manyCategories: (_, __, reading) => rare(reading, 1),
  rareClasses: ({ target }) => target && rare(target.reading, 4),
  unevenClasses: ({ target }) => {
    const least = target?.column.top?.at(-1);
    return target && least && ofValue(target.reading, least.value);
  },
  answerColumn: all,
  leakyColumn: all,
  groupColumn: (_, __, reading) => where(presentSql(reading), `${trimmedSql(reading.index)}, rowid`),
  timeColumn: (_, __, reading) => where(presentSql(reading), `${rawValueSql(reading)} DESC, rowid`),
  outliers: (_, column, reading) => {
    const bounds = fences(column);
    if (!bounds) return undefined;
    const [low, high] = bounds;
    const v = rawValueSql(reading);
    return where(`(${v} < (${low})::DOUBLE OR ${v} > (${high})::DOUBLE)`, `abs(${v} - (${(low + high) / 2})::DOUBLE) DESC, rowid`);
  },
  nearDuplicateRows: (subject) => inGroups(subject, nearCopies),
  contradictoryRows: (subject) => inGroups(subject, contradicting),
  nearDuplicatesAcross: async (subject) => {
    const across = await acrossSql(subject);
    return (
      across &&
      `SELECT r FROM (SELECT a.r, part, ${nearKeySql(subject)} AS key FROM (${across}) a JOIN raw ON raw.rowid = a.r) ORDER BY key, part, r`
    );
  },
  labelSuspects: async (subject) => {
    const found = await suspects(subject);
    return found.length
      ? `SELECT r FROM (VALUES ${found.map(({ row }, i) => `(${row}, ${i})`).join(", ")}) AS s (r, i) ORDER BY i`
      : undefined;
  },
  brokenLetters: (subject, _, { index }) => where(`${brokenSql(index)} AND ${every(subject, 200_000)}`),
  spellingVariants: (_, __, reading) =>
    where(`lower(${trimmedSql(reading.index)}) IN (SELECT v FROM ${variantsSql(reading)})`, `lower(${trimmedSql(reading.index)}), rowid`),
};

/** What is about rows as a whole, or about the target, needs no column. */
const ofTable: ReadonlySet<Problem["code"]> = new Set([
  "duplicateRows",
  "nearDuplicateRows",
  "nearDuplicatesAcross",
  "contradictoryRows",
  "labelSuspects",
  "rareClasses",
  "unevenClasses",
]);

const rare = (reading: Reading, most: number): string =>
  `SELECT r FROM (SELECT rowid AS r, ${rawValueSql(reading)} AS v, count(*) OVER (PARTITION BY v) AS n FROM raw) WHERE v IS NOT NULL AND n <= ${most} ORDER BY n, v, r`;
const ofValue = (reading: Reading, value: string): string =>
  where(
    reading.type === "number" ? `${rawValueSql(reading)} = (${Number(value)})::DOUBLE` : `${trimmedSql(reading.index)} = ${literal(value)}`,
  );

/** The query of a problem's rows; undefined where it has none to show. */
export async function rowsOfProblem(subject: Subject, code: Problem["code"], name: string | undefined): Promise<string | undefined> {
  const { profile, readings } = subject.table;
  const at = name === undefined ? -1 : profile.columns.findIndex((column) => column.name === name);
  if (name !== undefined && at < 0) return undefined;
  const find = Object.hasOwn(finds, code) ? finds[code] : undefined;
  if (at < 0 && !ofTable.has(code)) return undefined;
  return find?.(subject, profile.columns[Math.max(0, at)]!, readings[Math.max(0, at)]!);
}

export const showsRows = (code: Problem["code"]): boolean => finds[code] !== undefined;
