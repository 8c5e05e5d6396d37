// Imported tables can be made again from their data: those that no project has and nobody has opened for a month are removed.
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { list, remove, renameWell } from "./files.ts";

const month = 30 * 86_400_000;
const fingerprint = /^[0-9a-f]{64}$/;

/** Removes old entries. One is first moved aside as a whole, which fails while another process has it open on Windows: then it stays. */
export async function cleanCache(cache: string, used: () => Promise<Set<string>>, now = Date.now()): Promise<void> {
  const names = await list(cache);
  for (const name of names.filter((one) => one.endsWith(".old"))) await remove(join(cache, name));
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

/** The latest that a file in the entry was read or written, as far as the file system keeps it. */
async function lastUse(folder: string): Promise<number> {
  const facts = await Promise.all((await list(folder)).map((name) => stat(join(folder, name)).catch(() => undefined)));
  return Math.max(0, ...facts.map((one) => Math.max(one?.mtimeMs ?? 0, one?.atimeMs ?? 0)));
}
