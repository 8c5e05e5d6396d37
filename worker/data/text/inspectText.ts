// What is in a table or a folder of texts, told to a person.
import type { ColumnProfile, TableProfile } from "../../../ipc/types.ts";
import type { OpenOptions } from "../table.ts";
import { columns } from "./folder.ts";
import { openTexts } from "./openTexts.ts";
import { chooseText } from "./textColumn.ts";

/** Throws what reading throws; noFeatures where no column holds text. */
export async function inspectTexts(file: string, options: OpenOptions): Promise<TableProfile> {
  const table = await openTexts(file, options);
  await table.close();
  return asTexts(table.profile);
}

/** The profile of a table as one of texts: its text column is used, and says so no more as a problem. */
export function asTexts(profile: TableProfile): TableProfile {
  const { text, target } = chooseText(profile, {});
  const used = ({ ignored: _, ...column }: ColumnProfile): ColumnProfile => ({ ...column, type: "text" });
  const label = profile.columns.find(({ name }) => name === target);
  const guess = profile.targets.find(({ column }) => column === target);
  const folder = profile.columns.some(({ name }) => name === columns.file) && target === columns.label;
  return {
    ...profile,
    kind: "text",
    text,
    columns: profile.columns.map((column) => (column.name === text ? used(column) : column)),
    problems: profile.problems.filter(({ code, column }) => !(code === "freeTextColumn" && column === text)),
    ...(guess ? { target: folder || !profile.target ? { ...guess, reason: "name" as const } : profile.target } : {}),
    ...(label?.top ? { classes: label.top } : {}),
  };
}
