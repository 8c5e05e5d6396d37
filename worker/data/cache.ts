// Where imported tables are kept: one folder for each content, `<cache>/<fingerprint>`, made under another name and then renamed,
// so that it is whole or not there. A note for each file seen (its size, times and inode) saves reading it again.
import { createHash, randomUUID } from "node:crypto";
import { type BigIntStats } from "node:fs";
import { mkdir, readdir, readFile, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";

interface Note {
  version: 1;
  stamp: string;
  fingerprint: string;
}

/** What changes when a file's content does. The change time cannot be set by hand. */
export function stampOf(stats: BigIntStats): string {
  return [stats.dev, stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs].join(":");
}

/** A file changed in the last moments may change again within the clock's grain, unseen: such a note is not believed. */
const grain = 2_000_000_000n;

async function notePath(cache: string, file: string): Promise<string> {
  return join(
    cache,
    "seen",
    `${createHash("sha256")
      .update(await realpath(file))
      .digest("hex")
      .slice(0, 32)}.json`,
  );
}

/** The fingerprint noted for the file as it is now, or undefined. */
export async function noted(cache: string, file: string, stats: BigIntStats): Promise<string | undefined> {
  try {
    const note = JSON.parse(await readFile(await notePath(cache, file), "utf8")) as Partial<Note>;
    const known = note.version === 1 && note.stamp === stampOf(stats) && /^[0-9a-f]{64}$/.test(note.fingerprint ?? "");
    return known ? note.fingerprint : undefined;
  } catch {
    return undefined; // no note, or a torn one: the file is read
  }
}

export async function takeNote(cache: string, file: string, stats: BigIntStats, fingerprint: string): Promise<void> {
  const newest = stats.mtimeNs > stats.ctimeNs ? stats.mtimeNs : stats.ctimeNs;
  if (BigInt(Date.now()) * 1_000_000n - newest < grain) return;
  const path = await notePath(cache, file);
  const draft = `${path}.${randomUUID()}`;
  try {
    await mkdir(join(cache, "seen"), { recursive: true });
    const note: Note = { version: 1, stamp: stampOf(stats), fingerprint };
    await writeFile(draft, JSON.stringify(note));
    await rename(draft, path);
  } catch {
    await rm(draft, { force: true }); // the note is a shortcut only
  }
}

/** A new empty folder to work in, beside the finished ones; `publish` or `drop` it. */
export async function draftFolder(cache: string): Promise<string> {
  await mkdir(cache, { recursive: true });
  await sweep(cache);
  const folder = join(cache, `draft-${process.pid}-${randomUUID()}`);
  await mkdir(folder);
  return folder;
}

/** Gives a finished draft its name. When another was faster, that one stays and the draft goes. */
export async function publish(draft: string, folder: string): Promise<void> {
  try {
    await rename(draft, folder);
  } catch (error) {
    await drop(draft);
    if (!(await exists(folder))) throw error;
  }
}

export async function drop(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 3 });
}

/** Takes a folder out of use at once, even where another process still reads from it, and removes it. */
export async function discard(cache: string, folder: string): Promise<void> {
  const grave = join(cache, `draft-${process.pid}-${randomUUID()}`);
  try {
    await rename(folder, grave);
  } catch {
    await drop(folder); // already gone, or held open: what can go goes
    return;
  }
  await drop(grave);
}

export async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch {
    return false;
  }
}

/** Drafts of processes that died. */
async function sweep(cache: string): Promise<void> {
  for (const name of await readdir(cache)) {
    const pid = /^draft-(\d+)-/.exec(name)?.[1];
    if (pid === undefined || Number(pid) === process.pid || alive(Number(pid))) continue;
    await drop(join(cache, name));
  }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
