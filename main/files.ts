// Files, written so that a crash at any moment leaves the old or the new, never half. Errors of the file system become ours here.
import { randomBytes } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { constants, access, lstat, mkdir, open, readFile, readdir, rename, rm, stat, statfs } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { AppError, type ErrorCode } from "../ipc/error.ts";

interface Failure extends Error {
  code?: string;
}

/** True when the thrown thing says that nothing is there. */
export function isMissing(thrown: unknown): boolean {
  const code = (thrown as Failure | null)?.code;
  return code === "ENOENT" || code === "ENOTDIR";
}

/** A failure of the file system in our words. `reading` decides whether a refusal is about reading or writing. */
export function fileError(thrown: unknown, path: string, reading = true): AppError {
  if (thrown instanceof AppError) return thrown;
  const failure = thrown as Failure;
  if (failure.name === "AbortError") return AppError.from(thrown);
  const file = basename(path);
  const say = (code: ErrorCode, message: string, hint: string) => new AppError(code, message, hint, { file, path }, thrown);
  switch (failure.code) {
    case "ENOENT":
    case "ENOTDIR":
      return reading
        ? say("fileMissing", `There is no file '${path}'.`, "Check the name and the folder.")
        : say("folderNotWritable", `The folder '${dirname(path)}' is not there.`, "Make it, or choose another place.");
    case "EISDIR":
      return say("fileUnreadable", `'${path}' is a folder, not a file.`, "Name a file in it.");
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return reading
        ? say("fileUnreadable", `'${path}' may not be read.`, "Change its permissions, or copy it to a folder of yours.")
        : say("folderNotWritable", `'${dirname(path)}' may not be written to.`, "Choose another folder, or change its permissions.");
    case "ENOSPC":
    case "EDQUOT":
      return say("diskFull", `The disk is full; '${file}' was not written.`, "Free some space and try again.");
    case "ENAMETOOLONG":
      return say("fileUnreadable", `The name '${file.slice(0, 60)}…' is too long.`, "Give the file a shorter name.");
    default:
      return reading
        ? say("fileUnreadable", `'${path}' could not be read: ${failure.message}`, "Try again, or copy it to another disk.")
        : say("folderNotWritable", `'${path}' could not be written: ${failure.message}`, "Try again, or choose another folder.");
  }
}

/** Makes a rename durable. Where folders cannot be opened (Windows), the system's own journal has to do. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r").catch(() => undefined);
  await folder?.sync().catch(() => {});
  await folder?.close();
}

/** Renames; on Windows a reader or a virus scanner can hold the target for a moment. */
export async function renameWell(from: string, to: string): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await rename(from, to);
    } catch (thrown) {
      const busy = process.platform === "win32" && ["EPERM", "EACCES", "EBUSY"].includes((thrown as Failure).code ?? "");
      if (!busy || attempt >= 8) throw thrown;
      await sleep(10 * 2 ** attempt);
    }
  }
}

const temporary = (path: string) =>
  join(dirname(path), `.${basename(path).slice(0, 60)}.${process.pid}.${randomBytes(4).toString("hex")}.tmp`);

/** Writes a whole file: temporary file, fsync, rename, fsync of the folder. */
export async function writeAtomic(path: string, content: string | Uint8Array): Promise<void> {
  const draft = temporary(path);
  try {
    const file = await open(draft, "wx");
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await renameWell(draft, path);
    await syncFolder(dirname(path));
  } catch (thrown) {
    await rm(draft, { force: true });
    throw fileError(thrown, path, false);
  }
}

export async function writeJson(path: string, value: unknown): Promise<void> {
  await writeAtomic(path, `${JSON.stringify(value, null, 2)}\n`);
}

/** Records are small; a file beyond this is none, and would fill the memory of the whole app. */
const largestText = 256 * 2 ** 20;

/** The text of a file, or undefined when it is not there. Throws fileTooLarge, fileUnreadable for what is no regular file. */
export async function readText(path: string): Promise<string | undefined> {
  try {
    const facts = await stat(path);
    // Pipes and devices would wait for ever.
    if (!facts.isFile())
      throw new AppError("fileUnreadable", `'${path}' is not a regular file.`, "Remove it, or put the file itself there.", { path });
    if (facts.size > largestText)
      throw new AppError("fileTooLarge", `'${path}' is ${Math.round(facts.size / 2 ** 20)} MB large, which no record is.`, "Remove it.", {
        path,
      });
    return await readFile(path, "utf8");
  } catch (thrown) {
    if (isMissing(thrown)) return undefined;
    throw fileError(thrown, path);
  }
}

export async function exists(path: string): Promise<boolean> {
  return access(path, constants.F_OK).then(
    () => true,
    () => false,
  );
}

/** Throws fileUnreadable where a file that is to grow is a link: what is added would go to wherever it leads. */
export async function refuseLink(path: string): Promise<void> {
  const facts = await lstat(path).catch(() => undefined);
  if (facts && !facts.isFile())
    throw new AppError("fileUnreadable", `'${path}' is a link or no regular file.`, "Put the file itself there, or remove it.", { path });
}

/** Names in a folder; none when it is not there. */
export async function list(path: string): Promise<string[]> {
  try {
    return await readdir(path);
  } catch (thrown) {
    if (isMissing(thrown)) return [];
    throw fileError(thrown, path);
  }
}

/** Checks that a path is a regular file with something in it, and answers its size. */
export async function regularFile(path: string): Promise<number> {
  const facts = await stat(path).catch((thrown: unknown) => {
    throw fileError(thrown, path);
  });
  const data = { file: basename(path), path };
  if (facts.isDirectory())
    throw new AppError("formatUnknown", `'${path}' is a folder, not a table.`, "Drop a file that holds a table.", data);
  if (!facts.isFile()) throw new AppError("fileUnreadable", `'${path}' is not a regular file.`, "Drop a file that holds a table.", data);
  if (facts.size === 0) throw new AppError("fileEmpty", `'${basename(path)}' is empty (0 bytes).`, "Choose a file with rows in it.", data);
  return facts.size;
}

interface StreamOptions {
  signal?: AbortSignal | undefined;
  /** Bytes expected in all, where known; a stream that ends with another number is refused. */
  expected?: number | undefined;
  /** 0…1, or null where the size is unknown; at most ten times a second. */
  onProgress?: ((fraction: number | null) => void) | undefined;
}

/** Streams into a new file, whole or not at all. Answers the bytes written. */
export async function writeStream(path: string, source: AsyncIterable<Uint8Array>, options: StreamOptions = {}): Promise<number> {
  const { expected, onProgress, signal } = options;
  const draft = temporary(path);
  let bytes = 0;
  let told = -Infinity;
  const counter = new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      bytes += chunk.length;
      const now = performance.now();
      if (onProgress && now - told >= 100) {
        told = now;
        onProgress(expected ? Math.min(1, bytes / expected) : null);
      }
      done(null, chunk);
    },
  });
  try {
    await mkdir(dirname(path), { recursive: true });
    await roomFor(dirname(path), expected ?? 0);
    await pipeline(Readable.from(source, { objectMode: false }), counter, createWriteStream(draft, { flags: "wx", flush: true }), {
      signal,
    });
    if (expected !== undefined && bytes !== expected)
      throw new AppError(
        "fileChanged",
        `'${basename(path)}' ended after ${bytes} of ${expected} bytes.`,
        "Send it again when it no longer changes.",
        {
          file: basename(path),
          bytes,
          expected,
        },
      );
    await renameWell(draft, path);
    await syncFolder(dirname(path));
    onProgress?.(1);
    return bytes;
  } catch (thrown) {
    await rm(draft, { force: true });
    throw fileError(thrown, path, false);
  }
}

/** Copies a file in a stream, so that a large one can be watched and cancelled. */
export async function copyFileTo(from: string, to: string, options: Omit<StreamOptions, "expected"> = {}): Promise<number> {
  const expected = await regularFile(from);
  const source = createReadStream(from, { highWaterMark: 1 << 20 });
  const readable = new Promise<void>((resolve, reject) => source.once("open", () => resolve()).once("error", reject));
  await readable.catch((thrown: unknown) => {
    throw fileError(thrown, from);
  });
  try {
    return await writeStream(to, source as AsyncIterable<Uint8Array>, { ...options, expected });
  } finally {
    // A copy that is refused or cancelled before its first byte has not touched the source, which would stay open.
    source.destroy();
  }
}

/** Refuses before writing what cannot fit. */
async function roomFor(folder: string, bytes: number): Promise<void> {
  const disk = await statfs(folder).catch(() => undefined);
  if (!disk || disk.bavail * disk.bsize >= bytes) return;
  const free = disk.bavail * disk.bsize;
  throw new AppError(
    "diskFull",
    `The disk has ${Math.floor(free / 1e6)} MB free, and ${Math.ceil(bytes / 1e6)} MB are needed.`,
    "Free some space and try again.",
    {
      free,
      needed: bytes,
    },
  );
}

/** Removes a folder or file with all in it; fine when it is not there. */
export async function remove(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
}

/** A path in the folder that is not taken: name, name-2, name-3… */
export async function freeName(folder: string, name: string, ending: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  for (let n = 1; ; n++) {
    const path = join(folder, `${name}${n > 1 ? `-${n}` : ""}${ending}`);
    if (!(await exists(path))) return path;
  }
}
