// The marks that people write for "no value". In a column of numbers any of them means missing; in a column of words only those
// that are hardly ever a word of their own.

/** In lower case. */
const everywhere = [
  "?",
  "na",
  "n/a",
  "#n/a",
  "<na>",
  "nan",
  "null",
  "(null)",
  "\\n",
  "#null!",
  "#div/0!",
  "#value!",
  "缺失",
  "缺失值",
  "n.a.",
];
const amongNumbers = [
  ...everywhere,
  "none",
  "nil",
  "-",
  "--",
  "---",
  "–",
  "—",
  ".",
  "..",
  "*",
  "missing",
  "unknown",
  "无",
  "空",
  "暂无",
  "未知",
];

const words = new Set(everywhere);
const numbers = new Set(amongNumbers);

export function isMissingNumber(text: string): boolean {
  return text === "" || numbers.has(text.toLowerCase());
}

/** @param others the other values of the column: among short upper-case codes "NA" is one of them (North America, Namibia). */
export function isMissingWord(text: string, others: readonly string[]): boolean {
  if (text === "") return true;
  if (!words.has(text.toLowerCase())) return false;
  if (text !== "NA") return true;
  const codes = others.filter((other) => other !== text && other !== "");
  return !(codes.length >= 3 && codes.filter((code) => /^[A-Z]{2}$/.test(code)).length >= codes.length * 0.8);
}
