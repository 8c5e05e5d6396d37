// The files of a run folder. A record is written whole or not at all (temporary file, fsync, rename, fsync of the folder); an appended list
// may have a torn last line, which reading leaves out.
import { lstat, mkdir, open, readdir, readFile, rename, rm, truncate } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { AppError } from "../../ipc/error.ts";

/** A failure of the file system in our words. */
export function fileError(thrown: unknown, path: string): AppError {
  if (thrown instanceof AppError) return thrown;
  const code = (thrown as { code?: string }).code ?? "";
  const data = { file: basename(path), path };
  if (code === "ENOSPC" || code === "EDQUOT")
    return new AppError("diskFull", `The disk is full; '${path}' was not written.`, "Free some space, then resume the run.", data, thrown);
  if (code === "ENOENT") return new AppError("fileMissing", `There is no file '${path}'.`, "Check the name and the folder.", data, thrown);
  return new AppError(
    "folderNotWritable",
    `'${path}' could not be written (${code}).`,
    "Choose another folder, or change its permissions.",
    data,
    thrown,
  );
}

/** Replaces the file by these parts, one after another. After a crash at any moment the old or the new is there. */
export async function writeAtomic(path: string, ...parts: (string | Uint8Array)[]): Promise<void> {
  const draft = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
  try {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(draft, "w");
    try {
      for (const part of parts) await file.writeFile(part);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
    const folder = await open(dirname(path), "r").catch(() => undefined); // Windows opens no folders; its journal has to do
    await folder?.sync().catch(() => {});
    await folder?.close();
  } catch (thrown) {
    await rm(draft, { force: true }).catch(() => {});
    throw fileError(thrown, path);
  }
}

export const writeJson = (path: string, value: unknown): Promise<void> => writeAtomic(path, `${JSON.stringify(value, null, 2)}\n`);

/** The record, or undefined where there is none. Throws `runInvalid` when it is not JSON. */
export async function readJson<T>(path: string): Promise<T | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (thrown) {
    if ((thrown as { code?: string }).code === "ENOENT") return undefined;
    throw fileError(thrown, path);
  }
  try {
    return JSON.parse(text) as T;
  } catch (thrown) {
    throw new AppError("runInvalid", `'${path}' is damaged: it is not JSON.`, "Start a new run.", { file: basename(path), path }, thrown);
  }
}

/** Drafts that a killed process left behind. */
export async function removeDrafts(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) if (/^\..*\.tmp$/.test(name)) await rm(join(folder, name), { force: true });
}

/** A list of JSON values, one a line, that only grows at its end. */
export class Lines<T> {
  #path: string;
  #waiting: T[] = [];

  constructor(path: string) {
    this.#path = path;
  }

  /** Reads what is there; a torn or foreign line ends the list. Then cuts the file after the last value that `keep` accepts. */
  async recover(keep: (value: T) => boolean): Promise<T[]> {
    await this.#own();
    const bytes = await readFile(this.#path).catch(() => undefined);
    if (!bytes) return [];
    const values: T[] = [];
    let from = 0;
    for (let to = bytes.indexOf(10, from); to >= 0; to = bytes.indexOf(10, from)) {
      const value = parse<T>(bytes.toString("utf8", from, to));
      if (value === undefined || !keep(value)) break;
      values.push(value);
      from = to + 1;
    }
    if (from < bytes.length) await truncate(this.#path, from);
    return values;
  }

  /** Throws runInvalid where a stranger's run has a link here: what is cut or added would be at wherever it leads. */
  async #own(): Promise<void> {
    const facts = await lstat(this.#path).catch(() => undefined);
    if (facts && !facts.isFile())
      throw new AppError("runInvalid", `'${this.#path}' is a link or no regular file.`, "Remove it, or start a new run.", {
        file: basename(this.#path),
        path: this.#path,
      });
  }

  push(value: T): void {
    this.#waiting.push(value);
  }

  /** Appends what was pushed since. */
  async flush(): Promise<void> {
    if (this.#waiting.length === 0) return;
    const text = this.#waiting.map((value) => `${JSON.stringify(value)}\n`).join("");
    this.#waiting = [];
    await this.#own();
    try {
      const file = await open(this.#path, "a");
      try {
        await file.writeFile(text);
      } finally {
        await file.close();
      }
    } catch (thrown) {
      throw fileError(thrown, this.#path);
    }
  }
}

function parse<T>(line: string): T | undefined {
  try {
    return JSON.parse(line) as T;
  } catch {
    return undefined;
  }
}
