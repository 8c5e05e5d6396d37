// Texts behind the interface of tables, whatever they come in: a table as it is, a folder of class folders, a text file of lines.
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import type { Problem, TableProfile } from "../../../ipc/types.ts";
import { damaged } from "../images/limits.ts";
import { holdsPictures as isArchive, openSource } from "../images/source.ts";
import { openTable, type OpenOptions, type Table } from "../table.ts";
import { columns, folderToCsv, isFolder, isTextFile, linesToCsv } from "./folder.ts";

/** Throws what reading throws. */
export async function openTexts(path: string, options: OpenOptions): Promise<Table> {
  if (await isFolder(path)) return converted(path, options, (out) => folderToCsv(path, out, options.signal));
  if (await isArchive(path)) return archiveTable(path, options);
  if (isTextFile(path)) return linesTable(path, options);
  return openTable(path, options);
}

/** An archive's texts, unpacked for as long as they are read; a folder that all lie in is no class. */
const archiveTable = (path: string, options: OpenOptions): Promise<Table> =>
  converted(path, options, async (out) => {
    const folder = join(dirname(out), "texts");
    await mkdir(folder);
    const source = await openSource(path);
    for await (const entry of source.entries({ wanted: isTextFile, signal: options.signal })) {
      const bytes = await entry.read();
      await mkdir(dirname(join(folder, entry.name)), { recursive: true })
        .then(() => writeFile(join(folder, entry.name), bytes))
        .catch((thrown: NodeJS.ErrnoException) => {
          // A file stands where another entry wants its folder.
          const clash = ["EEXIST", "ENOTDIR", "EISDIR"].includes(thrown.code ?? "");
          throw clash ? damaged(basename(path), `'${entry.name}' is a file and a folder`, thrown) : thrown;
        });
    }
    return folderToCsv(await withoutWrappers(folder), out, options.signal, basename(path));
  });

/** The first folder that holds more than one folder, or a text. */
async function withoutWrappers(folder: string): Promise<string> {
  const entries = await readdir(folder, { withFileTypes: true });
  const [only] = entries;
  if (entries.length !== 1 || !only?.isDirectory()) return folder;
  const inside = await readdir(join(folder, only.name), { withFileTypes: true });
  return inside.every((one) => one.isDirectory()) ? withoutWrappers(join(folder, only.name)) : folder;
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
