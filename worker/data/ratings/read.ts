// The pairs of a ratings file, each user and item once, as whole numbers: 16 bytes a pair, whatever the ids are. Users and items are
// numbered in the order in which the file first names them; pairs stand by user, then by item.
import { AppError } from "../../../ipc/error.ts";
import type { Problem, RatingsColumns } from "../../../ipc/types.ts";
import { type Reading, typedSql } from "../readings.ts";
import type { Table } from "../table.ts";
import { outOfRange } from "./range.ts";

export interface Pairs {
  /** Ids as written, without blanks around them. */
  users: string[];
  items: string[];
  /** starts[u] … starts[u + 1] are the pairs of user u. */
  starts: Uint32Array;
  /** By pair: its user, its item, its row of the file from 1. */
  user: Int32Array;
  item: Int32Array;
  row: Uint32Array;
  /** By pair, where the file has ratings. */
  rating?: Float32Array;
  /** By pair, seconds or whatever unit the file counts in; NaN for none. */
  time?: Float64Array;
  problems: Problem[];
}

/** More of them do not fit whole numbers of 31 bits. */
const mostRows = 2 ** 31 - 2;

/**
 * Rows without a user, an item or (where there is such a column) a readable rating are left out, as are ratings far outside of the others; of
 * rows of the same pair the latest stays. Each is told among the problems.
 * @throws AppError columnMissing, targetNotNumeric, tooFewRows (nothing left, one user or one item), cancelled
 */
export async function readPairs(table: Table, columns: RatingsColumns, signal?: AbortSignal): Promise<Pairs> {
  const { file, rows } = table.profile;
  if (rows > mostRows) throw new AppError("fileTooLarge", `${file} has ${rows} rows.`, "Part it in two.", { file, rows });
  const readings = readingsOf(table, columns);
  const [user, item, rating, time] = [columns.user, columns.item, columns.rating, columns.time].map((name) => name && readings.get(name));
  const raw = {
    user: new Int32Array(rows),
    item: new Int32Array(rows),
    row: new Uint32Array(rows),
    rating: rating ? new Float32Array(rows) : undefined,
    time: time ? new Float64Array(rows) : undefined,
  };
  const users = new Map<string, number>();
  const items = new Map<string, number>();
  const numbered = (ids: Map<string, number>, id: string): number => {
    let at = ids.get(id);
    if (at === undefined) ids.set(id, (at = ids.size));
    return at;
  };
  const left = { ids: 0, idRow: 0, ratings: 0, ratingRow: 0 };
  const used = [...readings.values()];
  const wanted = [user, item, rating, time].flatMap((reading) => (reading ? [`v${reading.index}`] : []));
  let count = 0;
  for await (const chunk of table.database.chunks(`SELECT r, ${wanted.join(", ")} FROM ${typedSql(used)}`, signal)) {
    const cells = Array.from({ length: chunk.columnCount }, (_, i) => chunk.getColumnVector(i));
    for (let r = 0; r < chunk.rowCount; r++) {
      const row = Number(cells[0]!.getItem(r)) + 1;
      const [u, i] = [cells[1]!.getItem(r), cells[2]!.getItem(r)] as [string | null, string | null];
      if (!u || !i) {
        left.idRow ||= row;
        left.ids++;
        continue;
      }
      if (raw.rating) {
        const value = cells[3]!.getItem(r) as number | null;
        if (value === null) {
          left.ratingRow ||= row;
          left.ratings++;
          continue;
        }
        raw.rating[count] = value;
      }
      if (raw.time) raw.time[count] = (cells[raw.rating ? 4 : 3]!.getItem(r) as number | null) ?? NaN;
      raw.user[count] = numbered(users, u);
      raw.item[count] = numbered(items, i);
      raw.row[count++] = row;
    }
  }
  const problems: Problem[] = [];
  if (left.ids + left.ratings > 0) problems.push(leftOut(left, columns));
  let keep: Uint32Array = Uint32Array.from({ length: count }, (_, i) => i);
  if (raw.rating) {
    const range = outOfRange(raw.rating.subarray(0, count));
    if (range.count > 0) {
      const values = raw.rating;
      keep = keep.filter((i) => values[i]! >= range.min && values[i]! <= range.max);
      problems.push(farOff(range, columns.rating!, raw.row[range.first]!, raw.rating[range.first]!));
    }
  }
  const pairs = inOrder({ ...raw, keep, users: [...users.keys()], items: [...items.keys()] });
  if (pairs.copies > 0) problems.push(doubled(pairs.copies, pairs.copyRow));
  refuseTooFew(pairs, file, columns);
  return { ...pairs, problems };
}

function readingsOf(table: Table, columns: RatingsColumns): Map<string, Reading> {
  const { file } = table.profile;
  const found = new Map<string, Reading>();
  for (const [part, name] of Object.entries(columns) as [keyof RatingsColumns, string][]) {
    const reading = table.readings.find((one) => one.name === name);
    if (!reading)
      throw new AppError("columnMissing", `${file} has no column '${name}'.`, "Use the file that the run was trained on.", {
        file,
        column: name,
      });
    // An id is what is written, also where it looks like a number or like a mark for missing.
    if (part === "user" || part === "item") found.set(name, { name, index: reading.index, missing: [], type: "text" });
    else if (part === "rating" && reading.type !== "number")
      throw new AppError(
        "targetNotNumeric",
        `The ratings in '${name}' of ${file} are not numbers.`,
        "Write ratings as numbers, such as 1 to 5.",
        {
          file,
          column: name,
        },
      );
    else found.set(name, reading);
  }
  return found;
}

interface Raw {
  user: Int32Array;
  item: Int32Array;
  row: Uint32Array;
  rating: Float32Array | undefined;
  time: Float64Array | undefined;
  /** Places of the pairs that stay. */
  keep: Uint32Array;
  users: string[];
  items: string[];
}

/** The pairs by user and item, of equal ones the latest (by time, else by row); users and items of whom nothing is left go too. */
function inOrder(raw: Raw): Omit<Pairs, "problems"> & { copies: number; copyRow: number } {
  const { user, item, row, time } = raw;
  const at = (place: number) => time?.[place] ?? NaN;
  const order = raw.keep.sort((a, b) => {
    if (user[a] !== user[b]) return user[a]! - user[b]!;
    if (item[a] !== item[b]) return item[a]! - item[b]!;
    const [s, t] = [at(a), at(b)];
    return s !== t && !Number.isNaN(s) && !Number.isNaN(t) ? s - t : row[a]! - row[b]!;
  });
  const same = (i: number) => i > 0 && user[order[i]!] === user[order[i - 1]!] && item[order[i]!] === item[order[i - 1]!];
  const firstCopy = order.findIndex((_, i) => same(i));
  const kept = order.filter((_, i) => !(i + 1 < order.length && same(i + 1)));
  const names = (all: string[], column: Int32Array) => {
    const code = new Int32Array(all.length).fill(-1);
    for (const place of kept) code[column[place]!] = 0;
    const names = all.filter((_, i) => code[i] === 0);
    for (let i = 0, n = 0; i < code.length; i++) if (code[i] === 0) code[i] = n++;
    return { names, codes: Int32Array.from(kept, (place) => code[column[place]!]!) };
  };
  const users = names(raw.users, user);
  const items = names(raw.items, item);
  const starts = new Uint32Array(users.names.length + 1);
  for (const u of users.codes) starts[u + 1]!++;
  for (let u = 0; u < users.names.length; u++) starts[u + 1]! += starts[u]!;
  return {
    users: users.names,
    items: items.names,
    starts,
    user: users.codes,
    item: items.codes,
    row: Uint32Array.from(kept, (place) => row[place]!),
    ...(raw.rating ? { rating: Float32Array.from(kept, (place) => raw.rating![place]!) } : {}),
    ...(time ? { time: Float64Array.from(kept, (place) => time[place]!) } : {}),
    copies: order.length - kept.length,
    copyRow: firstCopy < 0 ? 0 : row[order[firstCopy]!]!,
  };
}

function refuseTooFew({ users, items, user }: Omit<Pairs, "problems">, file: string, columns: RatingsColumns): void {
  const say = (what: string, hint: string) => {
    throw new AppError("tooFewRows", `${file} ${what}.`, hint, { file, rows: user.length, users: users.length, items: items.length });
  };
  if (user.length === 0) say("has no row with a user, an item and a rating", "Check the columns, or train on it as a table.");
  if (users.length < 2)
    say(`has ratings of one '${columns.user}' only`, "Recommending needs several people: what others like is what is learned.");
  if (items.length < 2) say(`has ratings of one '${columns.item}' only`, "Recommending needs several items to choose from.");
}

function leftOut(
  left: { ids: number; idRow: number; ratings: number; ratingRow: number },
  { user, item, rating }: RatingsColumns,
): Problem {
  const rows = left.ids + left.ratings;
  const row = Math.min(left.idRow || Infinity, left.ratingRow || Infinity);
  const what = [left.ids ? `'${user}' or '${item}'` : "", left.ratings ? `a readable '${rating}'` : ""].filter(Boolean).join(" or ");
  return {
    code: "pairsIncomplete",
    row,
    data: { rows },
    message: `${rows} ${rows === 1 ? "row has" : "rows have"} no ${what} (the first is row ${row}); they are left out.`,
    hint: "Complete them if they matter.",
  };
}

function farOff(range: { min: number; max: number; count: number }, column: string, row: number, value: number): Problem {
  const { count, min, max } = range;
  return {
    code: "ratingsOutOfRange",
    column,
    row,
    data: { rows: count, min, max, value },
    message: `${count} ${count === 1 ? "rating lies" : "ratings lie"} far outside of ${min} to ${max}, such as ${value} in row ${row}; they are left out.`,
    hint: "Correct them in the file if they are real.",
  };
}

function doubled(rows: number, row: number): Problem {
  return {
    code: "duplicatePairs",
    row,
    data: { rows },
    message: `${rows} ${rows === 1 ? "row repeats" : "rows repeat"} a user and an item (the first is row ${row}); the latest of each counts.`,
    hint: "Nothing needs to be done where that is meant.",
  };
}
