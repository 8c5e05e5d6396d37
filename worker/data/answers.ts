// Columns that give the answer away: one that says the same as the target in other words, or two that add up to it. A network that
// may see them learns nothing worth having, so they are told; whether they belong there, only a person knows.
import type { ColumnProfile } from "../../ipc/types.ts";
import type { Database } from "./duckdb.ts";
import { type Reading, typedSql } from "./readings.ts";

export interface Answer {
  /** One column, or two whose sum is the target. */
  columns: string[];
}

/** Rows that the check looks at. */
const looked = 20_000;

/** Cheap: a few queries over at most 20,000 rows. */
export async function findAnswers(
  database: Database,
  readings: readonly Reading[],
  columns: readonly ColumnProfile[],
  target: string,
  rows: number,
  signal?: AbortSignal,
): Promise<Answer[]> {
  const at = columns.findIndex(({ name }) => name === target);
  const goal = columns[at]!;
  const step = Math.max(1, Math.floor(rows / looked));
  const where = `r % ${step} = 0`;
  const answers: Answer[] = [];
  const others = columns.flatMap((column, i) => (i !== at && !column.ignored && column.distinct > 1 ? [i] : []));
  const near = others.filter((i) => Math.abs(columns[i]!.distinct - goal.distinct) <= 0.05 * goal.distinct);
  const enough = rows - goal.missing >= 2 * goal.distinct || (goal.type === "number" && !goal.integer);
  for (let from = 0; enough && from < near.length; from += 6) {
    const part = near.slice(from, from + 6);
    const source = typedSql([readings[at]!, ...part.map((i) => readings[i]!)], { where });
    const t = `v${at}`;
    const wanted = part.map((i) => {
      // As many pairs as values on either side: each value of one has exactly one value of the other.
      const both = `FILTER (WHERE ${t} IS NOT NULL AND v${i} IS NOT NULL)`;
      return `count(DISTINCT (${t}, v${i})) ${both}, count(DISTINCT ${t}) ${both}, count(DISTINCT v${i}) ${both}, count(*) ${both}`;
    });
    const [facts] = await database.rows(`SELECT ${wanted.join(", ")} FROM ${source}`, signal);
    for (const [n, i] of part.entries()) {
      const [pairs, left, right, seen] = facts!.slice(n * 4, n * 4 + 4).map(Number);
      // With every value seen once, a one-to-one pairing says nothing: every two columns of unique numbers have it.
      if (pairs === left && pairs === right && pairs! > 1 && seen! >= 4 * pairs!) answers.push({ columns: [columns[i]!.name] });
    }
  }
  if (goal.type === "number") answers.push(...(await linear(database, readings, columns, at, others, where, answers, signal)));
  return answers;
}

async function linear(
  database: Database,
  readings: readonly Reading[],
  columns: readonly ColumnProfile[],
  at: number,
  others: number[],
  where: string,
  known: readonly Answer[],
  signal?: AbortSignal,
): Promise<Answer[]> {
  const numbers = others.filter((i) => columns[i]!.type === "number").slice(0, 40);
  if (numbers.length === 0) return [];
  const source = typedSql([readings[at]!, ...numbers.map((i) => readings[i]!)], { where });
  const rows = await database.rows(`SELECT v${at}, ${numbers.map((i) => `v${i}`).join(", ")} FROM ${source} ORDER BY r LIMIT 2000`, signal);
  const found: Answer[] = [];
  const whole = rows.filter((row) => row.every((v) => v !== null)).map((row) => row.map(Number));
  if (whole.length < 20) return [];
  const told = new Set(known.flatMap((answer) => answer.columns));
  for (let a = 1; a <= numbers.length; a++) {
    if (!told.has(columns[numbers[a - 1]!]!.name) && columns[at]!.distinct > 2 && correlation(whole, a) > 1 - 1e-9) {
      found.push({ columns: [columns[numbers[a - 1]!]!.name] });
      continue;
    }
    for (let b = a + 1; b <= numbers.length; b++) {
      const spread = whole.some((row) => row[a] !== 0) && whole.some((row) => row[b] !== 0);
      if (spread && whole.every((row) => Math.abs(row[a]! + row[b]! - row[0]!) <= 1e-9 * Math.abs(row[0]!)))
        found.push({ columns: [columns[numbers[a - 1]!]!.name, columns[numbers[b - 1]!]!.name] });
    }
  }
  return found;
}

/** |Pearson's r| between the target (column 0) and column `a`. */
function correlation(rows: readonly number[][], a: number): number {
  const n = rows.length;
  let [mx, my] = [0, 0];
  for (const row of rows) {
    mx += row[a]! / n;
    my += row[0]! / n;
  }
  let [xx, yy, xy] = [0, 0, 0];
  for (const row of rows) {
    xx += (row[a]! - mx) ** 2;
    yy += (row[0]! - my) ** 2;
    xy += (row[a]! - mx) * (row[0]! - my);
  }
  return xx > 0 && yy > 0 ? Math.abs(xy) / Math.sqrt(xx * yy) : 0;
}
