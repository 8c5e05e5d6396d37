// A column in a few words and bars.
import type { ColumnProfile } from "../../../ipc/types.ts";
import { format, say } from "../../state/words.svelte.ts";

/** Heights for the small picture: the histogram, or the most frequent values. */
export function columnCounts(column: ColumnProfile): number[] {
  return column.histogram?.counts ?? column.top?.slice(0, 12).map(({ count }) => count) ?? [];
}

/** What a reader wants to know of the values: range and middle, or the most frequent ones. */
export function columnText(column: ColumnProfile, rows: number): string {
  const f = format();
  const { min, max, quartiles, top, first, last } = column;
  if (column.type === "number" && min !== undefined && max !== undefined) {
    return quartiles
      ? say.data.numberShape(f.number(min), f.number(quartiles[1]), f.number(max))
      : say.data.range(f.number(min), f.number(max));
  }
  if (column.type === "date" && first && last) return say.data.range(first, last);
  // Where every value stands once, shares say nothing.
  if (column.ignored === "identifier")
    return column.examples.length ? f.list(column.examples.slice(0, 3).map((one) => shorten(one))) : say.data.distinct(column.distinct);
  if (column.type === "category" && top?.length) {
    const there = Math.max(1, rows - column.missing);
    const items = top
      .slice(0, 3)
      .map(({ value, count }) => say.data.times(shorten(value), f.percent(Math.round((100 * count) / there) / 100)));
    return `${say.data.distinct(column.distinct)} · ${f.list(items)}`;
  }
  if (column.type === "empty") return "";
  return column.examples[0] ? `“${shorten(column.examples[0], 60)}”` : say.data.distinct(column.distinct);
}

function shorten(text: string, most = 28): string {
  const letters = [...text];
  return letters.length > most ? `${letters.slice(0, most - 1).join("")}…` : text;
}
