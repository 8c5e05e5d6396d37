// A date becomes numbers: the time passed (as any number: median, quartile range, bent, with the edges of its bins), the month and the weekday on a
// circle, the day of the month, the hour on a circle, the day of the year on two circles (once and twice round a year); of the parts, those that vary in
// the train rows. All 0 for missing or unreadable, with a mark where the train rows had any.
// Parts are whole numbers and circles are tables, so that SQL and ONNX agree to the bit.
import type { Builder, Value } from "../../ops/builder.ts";
import { float32, strings } from "../../tensor.ts";
import { dateParts, datePattern, hasTime, monthSpellings, pieces, type Part } from "../dates.ts";
import type { Database } from "../duckdb.ts";
import type { Reading } from "../readings.ts";
import { bend, bendSql, centerAndScale, edgesOf, floatSql, quantilesOf, zSql } from "./number.ts";

export interface DateEncoder {
  kind: "date";
  column: string;
  /** strptime letters; the ONNX form reads text of this format. */
  format: string;
  /** Whole days since 1970-01-01 that are taken off first, so that float32 keeps the minutes. */
  days: number;
  center: number;
  scale: number;
  hasMissing: boolean;
  /** What is told beside the time passed, in this order; absent in runs of before, which tell all that the format has but the day of the year. */
  told?: Told[];
  /** Different quantiles of what the time passed is bent to; absent in runs of before. */
  edges?: number[];
}

type Told = "month" | "weekday" | "hour" | "day" | "yearDay";

/** What can be told of dates of a format. */
function possible(format: string): Told[] {
  const day = dateParts(format).includes("d");
  return [
    "month",
    ...(day ? (["weekday"] as const) : []),
    ...(hasTime(format) ? (["hour"] as const) : []),
    ...(day ? (["day", "yearDay"] as const) : []),
  ];
}

function toldOf({ told, format }: DateEncoder): Told[] {
  return told ?? possible(format).filter((part) => part !== "yearDay");
}

/** Places on a circle: 31 for each month, so that a date has its place whatever the year; the 29th of February has one, and a 31st that no month has is the next 1st. */
const yearDays = [0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335].flatMap((before) =>
  Array.from({ length: 31 }, (_, i) => (before + i) / 366),
);
const even = (n: number): number[] => Array.from({ length: n }, (_, i) => i / n);
/** Where each whole number from 0 on stands on its circle, in turns, and how often it is gone round. */
const circles = {
  month: { turns: even(12), times: [1] },
  weekday: { turns: even(7), times: [1] },
  hour: { turns: even(24), times: [1] },
  yearDay: { turns: yearDays, times: [1, 2] },
};

/** Sine and cosine of every place, for each time round. */
function waves(part: keyof typeof circles): Float32Array[] {
  const { turns, times } = circles[part];
  return times.flatMap((n) => [Math.sin, Math.cos].map((wave) => Float32Array.from(turns, (turn) => wave(2 * Math.PI * n * turn))));
}

/** Numbers that one date becomes. */
export function dateWidth(encoder: DateEncoder): number {
  let width = encoder.hasMissing ? 2 : 1;
  for (const part of toldOf(encoder)) width += part === "day" ? 1 : 2 * circles[part].times.length;
  return width;
}

/** Edges of the bins of each of a date's numbers, none but for the time passed. */
export function dateEdges(encoder: DateEncoder): number[][] {
  return Array.from({ length: dateWidth(encoder) }, (_, i) => (i === 0 ? (encoder.edges ?? []) : []));
}

/** @param source the train rows (typedSql) */
export async function fitDate(
  database: Database,
  source: string,
  reading: Reading & { type: "date" },
  signal?: AbortSignal,
): Promise<DateEncoder> {
  const v = `v${reading.index}`;
  const [middle] = await database.rows(`SELECT coalesce(floor(quantile_disc(${v}, 0.5)), 0) FROM ${source}`, signal);
  const days = Number(middle![0]);
  const [facts] = await centerAndScale(database, source, [`(${v} - ${days})`], signal);
  const { center, scale, present, rows } = facts!;
  const [quantiles] = await quantilesOf(database, source, [`(${v} - ${days})`], signal);
  const all = possible(reading.format);
  const [vary] = await database.rows(
    `SELECT ${all.map((part) => `coalesce(min(${partSql(part, reading.index)}) < max(${partSql(part, reading.index)}), false)`).join(", ")} FROM ${source}`,
    signal,
  );
  return {
    kind: "date",
    column: reading.name,
    format: reading.format,
    days,
    center,
    scale,
    hasMissing: present < rows,
    told: all.filter((_, i) => vary![i] === true),
    edges: edgesOf(quantiles!, center, scale),
  };
}

/** A part as a whole number from 0 on (the day: from 1 on); SQL over the columns of typedSql with parts. */
function partSql(part: Told, index: number): string {
  if (part === "weekday") return `((days${index} + 4) % 7 + 7) % 7`;
  if (part === "month") return `(month${index} - 1)`;
  return part === "yearDay" ? `((month${index} - 1) * 31 + day${index} - 1)` : `${part}${index}`;
}

/** SQL over the columns of typedSql with parts. First `z` columns, then what is made of them. */
export function dateSql(encoder: DateEncoder, index: number): { z: string; features: (z: string, cut: string) => string[] } {
  const time = hasTime(encoder.format) ? ` + (hour${index} * 60 + minute${index})::FLOAT / ${floatSql(1440)}` : "";
  return {
    z: zSql(`((days${index} - (${encoder.days}))::FLOAT${time})`, encoder.center, encoder.scale),
    features: (z, cut) => [
      bendSql(cut),
      ...toldOf(encoder).flatMap((part) =>
        part === "day"
          ? [`coalesce((day${index} - 16)::FLOAT / ${floatSql(8)}, ${floatSql(0)})`]
          : waves(part).map((wave) => `coalesce([${[...wave].map(floatSql).join(", ")}][${partSql(part, index)} + 1], ${floatSql(0)})`),
      ),
      ...(encoder.hasMissing ? [`CASE WHEN ${z} IS NULL THEN ${floatSql(1)} ELSE ${floatSql(0)} END`] : []),
    ],
  };
}

/** A date of the format, to stand in where the text is none. */
function anyDate(format: string): string {
  const parts: Record<Part, string> = { Y: "2000", y: "00", m: "01", b: "Jan", d: "01", H: "00", I: "12", M: "00", S: "00", p: "AM" };
  return pieces(format)
    .map((piece) => ("part" in piece ? parts[piece.part] : piece.between))
    .join("");
}

/** ONNX: raw text (n, 1) → (n, dateWidth) float32. */
export function dateOnnx(g: Builder, encoder: DateEncoder, x: Value): Value {
  const { format } = encoder;
  const right = g.op("RegexFullMatch", [x], { pattern: datePattern(format) }); // (n, 1)
  const text = g.op("Where", [right, x, g.constant(strings([1, 1], [anyDate(format)]))]);
  const parts = split(g, text, format);
  const year = parts.Y ?? shortYear(g, parts.y!);
  const month = parts.m ?? parts.b!;
  const day = parts.d ?? whole(g, 1);
  const zero = whole(g, 0);
  const hour = parts.H ? g.mod(parts.H, whole(g, 24)) : parts.I ? g.add(g.mod(parts.I, whole(g, 12)), parts.p ?? zero) : zero;
  const days = daysOf(g, year, month, day);
  let passed = g.cast(g.sub(days, whole(g, encoder.days)), "float32");
  if (hasTime(format)) passed = g.add(passed, g.div(g.cast(g.add(g.mul(hour, whole(g, 60)), parts.M ?? zero), "float32"), 1440));
  const monthIndex = g.sub(month, whole(g, 1));
  const index = {
    month: () => monthIndex,
    weekday: () => g.mod(g.add(days, whole(g, 4)), whole(g, 7)), // ONNX's Mod has the sign of the divisor
    hour: () => hour,
    yearDay: () => g.add(g.mul(monthIndex, whole(g, 31)), g.sub(day, whole(g, 1))),
  };
  const features = [bend(g, passed, Float32Array.of(encoder.center), Float32Array.of(encoder.scale))];
  for (const part of toldOf(encoder)) {
    if (part === "day") features.push(g.div(g.cast(g.sub(day, whole(g, 16)), "float32"), 8));
    else {
      const at = index[part]();
      for (const wave of waves(part)) features.push(g.op("Gather", [g.constant(float32([wave.length], wave)), at], { axis: 0 }));
    }
  }
  const all = g.op("Concat", features, { axis: 1 });
  const known = g.where(right, all, 0);
  return encoder.hasMissing ? g.op("Concat", [known, g.cast(g.not(right), "float32")], { axis: 1 }) : known;
}

function whole(g: Builder, value: number): Value {
  return g.scalar(value, "int64");
}

/** The parts of a text of the format, each (n, 1) int64: cut at each delimiter, from the left. Seconds are not needed. */
function split(g: Builder, text: Value, format: string): Partial<Record<Part, Value>> {
  if (format === "%Y%m%d") {
    const digits = g.cast(text, "int64");
    const hundred = whole(g, 100);
    return { Y: g.div(digits, whole(g, 10_000)), m: g.mod(g.div(digits, hundred), hundred), d: g.mod(digits, hundred) };
  }
  const parts: Partial<Record<Part, Value>> = {};
  let rest = text;
  const all = pieces(format);
  for (const [i, piece] of all.entries()) {
    if (!("part" in piece)) continue;
    const next = all[i + 1];
    let head = rest;
    if (next && "between" in next) {
      const [both] = g.op("StringSplit", [rest], { delimiter: next.between, maxsplit: 1 }, { outputs: 2 });
      head = at(g, both!, 0);
      rest = at(g, both!, 1);
    }
    if (piece.part === "S") continue;
    if (piece.part === "b") parts.b = lookup(g, head, [...monthSpellings]);
    else if (piece.part === "p")
      parts.p = lookup(
        g,
        head,
        ["PM", "pm", "p.m."].map((name) => [name, 12]),
      );
    else parts[piece.part] = g.cast(head, "int64");
  }
  return parts;
}

/** The i-th piece of a StringSplit (n, 1, 2) → (n, 1). */
function at(g: Builder, both: Value, i: number): Value {
  return g.op("Gather", [both, g.scalar(i, "int64")], { axis: 2 });
}

/** Names with the blanks that may stand around them taken off (StringSplit without a delimiter) → their numbers, else 0. */
function lookup(g: Builder, text: Value, names: [string, number][]): Value {
  const [words] = g.op("StringSplit", [text], {}, { outputs: 2 });
  return g.op(
    "LabelEncoder",
    [at(g, words!, 0)],
    { keys_strings: names.map(([name]) => name), values_int64s: names.map(([, number]) => number), default_int64: 0 },
    { domain: "ai.onnx.ml" },
  );
}

/** 69…99 are 1969…1999, 00…68 are 2000…2068, as POSIX has it. */
function shortYear(g: Builder, y: Value): Value {
  const late = g.cast(g.greaterOrEqual(y, whole(g, 69)), "int64");
  return g.sub(g.add(y, whole(g, 2000)), g.mul(late, whole(g, 100)));
}

/** Days since 1970-01-01 (dates.ts has the formula); int64 division, and no year is negative. */
function daysOf(g: Builder, year: Value, month: Value, day: Value): Value {
  const n = (value: number): Value => whole(g, value);
  const early = g.cast(g.lessOrEqual(month, n(2)), "int64");
  const y = g.sub(year, early);
  const yoe = g.mod(y, n(400));
  const shifted = g.sub(g.add(month, n(9)), g.mul(g.sub(n(1), early), n(12)));
  const doy = g.sub(g.add(g.div(g.add(g.mul(shifted, n(153)), n(2)), n(5)), day), n(1));
  const ofEra = g.add(g.sub(g.add(g.mul(yoe, n(365)), g.div(yoe, n(4))), g.div(yoe, n(100))), doy);
  return g.sub(g.add(g.mul(g.div(y, n(400)), n(146097)), ofEra), n(719468));
}
