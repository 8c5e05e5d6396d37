// What processes that were killed left behind in the workspace: drafts of files and folders that never got their name, locks half taken. Each
// carries the pid of who made it (main/files.ts, main/locks.ts, worker/train/files.ts, worker/train/exports), and goes when that process is gone.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { exists, readText, remove, renameWell } from "./files.ts";
import { isRunning, takeLock } from "./locks.ts";
import { idPattern, type Paths } from "./paths.ts";
import { runFiles } from "./runs.ts";

const drafts = [/^\..+\.(\d+)(?:\.[0-9a-f]{8})?\.(?:tmp|draft)$/, /\.lock\.(\d+)\.[0-9a-f]{8}$/];
/** Without a pid: a lock put aside, and a zip that a killed host was making; their makers hold them for moments alone. */
const passing = [/\.lock\.[0-9a-f]{8}\.stale$/, /^files\.zip\.tmp$/];

function isLeft(name: string): boolean {
  if (passing.some((pattern) => pattern.test(name))) return true;
  const pid = drafts.map((pattern) => pattern.exec(name)?.[1]).find(Boolean);
  return pid !== undefined && isGone(Number(pid));
}

const isGone = (pid: number): boolean => pid === process.pid || !isRunning(pid);

async function sweep(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  for (const { name } of entries.filter((one) => isLeft(one.name))) await remove(join(folder, name));
  return entries.filter((one) => one.isDirectory()).map(({ name }) => name);
}

/** Removes them, and puts back titles that were to be replaced. Before the host begins to work: what bears this process's own pid is of an older one. */
export async function removeLeftovers(paths: Paths): Promise<void> {
  for (const folder of [paths.root, paths.chats, paths.uploads, paths.looseRuns]) await sweep(folder);
  for (const id of (await sweep(paths.models)).filter((name) => idPattern.test(name))) await sweep(paths.model(id));
  for (const id of (await sweep(paths.projects)).filter((name) => idPattern.test(name))) {
    await sweep(paths.project(id));
    await putBack(join(paths.project(id), "data"), paths.record(id)).catch(() => {}); // a damaged record is told when it is opened
    for (const run of await sweep(paths.runs(id))) {
      const folder = paths.run(id, run);
      const { lock } = runFiles(folder);
      if (await exists(lock)) await (await takeLock(lock))?.release(); // of a host that was killed when the run had ended
      for (const inner of await sweep(folder))
        for (const further of await sweep(join(folder, inner))) if (inner === "exports") await sweep(join(folder, inner, further));
    }
  }
}

/** Titles that were laid aside for others (projects.ts) come back where the change never came to its end. */
async function putBack(data: string, record: string): Promise<void> {
  const names = await sweepAndList(data);
  const aside = names.flatMap((name) => {
    const [, old, pid] = /^\.((?:titles|items)\.[a-z]+)\.(\d+)\.before$/i.exec(name) ?? [];
    return old !== undefined && isGone(Number(pid)) ? [{ name, old }] : [];
  });
  if (!aside.length) return;
  const { file } = JSON.parse((await readText(record)) ?? "{}") as { file?: string };
  for (const name of names) if (/^(?:titles|items)\.[a-z]+$/i.test(name) && name !== file) await remove(join(data, name));
  for (const { name, old } of aside) await renameWell(join(data, name), join(data, old));
}

async function sweepAndList(folder: string): Promise<string[]> {
  await sweep(folder);
  return readdir(folder).catch(() => []);
}
