// Random tables written in random dialects are read back as they were; damaged files are read or refused, never worse.
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { AppError } from "../../ipc/error.ts";
import { openTable } from "../../worker/data/table.ts";
import { withTable, workplace } from "./open.ts";

const place = workplace();
afterAll(() => place.remove());
let count = 0;

/** How many times the usual number of cases is tried: each opens a table, and a loaded machine takes a second for it. */
const times = Number(process.env["PADDOCK_CASES"] ?? 1);
const timeout = 120_000 * times;

// Words that are no numbers, dates or marks, so that the first line is seen as names, with what dialects trip over inside.
const word = fc
  .tuple(
    fc.constantFrom("w", "ä", "表", "Z"),
    fc.string({ unit: fc.constantFrom("a", " ", ",", ";", "\t", "|", '"', "\n", "'", "é", "字", "."), maxLength: 12 }),
  )
  .map(([a, b]) => `${a}${b}w`);
const number = fc.oneof(fc.integer({ min: -1e6, max: 1e6 }), fc.double({ noNaN: true, min: -1e6, max: 1e6 })).map(String);
const table = fc
  .record({ words: fc.integer({ min: 1, max: 3 }), numbers: fc.integer({ min: 1, max: 3 }), rows: fc.integer({ min: 2, max: 30 }) })
  .chain(({ words, numbers, rows }) =>
    fc.array(fc.tuple(...Array.from({ length: words }, () => word), ...Array.from({ length: numbers }, () => number)), {
      minLength: rows,
      maxLength: rows,
    }),
  );

test("what was written is read", { timeout }, async () => {
  await fc.assert(
    fc.asyncProperty(
      table,
      fc.constantFrom(",", ";", "\t", "|"),
      fc.constantFrom("\n", "\r\n", "\r"),
      fc.boolean(),
      fc.boolean(),
      fc.boolean(),
      async (rows, delimiter, end, all, mark, last) => {
        const quote = (s: string) => (all || /[",;\t|\n\r]/.test(s) ? `"${s.replaceAll('"', '""')}"` : s);
        const header = rows[0]!.map((_, i) => `name ${i}`);
        const text = (mark ? "\ufeff" : "") + [header, ...rows].map((row) => row.map(quote).join(delimiter)).join(end) + (last ? end : "");
        await withTable(place.write(`r${count++}.csv`, text), place.cache, async (open) => {
          expect(open.profile.columns.map(({ name }) => name)).toEqual(header);
          expect(await open.rows(0, 1000)).toEqual(rows);
        });
      },
    ),
    { numRuns: 20 * times, seed: 1 },
  );
});

test("damaged files are read or refused", { timeout }, async () => {
  const base = Buffer.from(
    `id,name,when,value\n${Array.from({ length: 40 }, (_, i) => `${i},"n ""${i % 5}""",2024-01-${(i % 28) + 1},${i / 3}`).join("\n")}\n`,
  );
  const damage = fc.array(
    fc.record({
      at: fc.nat(base.length - 1),
      byte: fc.constantFrom(0, 10, 13, 34, 44, 59, 128, 255, 65),
      how: fc.constantFrom("set", "insert", "delete", "cut", "double"),
    }),
    { minLength: 1, maxLength: 4 },
  );
  await fc.assert(
    fc.asyncProperty(damage, async (edits) => {
      let bytes = Buffer.from(base);
      for (const { at, byte, how } of edits) {
        const [left, right] = [bytes.subarray(0, at), bytes.subarray(at)];
        if (how === "set") bytes = Buffer.concat([left, Buffer.of(byte), right.subarray(1)]);
        else if (how === "insert") bytes = Buffer.concat([left, Buffer.of(byte), right]);
        else if (how === "delete") bytes = Buffer.concat([left, right.subarray(3)]);
        else if (how === "cut") bytes = Buffer.from(left);
        else bytes = Buffer.concat([bytes, right]);
      }
      try {
        const open = await openTable(place.write(`d${count++}.csv`, bytes), { cache: place.cache });
        expect(open.profile.rows).toBeGreaterThan(0);
        await open.close();
      } catch (error) {
        if (!(error instanceof AppError) || error.exitCode !== 3) throw error;
      }
    }),
    { numRuns: 50 * times, seed: 2 },
  );
});
