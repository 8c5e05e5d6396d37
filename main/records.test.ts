import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type RecordKind, readRecord } from "./records.ts";

const kind: RecordKind<{ version: 3; title: string; tags: string[] }> = {
  what: "project",
  schema: v.object({ version: v.literal(3), title: v.string(), tags: v.array(v.string()) }),
  steps: [
    ({ name, ...rest }) => ({ ...rest, title: name }), // 1 → 2
    (record) => ({ ...record, tags: [record["version"] === 2 ? "from 2" : "?"] }), // 2 → 3
  ],
  invalid: "projectInvalid",
  newer: "recordNewer",
};

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "paddock-records-"));
  path = join(folder, "record.json");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("an old record is lifted one step at a time, and reading writes nothing", async () => {
  const text = JSON.stringify({ version: 1, name: "a" });
  writeFileSync(path, text);
  expect(await readRecord(path, kind)).toEqual({ version: 3, title: "a", tags: ["from 2"] });
  expect(readFileSync(path, "utf8")).toBe(text);
});

test("none is undefined", async () => {
  expect(await readRecord(path, kind)).toBeUndefined();
});

test.each([
  ['{"version":3,"title":"a"', "projectInvalid", "it is not JSON"],
  ["[]", "projectInvalid", "it is not an object"],
  ['{"title":"a"}', "projectInvalid", "it has no version"],
  ['{"version":0}', "projectInvalid", "it has no version"],
  ['{"version":3,"title":4,"tags":[]}', "projectInvalid", "title"],
  ['{"version":4}', "recordNewer", "newer Paddock"],
])("%s is refused and left as it is", async (text, code, words) => {
  writeFileSync(path, text);
  await expect(readRecord(path, kind)).rejects.toMatchObject({ code, message: expect.stringContaining(words) as string });
  expect(readFileSync(path, "utf8")).toBe(text);
});
