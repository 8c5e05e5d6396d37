// The files below a folder, in the order of their names. Links are not followed: they could lead anywhere, and round in circles.
import { lstat, opendir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { AppError } from "../../../ipc/error.ts";
import { type Entry, isJunk, tooLarge, type WalkOptions } from "./entry.ts";
import { type Limits, Meter } from "./limits.ts";

/** Folders within folders, at most. */
const deepest = 32;

export async function* folderEntries(root: string, options: WalkOptions): AsyncGenerator<Entry> {
  yield* below(root, "", 0, options, new Meter(root, Infinity, options.limits));
}

async function* below(root: string, at: string, depth: number, options: WalkOptions, meter: Meter): AsyncGenerator<Entry> {
  const names: { name: string; kind: "file" | "folder" | "link" | "other" }[] = [];
  const folder = await opendir(join(root, at)).catch((thrown: unknown) => {
    throw new AppError(
      "fileUnreadable",
      `The folder '${join(root, at)}' cannot be read.`,
      "Check its permissions.",
      { file: join(root, at) },
      thrown,
    );
  });
  for await (const found of folder) {
    meter.entry(join(at, found.name));
    const kind = found.isFile() ? "file" : found.isDirectory() ? "folder" : found.isSymbolicLink() ? "link" : "other";
    names.push({ name: found.name, kind });
  }
  names.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const { name, kind } of names) {
    options.signal?.throwIfAborted();
    const path = at ? `${at}/${name}` : name;
    if (isJunk(path)) continue;
    if (kind === "folder") {
      if (depth < deepest) yield* below(root, path, depth + 1, options, meter);
      else options.onSkipped?.(path, "a folder too deep");
    } else if (kind !== "file") options.onSkipped?.(path, kind === "link" ? "a link" : "no plain file");
    else if (options.wanted(path)) yield await fileEntry(root, path, options.limits);
  }
}

/** The file of that name, which a walk has given before. Throws `fileUnreadable` where it is a plain file no longer. */
export async function folderEntry(root: string, name: string, limits: Limits): Promise<Entry> {
  const info = await lstat(join(root, name)).catch(() => undefined);
  if (!info?.isFile())
    throw new AppError(
      "fileUnreadable",
      `'${name}' is no longer the file that it was.`,
      "Wait until nothing writes there, and try again.",
      {
        file: name,
      },
    );
  return fileEntry(root, name, limits);
}

async function fileEntry(root: string, name: string, { pictureBytes }: Limits): Promise<Entry> {
  const path = join(root, name);
  const { size } = await stat(path);
  return {
    name,
    bytes: size,
    async read() {
      if (size > pictureBytes) throw tooLarge(name, size, pictureBytes);
      return readFile(path);
    },
  };
}
