// Columns by which rows can be split: those whose values come again (people, shops, sessions), and those that tell when.
import type { TableProfile } from "../../ipc/types.ts";

/** The likeliest first: ids that repeat. */
export function groupColumns(profile: TableProfile, target: string | undefined): string[] {
  const { rows } = profile;
  const found = profile.columns.filter(
    ({ name, type, distinct, integer }) =>
      name !== target && distinct >= 3 && distinct <= rows / 1.5 && (type === "category" || type === "text" || integer === true),
  );
  const suggested = new Set(profile.problems.flatMap(({ code, column }) => (code === "groupColumn" && column ? [column] : [])));
  return found.map(({ name }) => name).sort((a, b) => Number(suggested.has(b)) - Number(suggested.has(a)));
}

/** Dates before numbers. */
export function timeColumns(profile: TableProfile, target: string | undefined): string[] {
  const found = profile.columns.filter(
    ({ name, type, distinct }) => name !== target && distinct >= 3 && (type === "date" || type === "number"),
  );
  return found.sort((a, b) => Number(b.type === "date") - Number(a.type === "date")).map(({ name }) => name);
}
