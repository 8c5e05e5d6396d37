// A lock file says which process works in a folder, so that two windows on one workspace do not write over each other. A lock whose
// process is gone is stale and may be taken.
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { link, open, rename, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { fileError, readText } from "./files.ts";

export interface LockOwner {
  pid: number;
  host: string;
  /** When the process began, as the system counts it, where it tells: a pid is used again, pid and beginning together are not. */
  began: string;
}

/** Field 22 of /proc/<pid>/stat (ticks since boot); "" where there is no /proc. */
function beginningOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  } catch {
    return "";
  }
}

export function isAlive({ pid, host, began }: LockOwner): boolean {
  // Another machine on a shared disk: its processes cannot be seen from here, so its lock is believed.
  if (host !== hostname()) return true;
  try {
    process.kill(pid, 0);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== "EPERM") return false;
  }
  const now = beginningOf(pid);
  return began === "" || now === "" || began === now;
}

/** Who holds the lock now; undefined when nobody does or its process is gone. */
export async function lockOwner(path: string): Promise<LockOwner | undefined> {
  const owner = parse(await readText(path));
  return owner && isAlive(owner) ? owner : undefined;
}

function parse(text: string | undefined): LockOwner | undefined {
  try {
    const { pid, host, began } = JSON.parse(text ?? "") as Partial<LockOwner>;
    return typeof pid === "number" && pid > 0 && typeof host === "string" && typeof began === "string" ? { pid, host, began } : undefined;
  } catch {
    return undefined;
  }
}

export interface Lock {
  release(): Promise<void>;
}

/** Takes the lock, or answers undefined when a living process has it. */
export async function takeLock(path: string): Promise<Lock | undefined> {
  const text = JSON.stringify({ pid: process.pid, host: hostname(), began: beginningOf(process.pid) } satisfies LockOwner);
  for (let attempt = 0; attempt < 5; attempt++) {
    // Written in full beside, then linked into place: a lock is never seen half written.
    const draft = `${path}.${process.pid}.${randomBytes(4).toString("hex")}`;
    try {
      const file = await open(draft, "wx");
      await file.writeFile(text);
      await file.close();
      await place(draft, path, text);
      return { release: () => rm(path, { force: true }) };
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== "EEXIST") throw fileError(thrown, path, false);
    } finally {
      await rm(draft, { force: true });
    }
    const found = await readText(path);
    if (found === undefined) continue;
    const owner = parse(found);
    if (owner && isAlive(owner)) return undefined;
    await clearStale(path, found);
  }
  return undefined;
}

/** Puts the lock in place unless there is one (EEXIST). Disks without hard links get the plain exclusive creation. */
async function place(draft: string, path: string, text: string): Promise<void> {
  try {
    await link(draft, path);
  } catch (thrown) {
    if (!["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"].includes((thrown as NodeJS.ErrnoException).code ?? "")) throw thrown;
    const file = await open(path, "wx");
    await file.writeFile(text);
    await file.close();
  }
}

/** Moves a stale lock aside; when another process was faster and it is a fresh one that we moved, it is put back. */
async function clearStale(path: string, stale: string): Promise<void> {
  const aside = `${path}.${randomBytes(4).toString("hex")}.stale`;
  try {
    await rename(path, aside);
  } catch {
    return; // someone else moved it
  }
  if ((await readText(aside)) !== stale) await link(aside, path).catch(() => {});
  await rm(aside, { force: true });
}
