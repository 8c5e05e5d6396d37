// A workspace that lies elsewhere than it did, as on a stick: records of runs name their data, the model and the run that they began from by
// whole paths. Where those are gone and the same lie here, the records are set right when the workspace is opened.
import { sep } from "node:path";
import { exists, list } from "./files.ts";
import type { Paths } from "./paths.ts";
import { readRun, writeRun } from "./runs.ts";

/** The folder that the workspace was in, by a path in it; undefined for a path that is of no project's data, or lies in `root`. */
export function formerRoot(path: string, project: string, root: string): string | undefined {
  const at = path.replaceAll("\\", "/").lastIndexOf(`/projects/${project}/data/`);
  const former = at > 0 ? path.slice(0, at) : undefined;
  return former === root ? undefined : former;
}

/** The same value with every path below `former` as one below `root`; the other system's separators, too. */
export function rebased<T>(value: T, former: string, root: string): T {
  if (typeof value === "string") {
    const below = value.startsWith(former) && /^[/\\]/.test(value.slice(former.length));
    return (below ? root + value.slice(former.length).replaceAll(/[/\\]/g, sep) : value) as T;
  }
  if (Array.isArray(value)) return value.map((one: unknown) => rebased(one, former, root)) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, rebased(one as unknown, former, root)])) as T;
}

/** Sets right what the runs of all projects name. What cannot be read is left to who opens it. */
export async function settleMoved(paths: Paths, projects: string[]): Promise<void> {
  for (const project of projects)
    for (const run of await list(paths.runs(project))) {
      const folder = paths.run(project, run);
      const record = await readRun(folder).catch(() => undefined);
      const data = record?.spec.data;
      if (!record || typeof data !== "string") continue;
      const former = formerRoot(data, project, paths.root);
      if (former === undefined || (await exists(data))) continue;
      const moved = rebased(record, former, paths.root);
      if (await exists(moved.spec.data)) await writeRun(folder, moved);
    }
}
