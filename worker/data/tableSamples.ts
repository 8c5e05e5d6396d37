// Rows of a table as they are shown beside an answer: their cells as written and the hash that says which row it is, wherever it stands.
import type { Table } from "./table.ts";

/** Columns that are shown of a wide table. */
const mostColumns = 60;

/** Names of the columns that are shown: the first ones, and the target wherever it stands. */
export function shownColumns({ profile }: Table, target: string): string[] {
  const names = profile.columns.map(({ name }) => name);
  if (names.length <= mostColumns) return names;
  const first = names.slice(0, mostColumns);
  return first.includes(target) ? first : [...first.slice(1), target];
}

/**
 * Looks rows up by their numbers, from 1; the cells are those of `columns`, cut after so many characters.
 * @param skip rows of the table that stand before row 1
 */
export function tableSamples(table: Table, columns: readonly string[], { cut = 400, skip = 0 } = {}) {
  const names = table.profile.columns.map(({ name }) => name);
  const cells = columns.map((name) => `left(coalesce(c${names.indexOf(name)}, ''), ${cut})`);
  return async (rows: readonly number[]): Promise<Map<number, { cells: string[]; hash: string }>> => {
    const found = new Map<number, { cells: string[]; hash: string }>();
    if (rows.length === 0) return found;
    const places = rows.map((row) => row - 1 + skip);
    const select = ["rowid", "k::VARCHAR", ...cells].join(", ");
    for (const [place, hash, ...texts] of await table.database.rows(`SELECT ${select} FROM raw WHERE rowid IN (${places.join(", ")})`))
      found.set(Number(place) + 1 - skip, { cells: texts.map(String), hash: String(hash) });
    return found;
  };
}
