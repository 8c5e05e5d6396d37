// The user's own columns as points of the lesson: read as numbers, stretched onto the lesson's picture, at most 200 of them.
import type { HostApi } from "../../../ipc/host.ts";
import type { TableProfile } from "../../../ipc/types.ts";
import { maxPoints, type Point } from "../../state/lesson.svelte.ts";

export type TableHost = Pick<HostApi, "projects" | "project" | "rows">;

/** The picture that the lesson's learning rates are made for: x in 0…3, y in 0…15. */
const reach = { x: 3, y: 15 };

/** A cell as written, as a number; NaN where it is none. Thousands separators are left to the table's own reader. */
function read(cell: string | undefined): number {
  return cell === undefined || cell.trim() === "" ? Number.NaN : Number(cell);
}

/** Columns that hold more than one number. */
export function numberColumns(profile: TableProfile): string[] {
  return profile.columns.filter((c) => c.type === "number" && c.distinct > 1).map((c) => c.name);
}

/** Points from two columns of rows as written; empty when there are fewer than two or all x are equal. */
export function pointsFrom(rows: readonly (readonly string[])[], x: number, y: number): Point[] {
  const raw = rows.map((row) => ({ x: read(row[x]), y: read(row[y]) })).filter((p) => Number.isFinite(p.x) && Number.isFinite(p.y));
  const kept = raw.slice(0, maxPoints);
  const [xs, ys] = [kept.map((p) => p.x), kept.map((p) => p.y)];
  const [x0, x1, y0, y1] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  if (kept.length < 2 || x0 === x1) return [];
  const round = (value: number) => Number(value.toFixed(3));
  return kept.map((p) => ({
    x: round(((p.x - x0) / (x1 - x0)) * reach.x),
    y: round(y1 > y0 ? ((p.y - y0) / (y1 - y0)) * reach.y : reach.y / 2),
  }));
}
