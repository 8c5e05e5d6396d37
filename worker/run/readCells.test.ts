import { expect, test } from "vitest";
import type { ModelInput } from "../formats/modelCard.ts";
import { readColumn, readNumber } from "./readCells.ts";

const number: ModelInput = { input: "age", column: "age", kind: "number" };
const category: ModelInput = { input: "region", column: "region", kind: "category" };

test("numbers are read as people write them", () => {
  const cases: [string, number][] = [
    ["1", 1],
    [" 2.5 ", 2.5],
    ["-3e2", -300],
    [".5", 0.5],
    ["+7.", 7],
    ["1,234", 1234],
    ["-1,234,567.5", -1234567.5],
    ["007", 7],
    ["$ 1,234.50", 1234.5],
    ["12%", 12],
  ];
  for (const [text, value] of cases) expect(readNumber(text), text).toBe(value);
  for (const text of ["", " ", "NA", "n/a", "NaN", "null", "?", "-"]) expect(readNumber(text), text).toBeNaN();
  for (const text of ["twelve", "1,23", "12,34,567x", "1.2.3", "0x10", "1e999", "1_000", "Infinity", "5 kg"])
    expect(readNumber(text), text).toBeUndefined();
  expect(readNumber("1.234,5", "1.234,5")).toBe(1234.5);
  expect(readNumber("1234.5", "1.234,5")).toBe(1234.5);
});

test("a column of numbers becomes [n, 1] float32 with NaN for missing", () => {
  const tensor = readColumn(number, ["1", "", "NA", "2,000"], { firstRow: 1 });
  expect(tensor).toMatchObject({ dtype: "float32", dims: [4, 1] });
  expect([...(tensor.data as Float32Array)]).toEqual([1, NaN, NaN, 2000]);
});

test("words and dates go in as they are, trimmed", () => {
  expect(readColumn(category, [" east ", "N/A", "", "\u00a0西\t"], { firstRow: 1 }).data).toEqual(["east", "N/A", "", "西"]);
});

test("a cell that is no number is told with file, row and column", () => {
  expect(() => readColumn(number, ["1", "two"], { firstRow: 11, file: "new.csv" })).toThrow(
    expect.objectContaining({ code: "valueInvalid", data: { file: "new.csv", row: 12, column: "age", value: "two" } }) as Error,
  );
});

test("what training took for missing is missing, and a lenient reader takes all such cells so", () => {
  const known = { ...number, missing: ["unbekannt"] };
  expect(readColumn(known, ["unbekannt", "1"], { firstRow: 1 }).data).toEqual(Float32Array.of(NaN, 1));
  expect(() => readColumn(known, ["two"], { firstRow: 1 })).toThrow("row 1, column 'age': 'two'");
  expect(readColumn(number, ["two"], { firstRow: 1, lenient: true }).data).toEqual(Float32Array.of(NaN));
});
