// What a folder holds, by the endings of its files: enough to tell a folder of texts from one of pictures.
import { opendir } from "node:fs/promises";
import { join } from "node:path";
import { maybePicture } from "./images/layout.ts";
import { openSource } from "./images/source.ts";
import { isTextFile } from "./text/folder.ts";

/** Entries that are looked at; the first ones of a large folder say enough. */
const most = { entries: 10_000, depth: 2 };

/** Texts and pictures among the first 10,000 files, three folders deep. Links and hidden files are not followed. Never throws. */
export async function countKinds(folder: string): Promise<{ texts: number; pictures: number }> {
  const found = { texts: 0, pictures: 0 };
  let seen = 0;
  const look = async (at: string, depth: number): Promise<void> => {
    for await (const entry of await opendir(at)) {
      if (seen > most.entries) return;
      if (entry.name.startsWith(".") || entry.isSymbolicLink()) continue;
      if (entry.isDirectory() && depth < most.depth) await look(join(at, entry.name), depth + 1);
      else if (entry.isFile()) {
        seen++;
        if (isTextFile(entry.name)) found.texts++;
        else if (maybePicture(entry.name)) found.pictures++;
      }
    }
  };
  await look(folder, 0).catch(() => undefined);
  return found;
}

/** The same of an archive, by the names of its first 10,000 files. What is wrong with it, its reader says: then what was seen until there. */
export async function countArchive(path: string, signal: AbortSignal): Promise<{ texts: number; pictures: number }> {
  const found = { texts: 0, pictures: 0 };
  let seen = 0;
  try {
    const source = await openSource(path);
    // The first entry beyond those that count is wanted: it ends the walk.
    const wanted = (name: string) => {
      if (isTextFile(name)) found.texts++;
      else if (maybePicture(name)) found.pictures++;
      return ++seen >= most.entries;
    };
    for await (const entry of source.entries({ wanted, signal })) if (entry.name) break;
  } catch {
    signal.throwIfAborted();
  }
  return found;
}
