// The fences bite: a small tree in which every rule is broken once, and one in which none is.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { spawnSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { root } from "../shared.ts";

interface Violation {
  rule: { name: string };
  from: string;
}

/** Runs the project's own rules over a tree of files and answers "rule: file" for each violation. */
function cruise(folder: string): string[] {
  const run = spawnSync(
    process.execPath,
    [
      join(root, "node_modules/dependency-cruiser/bin/dependency-cruise.mjs"),
      ...["--config", join(root, ".dependency-cruiser.mjs"), "--output-type", "json", "ipc", "main", "worker", "renderer"],
    ],
    { cwd: folder, encoding: "utf8" },
  );
  const { summary } = JSON.parse(run.stdout) as { summary: { violations: Violation[] } };
  return summary.violations.map(({ rule, from }) => `${rule.name}: ${from}`).sort();
}

const broken: Record<string, string> = {
  "ipc/a.ts": `import "../main/free.ts";`,
  "main/free.ts": `export {};`,
  "main/b.ts": `import "../worker/tensor.ts";`,
  "main/c.ts": `import "onnxruntime-node";`,
  "main/host.ts": `import "electron";`,
  "worker/tensor.ts": `export {};`,
  "worker/d.ts": `import "../main/free.ts";`,
  "worker/data/e.ts": `import "../train/walk.ts";`,
  "worker/train/walk.ts": `export {};`,
  "worker/models/f.ts": `import "onnxruntime-node";`,
  "worker/models/g.ts": `import "@duckdb/node-api";`,
  "renderer/h.ts": `import "../main/free.ts";`,
  "renderer/i.ts": `import "node:fs";`,
  "renderer/ui/j.ts": `import "../state/k.ts";`,
  "renderer/state/k.ts": `export {};`,
  "renderer/parts/l.ts": `import "../screens/m.ts";`,
  "renderer/screens/m.ts": `export {};`,
  "worker/ops/n.ts": `import { o } from "./o.ts"; export const n = o;`,
  "worker/ops/o.ts": `import { n } from "./n.ts"; export const o = n;`,
};

const sound: Record<string, string> = {
  "ipc/a.ts": `export {};`,
  "main/main.ts": `import "electron"; import "../ipc/a.ts";`,
  "worker/tensor.ts": `export {};`,
  "worker/data/b.ts": `import "@duckdb/node-api"; import "../tensor.ts";`,
  "worker/run/c.ts": `import "onnxruntime-node"; import "../data/b.ts"; import "../../ipc/a.ts";`,
  "renderer/screens/d.ts": `import "../parts/e.ts"; import "../../ipc/a.ts";`,
  "renderer/parts/e.ts": `import "../ui/f.ts";`,
  "renderer/ui/f.ts": `export {};`,
};

describe("fences", () => {
  const home = mkdtempSync(join(tmpdir(), "paddock-fences-"));
  const lay = (name: string, files: Record<string, string>): string => {
    const folder = join(home, name);
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    for (const file of ["tsconfig.json", "package.json"]) symlinkSync(join(root, file), join(folder, file));
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
    return folder;
  };
  beforeAll(() => mkdirSync(home, { recursive: true }));
  afterAll(() => rmSync(home, { recursive: true, force: true }));

  test("each rule reports the file that breaks it", () => {
    const found = cruise(lay("broken", broken));
    for (const expected of [
      "ipc-imports-nothing: ipc/a.ts",
      "main-imports-ipc: main/b.ts",
      "main-loads-no-ml: main/c.ts",
      "electron-only-at-its-door: main/host.ts",
      "worker-imports-ipc: worker/d.ts",
      "worker-data: worker/data/e.ts",
      "onnxruntime-in-one-folder: worker/models/f.ts",
      "duckdb-in-one-folder: worker/models/g.ts",
      "renderer-imports-ipc: renderer/h.ts",
      "renderer-has-no-node: renderer/i.ts",
      "ui-knows-nothing-of-the-app: renderer/ui/j.ts",
      "parts-below-screens: renderer/parts/l.ts",
      "no-cycles: worker/ops/n.ts",
    ])
      expect(found).toContain(expected);
  });

  test("a sound tree passes", () => {
    expect(cruise(lay("sound", sound))).toEqual([]);
  });
});
