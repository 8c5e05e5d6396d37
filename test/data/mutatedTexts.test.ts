// Damaged texts: lines, conversations and folders of texts in several encodings are read or refused by name, in time and in bounds; one
// damaged file of a folder never hides the others. PADDOCK_MUTATIONS=2000 tries that many of each.
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { AppError } from "../../ipc/error.ts";
import { inspectChats, looksLikeChats } from "../../worker/data/text/chats.ts";
import { inspectTexts } from "../../worker/data/text/inspectText.ts";
import { openTexts } from "../../worker/data/text/openTexts.ts";
import { damaged } from "./damage.ts";
import { workplace } from "./open.ts";

const place = workplace();
afterAll(() => place.remove());

const tries = Number(process.env["PADDOCK_MUTATIONS"] ?? 18);
const mostSeconds = 20;
const mostBytes = 2 ** 31;
const cache = join(place.folder, "cache");

const lines = Array.from({ length: 60 }, (_, i) => `Line ${i}: the food was ${i % 2 ? "great" : "cold"}, “naïve” 味道很好, ${i * 37}`);
const chat = (i: number) => ({
  messages: [
    { role: "user", content: `How many are ${i}, and 多少?` },
    { role: "assistant", content: `${i * i} "in all"\n` },
  ],
});
const pair = (i: number) => ({ prompt: `Say ${i}`, completion: `It is ${i}.` });
const utf16 = (text: string) => Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, "utf16le")]);

/** Reads the damaged file; whatever it throws but an error of exit code 3 that names the file and says what to do fails. */
async function all(whole: Buffer, name: string, read: (file: string, told: string) => Promise<void>) {
  const outcomes = { read: 0, refused: 0 };
  for (let i = 0; i < tries; i++) {
    const file = join(place.folder, `m${i}-${name}`);
    writeFileSync(file, damaged(whole, i));
    const started = performance.now();
    const told = `${name}, try ${i}`;
    try {
      await read(file, told);
      outcomes.read++;
    } catch (thrown) {
      if (!(thrown instanceof AppError)) throw new Error(`${told} ended in ${String(thrown)}`, { cause: thrown });
      expect([thrown.exitCode, thrown.message, thrown.hint].join(" | "), told).toMatch(/^3 \| .+ \| .+/s);
      expect(JSON.stringify([thrown.message, thrown.data]), told).toContain(`m${i}-${name}`);
      outcomes.refused++;
    }
    expect((performance.now() - started) / 1000, told).toBeLessThan(mostSeconds);
    expect(process.memoryUsage().rss, told).toBeLessThan(mostBytes);
    if (existsSync(cache)) expect(readdirSync(cache).filter((one) => one.startsWith("draft-")), told).toEqual([]); // prettier-ignore
    rmSync(cache, { recursive: true, force: true });
    rmSync(file);
  }
  return outcomes;
}

test.each([
  ["utf8.txt", Buffer.from(lines.join("\n"))],
  ["utf16.txt", utf16(lines.join("\r\n"))],
])(
  "lines of %s",
  async (name, whole) => {
    const { read } = await all(whole, name, async (file, told) => {
      const table = await openTexts(file, { cache });
      try {
        expect(table.profile.rows, told).toBeGreaterThan(0);
        expect(table.profile.rows, told).toBeLessThan(10 * lines.length);
        await table.rows(0, 100);
      } finally {
        await table.close();
      }
    });
    expect(read).toBeGreaterThan(0);
  },
  tries * mostSeconds * 1000,
);

describe("conversations", () => {
  const rows = Array.from({ length: 40 }, (_, i) => i);
  test.each([
    ["lines.jsonl", Buffer.from(rows.map((i) => JSON.stringify(chat(i))).join("\n")), false],
    ["pairs.jsonl", Buffer.from(rows.map((i) => JSON.stringify(pair(i))).join("\n")), false],
    ["list.json", Buffer.from(JSON.stringify(rows.map(chat))), true],
  ])(
    "in %s",
    async (name, whole, list) => {
      const { read, refused } = await all(whole, name, async (file, told) => {
        await looksLikeChats(file); // never throws
        const { problems, preview, rows: found } = await inspectChats(file);
        const bad = Number(problems.find(({ code }) => code === "brokenRows")?.data?.["count"] ?? 0);
        expect(bad, told).toBeLessThan(found);
        expect(preview.length, told).toBeGreaterThan(0);
      });
      // A list is one value, which most damage breaks; of lines the sound ones are still there.
      expect(list ? refused : read, name).toBeGreaterThan(tries / 2);
    },
    tries * mostSeconds * 1000,
  );
});

test(
  "a folder of classes keeps its other texts",
  async () => {
    const folder = join(place.folder, "reviews");
    for (const label of ["good", "bad"]) {
      mkdirSync(join(folder, label), { recursive: true });
      for (const [i, line] of lines.entries())
        if ((i % 2 === 1) === (label === "good")) writeFileSync(join(folder, label, `${i}.txt`), line);
    }
    const whole = utf16(lines.join("\n"));
    let leftOut = 0;
    for (let i = 0; i < tries; i++) {
      writeFileSync(join(folder, "bad", "damaged.md"), damaged(whole, i));
      const found = await inspectTexts(folder, { cache });
      const told = found.problems.find(({ code }) => code === "unreadableTexts");
      if (told) expect(told.data, `try ${i}`).toEqual({ count: 1, files: "'bad/damaged.md'" });
      expect(found.rows, `try ${i}`).toBe(lines.length + (told ? 0 : 1));
      leftOut += told ? 1 : 0;
      rmSync(cache, { recursive: true, force: true });
    }
    expect(leftOut).toBeLessThan(tries);
  },
  tries * mostSeconds * 1000,
);
