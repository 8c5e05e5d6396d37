// What a drop or a chooser gives: files, and folders whose files are listed only when somebody wants their bytes.
import { AppError } from "../../ipc/error.ts";
import type { TarFile } from "./tar.ts";

export interface Folder {
  name: string;
  /** The folder as the drop gave it: a door that knows paths asks for its own. With `within`, a file inside, at that path. */
  handle: File;
  within?: string;
  /** Its files, hidden ones left out; paths begin within the folder. Throws `fileUnreadable`. */
  files(): Promise<TarFile[]>;
}

export type Dropped = File | Folder;

export const isFolder = (dropped: Dropped): dropped is Folder => !(dropped instanceof File);

/** To be called while the drop is handled: afterwards the browser forgets it. */
export function droppedOf(transfer: DataTransfer): Dropped[] {
  const items = [...(transfer.items ?? [])].filter((item) => item.kind === "file");
  if (!items.length) return [...transfer.files];
  return items.flatMap((item): Dropped[] => {
    const file = item.getAsFile();
    const entry = item.webkitGetAsEntry();
    if (!file) return [];
    return entry?.isDirectory ? [{ name: entry.name, handle: file, files: () => filesIn(entry as FileSystemDirectoryEntry) }] : [file];
  });
}

/** What a chooser of folders gives: its files, each with its path from the folder's own name on. */
export function folderOf(files: readonly File[]): Folder | undefined {
  const first = files[0];
  if (!first) return undefined;
  const name = first.webkitRelativePath.split("/")[0] ?? "";
  const inside = files.map((file) => ({ path: file.webkitRelativePath.slice(name.length + 1), file }));
  return {
    name,
    handle: first,
    within: first.webkitRelativePath.slice(name.length + 1),
    files: () => Promise.resolve(inside.filter(({ path }) => !path.split("/").some(isHidden))),
  };
}

const isHidden = (name: string) => name.startsWith(".");

async function filesIn(folder: FileSystemDirectoryEntry): Promise<TarFile[]> {
  const found: TarFile[] = [];
  const walk = async (at: FileSystemDirectoryEntry, before: string): Promise<void> => {
    for (const entry of await entriesOf(at)) {
      if (isHidden(entry.name)) continue;
      const path = `${before}${entry.name}`;
      if (entry.isDirectory) await walk(entry as FileSystemDirectoryEntry, `${path}/`);
      else if (entry.isFile) found.push({ path, file: await fileOf(entry as FileSystemFileEntry) });
    }
  };
  await walk(folder, "");
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

const unreadable = (name: string) => (why: unknown) =>
  new AppError("fileUnreadable", `'${name}' could not be read.`, "Check that you may open it.", { file: name }, why);

/** A reader gives a part at a time, and nothing when there is no more. */
async function entriesOf(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const all: FileSystemEntry[] = [];
  for (;;) {
    const part = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, (why) => reject(unreadable(folder.name)(why))),
    );
    if (!part.length) return all;
    all.push(...part);
  }
}

const fileOf = (entry: FileSystemFileEntry) =>
  new Promise<File>((resolve, reject) => entry.file(resolve, (why) => reject(unreadable(entry.name)(why))));
