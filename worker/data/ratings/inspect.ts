// What a file of ratings holds, told to a person.
import type { RatingsProfile } from "../../../ipc/types.ts";
import type { Table } from "../table.ts";
import type { RatingsGuess } from "./columns.ts";
import { type Pairs, readPairs } from "./read.ts";
import { findTitles } from "./titles.ts";

export async function inspectRatings(
  table: Table,
  guess: RatingsGuess,
  options: { cache: string; signal?: AbortSignal },
): Promise<RatingsProfile> {
  const { profile } = table;
  const { columns } = guess;
  const pairs = await readPairs(table, columns, options.signal);
  const titles = await findTitles(table.file, pairs.items, options);
  const { users, items, starts, user } = pairs;
  const ofItem = new Uint32Array(items.length);
  for (const i of pairs.item) ofItem[i]!++;
  // What is odd about the columns that are used; of a table's other worries (ids, many values, the target) none is one here.
  const used = new Set<string | undefined>(Object.values(columns));
  const kept = profile.problems.filter(({ code, column }) => worth.has(code) && (column === undefined || used.has(column)));
  return {
    kind: "ratings",
    file: profile.file,
    bytes: profile.bytes,
    rows: user.length,
    users: users.length,
    items: items.length,
    single: { users: users.filter((_, u) => starts[u + 1]! - starts[u]! === 1).length, items: ofItem.filter((n) => n === 1).length },
    columns,
    reason: { by: guess.by, message: reasonOf(guess) },
    ...(pairs.rating ? { rating: ratingsOf(pairs.rating) } : {}),
    density: user.length / users.length / items.length,
    ...timeOf(table, columns.time, pairs),
    ...(titles ? { titles: { file: titles.file, items: titles.titles.size } } : {}),
    problems: [...kept, ...pairs.problems],
    fingerprint: profile.fingerprint,
    table: profile,
  };
}

const worth = new Set([
  "noHeader",
  "duplicateColumnName",
  "emptyColumnName",
  "raggedRows",
  "encodingGuessed",
  "unreadableNumbers",
  "missingMarks",
]);

function reasonOf({ by, columns }: RatingsGuess): string {
  const { user, item, rating, time } = columns;
  const parts = [
    `'${user}' are users`,
    `'${item}' are items`,
    ...(rating ? [`'${rating}' are ratings`] : []),
    ...(time ? [`'${time}' is the time`] : []),
  ];
  if (by === "asked") return `${parts.join(", ")}, as was asked.`;
  const why = by === "names" ? "by their names" : "by their shape: two columns of ids that repeat, a few numbers, a time stamp";
  return `${parts.join(", ")} ${why}.`;
}

/** Values that are counted one by one. */
const mostValues = 21;

function ratingsOf(ratings: Float32Array): NonNullable<RatingsProfile["rating"]> {
  const counts = new Map<number, number>();
  let sum = 0;
  let [min, max] = [Infinity, -Infinity];
  for (const value of ratings) {
    sum += value;
    min = Math.min(min, value);
    max = Math.max(max, value);
    if (counts.size <= mostValues) counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  const listed = [...counts].map(([value, count]) => ({ value, count })).sort((a, b) => a.value - b.value);
  return { min, max, mean: sum / ratings.length, ...(listed.length <= mostValues ? { counts: listed } : {}) };
}

function timeOf(table: Table, name: string | undefined, { time }: Pairs): { time?: { first: string; last: string } } {
  const column = table.profile.columns.find((one) => one.name === name);
  if (!time || !column) return {};
  if (column.first !== undefined && column.last !== undefined) return { time: { first: column.first, last: column.last } };
  let [from, to] = [Infinity, -Infinity];
  for (const at of time)
    if (!Number.isNaN(at)) {
      from = Math.min(from, at);
      to = Math.max(to, at);
    }
  const scale = from >= 1e11 ? 1 : 1000; // milliseconds, else seconds since 1970
  const text = (at: number) => (Math.abs(at * scale) < 8.64e15 ? new Date(at * scale).toISOString() : String(at));
  return from <= to ? { time: { first: text(from), last: text(to) } } : {};
}
