// Splits follow the content; encoded rows are the same from memory and from a file; what cannot be learned is refused by name.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { batches } from "../../worker/data/batches.ts";
import { encodeTable, type EncodedTable } from "../../worker/data/encode.ts";
import { fitEncoding } from "../../worker/data/encoding.ts";
import type { SplitBy } from "../../ipc/types.ts";
import { planSplit, textKeySql } from "../../worker/data/split.ts";
import { openTable } from "../../worker/data/table.ts";
import { errorOf, withTable, workplace } from "./open.ts";

const place = workplace();
afterAll(() => place.remove());
let count = 0;

const line = (i: number) => `${(i * 37) % 101},${"abc"[i % 3]},${i / 7},${(i * i) % 13}`;
const csv = (lines: string[]) => place.write(`s${count++}.csv`, `a,k,x,y\n${lines.join("\n")}\n`);

/** Text of the rows in each part. */
async function parts(
  file: string,
  options: { target?: string; task?: "classification" | "regression"; seed?: number; memoryBudget?: number } = {},
) {
  return withTable(file, place.cache, async (table) => {
    const split = { seed: options.seed ?? 1, split: true };
    const encoding = await fitEncoding(table, { target: options.target ?? "y", task: options.task ?? "regression", split });
    const encoded = await encodeTable(table, encoding, {
      split,
      scratch: join(place.folder, "scratch"),
      memoryBudget: options.memoryBudget,
    });
    const rows = await table.rows(0, 1e6);
    const texts = async (part: EncodedTable["train"]) =>
      Array.from((await part.range(0, part.rows)).rowNumbers, (row) => rows[row - 1]!.join());
    const result = { train: await texts(encoded.train), validation: await texts(encoded.validation), test: await texts(encoded.test) };
    await encoded.close();
    return result;
  });
}

describe("split", () => {
  const many = Array.from({ length: 1500 }, (_, i) => line(i));

  test("80/10/10, repeatable, another for another seed", async () => {
    const file = csv(many);
    const one = await parts(file);
    expect(one.train.length / 1500).toBeCloseTo(0.8, 1);
    expect(one.validation.length / 1500).toBeCloseTo(0.1, 1);
    expect(await parts(file)).toEqual(one);
    expect((await parts(file, { seed: 2 })).test).not.toEqual(one.test);
  });

  test("new rows move no old one, wherever they stand; copies stay together", async () => {
    const before = await parts(csv(many));
    const more = Array.from({ length: 500 }, (_, i) => line(i + 5000));
    const after = await parts(csv([...more, ...many, ...many.slice(0, 100)]));
    for (const part of ["train", "validation", "test"] as const)
      expect(new Set(after[part])).toEqual(new Set([...before[part], ...after[part].filter((text) => more.includes(text))]));
    const where = new Map<string, string>();
    for (const part of ["train", "validation", "test"] as const)
      for (const text of after[part]) expect(where.set(text, where.get(text) ?? part).get(text)).toBe(part);
  });

  test.each([3, 4, 6, 10, 25])("%i rows: no part is empty, and training has every class it can", async (n) => {
    for (let seed = 0; seed < 5; seed++) {
      const rows = Array.from({ length: n }, (_, i) => `${i},k${i % 2},${i / 3},${i % 2 ? "yes" : "no"}`);
      const split = await parts(csv(rows), { task: "classification", seed });
      expect(Math.min(split.train.length, split.validation.length, split.test.length)).toBeGreaterThan(0);
      if (n >= 4) expect(new Set(split.train.map((text) => text.split(",")[3])).size).toBe(2);
    }
  });
});

test("the same rows from memory and from a file", async () => {
  const file = csv(Array.from({ length: 9000 }, (_, i) => line(i)));
  await withTable(file, place.cache, async (table) => {
    const split = { seed: 3, split: true };
    const encoding = await fitEncoding(table, { target: "y", task: "regression", split });
    const scratch = join(place.folder, "scratch2");
    const inMemory = await encodeTable(table, encoding, { split, scratch });
    const inFile = await encodeTable(table, encoding, { split, scratch, memoryBudget: 0 });
    for (const positions of batches(inMemory.train.rows, 700, { seed: 1, epoch: 0, shuffle: true }))
      expect(await inFile.train.read(positions)).toEqual(await inMemory.train.read(positions));
    expect(await inFile.test.range(5, 9)).toEqual(await inMemory.test.range(5, 9));
    await inFile.close();
    await inMemory.close();
    expect(readdirSync(scratch)).toEqual([]);
  });
});

describe("targets that cannot be", () => {
  const rows = Array.from({ length: 12_000 }, (_, i) => `${i % 7},same,,c${i % 10_000},${i / 2}`);
  const file = place.write("targets.csv", `a,one,none,many,y\n${rows.join("\n")}\n`);
  test.each([
    ["nowhere", "regression", "targetMissing"],
    ["none", "classification", "targetEmpty"],
    ["one", "classification", "targetConstant"],
    ["many", "classification", "targetTooManyClasses"],
    ["many", "regression", "targetNotNumeric"],
  ] as const)("%s as %s", async (target, task, code) => {
    const error = await errorOf(
      withTable(file, place.cache, (table) => fitEncoding(table, { target, task, split: { seed: 1, split: true } })),
    );
    expect(error).toMatchObject({ code, exitCode: 3, data: { file: "targets.csv", column: target } });
  });

  test("nothing to learn from, too few rows, a column to leave out that is not there", async () => {
    const fit = (content: string, ignore: string[] = []) =>
      errorOf(
        withTable(place.write(`t${count++}.csv`, content), place.cache, (table) =>
          fitEncoding(table, { target: "y", task: "regression", ignore, split: { seed: 1, split: true } }),
        ),
      );
    expect((await fit("c,y\n1,1\n1,2\n1,3\n1,4\n")).code).toBe("noFeatures");
    expect((await fit("x,y\n1,1\n2,2\n")).code).toBe("tooFewRows");
    expect((await fit("x,y\n1,1\n2,2\n3,3\n", ["z"])).code).toBe("columnMissing");
  });
});

describe("cache", () => {
  const kept = () => readdirSync(place.cache).filter((name) => /^[0-9a-f]{64}$/.test(name));

  test("openers at the same time share one import", async () => {
    const file = csv(Array.from({ length: 400 }, (_, i) => line(i * 3)));
    const before = kept().length;
    const tables = await Promise.all(Array.from({ length: 4 }, () => openTable(file, { cache: place.cache })));
    for (const table of tables) expect((await table.rows(399, 5)).length).toBe(1);
    const folder = join(place.cache, tables[0]!.profile.fingerprint);
    for (const table of tables) await table.close();
    expect(kept().length).toBe(before + 1);
    expect(readdirSync(folder).sort()).toEqual(["table.duckdb", "table.json"]); // no scratch left behind
    expect(readdirSync(place.cache).filter((name) => name.startsWith("draft-"))).toEqual([]);
  });

  test("a torn one is made again; a changed file is read again", async () => {
    const file = csv([line(1), line(2), line(3)]);
    const fingerprint = await withTable(file, place.cache, (table) => table.profile.fingerprint);
    const database = join(place.cache, fingerprint, "table.duckdb");
    writeFileSync(database, readFileSync(database).subarray(0, 5000));
    expect(await withTable(file, place.cache, (table) => table.profile.rows)).toBe(3);
    writeFileSync(join(place.cache, fingerprint, "table.json"), "{");
    expect(await withTable(file, place.cache, (table) => table.profile.rows)).toBe(3);
    writeFileSync(file, `a,k,x,y\n${[line(1), line(2), line(3), line(4)].join("\n")}\n`);
    expect(await withTable(file, place.cache, (table) => table.profile.rows)).toBe(4);
  });
});

test("the key of a row stays what it was: the second half of the md5 of its fields, empty ones too", async () => {
  const file = place.write("key.csv", "a,b,c\n1,x,\n,北 京,2.50\n");
  await withTable(file, place.cache, async ({ database }) => {
    const md5 = (...fields: string[]) => createHash("md5").update(fields.join("\x1f")).digest().readBigUInt64LE(8);
    const keys = await database.rows("SELECT k::VARCHAR FROM raw ORDER BY rowid");
    expect(keys).toEqual([[String(md5("1", "x", ""))], [String(md5("", "北 京", "2.50"))]]);
  });
});

describe("split by choice", () => {
  const row = (i: number) =>
    `${i},p${(i * 7) % 60},${String(2000 + ((i * 13) % 20))}-0${1 + (i % 9)}-1${i % 10},${(i * 31) % 17},${i % 8 === 0 ? "rare" : i % 3 ? "a" : "b"}`;
  const file = (from: number, to: number, before: string[] = []) =>
    place.write(
      `by${count++}.csv`,
      `n,person,day,x,y\n${[...before, ...Array.from({ length: to - from }, (_, i) => row(from + i))].join("\n")}\n`,
    );
  /** The part of each row, by its text, and what was settled. */
  const deal = (path: string, by: SplitBy, seed = 1) =>
    withTable(path, place.cache, async (table) => {
      const target = table.readings.find(({ name }) => name === "y")!;
      const plan = await planSplit(table, target, { seed, split: true, by }, true);
      const found = await table.database.rows(`SELECT ${plan.sql}, c0, c1, c2, c3, c4 FROM raw ORDER BY rowid`);
      const counts = [0, 1, 2].map((part) => found.filter(([at]) => Number(at) === part).length);
      expect(plan.counts).toEqual(counts);
      return { plan, parts: new Map(found.map(([at, ...cells]) => [cells.join(), Number(at)])), found };
    });

  test.each(["random", "group", "time", "stratified"] as const)("%s: rows added anywhere move no old row", async (by) => {
    const column = by === "group" ? "person" : "day";
    const asked = (by === "group" || by === "time" ? { by, column } : { by }) as SplitBy;
    for (const seed of [1, 2, 3]) {
      const before = await deal(file(0, 600), asked, seed);
      // What the first run settled goes on with the project.
      const extra = Array.from({ length: 90 }, (_, i) => `${i},new${i},20${10 + (i % 20)}-05-05,${i},${i % 2 ? "a" : "fresh"}`);
      const after = await deal(file(0, 600, extra), before.plan.by, seed);
      for (const [text, part] of before.parts) expect(after.parts.get(text)).toBe(part);
    }
  });

  test("group: each group lies wholly in one part; those without one go by themselves", async () => {
    const { found } = await deal(file(0, 900, [",,2001-01-11,1,a", ",,2001-01-12,2,a"]), { by: "group", column: "person" });
    const where = new Map<unknown, Set<unknown>>();
    for (const [part, , person] of found) where.set(person, (where.get(person) ?? new Set()).add(part));
    for (const [person, parts] of where) if (person) expect(parts.size).toBe(1);
    expect(new Set(found.map(([part]) => part)).size).toBe(3);
  });

  test("time: the latest tenth tests, the tenth before it validates, and the cut is told as a time", async () => {
    const { plan, found } = await deal(file(0, 1000), { by: "time", column: "day" });
    const times = (part: number) => found.filter(([at]) => Number(at) === part).map(([, , , day]) => String(day));
    const kept = plan.by.by === "time" ? plan.by.kept! : (["", ""] as const);
    expect(times(0).every((day) => day < kept[0]!)).toBe(true);
    expect(times(1).every((day) => day >= kept[0]!.slice(0, 10) && day < kept[1]!.slice(0, 10))).toBe(true);
    expect(times(2).every((day) => day >= kept[1]!.slice(0, 10))).toBe(true);
    for (const part of [1, 2]) expect(times(part).length / 1000).toBeCloseTo(0.1, 1);
    const numbers = await deal(file(0, 300), { by: "time", column: "n" });
    expect(numbers.plan.by).toMatchObject({ kept: ["240", "270"] });
  });

  test("stratified: every class has its share to the row", async () => {
    const { found } = await deal(file(0, 800), { by: "stratified" });
    for (const name of ["rare", "a", "b"]) {
      const mine = found.filter((cells) => cells[5] === name);
      for (const part of [1, 2]) expect(mine.filter(([at]) => Number(at) === part).length).toBe(Math.round(mine.length / 10));
    }
  });

  test("columns that cannot part rows are refused", async () => {
    const path = file(0, 50);
    const target = (by: SplitBy) => errorOf(deal(path, by));
    expect(await target({ by: "group", column: "nowhere" })).toMatchObject({ code: "columnMissing" });
    expect(await target({ by: "time", column: "person" })).toMatchObject({ code: "usage", data: { column: "person" } });
    const flat = place.write("flat.csv", "t,y\n1,a\n1,b\n2,a\n2,b\n");
    expect(await errorOf(deal(flat, { by: "time", column: "t" }))).toMatchObject({ code: "usage" });
  });

  test("texts that differ in codes, blanks and marks alone stay together", async () => {
    const lines = Array.from({ length: 200 }, (_, i) => `"Call ${i} now, code ${(i * 977) % 1000}!",x`);
    const copies = Array.from({ length: 200 }, (_, i) => `"CALL  ${i % 10} now - code ${(i * 31) % 1000}",y`);
    const path = place.write("texts.csv", `text,y\n${[...lines, ...copies].join("\n")}\n`);
    await withTable(path, place.cache, async (table) => {
      const target = table.readings[1]!;
      const { sql } = await planSplit(table, target, { seed: 1, split: true, key: textKeySql(0) }, false);
      const found = await table.database.rows(
        `SELECT ${sql}, regexp_replace(regexp_replace(lower(c0), '[^a-z0-9]', '', 'g'), '[0-9]', '0', 'g') FROM raw`,
      );
      const where = new Map<unknown, Set<unknown>>();
      for (const [part, text] of found) where.set(text, (where.get(text) ?? new Set()).add(part));
      for (const parts of where.values()) expect(parts.size).toBe(1);
      expect(where.size).toBeGreaterThan(3);
    });
  });
});
