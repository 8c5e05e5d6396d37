// Damaged files of every format: each is read or refused with the file's name and what to do, in time and in bounds; nothing stays behind.
// A few of each here; PADDOCK_MUTATIONS=2000 npx vitest run --project whole test/data/mutated tries that many of each.
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { AppError } from "../../ipc/error.ts";
import { openTable } from "../../worker/data/table.ts";
import { damaged } from "./damage.ts";
import { makeFile, makers } from "./formatFiles.ts";
import { workplace } from "./open.ts";

const place = workplace();
afterAll(() => place.remove());

const tries = Number(process.env["PADDOCK_MUTATIONS"] ?? 12);
const mostSeconds = 20;
const mostBytes = 2 ** 31;

test.each(Object.keys(makers))(
  "%s",
  async (name) => {
    const whole = readFileSync(await makeFile(place.folder, name));
    const outcomes = { read: 0, refused: 0 };
    for (let i = 0; i < tries; i++) {
      const file = join(place.folder, `m${i}-${name}`);
      const cache = join(place.folder, "cache");
      writeFileSync(file, damaged(whole, i));
      const started = performance.now();
      const told = `${name}, try ${i}`;
      try {
        const table = await openTable(file, { cache });
        expect(table.profile.rows, told).toBeGreaterThan(0);
        await table.rows(0, 100);
        await table.close();
        outcomes.read++;
      } catch (thrown) {
        if (!(thrown instanceof AppError)) throw new Error(`${told} ended in ${String(thrown)}`, { cause: thrown });
        expect([thrown.exitCode, thrown.message, thrown.hint].join(" | "), told).toMatch(/^3 \| .+ \| .+/s);
        expect(JSON.stringify([thrown.message, thrown.data]), told).toContain(`m${i}-${name}`);
        outcomes.refused++;
      }
      expect((performance.now() - started) / 1000, told).toBeLessThan(mostSeconds);
      expect(process.memoryUsage().rss, told).toBeLessThan(mostBytes);
      if (existsSync(cache))
        expect(
          readdirSync(cache).filter((one) => one.startsWith("draft-")),
          told,
        ).toEqual([]);
      rmSync(cache, { recursive: true, force: true });
      rmSync(file);
    }
    // Damage that every try survives, or none, would show that the test is at the wrong place.
    expect(outcomes.refused, name).toBeGreaterThan(0);
  },
  tries * mostSeconds * 1000,
);
