// The rows that a model is to answer: a table; for a model of texts also a folder of them, a text file of lines, or lines from stdin.
import { holdsPictures as isArchive } from "../data/images/source.ts";
import { basename } from "node:path";
import { linesTable, openTexts } from "../data/text/openTexts.ts";
import { columns, isFolder, isTextFile } from "../data/text/folder.ts";
import { head, scan } from "../data/scan.ts";
import { openTable, type OpenOptions, type Table } from "../data/table.ts";
import { type ModelCard, readsTexts } from "../formats/modelCard.ts";

/** Throws what reading throws. */
export async function openRows(card: ModelCard, file: string, options: OpenOptions): Promise<Table> {
  const column = readsTexts(card) ? card.inputs[0]!.column : undefined;
  if (column === undefined) return openTable(file, options);
  if ((await isFolder(file)) || isTextFile(file) || (await isArchive(file))) return renamed(await openTexts(file, options), card, column);
  if (basename(file) === "stdin.csv" && !(await namesColumn(file, column))) return renamed(await linesTable(file, options), card, column);
  return openTable(file, options);
}

/** Our own columns of texts and labels under the names that the model knows. */
function renamed(table: Table, card: ModelCard, text: string): Table {
  const names = new Map<string, string>([
    [columns.text, text],
    [columns.label, card.target],
  ]);
  const profile = { ...table.profile, columns: table.profile.columns.map((one) => ({ ...one, name: names.get(one.name) ?? one.name })) };
  return { ...table, profile };
}

/** Whether the first line is one of names that has this one. */
async function namesColumn(file: string, column: string): Promise<boolean> {
  const { text } = await head(file, await scan(file), 1 << 16);
  return text
    .split(/\r?\n/, 1)[0]!
    .split(/[,;\t|]/)
    .some((name) => name.trim().replace(/^"(.*)"$/, "$1") === column);
}
