// Which rows are learned from, which choose the best point, which test it. A row's place follows from the hash of its text and the
// seed, so copies stay together, adding rows moves no old one, and a resumed run splits alike. Tiny tables are mended: every part gets a
// row, and the train part a row of every class.
import { Random } from "../random.ts";
import type { Cell, Database } from "./duckdb.ts";
import { type Reading, typedSql } from "./readings.ts";

export interface SplitSpec {
  seed: number;
  /** False: all rows are learned from. */
  split: boolean;
}

/** 0 train, 1 validation, 2 test. */
export type Part = 0 | 1 | 2;

export interface SplitPlan {
  /** SQL over `k`: the row's part. */
  sql: string;
  /** Rows with a target, by part. */
  counts: [number, number, number];
  /** Different rows with a target. */
  distinct: number;
}

/** The largest prime below 2³²: products of two numbers below it fit the engine's 64 bits. */
const prime = 4294967291;
const shares = { train: Math.floor(prime * 0.8), validation: Math.floor(prime * 0.9) };

/** k · a + b modulo the prime, a and b from the seed: k is an md5 already, the seed only deals anew, and this costs the engine nothing. */
function hashSql(seed: number): string {
  const random = new Random(seed, "split");
  const a = 1 + (random.next() % (prime - 1));
  const b = random.next() % prime;
  return `((k % ${prime}) * ${a}::UBIGINT + ${b}::UBIGINT) % ${prime}`;
}

/** @param classes whether every value of the target must occur in the train part */
export async function planSplit(
  database: Database,
  target: Reading,
  spec: SplitSpec,
  classes: boolean,
  signal?: AbortSignal,
): Promise<SplitPlan> {
  const v = `v${target.index}`;
  const source = `(SELECT * FROM ${typedSql([target])} WHERE ${v} IS NOT NULL)`;
  if (!spec.split) {
    const [row] = await database.rows(`SELECT count(*), count(DISTINCT k) FROM ${source}`, signal);
    return { sql: "0", counts: [Number(row![0]), 0, 0], distinct: Number(row![1]) };
  }
  const hash = `(${hashSql(spec.seed)})`;
  const byHash = `(CASE WHEN ${hash} < ${shares.train} THEN 0 WHEN ${hash} < ${shares.validation} THEN 1 ELSE 2 END)`;
  const count = async (sql: string): Promise<[number, number, number]> => {
    const counts: [number, number, number] = [0, 0, 0];
    for (const [part, n] of await database.rows(`SELECT ${sql} AS part, count(*) FROM ${source} GROUP BY part`, signal))
      counts[part as Part] = Number(n);
    return counts;
  };
  const [unique] = await database.rows(`SELECT count(DISTINCT k) FROM ${source}`, signal);
  const distinct = Number(unique![0]);
  const moves = new Map<string, Part>();
  let counts = await count(byHash);
  if (classes) {
    // The row with the smallest hash of each class that the train part lacks.
    const lacking = await database.rows(
      `SELECT arg_min(k, ${hash})::VARCHAR FROM ${source} GROUP BY ${v} HAVING count_if(${byHash} = 0) = 0 ORDER BY 1 LIMIT 2000`,
      signal,
    );
    for (const [key] of lacking) moves.set(String(key), 0);
  }
  if (moves.size > 0 || counts.some((n) => n === 0)) {
    await fillEmpty(database, source, hash, moved(byHash, moves), distinct, moves, classes ? v : undefined, signal);
    counts = await count(moved(byHash, moves));
  }
  return { sql: moved(byHash, moves), counts, distinct };
}

/** Gives empty parts the train rows whose hashes are nearest to them, leaving each class one in the train part where it can. */
async function fillEmpty(
  database: Database,
  source: string,
  hash: string,
  part: string,
  distinct: number,
  moves: Map<string, Part>,
  target: string | undefined,
  signal?: AbortSignal,
): Promise<void> {
  if (distinct < 3) return;
  const rows = await database.rows(
    `SELECT k::VARCHAR, any_value(${part}), ${target ? `any_value(${target})::VARCHAR` : "''"}, any_value(${hash}) AS h FROM ${source} GROUP BY k ORDER BY h DESC LIMIT 100000`,
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

function moved(byHash: string, moves: ReadonlyMap<string, Part>): string {
  if (moves.size === 0) return byHash;
  const to = ([0, 1, 2] as const).flatMap((part) => {
    const keys = [...moves].flatMap(([key, at]) => (at === part ? [`${key}::UBIGINT`] : []));
    return keys.length ? [`WHEN k IN (${keys.join(", ")}) THEN ${part}`] : [];
  });
  return `(CASE ${to.join(" ")} ELSE ${byHash} END)`;
}
