// What was found in a set of pictures, kept in the cache. A file that changed a moment ago may change again within the clock's grain,
// unseen: findings on such a set are not kept.
import { createHash, randomUUID } from "node:crypto";
import { mkdir, readFile, rename, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ImagesProfile } from "../../../ipc/types.ts";
import { trim } from "./cacheRoom.ts";
import type { Picture } from "./pictures.ts";
import type { Survey } from "./survey.ts";

interface Findings {
  profile: ImagesProfile;
  pictures: Picture[];
}

const grain = 2000;
const pathOf = (cache: string, stamp: string) => join(cache, "pictures", `found-${stamp.slice(0, 32)}.json`);
const sum = (text: string) => createHash("sha256").update(text).digest("hex");

/** Undefined where there are none, or torn ones. */
export async function keptFindings(cache: string, stamp: string): Promise<Findings | undefined> {
  const path = pathOf(cache, stamp);
  try {
    const text = await readFile(path, "utf8");
    const at = text.indexOf("\n");
    if (text.slice(0, at) !== `${stamp} ${sum(text.slice(at + 1))}`) return undefined;
    const now = new Date();
    await utimes(path, now, now);
    return JSON.parse(text.slice(at + 1)) as Findings;
  } catch {
    return undefined; // the pictures are gone through again
  }
}

export async function keepFindings(cache: string, { stamp, newest }: Survey, findings: Findings): Promise<void> {
  if (Date.now() - newest < grain) return;
  const path = pathOf(cache, stamp);
  const draft = `${path}.${randomUUID()}`;
  try {
    await mkdir(join(cache, "pictures"), { recursive: true });
    const text = JSON.stringify(findings);
    await writeFile(draft, `${stamp} ${sum(text)}\n${text}`);
    await rename(draft, path);
    await trim(cache);
  } catch {
    await rm(draft, { force: true }); // a shortcut only
  }
}
