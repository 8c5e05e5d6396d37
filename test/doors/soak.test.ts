// Some dozens of short jobs of every kind by the real host and its workers, and what they leave behind: nothing that is counted may grow from
// one round to the next. `node --expose-gc bench/soak.mjs` does a thousand, and looks at memory as well.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { type Counted, allowed, grown, growth, soak } from "../../bench/soak.ts";
import { root } from "../shared.ts";
import { regressor } from "../smallModels.ts";

const folder = mkdtempSync(join(tmpdir(), "paddock-soaked-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const flat: Counted = {
  heap: 20e6,
  host: 200e6,
  warm: 240e6,
  talking: NaN,
  files: 25,
  warmFiles: 20,
  resources: 6,
  listeners: 7,
  children: 2,
  temporary: 2,
  workspace: 2,
};

test("what grows is found, what comes and goes is not", () => {
  const rounds = (change: (i: number) => Partial<Counted>) => Array.from({ length: 20 }, (_, i) => ({ ...flat, ...change(i) }));
  const found = (change: (i: number) => Partial<Counted>) => grown(growth(rounds(change))).map(({ what }) => what);
  expect(found(() => ({}))).toEqual([]);
  expect(found((i) => ({ files: 25 + Math.floor(i / 5) }))).toEqual(["files"]);
  expect(found((i) => ({ warm: 240e6 + 5e6 * i, temporary: 2 + i }))).toEqual(["warm", "temporary"]);
  expect(found((i) => ({ host: i === 9 ? 900e6 : 200e6, files: 25 + (i % 3) }))).toEqual([]);
  // What the process warmed up to does not count.
  expect(found((i) => ({ heap: i < 4 ? 1e6 * i : 20e6 }))).toEqual([]);
});

// Open files and children are counted by /proc.
describe.skipIf(process.platform !== "linux")("a day of use in miniature", () => {
  test("leaves no file open, no process, no timer, no listener and nothing on the disk", { timeout: 300_000 }, async () => {
    const { rounds, kinds } = await soak({
      workspace: join(folder, "workspace"),
      temporary: join(folder, "temporary"),
      entry: join(root, "dist/worker/main.js"),
      jobs: 30,
      onnx: regressor(folder),
    });
    expect(Object.values(kinds)).toEqual(Array.from({ length: 15 }, () => 2));
    const [first, second] = rounds as [Counted, Counted];
    const more = (Object.keys(allowed) as (keyof Counted)[]).filter((what) => {
      const rule = allowed[what];
      return "more" in rule && second[what] > first[what] + rule.more;
    });
    expect(more, JSON.stringify(rounds)).toEqual([]);
  });
});
