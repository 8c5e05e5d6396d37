// Damaged files of every format: each is read or refused with the file's name and what to do, in time and in bounds; nothing stays behind.
// A few of each here; PADDOCK_MUTATIONS=2000 npx vitest run --project whole test/data/mutated tries that many of each.
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { AppError } from "../../ipc/error.ts";
import { openTable } from "../../worker/data/table.ts";
import { makeFile, makers } from "./formatFiles.ts";
import { workplace } from "./open.ts";

const place = workplace();
afterAll(() => place.remove());

const tries = Number(process.env["PADDOCK_MUTATIONS"] ?? 12);
const mostSeconds = 20;
const mostBytes = 2 ** 31;

/** Mulberry32: the same damage in every run. */
function dice(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

type Damage = (bytes: Buffer, pick: (below: number) => number) => Buffer;
const damages: Damage[] = [
  (bytes, pick) => bytes.subarray(0, pick(bytes.length)), // not written to its end
  (bytes, pick) => {
    for (let i = 0, n = 1 + pick(8); i < n; i++) bytes[pick(bytes.length)] = pick(256);
    return bytes;
  },
  (bytes, pick) => {
    const at = pick(bytes.length);
    bytes.fill([0, 0xff, 0x7f][pick(3)]!, at, Math.min(bytes.length, at + 1 + pick(64))); // lengths that are absurd, in any order of bytes
    return bytes;
  },
  (bytes, pick) => {
    const at = pick(bytes.length);
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(pick(bytes.length), bytes.length)]); // a part is gone or twice there
  },
  (bytes, pick) => {
    const at = pick(bytes.length);
    const junk = Buffer.from(Array.from({ length: 1 + pick(200) }, () => pick(256)));
    return Buffer.concat([bytes.subarray(0, at), junk, bytes.subarray(at)]);
  },
  (bytes, pick) => {
    bytes[pick(Math.min(bytes.length, 64))]! ^= 1 << pick(8); // in the head, where formats say what follows
    bytes[bytes.length - 1 - pick(Math.min(bytes.length, 64))]! ^= 1 << pick(8); // and in the tail, where some say it
    return bytes;
  },
];

test.each(Object.keys(makers))(
  "%s",
  async (name) => {
    const whole = readFileSync(await makeFile(place.folder, name));
    const outcomes = { read: 0, refused: 0 };
    for (let i = 0; i < tries; i++) {
      const pick = dice(i + 1);
      const file = join(place.folder, `m${i}-${name}`);
      const cache = join(place.folder, "cache");
      writeFileSync(file, damages[i % damages.length]!(Buffer.from(whole), pick));
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
