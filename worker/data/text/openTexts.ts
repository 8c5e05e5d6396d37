// Texts behind the interface of tables, whatever they come in: a table as it is, a folder of class folders, a text file of lines.
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import type { Problem, TableProfile } from "../../../ipc/types.ts";
import { openTable, type OpenOptions, type Table } from "../table.ts";
import { columns, folderToCsv, isFolder, isTextFile, linesToCsv } from "./folder.ts";

/** Throws what reading throws. */
export async function openTexts(path: string, options: OpenOptions): Promise<Table> {
  if (await isFolder(path)) return converted(path, options, (out) => folderToCsv(path, out, options.signal));
  if (isTextFile(path)) return linesTable(path, options);
  return openTable(path, options);
}

/** A text file of whatever name, a row a line. */
export const linesTable = (path: string, options: OpenOptions): Promise<Table> =>
  converted(path, options, async (out) => {
    await linesToCsv(path, out, options.signal);
    return { problems: [] };
  });

/** The texts as a CSV file that lives until it is imported; the table kept is found by its content. */
async function converted(path: string, options: OpenOptions, write: (out: string) => Promise<{ problems: Problem[] }>): Promise<Table> {
  await mkdir(options.cache, { recursive: true });
  const folder = await mkdtemp(join(options.cache, `draft-${process.pid}-texts-`));
  try {
    options.onProgress?.("reading", null);
    const csv = join(folder, "texts.csv");
    const { problems } = await write(csv);
    const table = await openTable(csv, options);
    return { ...table, profile: told(table.profile, basename(resolve(path)), problems), file: path };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The profile under the name of what was opened; what is said of the file's own form says nothing here. */
function told(profile: TableProfile, file: string, problems: Problem[]): TableProfile {
  const ours = new Set<string>([columns.text, columns.file]);
  return {
    ...profile,
    file,
    problems: [...problems, ...profile.problems.filter(({ column }) => column === undefined || !ours.has(column))],
  };
}
