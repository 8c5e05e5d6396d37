// What the health of a table is looked at for: its target, how its columns are read, how its rows are parted.
import type { ColumnProfile, TableTask } from "../../../ipc/types.ts";
import { type Reading, rawValueSql, trimmedSql } from "../readings.ts";
import type { SplitSpec } from "../split.ts";
import type { Table } from "../table.ts";

export interface Subject {
  table: Table;
  target?: { column: ColumnProfile; reading: Reading; task: TableTask };
  /** The column of texts, where they are what is learned from. */
  text?: string;
  split: SplitSpec;
  signal?: AbortSignal;
}

/** Cells that a look at every row may read; of larger tables the first rows are looked at. */
const mostCells = 20_000_000;

/** How many rows a look at every row takes. */
export const looked = ({ table: { profile } }: Subject): number =>
  Math.min(profile.rows, Math.max(1000, Math.floor(mostCells / profile.columns.length)));

/** A condition on `raw` that keeps a look within bounds. */
export const within = (subject: Subject): string => (looked(subject) < subject.table.profile.rows ? `rowid < ${looked(subject)}` : "true");

/** Every so many rows where there are more than `most`, spread over the file. */
export const every = ({ table: { profile } }: Subject, most: number): string =>
  profile.rows > most ? `rowid % ${Math.ceil(profile.rows / most)} = 0` : "true";

/**
 * What makes two rows near copies, SQL over `raw`: the same in all but the target and what names rows, once blanks, large letters and digits
 * beyond the fourth are gone; of texts, their letters and digits.
 */
export function nearKeySql({ table, target, text }: Subject): string {
  const cells = table.readings.flatMap((reading, i) => {
    const column = table.profile.columns[i]!;
    if (reading === target?.reading || column.ignored === "identifier" || column.ignored === "constant" || column.type === "empty")
      return [];
    if (text !== undefined) return column.name === text ? [lettersSql(reading.index)] : [];
    if (reading.type === "number") return [`coalesce(format('{:.3e}', ${rawValueSql(reading)}), '')`];
    return [`coalesce(lower(${trimmedSql(reading.index)}), '')`];
  });
  return cells.length ? `md5_number_lower(concat_ws(chr(31), ${cells.join(", ")}))` : "k";
}

const lettersSql = (index: number): string =>
  `regexp_replace(regexp_replace(lower(coalesce(c${index}, '')), '[^\\p{L}\\p{M}\\p{N}]+', '', 'g'), '\\p{N}', '0', 'g')`;
