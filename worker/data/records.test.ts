import { expect, test } from "vitest";
import { Records } from "./records.ts";

/** Records of the text, given in pieces of every size: where it is cut may not matter. */
function read(text: string, delimiter = ",", quotes = true): string[][] {
  const results = [1, 2, 3, text.length || 1].map((size) => {
    const rows: string[][] = [];
    const reader = new Records({ delimiter, quotes }, (fields, line) => rows.push([String(line), ...fields]));
    for (let at = 0; at < text.length; at += size) reader.push(text.slice(at, at + size));
    if (!reader.end()) rows.push(["open", String(reader.openedAt)]);
    return rows;
  });
  for (const rows of results) expect(rows).toEqual(results[0]);
  return results[0]!;
}

test("fields, quotes and lines", () => {
  expect(read('a,b\r\n"x, ""y""\r\nz",2\r3,4\n')).toEqual([
    ["1", "a", "b"],
    ["2", 'x, "y"\r\nz', "2"],
    ["4", "3", "4"],
    ["5", "", ""].slice(0, 0),
  ].filter((row) => row.length)); // prettier-ignore
  expect(read("a,,\n,b,")).toEqual([["1", "a", "", ""], ["2", "", "b", ""]]); // prettier-ignore
});

test("blanks around quotes, text after them, quotes inside a word", () => {
  expect(read('a, "b, c" ,d\n')).toEqual([["1", "a", "b, c", "d"]]);
  expect(read('"a"b,5" x 3"\n')).toEqual([["1", "ab", '5" x 3"']]);
  expect(read('"a,b\n', ",", false)).toEqual([["1", '"a', "b"]]);
});

test("blank lines are no records, empty quotes are", () => {
  expect(read('\n\na\n\n""\n  \n')).toEqual([["3", "a"], ["5", ""]]); // prettier-ignore
});

test("a quote that stays open is told by its line", () => {
  expect(read('a\n"b\nc')).toEqual([["1", "a"], ["open", "2"]]); // prettier-ignore
});

test("runs of blanks", () => {
  expect(read("  1   2.5 3 \n4 5 6", " ")).toEqual([["1", "1", "2.5", "3"], ["2", "4", "5", "6"]]); // prettier-ignore
});
