import { describe, expect, test } from "vitest";
import { idPattern, newProjectId, newRunId, safeFileName, titleOf } from "./paths.ts";

describe("a file name that every file system takes", () => {
  test.each([
    ["penguins.csv", "penguins.csv"],
    ["共享单车.csv", "共享单车.csv"],
    ["../../etc/passwd", "passwd"],
    ["C:\\data\\a.csv", "a.csv"],
    ['a<b>c:d"e|f?g*h.csv', "a_b_c_d_e_f_g_h.csv"],
    ["line\nbreak\u0000.csv", "line_break_.csv"],
    [".hidden", "hidden"],
    ["..", "table"],
    ["", "table"],
    ["trailing. ", "trailing"],
    ["CON", "_CON"],
    ["nul.csv", "_nul.csv"],
    ["console.csv", "console.csv"],
    ["fdp.\u202evsc.exe", "fdp._vsc.exe"],
    ["half\ud800surrogate.csv", "half_surrogate.csv"],
    ["e\u0301te\u0301.csv", "été.csv"],
  ])("%j → %j", (name, safe) => {
    expect(safeFileName(name)).toBe(safe);
  });

  test("keeps its ending when it is cut, within bytes and without half a letter", () => {
    const safe = safeFileName(`${"数".repeat(300)}.csv`);
    expect(Buffer.byteLength(safe)).toBeLessThanOrEqual(120);
    expect(safe).toMatch(/^数+\.csv$/);
  });

  test("is safe as it is, so that a record that names it is read again", () => {
    // What is cut off here leaves a name whose last dot begins an ending.
    for (const name of [`${"a".repeat(106)}..efghjkmnpqrst`, `${"a".repeat(119)}. .x`, "con .txt", "  .a. ", "\u202e..."]) {
      const safe = safeFileName(name);
      expect(safeFileName(safe, 255), name).toBe(safe);
    }
  });
});

test("ids are made of letters, digits and dashes, and differ", () => {
  for (const title of ["Penguins", "共享单车", "../..", "", "a".repeat(500), "CON"]) {
    const ids = [newProjectId(title), newProjectId(title)];
    expect(new Set(ids).size).toBe(2);
    for (const id of ids) expect(id).toMatch(idPattern);
  }
  expect(newRunId(new Date(Date.UTC(2026, 0, 2, 3, 4, 5)))).toMatch(/^20260102-030405-[a-z0-9]{4}$/);
  expect(newRunId()).toMatch(idPattern);
});

test.each(["..", ".", "a/b", "a\\b", "A", "-a", "a-", "", "a.b", "a\0", "x".repeat(81)])("%j is no id", (id) => {
  expect(idPattern.test(id)).toBe(false);
});

test.each([
  ["penguins.csv", "penguins"],
  ["C:\\x\\Meine Tabelle.TSV", "Meine Tabelle"],
  [".csv", ".csv"],
  ["v1.2.csv", "v1.2"],
])("the title of %j is %j", (file, title) => {
  expect(titleOf(file)).toBe(title);
});
