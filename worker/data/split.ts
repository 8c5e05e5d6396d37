// Which rows are learned from, which choose the best point, which test it. A row's place follows from a key of its content and the seed, so
// copies stay together, adding rows moves no old one, and a resumed run splits alike. What decides:
// - random: the hash of the row (of texts: of the text alone, its letters and digits). Strictly stable. Tiny tables are mended: every part
//   gets a row, the train part one of every class, and a row lent so goes back once others are there.
// - group: the hash of the group's value, so that a group lies wholly in one part. A row without one goes by itself.
// - time: the latest tenth tests, the tenth before it validates. Where they begin is settled once and kept, so that later rows move none.
// - stratified: every class is dealt by its share, its rows in the order of their hashes. A rule that looks at one row alone cannot do that
//   (what it adds to one part it would have to take from another), so the hashes at which the parts begin are settled once and kept, too.
import { AppError } from "../../ipc/error.ts";
import type { SplitBy } from "../../ipc/types.ts";
import { Random } from "../random.ts";
import { type Cell, type Database, literal } from "./duckdb.ts";
import { classText, type Reading, rawValueSql, trimmedSql, typedSql } from "./readings.ts";

export interface SplitSpec {
  seed: number;
  /** False: all rows are learned from. */
  split: boolean;
  /** Absent: random. */
  by?: SplitBy;
  /** SQL over `raw`, UBIGINT: rows with the same key stay together. The row's own hash where absent. */
  key?: string;
}

/** 0 train, 1 validation, 2 test. */
export type Part = 0 | 1 | 2;

export interface SplitPlan {
  /** SQL over `raw`: the row's part. */
  sql: string;
  /** Rows with a target, by part. */
  counts: [number, number, number];
  /** Different rows with a target. */
  distinct: number;
  /** How it was dealt, with what was settled. */
  by: SplitBy;
}

/** What is split: the engine's table, and how its columns are read. */
export interface Splittable {
  database: Database;
  readings: readonly Reading[];
  /** Where answers are corrected: the table as it was written, which decides, and the hashes of the rows. */
  overlay?: { original: Splittable; hashes: readonly string[] };
}

/** The largest prime below 2³²: products of two numbers below it fit the engine's 64 bits. */
const prime = 4294967291;
const shares = { train: Math.floor(prime * 0.8), validation: Math.floor(prime * 0.9) };
/** Shares of validation and of test. */
const tenth = 0.1;

/** k · a + b modulo the prime, a and b from the seed: k is an md5 already, the seed only deals anew, and this costs the engine nothing. */
function hashSql(key: string, seed: number): string {
  const random = new Random(seed, "split");
  const a = 1 + (random.next() % (prime - 1));
  const b = random.next() % prime;
  return `(((${key}) % ${prime}) * ${a}::UBIGINT + ${b}::UBIGINT) % ${prime}`;
}

/** Letters and digits alone decide, in small letters, each digit as 0: a text and its copies with other codes, blanks or marks are one. */
export function textKeySql(index: number): string {
  const letters = `regexp_replace(regexp_replace(lower(c${index}), '[^\\p{L}\\p{M}\\p{N}]+', '', 'g'), '\\p{N}', '0', 'g')`;
  return `(CASE WHEN coalesce(${letters}, '') = '' THEN k ELSE md5_number_lower(${letters}) END)`;
}

const byHash = (hash: string, [train, validation]: readonly [number, number] = [shares.train, shares.validation]): string =>
  `(CASE WHEN ${hash} < ${train} THEN 0 WHEN ${hash} < ${validation} THEN 1 ELSE 2 END)`;

/**
 * @param classes whether every value of the target must occur in the train part
 * @throws columnMissing, usage for a column that cannot part rows
 */
export async function planSplit(
  table: Splittable,
  target: Reading,
  spec: SplitSpec,
  classes: boolean,
  signal?: AbortSignal,
): Promise<SplitPlan> {
  const { overlay, database } = table;
  if (!overlay?.hashes.length) return planned(table, target, spec, classes, signal);
  // A corrected row stays on the side that it had as it was written, whatever of it decides.
  const plan = await planned(overlay.original, target, spec, classes, signal);
  const rows = `SELECT k::VARCHAR, (${plan.sql})::INTEGER FROM raw WHERE k IN (${overlay.hashes.map((hash) => `${hash}::UBIGINT`).join(", ")})`;
  const stays = new Map((await overlay.original.database.rows(rows, signal)).map(([k, part]) => [String(k), Number(part) as Part]));
  const sql = moved(plan.sql, "k", stays);
  const counts: SplitPlan["counts"] = [0, 0, 0];
  const source = `(SELECT * FROM ${typedSql([target], { also: { part: sql } })} WHERE v${target.index} IS NOT NULL)`;
  for (const [part, n] of await database.rows(`SELECT part, count(*) FROM ${source} GROUP BY part`, signal))
    counts[part as Part] = Number(n);
  return { ...plan, sql, counts };
}

async function planned(table: Splittable, target: Reading, spec: SplitSpec, classes: boolean, signal?: AbortSignal): Promise<SplitPlan> {
  const { database } = table;
  const by: SplitBy = spec.by ?? { by: "random" };
  const group = by.by === "group" ? columnOf(table, by.column) : undefined;
  const key = group ? groupKeySql(group) : (spec.key ?? "k");
  const v = `v${target.index}`;
  const hash = `(${hashSql(key, spec.seed)})`;
  const source = (also: Record<string, string>) =>
    `(SELECT * FROM ${typedSql([target], { also: { key, ...also } })} WHERE ${v} IS NOT NULL)`;
  const [unique] = await database.rows(`SELECT count(*), count(DISTINCT key) FROM ${source({})}`, signal);
  const [total, distinct] = unique!.map(Number) as [number, number];
  if (!spec.split) return { sql: "0", counts: [total, 0, 0], distinct, by };
  const count = async (sql: string): Promise<[number, number, number]> => {
    const counts: [number, number, number] = [0, 0, 0];
    for (const [part, n] of await database.rows(`SELECT part, count(*) FROM ${source({ part: sql })} GROUP BY part`, signal))
      counts[part as Part] = Number(n);
    return counts;
  };
  if (by.by === "time") {
    const reading = columnOf(table, by.column);
    const kept = by.kept ?? (await timeCuts(database, target, reading, signal));
    const at = rawValueSql(reading);
    const [validation, test] = kept.map((text) => numberOf(reading, text));
    const sql = `(CASE WHEN ${at} >= ${test} THEN 2 WHEN ${at} >= ${validation} THEN 1 ELSE 0 END)`;
    return { sql, counts: await count(sql), distinct, by: { ...by, kept } };
  }
  const settled = by.by === "stratified" ? { ...by, kept: by.kept ?? (await classCuts(database, target, source({ hash }), signal)) } : by;
  const dealt = settled.by === "stratified" ? classedSql(target, hash, settled.kept!) : byHash(hash);
  const moves = new Map<string, Part>();
  let counts = await count(dealt);
  if (classes) {
    // The key with the smallest hash of each class that the train part lacks.
    const lacking = await database.rows(
      `SELECT arg_min(key, hash)::VARCHAR FROM ${source({ hash, part: dealt })} GROUP BY ${v} HAVING count_if(part = 0) = 0 ORDER BY 1 LIMIT 2000`,
      signal,
    );
    for (const [one] of lacking) moves.set(String(one), 0);
  }
  if (moves.size > 0 || counts.some((n) => n === 0)) {
    const filled = source({ hash, part: moved(dealt, key, moves) });
    await fillEmpty(database, filled, distinct, moves, classes ? v : undefined, signal);
    counts = await count(moved(dealt, key, moves));
  }
  return { sql: moved(dealt, key, moves), counts, distinct, by: settled };
}

/** Throws columnMissing. */
function columnOf({ readings }: Splittable, name: string): Reading {
  const reading = readings.find((one) => one.name === name);
  if (reading) return reading;
  throw new AppError("columnMissing", `There is no column "${name}" to split by.`, "Name one of the table's columns.", {
    column: name,
    columns: readings.slice(0, 100).map((one) => one.name),
  });
}

/** A group's value, as written but for blanks around it and large letters; rows without one go by themselves. */
const groupKeySql = (reading: Reading): string =>
  `(CASE WHEN coalesce(${trimmedSql(reading.index)}, '') IN (${["", ...reading.missing].map(literal).join(", ")}) THEN k
    ELSE md5_number_lower(lower(${trimmedSql(reading.index)})) END)`;

const day = 86_400_000;
const textOf = (reading: Reading, value: number): string =>
  reading.type === "date" ? new Date(Math.round(value * day)).toISOString().slice(0, 16) : String(value);
const numberOf = (reading: Reading, text: string): number => (reading.type === "date" ? Date.parse(`${text}Z`) / day : Number(text));

/** The two times that part the rows nearest to 80/10/10, as texts: ISO time to the minute, or a number. Throws usage. */
async function timeCuts(database: Database, target: Reading, time: Reading, signal?: AbortSignal): Promise<[string, string]> {
  if (time.type === "text")
    throw new AppError("usage", `"${time.name}" holds words: rows cannot be split by time with it.`, "Name a column of dates or numbers.", {
      column: time.name,
    });
  const t = `v${time.index}`;
  const readings = time.index === target.index ? [target] : [target, time];
  const counted = `SELECT ${t} AS t, count(*) AS n FROM ${typedSql(readings)} WHERE v${target.index} IS NOT NULL AND ${t} IS NOT NULL GROUP BY t`;
  const shared = `SELECT t, sum(n) OVER (ORDER BY t DESC) / sum(n) OVER () AS share, row_number() OVER (ORDER BY t) AS i FROM (${counted})`;
  const [found] = await database.rows(
    `WITH c AS (${shared}), two AS (SELECT arg_min(t, abs(share - ${tenth})) AS test FROM c WHERE i >= 3)
     SELECT arg_min(t, abs(share - ${2 * tenth})), any_value(test) FROM c, two WHERE i >= 2 AND t < test`,
    signal,
  );
  const [validation, test] = found ?? [];
  if (typeof validation !== "number" || typeof test !== "number")
    throw new AppError("usage", `"${time.name}" has fewer than three different times.`, "Split by another column, or at random.", {
      column: time.name,
    });
  return [textOf(time, validation), textOf(time, test)];
}

/** By class: the hashes at which validation and test begin, so that each gets a tenth of the class's different rows, rounded. */
async function classCuts(
  database: Database,
  target: Reading,
  source: string,
  signal?: AbortSignal,
): Promise<Record<string, [number, number]>> {
  const one = `SELECT ${classText(target, `v${target.index}`)} AS class, key, any_value(hash) AS hash FROM ${source} GROUP BY class, key`;
  const placed = `SELECT *, row_number() OVER (PARTITION BY class ORDER BY hash) AS i, round(count(*) OVER (PARTITION BY class) * ${tenth}) AS few,
    count(*) OVER (PARTITION BY class) AS n FROM (${one})`;
  const rows = await database.rows(
    `SELECT class, min(hash) FILTER (i > n - 2 * few), min(hash) FILTER (i > n - few) FROM (${placed}) GROUP BY class ORDER BY class LIMIT 1001`,
    signal,
  );
  if (rows.length > 1000)
    throw new AppError("usage", `"${target.name}" has too many values to keep the share of each.`, "Split at random.", {
      column: target.name,
    });
  const end = (value: Cell | undefined) => (value === null || value === undefined ? prime : Number(value));
  return Object.fromEntries(rows.map(([name, validation, test]) => [String(name), [end(validation), end(test)]]));
}

function classedSql(target: Reading, hash: string, kept: Readonly<Record<string, readonly [number, number]>>): string {
  const cases = Object.entries(kept).map(([name, cuts]) => `WHEN ${literal(name)} THEN ${byHash(hash, cuts)}`);
  return cases.length ? `(CASE ${classText(target, rawValueSql(target))} ${cases.join(" ")} ELSE ${byHash(hash)} END)` : byHash(hash);
}

/** Gives empty parts the train rows whose hashes are nearest to them, leaving each class one in the train part where it can. */
async function fillEmpty(
  database: Database,
  source: string,
  distinct: number,
  moves: Map<string, Part>,
  target: string | undefined,
  signal?: AbortSignal,
): Promise<void> {
  if (distinct < 3) return;
  const rows = await database.rows(
    `SELECT key::VARCHAR, any_value(part), ${target ? `any_value(${target})::VARCHAR` : "''"}, any_value(hash) AS h FROM ${source} GROUP BY key ORDER BY h DESC LIMIT 100000`,
    signal,
  );
  const sizes = [0, 0, 0];
  const inTrain = new Map<string, number>();
  for (const [, at, label] of rows) {
    sizes[Number(at)]!++;
    if (at === 0) inTrain.set(String(label), (inTrain.get(String(label)) ?? 0) + 1);
  }
  for (const empty of [2, 1] as const) {
    if (sizes[empty]! > 0) continue;
    const placeOf = ([key, at]: Cell[]): number => moves.get(String(key)) ?? Number(at);
    const other = empty === 2 ? 1 : 2;
    const chosen =
      rows.find((row) => placeOf(row) === 0 && !moves.has(String(row[0])) && inTrain.get(String(row[2]))! > 1) ??
      (sizes[other]! > 1 ? rows.find((row) => placeOf(row) === other) : undefined) ??
      (sizes[0]! > 1 ? rows.find((row) => placeOf(row) === 0 && !moves.has(String(row[0]))) : undefined);
    if (!chosen) continue;
    const from = placeOf(chosen);
    if (from === 0) inTrain.set(String(chosen[2]), inTrain.get(String(chosen[2]))! - 1);
    moves.set(String(chosen[0]), empty);
    sizes[from]!--;
    sizes[empty]!++;
  }
}

function moved(dealt: string, key: string, moves: ReadonlyMap<string, Part>): string {
  if (moves.size === 0) return dealt;
  const to = ([0, 1, 2] as const).flatMap((part) => {
    const keys = [...moves].flatMap(([one, at]) => (at === part ? [`${one}::UBIGINT`] : []));
    return keys.length ? [`WHEN (${key}) IN (${keys.join(", ")}) THEN ${part}`] : [];
  });
  return `(CASE ${to.join(" ")} ELSE ${dealt} END)`;
}
