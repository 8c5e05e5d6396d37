// How people write numbers. A format is found on a sample of a column and then read by the engine over all of it; the same reading
// in JavaScript serves forms. Currency, percent signs, blanks and apostrophes between digits are taken off; (5) is -5.
import { isMissingNumber } from "./missing.ts";

/** "plain" is what machines write (12, -0.5, 1e9); the others say by example how thousands and decimals are parted. */
export type NumberFormat = "plain" | "1,234.5" | "1.234,5";

const currency = "(?:[$€£¥₹₽₩元]|USD|EUR|GBP|CNY|RMB|CHF|JPY|US\\$|R\\$|kr|zł)";
const blank = "[ \\x{a0}\\x{202f}\\x{2009}]";

/** In RE2's letters; `javascript` makes the same for here. */
function pattern(group: string, decimal: string): string {
  const grouped = `\\d{1,3}(?:${group}\\d{3})+`;
  const parted = `\\d{1,3}(?:(?:${blank}|['’])\\d{3})+`;
  return `\\(?[-+−]?${currency}?${blank}?[-+−]?(?:(?:${grouped}|${parted}|\\d+)(?:${decimal}\\d*)?|${decimal}\\d+)${blank}?(?:${currency}|%|％)?\\)?`;
}

const plain = "[-+]?(?:\\d+\\.?\\d*|\\.\\d+)(?:[eE][-+]?\\d+)?";
const patterns: Record<NumberFormat, string> = { plain, "1,234.5": pattern(",", "\\."), "1.234,5": pattern("\\.", ",") };
const javascript = Object.fromEntries(
  Object.entries(patterns).map(([format, source]) => [
    format,
    new RegExp(`^(?:${source.replaceAll(/\\x\{(\w+)\}/g, (_, hex: string) => `\\u{${hex}}`)})$`, "u"),
  ]),
) as Record<NumberFormat, RegExp>;

const strip = "[^0-9eE.,+(−-]";

/** The number that `text` says, or NaN where it says none. Agrees with `numberSql`. */
export function numberOf(text: string, format: NumberFormat): number {
  const trimmed = text.trim();
  if (!javascript[format].test(trimmed)) return NaN;
  if (format === "plain") return Number(trimmed);
  const bare = trimmed.replaceAll(/[eE]/g, "").replaceAll(new RegExp(strip, "gu"), "").replaceAll("−", "-").replace("(", "-");
  return Number(format === "1,234.5" ? bare.replaceAll(",", "") : bare.replaceAll(".", "").replaceAll(",", "."));
}

/** The same over a column of the engine: DOUBLE, NULL or not finite where the text says no number. `text` is an SQL expression. */
export function numberSql(text: string, format: NumberFormat): string {
  if (format === "plain") return `TRY_CAST(${text} AS DOUBLE)`;
  const bare = `replace(replace(regexp_replace(replace(replace(${text}, 'e', ''), 'E', ''), '${strip}', '', 'g'), '−', '-'), '(', '-')`;
  const point = format === "1,234.5" ? `replace(${bare}, ',', '')` : `replace(replace(${bare}, '.', ''), ',', '.')`;
  return `CASE WHEN regexp_full_match(trim(${text}), '${patterns[format].replaceAll("'", "''")}') THEN TRY_CAST(${point} AS DOUBLE) END`;
}

export interface NumberEvidence {
  format: NumberFormat;
  /** Values that are no numbers, with how often they come. */
  odd: { value: string; count: number }[];
  /** Share of the values, missing ones not counted, that are numbers. */
  share: number;
  /** True when another reading fits as well: "1.234" could be a thousand. */
  ambiguous: boolean;
}

/** The format that reads most of the values; undefined when none reads at least half of them. */
export function findNumberFormat(values: readonly { value: string; count: number }[]): NumberEvidence | undefined {
  const present = values.filter(({ value }) => !isMissingNumber(value));
  let total = 0;
  for (const { count } of present) total += count;
  if (total === 0) return undefined;
  let best: NumberEvidence | undefined;
  for (const format of ["plain", "1,234.5", "1.234,5"] as const) {
    const odd = present.filter(({ value }) => !javascript[format].test(value));
    let missed = 0;
    for (const { count } of odd) missed += count;
    const share = 1 - missed / total;
    if (share >= 0.5 && share > (best?.share ?? 0)) best = { format, odd, share, ambiguous: false };
    if (share === 1) break;
  }
  if (best?.format === "plain") {
    const pointed = present.filter(({ value }) => value.includes("."));
    best.ambiguous = pointed.length > 0 && pointed.every(({ value }) => /^[-+]?\d{1,3}(\.\d{3})+$/.test(value) && !/^[-+]?0/.test(value));
  }
  return best;
}

/** Codes, not quantities: digits of one length, three or more, some with a zero in front (postcodes, article numbers). */
export function areCodes(values: readonly { value: string }[]): boolean {
  const present = values.map(({ value }) => value).filter((value) => !isMissingNumber(value));
  const length = present[0]?.length ?? 0;
  return (
    length >= 3 &&
    present.every((value) => /^\d+$/.test(value) && value.length === length) &&
    present.some((value) => value.startsWith("0"))
  );
}
