import { expect, test } from "vitest";
import { errorCodes } from "../../ipc/error.ts";
import { dictionaries, formats, pickLanguage } from "./index.ts";
import { tellError, tellProblem, tellReferee } from "./say.ts";

/** Every path of a dictionary with what stands there: "text", "words" (a function) or a list's length. */
function shape(value: unknown, path = ""): string[] {
  if (typeof value === "function") return [`${path} words`];
  if (Array.isArray(value)) return value.flatMap((one, i) => shape(one, `${path}[${i}]`));
  if (value && typeof value === "object") return Object.entries(value).flatMap(([key, one]) => shape(one, `${path}.${key}`));
  return [`${path} ${typeof value}`];
}

/** Sections whose English is the host's own sentences. */
const told = ["errors", "pictureProblems", "problems", "referee"];

test("both languages have the same entries of the same kind", () => {
  const { en, zh } = dictionaries;
  for (const section of Object.keys(en) as (keyof typeof en)[]) {
    if (told.includes(section)) expect(Object.keys(zh[section]).sort()).toEqual(Object.keys(en[section]).sort());
    else expect(shape(zh[section], section).sort(), section).toEqual(shape(en[section], section).sort());
  }
});

test("no text is empty, and no Chinese text keeps half-width marks between its letters", () => {
  const texts = (value: unknown): string[] =>
    typeof value === "string" ? [value] : value && typeof value === "object" ? Object.values(value).flatMap(texts) : [];
  for (const words of Object.values(dictionaries))
    for (const text of texts(words)) expect(text.length, JSON.stringify(text)).toBeGreaterThan(0);
  for (const text of texts(dictionaries.zh)) expect(text).not.toMatch(/[\u4e00-\u9fff][,:;?!]|[,:;?!][\u4e00-\u9fff]/);
});

test("every error is told in both languages, with a title, what happened and what to do", () => {
  for (const code of Object.keys(errorCodes) as (keyof typeof errorCodes)[]) {
    const error = { code, message: "What happened.", hint: "What to do.", data: { file: "a.csv", row: 7, column: "price" } };
    for (const words of Object.values(dictionaries)) {
      const { title, what, todo } = tellError(words.errors, error);
      for (const text of [title, what, todo]) expect(text).toBeTruthy();
    }
  }
  const error = { code: "valueInvalid" as const, message: "m", hint: "h", data: { file: "a.csv", row: 7, column: "price", value: "x" } };
  expect(tellError(dictionaries.zh.errors, error).what).toBe("文件“a.csv”，第 7 行，“price”列：这个值无法读取（“x”）。");
  expect(tellError(dictionaries.en.errors, error).what).toBe("m");
});

test("problems and the referee fall back to the host's sentence", () => {
  const problem = { code: "duplicateRows" as const, row: 9, data: { rows: 3 }, message: "3 rows are copies.", hint: "Nothing to do." };
  expect(tellProblem(dictionaries.en.problems, problem).what).toBe("3 rows are copies.");
  expect(tellProblem(dictionaries.zh.problems, problem).what).toBe("3 行与别的行完全相同。");
  const referee = { code: "converged" as const, data: { epoch: 12 }, message: "Done." };
  expect(tellReferee(dictionaries.en.referee, referee)).toBe("Done.");
  expect(tellReferee(dictionaries.zh.referee, referee)).toContain("12");
});

test("numbers carry their units and group as the language does", () => {
  const { en, zh } = formats;
  expect([2024, 10_000, 0.123456, -0.5, 1e-7].map((n) => en.number(n))).toEqual(["2024", "10,000", "0.1235", "−0.5", "1×10⁻⁷"]);
  expect([999, 15_400, 214e6, 16.6e9].map((n) => en.bytes(n))).toEqual(["999 B", "15 kB", "214 MB", "16.6 GB"]);
  expect([4, 75, 3600, 3900].map((n) => en.duration(n))).toEqual(["4 s", "1 min 15 s", "1 h 0 min", "1 h 5 min"]);
  expect(zh.duration(75)).toBe("1 分 15 秒");
  expect([1, 2, 10_000].map((n) => en.plural(n, { one: "# row", other: "# rows" }))).toEqual(["1 row", "2 rows", "10,000 rows"]);
  expect(dictionaries.en.data.found(10_000, 1)).toBe("10,000 rows, 1 column");
});

test("the language follows the system's wishes, best first", () => {
  expect(pickLanguage(["zh-Hant-TW", "en"])).toBe("zh");
  expect(pickLanguage(["fr", "en-GB", "zh"])).toBe("en");
  expect(pickLanguage(["fr"])).toBe("en");
});
