// Values far from all others: beyond three times the middle half on either side of it (Tukey, Exploratory Data Analysis, 1977: "far out").
// Columns that have many of them are skewed, not wrong, and are left alone.
import type { ColumnProfile, Problem } from "../../../ipc/types.ts";
import { type Reading, typedSql } from "../readings.ts";
import type { Subject } from "./subject.ts";

/** Share of the rows beyond which they are no outliers. */
const most = 0.01;

/** Where outliers begin, below and above; undefined where the middle half is one value. */
export function fences({ type, quartiles, distinct }: ColumnProfile): [number, number] | undefined {
  if (type !== "number" || !quartiles || distinct < 10) return undefined;
  const [low, , high] = quartiles;
  const reach = 3 * (high - low);
  return reach > 0 && Number.isFinite(reach) ? [low - reach, high + reach] : undefined;
}

export async function outliers({ table, target, signal }: Subject): Promise<Problem[]> {
  const { columns, rows } = table.profile;
  const looked = columns.flatMap((column, i) => {
    const bounds = !column.ignored && (column.min ?? 0) < (column.max ?? 0) ? fences(column) : undefined;
    const reading = table.readings[i]!;
    // A target of classes has codes, not sizes.
    const skip = reading === target?.reading && target.task === "classification";
    return bounds && !skip && (column.min! < bounds[0] || column.max! > bounds[1]) ? [{ column, reading, bounds }] : [];
  });
  if (looked.length === 0) return [];
  const wanted = looked.map(
    ({ reading: { index }, bounds: [low, high] }) => `count_if(v${index} < (${low})::DOUBLE OR v${index} > (${high})::DOUBLE)`,
  );
  const [counts] = await table.database.rows(
    `SELECT ${wanted.join(", ")} FROM ${typedSql(looked.map(({ reading }): Reading => reading))}`,
    signal,
  );
  return looked.flatMap(({ column, bounds: [low, high] }, i): Problem[] => {
    const count = Number(counts![i]);
    if (count === 0 || count > Math.max(1, most * rows)) return [];
    const [min, max] = [column.min!, column.max!];
    const farthest = low - min > max - high ? min : max;
    return [
      {
        code: "outliers",
        column: column.name,
        data: { count, farthest: Number(farthest.toPrecision(6)), low: Number(low.toPrecision(4)), high: Number(high.toPrecision(4)) },
        message: `${count} value${count === 1 ? "" : "s"} of "${column.name}" lie${count === 1 ? "s" : ""} far from all others, such as ${Number(farthest.toPrecision(6))}.`,
        hint: "Look whether they are real, or a wrong unit, or a slip.",
      },
    ];
  });
}
