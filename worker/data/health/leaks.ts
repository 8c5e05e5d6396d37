// Columns that give the answer away on their own: each column alone guesses the target on rows that it did not learn from, by the value's
// (or, of many numbers, the range's) most frequent class or mean. What is nearly always right is told; whether it may be known beforehand,
// only a person knows.
import type { Problem } from "../../../ipc/types.ts";
import type { Cell } from "../duckdb.ts";
import { typedSql } from "../readings.ts";
import { every, type Subject } from "./subject.ts";

const most = { rows: 20_000, columns: 120, together: 16 };
/** Values that are taken one by one; more numbers than these are cut into as many ranges with equally many rows. */
const bins = 64;
/** A class guessed so well, with a tenth of the mistakes of the constant guess; a number explained so well. */
const enough = { accuracy: 0.985, mistakes: 0.1, r2: 0.995 };
const few = 40;

export async function leaks(subject: Subject, known: ReadonlySet<string>): Promise<Problem[]> {
  const { table, target, signal } = subject;
  if (!target) return [];
  const { columns } = table.profile;
  const others = table.readings
    .filter((reading, i) => reading !== target.reading && !columns[i]!.ignored && !known.has(reading.name) && columns[i]!.distinct > 1)
    .slice(0, most.columns);
  const found: Problem[] = [];
  for (let from = 0; from < others.length; from += most.together) {
    const part = others.slice(from, from + most.together);
    const source = typedSql([target.reading, ...part], { raw: every(subject, most.rows), also: { half: "(k % 2)::INTEGER" } });
    const v = part.map(({ index }) => `v${index}`);
    const rows = await table.database.rows(`SELECT half, v${target.reading.index}, ${v.join(", ")} FROM ${source} WHERE v${target.reading.index} IS NOT NULL LIMIT ${most.rows}`, signal); // prettier-ignore
    for (const [i, reading] of part.entries()) {
      const told = target.task === "classification" ? tellsClass(rows, i + 2) : tellsNumber(rows, i + 2);
      if (told === undefined) continue;
      const percent = Math.floor(1000 * told) / 10;
      found.push({
        code: "leakyColumn",
        column: reading.name,
        data: { target: target.column.name, percent, ...(table.profile.rows > most.rows ? { sample: rows.length } : {}) },
        message:
          target.task === "classification"
            ? `"${reading.name}" alone tells "${target.column.name}" in ${percent} % of the rows.`
            : `"${reading.name}" alone explains ${percent} % of "${target.column.name}".`,
        hint: "Leave it out if it is not known when you want to predict.",
      });
    }
  }
  return found;
}

/** The value of each row as a group: as it is, or of many numbers the range that it falls into (ranges of the rows that are learned from). */
function groups(rows: readonly Cell[][], at: number): (string | number)[] {
  const values = rows.map((row) => row[at]!);
  const numbers = values.filter((value) => typeof value === "number");
  if (new Set(numbers).size <= bins) return values.map((value) => (value === null ? "" : (value as string | number)));
  const sorted = Float64Array.from(numbers).sort();
  const edges = Array.from({ length: bins - 1 }, (_, i) => sorted[Math.floor(((i + 1) * sorted.length) / bins)]!);
  return values.map((value) => {
    if (typeof value !== "number") return "";
    let [low, high] = [0, edges.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (edges[middle]! <= value) low = middle + 1;
      else high = middle;
    }
    return low;
  });
}

/** Accuracy on the other half where it gives the answer away; else undefined. */
function tellsClass(rows: readonly Cell[][], at: number): number | undefined {
  const of = groups(rows, at);
  const counts = new Map<string | number, Map<Cell, number>>();
  const overall = new Map<Cell, number>();
  rows.forEach(([half, y], i) => {
    if (half !== 0) return;
    const here = counts.get(of[i]!) ?? new Map<Cell, number>();
    counts.set(of[i]!, here.set(y!, (here.get(y!) ?? 0) + 1));
    overall.set(y!, (overall.get(y!) ?? 0) + 1);
  });
  const largest = (map: Map<Cell, number>) => [...map].reduce((best, one) => (one[1] > best[1] ? one : best))[0];
  if (overall.size < 2) return undefined;
  const constant = largest(overall);
  const guess = new Map([...counts].map(([group, map]) => [group, largest(map)]));
  let [seen, right, guessed] = [0, 0, 0];
  rows.forEach(([half, y], i) => {
    if (half !== 1) return;
    seen++;
    if ((guess.get(of[i]!) ?? constant) === y) right++;
    if (constant === y) guessed++;
  });
  if (seen < few) return undefined;
  const good = right / seen >= enough.accuracy && seen - right <= enough.mistakes * (seen - guessed);
  return good ? right / seen : undefined;
}

/** r² on the other half where it gives the answer away; else undefined. */
function tellsNumber(rows: readonly Cell[][], at: number): number | undefined {
  const of = groups(rows, at);
  const sums = new Map<string | number, [sum: number, n: number]>();
  let [total, n] = [0, 0];
  rows.forEach(([half, y], i) => {
    if (half !== 0) return;
    const here = sums.get(of[i]!) ?? [0, 0];
    sums.set(of[i]!, [here[0] + Number(y), here[1] + 1]);
    total += Number(y);
    n++;
  });
  if (n < few) return undefined;
  let [gap, spread, seen] = [0, 0, 0];
  rows.forEach(([half, y], i) => {
    if (half !== 1) return;
    const here = sums.get(of[i]!);
    gap += (Number(y) - (here ? here[0] / here[1] : total / n)) ** 2;
    spread += (Number(y) - total / n) ** 2;
    seen++;
  });
  const r2 = spread > 0 ? 1 - gap / spread : 0;
  return seen >= few && r2 >= enough.r2 ? r2 : undefined;
}
