// Every format that is read gives the same table, and says the same of it.
import { afterAll, describe, expect, test } from "vitest";
import { readers } from "../../worker/data/readers/index.ts";
import { columnNames, makeFile, makers, texts } from "./formatFiles.ts";
import { withTable, workplace } from "./open.ts";

const place = workplace();
afterAll(() => place.remove());

const lower = (rows: string[][]): string[][] =>
  rows.map((row) => row.map((cell) => (cell === "TRUE" || cell === "FALSE" ? cell.toLowerCase() : cell)));

describe("one table in every format", () => {
  test.each(Object.keys(makers))("%s", async (name) => {
    const file = await makeFile(place.folder, name);
    await withTable(file, place.cache, async ({ profile, rows }) => {
      expect(profile.columns.map((column) => column.name)).toEqual(columnNames);
      expect(lower(await rows(0, 1000))).toEqual(texts);
      expect(profile.rows).toBe(texts.length);
      expect(profile.columns.map(({ type }) => type)).toEqual(["category", "number", "number", "category"]);
      expect(profile.columns[1]!.missing).toBe(9);
    });
  });

  test("every reader has a file here", async () => {
    const made = new Set<string>();
    for (const name of Object.keys(makers))
      await withTable(await makeFile(place.folder, `${name}`), place.cache, ({ profile }) => made.add(profile.format!));
    expect([...made].sort()).toEqual(readers.map(({ id }) => id).sort());
  });
});
