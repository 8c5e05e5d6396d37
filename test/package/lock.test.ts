// package-lock.json as every user's npm will read it: whole for every system, from no place of its own, with no script unasked for.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { root } from "../shared.ts";

interface Entry {
  version?: string;
  resolved?: string;
  integrity?: string;
  link?: boolean;
  hasInstallScript?: boolean;
  optional?: boolean;
  optionalDependencies?: Record<string, string>;
}

const text = readFileSync(join(root, "package-lock.json"), "utf8");
const { packages, lockfileVersion } = JSON.parse(text) as { packages: Record<string, Entry>; lockfileVersion: number };
const { allowed } = JSON.parse(readFileSync(join(root, "test/package/installScripts.json"), "utf8")) as { allowed: Record<string, string> };

/** Where node would find `name` from a package's folder: its own node_modules, then each above. */
function resolve(from: string, name: string): string | undefined {
  for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf("node_modules/") - 1))) {
    const path = `${at ? `${at}/` : ""}node_modules/${name}`;
    if (packages[path]) return path;
    if (at === "") return undefined;
  }
}

describe("the lock", () => {
  test("has an entry for every optional dependency, so that every system gets its natives", () => {
    const missing = Object.entries(packages).flatMap(([path, entry]) =>
      Object.keys(entry.optionalDependencies ?? {})
        .filter((name) => !resolve(path, name))
        .map((name) => `${path || "the root"} → ${name}`),
    );
    expect(missing).toEqual([]);
  });

  test("names no registry, and says of every package what its bytes are", () => {
    expect(lockfileVersion).toBe(3);
    expect(text).not.toMatch(/"resolved":\s*"https?:/);
    // What a link stands for is a folder of ours: it has no bytes from elsewhere.
    const own = new Set(Object.values(packages).flatMap(({ link, resolved }) => (link && resolved ? [resolved] : [])));
    const vague = Object.entries(packages).filter(([path, entry]) => path !== "" && !entry.link && !entry.integrity && !own.has(path));
    expect(vague.map(([path]) => path)).toEqual([]);
  });

  test("has no package with an install script that is not known and explained", () => {
    const found = Object.entries(packages)
      .filter(([, entry]) => entry.hasInstallScript)
      .map(([path]) => path.split("node_modules/").at(-1)!);
    expect([...new Set(found)].sort()).toEqual(Object.keys(allowed).sort());
    for (const [name, reason] of Object.entries(allowed)) expect(reason.length, name).toBeGreaterThan(20);
  });

  test("runs none of them: scripts are off", () => {
    expect(readFileSync(join(root, ".npmrc"), "utf8")).toMatch(/^ignore-scripts=true$/m);
  });
});
