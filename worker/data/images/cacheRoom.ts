// The cache of pictures is bounded: what was used longest ago goes first.
import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";

/** Bytes that findings, pixels and features may take together. */
export const cacheBytes = 16 * 2 ** 30;

/** Removes the oldest files until the rest fits; `keep` stays whatever its age. */
export async function trim(cache: string, options: { bytes?: number; keep?: string } = {}): Promise<void> {
  const folder = join(cache, "pictures");
  const files: { path: string; size: number; used: number }[] = [];
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const info = await stat(path).catch(() => undefined); // another process may have removed it
    if (info?.isFile()) files.push({ path, size: info.size, used: info.mtimeMs });
  }
  files.sort((a, b) => a.used - b.used);
  let total = files.reduce((sum, file) => sum + file.size, 0);
  for (const { path, size } of files) {
    if (total <= (options.bytes ?? cacheBytes)) return;
    if (path === options.keep) continue;
    await rm(path, { force: true });
    total -= size;
  }
}
