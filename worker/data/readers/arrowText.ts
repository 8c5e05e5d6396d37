// Arrow's values as the texts of a table: as short as they read back the same, dates as ISO writes them.
import type * as Arrow from "apache-arrow";

/** Turns a value of this type (not null) into text; null where it is no value (NaN, infinity). */
export function arrowText({ DataType, Precision }: typeof Arrow, type: Arrow.DataType): (value: unknown) => string | null {
  if (DataType.isDictionary(type)) return arrowText({ DataType, Precision } as typeof Arrow, type.dictionary as Arrow.DataType);
  if (DataType.isFloat(type)) {
    if (type.precision === Precision.DOUBLE) return (value) => (Number.isFinite(value) ? String(value as number) : null);
    return (value) => (Number.isFinite(value) ? shortest(Number(value)) : null);
  }
  if (DataType.isDate(type)) return (value) => day(Number(value));
  if (DataType.isTimestamp(type)) return (value) => moment(Number(value));
  if (DataType.isDecimal(type)) return (value) => decimal(value as Uint32Array, type.scale);
  if (DataType.isNull(type)) return () => null;
  if (DataType.isUtf8(type) || DataType.isLargeUtf8(type) || DataType.isInt(type) || DataType.isBool(type)) return (value) => String(value);
  return (value) => (typeof value === "object" ? JSON.stringify(value, plain) : String(value));
}

function plain(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? Number(value) : value;
}

/** A float32 in the fewest digits that round to it. */
function shortest(value: number): string {
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return String(short);
  }
  return String(Number(value.toPrecision(9)));
}

function day(milliseconds: number): string | null {
  const date = new Date(milliseconds);
  return Number.isNaN(date.getTime()) ? null : date.toISOString().slice(0, 10);
}

function moment(milliseconds: number): string | null {
  const date = new Date(milliseconds);
  return Number.isNaN(date.getTime())
    ? null
    : date
        .toISOString()
        .slice(0, -1)
        .replace("T", " ")
        .replace(/\.000$/, "");
}

/** Two's complement in 32-bit words, the lowest first; `scale` digits stand after the point. */
function decimal(words: Uint32Array, scale: number): string {
  let whole = 0n;
  for (let i = words.length - 1; i >= 0; i--) whole = (whole << 32n) | BigInt(words[i]!);
  whole = BigInt.asIntN(32 * words.length, whole);
  if (scale <= 0) return String(whole * 10n ** BigInt(Math.min(400, -scale)));
  const digits = String(whole < 0n ? -whole : whole).padStart(Math.min(400, scale) + 1, "0");
  return `${whole < 0n ? "-" : ""}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}
