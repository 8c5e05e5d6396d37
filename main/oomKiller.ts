// Whether the kernel ended a process for want of memory. Linux counts that, for the whole system and for each memory group (a container, a service);
// elsewhere, and where the counts may not be read, nobody can tell a SIGKILL of the kernel from another.
import { readFileSync } from "node:fs";

/** How often the kernel's OOM killer has struck, by every count that can be read. */
export function oomKills(): Map<string, number> {
  const counts = new Map<string, number>();
  const count = (path: string) => {
    const found = /^oom_kill (\d+)$/m.exec(read(path));
    if (found) counts.set(path, Number(found[1]));
  };
  count("/proc/vmstat");
  for (const line of read("/proc/self/cgroup").split("\n")) {
    const [id, kinds, group] = [line.split(":")[0], line.split(":")[1], line.split(":").slice(2).join(":")];
    if (id === "0" && kinds === "") for (const at of [group, ""]) count(`/sys/fs/cgroup${at}/memory.events`);
    else if (kinds?.split(",").includes("memory")) for (const at of [group, ""]) count(`/sys/fs/cgroup/memory${at}/memory.oom_control`);
  }
  return counts;
}

/** Whether it struck since then; undefined where nothing is counted. */
export function oomKilledSince(before: ReadonlyMap<string, number>, now: ReadonlyMap<string, number> = oomKills()): boolean | undefined {
  if (before.size === 0) return undefined;
  return [...before].some(([path, count]) => (now.get(path) ?? count) > count);
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
