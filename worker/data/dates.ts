// How people write dates. A format is a strptime text ("%d.%m.%Y %H:%M"); from it come one regular expression (the engine, ONNX and
// JavaScript run the same) and the order of its parts. Dates are read as written: no time zones, no seconds.
import { literal } from "./duckdb.ts";

export type Part = "Y" | "y" | "m" | "b" | "d" | "H" | "I" | "M" | "S" | "p";
export type Piece = { part: Part } | { between: string };

const longNames = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];

/** Every spelling of a month that is read, with its number from 1. */
export const monthSpellings: ReadonlyMap<string, number> = new Map(
  longNames.flatMap((name, i) =>
    [name, name.slice(0, 3), ...(name === "September" ? ["Sept"] : [])].flatMap((n) =>
      [n, n.toLowerCase(), n.toUpperCase()].map((spelling) => [spelling, i + 1] as [string, number]),
    ),
  ),
);

const expressions: Record<Part, string> = {
  Y: "[0-9]{4}",
  y: "[0-9]{2}",
  m: "0?[1-9]|1[0-2]",
  b: [...monthSpellings.keys()].sort((a, b) => b.length - a.length).join("|"),
  d: "0?[1-9]|[12][0-9]|3[01]",
  H: "[01]?[0-9]|2[0-4]",
  I: "0?[1-9]|1[0-2]",
  M: "[0-5]?[0-9]",
  S: "[0-5]?[0-9](?:[.,][0-9]{1,9})?(?: ?(?:Z|UTC|[-+][0-9]{2}:?[0-9]{2}))?",
  p: "AM|PM|am|pm|a\\.m\\.|p\\.m\\.",
};

const dates = [
  "%Y-%m-%d",
  "%Y/%m/%d",
  "%Y.%m.%d",
  "%Y年%m月%d日",
  "%d.%m.%Y",
  "%m/%d/%Y",
  "%d/%m/%Y",
  "%m-%d-%Y",
  "%d-%m-%Y",
  "%m/%d/%y",
  "%d/%m/%y",
  "%d.%m.%y",
  "%d-%b-%Y",
  "%d-%b-%y",
  "%d %b %Y",
  "%b %d, %Y",
  "%b %d %Y",
  "%Y-%b-%d",
];
const times = ["", " %H:%M:%S", " %H:%M", "T%H:%M:%S", "T%H:%M", " %I:%M %p", " %I:%M:%S %p"];

/** Every format that is tried, the surest first. */
export const dateFormats: readonly string[] = [
  ...dates.flatMap((date) => times.map((time) => date + time)),
  "%Y-%m",
  "%Y年%m月",
  "%b %Y",
  "%Y%m%d",
];

export function pieces(format: string): Piece[] {
  const all: Piece[] = [];
  for (let i = 0; i < format.length;) {
    if (format[i] === "%") {
      all.push({ part: format[i + 1] as Part });
      i += 2;
    } else {
      const next = format.indexOf("%", i);
      const end = next < 0 ? format.length : next;
      all.push({ between: format.slice(i, end) });
      i = end;
    }
  }
  return all;
}

/** The whole text, blanks around it allowed; RE2 and JavaScript read it alike. With `groups`, each part is a group. */
export function datePattern(format: string, groups = false): string {
  if (format === "%Y%m%d") {
    const open = groups ? "(" : "(?:";
    return `\\s*${open}(?:1[89]|2[01])[0-9]{2})${open}0[1-9]|1[0-2])${open}0[1-9]|[12][0-9]|3[01])\\s*`;
  }
  const body = pieces(format).map((piece) =>
    "part" in piece ? `${groups ? "(" : "(?:"}${expressions[piece.part]})` : piece.between.replaceAll(".", "\\."),
  );
  return `\\s*${body.join("")}\\s*`;
}

/** Compiled once: a table asks for every format in each of its columns. */
const compiled = new Map<string, RegExp>();

function expressionOf(format: string): RegExp {
  let expression = compiled.get(format);
  if (!expression) compiled.set(format, (expression = new RegExp(`^${datePattern(format)}$`, "u")));
  return expression;
}

/** Formats that read at least `share` of the values (weighted by their counts), the surest first. */
export function findDateFormats(values: readonly { value: string; count: number }[], column: string, share = 0.95): string[] {
  let total = 0;
  for (const { count } of values) total += count;
  if (total === 0) return [];
  const first = values.slice(0, 20);
  return dateFormats.filter((format) => {
    if (format === "%Y%m%d" && !/date|day|time|日|期|dt/i.test(column)) return false;
    const expression = expressionOf(format);
    if (values.length > 20 && !first.some(({ value }) => expression.test(value))) return false;
    let read = 0;
    for (const { value, count } of values) if (expression.test(value)) read += count;
    return read >= total * share;
  });
}

/** Days from 1970-01-01 of a civil date; whole numbers only, so that SQL, ONNX and JavaScript agree (Howard Hinnant's formula). */
export function daysFromCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yoe = y - era * 400;
  const doy = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  return era * 146097 + yoe * 365 + Math.floor(yoe / 4) - Math.floor(yoe / 100) + doy - 719468;
}

/** A struct of the parts' texts (p0, p1, …), empty texts where `text` (an SQL expression) is no date of this format. */
export function dateStructSql(text: string, format: string): string {
  const names = dateParts(format).map((_, i) => `'p${i}'`);
  return `regexp_extract(${text}, ${literal(`^${datePattern(format, true)}$`)}, [${names.join(", ")}])`;
}

/** Whole numbers out of such a struct, NULL where it is no date; `days` count from 1970-01-01. */
export function datePartsSql(struct: string, format: string): Record<"year" | "month" | "day" | "hour" | "minute" | "days", string> {
  const parts = dateParts(format);
  const raw = (part: Part): string => `${struct}.p${parts.indexOf(part)}`;
  const whole = (part: Part): string => `TRY_CAST(${raw(part)} AS INTEGER)`;
  const year = parts.includes("Y") ? whole("Y") : `(${whole("y")} + 2000 - 100 * (${whole("y")} >= 69)::INTEGER)`;
  const spellings = [...monthSpellings];
  const month = parts.includes("b")
    ? `[${spellings.map(([, month]) => month).join(",")}][list_position([${spellings.map(([name]) => literal(name)).join(",")}], ${raw("b")})]::INTEGER`
    : whole("m");
  const day = parts.includes("d") ? whole("d") : `(1 + 0 * ${year})`;
  const twelve = `(${whole("I")} % 12 + 12 * (lower(${raw("p")}) LIKE 'p%')::INTEGER)`;
  const hour = parts.includes("H") ? `(${whole("H")} % 24)` : parts.includes("I") ? twelve : `(0 * ${year})`;
  const minute = parts.includes("M") ? whole("M") : `(0 * ${year})`;
  const y = `(${year} - (${month} <= 2)::INTEGER)`;
  const doy = `((153 * (${month} + 9 - 12 * (${month} > 2)::INTEGER) + 2) // 5 + ${day} - 1)`;
  const days = `((${y} // 400) * 146097 + (${y} % 400) * 365 + (${y} % 400) // 4 - (${y} % 400) // 100 + ${doy} - 719468)`;
  return { year, month, day, hour, minute, days };
}

/**
 * Days from 1970 of what machines write ("2024-02-29", "2024-02-29 08:30:00"), read by the engine itself, ten times as fast as by the regular
 * expression and to the same bit; NULL for everything else, which is not to say that it is no date. undefined for formats of another kind.
 */
export function isoDaysSql(text: string, format: string): string | undefined {
  const blank = /^%Y-%m-%d(?:([T ])%H:%M:%S)?$/.exec(format);
  if (!blank) return undefined;
  // Only what has every digit: the engine also reads years before our era, blanks for zeros and 24 o'clock, each in its own way.
  const day = "[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}";
  const reads = (pattern: string, value: string): string => `CASE WHEN regexp_full_match(${text}, '${pattern}') THEN ${value} END`;
  if (blank[1] === undefined) return reads(day, `(TRY_CAST(${text} AS DATE) - DATE '1970-01-01')::DOUBLE`);
  const at = `TRY_CAST(${text} AS TIMESTAMP)`;
  const days = `((${at}::DATE - DATE '1970-01-01') + (hour(${at}) * 60 + minute(${at})) / 1440.0)::DOUBLE`;
  return reads(`${day}${blank[1]}(?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}`, days);
}

/** The parts of a format, in its order. */
export function dateParts(format: string): Part[] {
  return format === "%Y%m%d" ? ["Y", "m", "d"] : pieces(format).flatMap((piece) => ("part" in piece ? [piece.part] : []));
}

export function hasTime(format: string): boolean {
  return format.includes("%H") || format.includes("%I");
}
