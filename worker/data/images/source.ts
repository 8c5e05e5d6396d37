// Where pictures lie: a folder, a zip or a tar. Each gives its files in a fixed order, one after the other, without unpacking anything to
// disk; what a caller does not want is passed over unread. Junk of operating systems is never given.
import { open, stat } from "node:fs/promises";
import { basename } from "node:path";
import { AppError } from "../../../ipc/error.ts";
import type { Entry, WalkOptions } from "./entry.ts";
import { folderEntries, folderEntry } from "./folder.ts";
import { limits } from "./limits.ts";
import { tarEntries } from "./tar.ts";
import { zipEntries } from "./zip.ts";

export type Walk = Omit<WalkOptions, "limits"> & Partial<Pick<WalkOptions, "limits">>;

export interface Source {
  kind: "folder" | "zip" | "tar";
  path: string;
  /** Bytes of the archive's file; 0 for a folder. */
  bytes: number;
  entries(options: Walk): AsyncGenerator<Entry>;
  /** One of its files by name, at once; where it takes a walk to come to one, absent. */
  entry?(name: string): Promise<Entry>;
}

/**
 * The folder or archive at `path`.
 * @throws fileMissing; fileEmpty; formatUnknown for a file that is no zip, tar or tar.gz
 */
export async function openSource(path: string): Promise<Source> {
  const info = await stat(path).catch(() => undefined);
  if (!info) throw new AppError("fileMissing", `There is no file or folder '${path}'.`, "Check the name and the folder.", { file: path });
  const bounds = (options: Walk): WalkOptions => ({ ...options, limits: options.limits ?? limits });
  if (info.isDirectory())
    return {
      kind: "folder",
      path,
      bytes: 0,
      entries: (options) => folderEntries(path, bounds(options)),
      entry: (name) => folderEntry(path, name, limits),
    };
  const kind = await archiveKind(path);
  if (kind === undefined)
    throw new AppError(
      "formatUnknown",
      `'${basename(path)}' is neither a folder nor a zip, tar or tar.gz archive.`,
      "Choose a folder of pictures, or such an archive of one.",
      { file: path },
    );
  const entries = kind === "zip" ? zipEntries : tarEntries;
  return { kind, path, bytes: info.size, entries: (options) => entries(path, bounds(options)) };
}

/** What an archive is by its first bytes; undefined for anything else. Throws `fileEmpty`. */
export async function archiveKind(path: string): Promise<"zip" | "tar" | undefined> {
  const file = await open(path, "r");
  try {
    const head = Buffer.alloc(512);
    const { bytesRead } = await file.read(head, 0, 512, 0);
    if (bytesRead === 0)
      throw new AppError("fileEmpty", `'${basename(path)}' is empty.`, "Choose a file that holds something.", { file: path });
    if (head.readUInt32LE(0) === 0x04034b50 || head.readUInt32LE(0) === 0x06054b50) return "zip";
    if (head[0] === 0x1f && head[1] === 0x8b) return "tar"; // what is inside the gzip shows when it is read
    return head.toString("latin1", 257, 262) === "ustar" ? "tar" : undefined;
  } finally {
    await file.close();
  }
}

/**
 * Whether the path is what pictures are kept in: a folder, a tar, or a zip that is not one of the documents which are zips too. What is really
 * in it, its reader says.
 */
export async function holdsPictures(path: string): Promise<boolean> {
  const info = await stat(path).catch(() => undefined);
  if (info?.isDirectory()) return true;
  if (!info?.isFile() || info.size === 0 || /\.(xlsx|xlsm|xlsb|ods|docx|csv|tsv|txt|json|jsonl)(\.gz)?$/i.test(path)) return false;
  return (await archiveKind(path)) !== undefined;
}
