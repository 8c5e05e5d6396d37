// Imported tables can be made again from their data: those that no project has and nobody has opened for a month are removed.
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { list, remove, renameWell } from "./files.ts";
import { isRunning } from "./locks.ts";

const month = 30 * 86_400_000;
const fingerprint = /^[0-9a-f]{64}$/;

/** Removes old entries. One is first moved aside as a whole, which fails while another process has it open on Windows: then it stays. */
export async function cleanCache(cache: string, used: () => Promise<Set<string>>, now = Date.now()): Promise<void> {
  const names = await list(cache);
  for (const name of names.filter((one) => one.endsWith(".old") || isDraftOfTheDead(one))) await remove(join(cache, name));
  for (const name of await list(join(cache, "seen")))
    if (/\.json\.[0-9a-f-]{36}$/.test(name) && (await isOld(join(cache, "seen", name), now))) await remove(join(cache, "seen", name));
  const old: string[] = [];
  for (const name of names.filter((one) => fingerprint.test(one))) if (now - (await lastUse(join(cache, name))) > month) old.push(name);
  if (old.length === 0) return;
  const keep = await used();
  for (const name of old.filter((one) => !keep.has(one))) {
    const aside = join(cache, `${name}.old`);
    const moved = await renameWell(join(cache, name), aside).then(
      () => true,
      () => false,
    );
    if (moved) await remove(aside);
  }
}

/** Drafts carry the pid of the worker that makes them (worker/data/cache.ts). */
function isDraftOfTheDead(name: string): boolean {
  const pid = /^draft-(\d+)-/.exec(name)?.[1];
  return pid !== undefined && !isRunning(Number(pid));
}

/** A note is written in a moment; one that is a minute old was never finished. */
async function isOld(path: string, now: number): Promise<boolean> {
  const facts = await stat(path).catch(() => undefined);
  return facts !== undefined && Math.abs(now - facts.mtimeMs) > 60_000;
}

/** The latest that a file in the entry was read or written, as far as the file system keeps it. */
async function lastUse(folder: string): Promise<number> {
  const facts = await Promise.all((await list(folder)).map((name) => stat(join(folder, name)).catch(() => undefined)));
  return Math.max(0, ...facts.map((one) => Math.max(one?.mtimeMs ?? 0, one?.atimeMs ?? 0)));
}
