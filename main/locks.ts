// A lock file says which process works in a folder, so that two windows on one workspace do not write over each other. A lock whose
// process is gone is stale and may be taken.
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { link, open, rename, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { fileError, readText, writeAtomic } from "./files.ts";

export interface LockOwner {
  pid: number;
  host: string;
  /** When the process began, as the system counts it, where it tells: a pid is used again, pid and beginning together are not. */
  began: string;
  /**
   * The process that works in the folder for it. When its host is killed it still keeps what it has, and then goes: until then the folder is not
   * free.
   */
  worker?: { pid: number; began: string };
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

export function isAlive({ pid, host, began, worker }: LockOwner): boolean {
  // Another machine on a shared disk: its processes cannot be seen from here, so its lock is believed.
  if (host !== hostname()) return true;
  return isSame(pid, began) || (worker !== undefined && isSame(worker.pid, worker.began));
}

function isSame(pid: number, began: string): boolean {
  if (!isRunning(pid)) return false;
  const now = beginningOf(pid);
  return began === "" || now === "" || began === now;
}

/** Whether there is a process of this number, whoever's. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Who holds the lock now; undefined when nobody does or its process is gone. */
export async function lockOwner(path: string): Promise<LockOwner | undefined> {
  const owner = parse(await readText(path));
  return owner && isAlive(owner) ? owner : undefined;
}

function parse(text: string | undefined): LockOwner | undefined {
  try {
    const { pid, host, began, worker } = JSON.parse(text ?? "") as Partial<LockOwner>;
    if (typeof pid !== "number" || pid <= 0 || typeof host !== "string" || typeof began !== "string") return undefined;
    const known = typeof worker?.pid === "number" && worker.pid > 0 && typeof worker.began === "string";
    return { pid, host, began, ...(known ? { worker } : {}) };
  } catch {
    return undefined;
  }
}

export interface Lock {
  /** Names the process that works in the folder for this one. */
  lend(pid: number): Promise<void>;
  release(): Promise<void>;
}

/** Takes the lock; where its host is gone and only a worker of that host still keeps what it has, waits for it to go. */
export async function takeLockInTime(path: string, patience: number): Promise<Lock | undefined> {
  for (const began = performance.now(); ; await sleep(50)) {
    const lock = await takeLock(path);
    if (lock) return lock;
    const owner = parse(await readText(path));
    const orphan = owner !== undefined && owner.host === hostname() && !isSame(owner.pid, owner.began);
    if (!orphan || performance.now() - began > patience) return undefined;
  }
}

/** Takes the lock, or answers undefined when a living process has it. */
export async function takeLock(path: string): Promise<Lock | undefined> {
  const own: LockOwner = { pid: process.pid, host: hostname(), began: beginningOf(process.pid) };
  const text = JSON.stringify(own);
  for (let attempt = 0; attempt < 5; attempt++) {
    // Written in full beside, then linked into place: a lock is never seen half written.
    const draft = `${path}.${process.pid}.${randomBytes(4).toString("hex")}`;
    try {
      const file = await open(draft, "wx");
      await file.writeFile(text);
      await file.close();
      await place(draft, path, text);
      return {
        lend: (pid) => writeAtomic(path, JSON.stringify({ ...own, worker: { pid, began: beginningOf(pid) } } satisfies LockOwner)),
        release: () => rm(path, { force: true }),
      };
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
