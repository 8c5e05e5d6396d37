import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { cleanCache } from "./cache.ts";

test("only what is old and in no project's use is removed", async () => {
  const cache = mkdtempSync(join(tmpdir(), "paddock-cache-"));
  const now = Date.now();
  const entry = (letter: string, days: number) => {
    const name = letter.repeat(64);
    const folder = join(cache, name);
    mkdirSync(folder);
    writeFileSync(join(folder, "table.duckdb"), "x");
    const then = new Date(now - days * 86_400_000);
    utimesSync(join(folder, "table.duckdb"), then, then);
    utimesSync(folder, then, then);
    return name;
  };
  const [fresh, old, used] = [entry("a", 1), entry("b", 40), entry("c", 40)];
  mkdirSync(join(cache, "seen"));
  mkdirSync(join(cache, `${"d".repeat(64)}.old`));
  await cleanCache(cache, async () => new Set([used]), now);
  expect(readdirSync(cache)).toEqual([fresh, used, "seen"]);
  expect(old).not.toBe(used);
  await cleanCache(join(cache, "none"), async () => new Set(), now);
  rmSync(cache, { recursive: true });
});
