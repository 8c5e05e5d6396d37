// Rows whose answer looks wrong: rows that resemble them, and were not asked about themselves, nearly all say another class. Of tables the
// ten nearest of a sample say so (numbers by their spread, words by equality); of texts the words, by naive Bayes in five folds
// (multinomial, McCallum and Nigam 1998). Where these guess badly themselves, nobody is accused.
import { Random } from "../../random.ts";
import type { Cell } from "../duckdb.ts";
import { classText, typedSql } from "../readings.ts";
import { pieceSettings, placesOf } from "../text/pieces.ts";
import { every, type Subject } from "./subject.ts";

export interface Suspect {
  /** rowid */
  row: number;
  said: string;
  likely: string;
  /** How sure: higher is more suspect. */
  doubt: number;
}

const most = { rows: 3000, texts: 6000, columns: 40, told: 200 };
const neighbours = 10;
/** Of ten neighbours so many agree on another class, and none on the row's own beyond one. */
const agreeing = 9;
/** The guess itself must be right so often. */
const trusted = 0.8;
/** Most that are told, as a share of the rows looked at: more is a hard task, not a slip. */
const share = 0.02;
/** A text's other class must be so many times as probable, by the logarithm. */
const odds = 12;

const known = new Map<string, Promise<Suspect[]>>();

/** The most doubtful first. Kept for the last few subjects, since their pages are asked for one by one. */
export function suspects(subject: Subject): Promise<Suspect[]> {
  const { table, target, text } = subject;
  if (target?.task !== "classification") return Promise.resolve([]);
  const key = [table.profile.fingerprint, target.column.name, text].join("\0");
  let found = known.get(key);
  if (!found) {
    found = text === undefined ? ofRows(subject) : ofTexts(subject, text);
    known.set(key, found);
    found.catch(() => known.delete(key));
    if (known.size > 4) known.delete(known.keys().next().value!);
  }
  return found;
}

/** How many rows are looked at. */
export const lookedAt = ({ table, text }: Subject): number => Math.min(table.profile.rows, text === undefined ? most.rows : most.texts);

function sorted(found: Suspect[], right: number, seen: number): Suspect[] {
  if (seen < 50 || right / seen < trusted) return [];
  const told = found.sort((a, b) => b.doubt - a.doubt || a.row - b.row);
  return told.slice(0, Math.min(most.told, Math.max(1, Math.floor(share * seen))));
}

async function ofRows(subject: Subject): Promise<Suspect[]> {
  const { table, target, signal } = subject;
  const { reading } = target!;
  const used = table.readings.filter((one, i) => one !== reading && !table.profile.columns[i]!.ignored).slice(0, most.columns);
  if (used.length === 0) return [];
  const source = typedSql([reading, ...used], { raw: every(subject, most.rows) });
  const y = classText(reading, `v${reading.index}`);
  const rows = await table.database.rows(
    `SELECT r, ${y}, ${used.map(({ index }) => `v${index}`).join(", ")} FROM ${source} WHERE v${reading.index} IS NOT NULL ORDER BY r LIMIT ${most.rows}`,
    signal,
  );
  const places = used.map((one, i) => (one.type === "text" ? codes(rows, i + 2) : ranks(rows, i + 2)));
  const words = used.map((one) => one.type === "text");
  const n = rows.length;
  const found: Suspect[] = [];
  let right = 0;
  const gap = new Float32Array(n);
  for (let a = 0; a < n; a++) {
    if (a % 100 === 0) {
      signal?.throwIfAborted();
      await new Promise((resolve) => setImmediate(resolve));
    }
    gap.fill(0);
    places.forEach((at, c) => {
      const here = at[a]!;
      if (words[c]) for (let b = 0; b < n; b++) gap[b]! += at[b] === here ? 0 : 1;
      else for (let b = 0; b < n; b++) gap[b]! += Math.abs(at[b]! - here);
    });
    gap[a] = Infinity;
    const votes = new Map<Cell, number>();
    for (const b of nearest(gap)) votes.set(rows[b]![1]!, (votes.get(rows[b]![1]!) ?? 0) + 1);
    const [likely, count] = [...votes].reduce((best, one) => (one[1] > best[1] ? one : best));
    const said = rows[a]![1]!;
    if (likely === said) right++;
    else if (count >= agreeing) found.push({ row: Number(rows[a]![0]), said: String(said), likely: String(likely), doubt: count });
  }
  return sorted(found, right, n);
}

/** Words as numbers; a missing one is a word of its own. */
function codes(rows: readonly Cell[][], at: number): Float32Array {
  const seen = new Map<Cell, number>();
  return Float32Array.from(rows, (row) => {
    const value = row[at]!;
    if (!seen.has(value)) seen.set(value, seen.size);
    return seen.get(value)!;
  });
}

/** Numbers by their place in order, 0 to 2, so that no spread outweighs another; missing in the middle. */
function ranks(rows: readonly Cell[][], at: number): Float32Array {
  const values = rows.map((row) => (row[at] === null ? Number.NaN : Number(row[at])));
  const order = Float64Array.from(values.filter((value) => !Number.isNaN(value))).sort();
  const place = (value: number): number => {
    let [low, high] = [0, order.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (order[middle]! < value) low = middle + 1;
      else high = middle;
    }
    return (2 * low) / Math.max(1, order.length);
  };
  return Float32Array.from(values, (value) => (Number.isNaN(value) ? 1 : place(value)));
}

/** Places of the smallest values. */
function nearest(gap: Float32Array): number[] {
  const best: number[] = [];
  for (let b = 0; b < gap.length; b++) {
    if (best.length === neighbours && gap[b]! >= gap[best[neighbours - 1]!]!) continue;
    let at = best.length;
    while (at > 0 && gap[best[at - 1]!]! > gap[b]!) at--;
    best.splice(at, 0, b);
    if (best.length > neighbours) best.pop();
  }
  return best;
}

const folds = 5;
const bits = 15;

async function ofTexts(subject: Subject, name: string): Promise<Suspect[]> {
  const { table, target, signal } = subject;
  const { reading } = target!;
  const text = table.readings.find((one) => one.name === name)!;
  const source = typedSql([reading], { raw: every(subject, most.texts), also: { words: `left(coalesce(c${text.index}, ''), 2000)` } });
  const rows = await table.database.rows(
    `SELECT r, ${classText(reading, `v${reading.index}`)}, words FROM ${source} WHERE v${reading.index} IS NOT NULL ORDER BY r LIMIT ${most.texts}`,
    signal,
  );
  const names = [...new Set(rows.map((row) => String(row[1])))];
  if (names.length > 100) return [];
  const random = new Random(1, "folds");
  const texts: { row: number; said: number; fold: number; ids: Int32Array }[] = [];
  for (const [i, [row, said, words]] of rows.entries()) {
    const { ids } = placesOf(String(words), { ...pieceSettings, bits });
    texts.push({ row: Number(row), said: names.indexOf(String(said)), fold: random.next() % folds, ids });
    if (i % 500 === 499) await new Promise((resolve) => setImmediate(resolve));
    signal?.throwIfAborted();
  }
  const size = 2 ** bits;
  const counts = names.map(() => new Float64Array(size));
  const totals = new Float64Array(names.length);
  const docs = new Float64Array(names.length);
  const move = (fold: number, by: number) => {
    for (const one of texts) {
      if (one.fold !== fold) continue;
      for (const id of one.ids) counts[one.said]![id]! += by;
      totals[one.said]! += by * one.ids.length;
      docs[one.said]! += by;
    }
  };
  for (let fold = 0; fold < folds; fold++) move(fold, 1);
  const found: Suspect[] = [];
  let right = 0;
  for (let fold = 0; fold < folds; fold++) {
    move(fold, -1);
    for (const { row, said, fold: mine, ids } of texts) {
      if (mine !== fold || ids.length === 0) continue;
      const scores = names.map((_, c) => {
        let sum = Math.log(docs[c]! + 1);
        for (const id of ids) sum += Math.log((counts[c]![id]! + 0.1) / (totals[c]! + 0.1 * size));
        return sum;
      });
      const likely = scores.indexOf(Math.max(...scores));
      if (likely === said) right++;
      else if (scores[likely]! - scores[said]! >= odds)
        found.push({ row, said: names[said]!, likely: names[likely]!, doubt: (scores[likely]! - scores[said]!) / Math.sqrt(ids.length) });
    }
    move(fold, 1);
  }
  return sorted(found, right, texts.length);
}
