// Numbers, sizes, times and plurals as each language writes them. The unit is always part of the text.

export const languages = ["en", "zh"] as const;
export type Language = (typeof languages)[number];

export interface Formats {
  /** A number with at most so many significant digits (default 4); very large and very small ones in scientific notation. */
  number(value: number, digits?: number): string;
  /** A whole number with its groups: 10,000. */
  count(value: number): string;
  /** 0…1 as a percentage, one decimal at the most. */
  percent(share: number): string;
  /** So many digits after the point, whatever they are: for numbers that stand below each other. */
  fixed(value: number, digits: number): string;
  bytes(bytes: number): string;
  /** "45 s", "3 min 20 s", "1 h 5 min". */
  duration(seconds: number): string;
  /** Day and time, short. */
  date(milliseconds: number): string;
  /** A day without a time, of a date column (kept in UTC). */
  day(milliseconds: number): string;
  list(items: readonly string[]): string;
  /** The form for n, with # standing for the number. */
  plural(n: number, forms: { one?: string; other: string }): string;
}

const raised: Record<string, string> = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };
const raise = (power: string) => [...power].map((letter) => raised[letter] ?? letter).join("");

function make(language: Language): Formats {
  const locale = language === "zh" ? "zh-CN" : "en";
  const rules = new Intl.PluralRules(locale);
  const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
  // 2024 may be a year: groups begin at five digits.
  const plain = new Intl.NumberFormat(locale, { maximumFractionDigits: 0, useGrouping: "min2" });
  const share = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 1 });
  const moment = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
  const dayOnly = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeZone: "UTC" });
  const items = new Intl.ListFormat(locale, { type: "conjunction" });
  const unit = language === "zh" ? { s: "秒", min: "分", h: "小时" } : { s: "s", min: "min", h: "h" };
  const count = (value: number) => whole.format(Math.round(value) === 0 ? 0 : value);

  /** Formatters are slow to make: each is made once. */
  const made = new Map<string, Intl.NumberFormat>();
  function kept(options: Intl.NumberFormatOptions): Intl.NumberFormat {
    const key = JSON.stringify(options);
    let found = made.get(key);
    if (!found) made.set(key, (found = new Intl.NumberFormat(locale, options)));
    return found;
  }

  /** A true minus is as wide as a digit. */
  const sign = (text: string) => text.replaceAll("-", "−");

  function number(value: number, digits = 4): string {
    if (Number.isNaN(value)) return "–";
    if (!Number.isFinite(value)) return value < 0 ? "−∞" : "∞";
    const size = Math.abs(value);
    if (size !== 0 && (size >= 1e12 || size < 1e-4)) {
      const [head, power] = kept({ notation: "scientific", maximumSignificantDigits: digits }).format(value).split("E");
      return `${sign(head ?? "")}×10${raise(power ?? "0")}`;
    }
    // Whole numbers keep all their digits: 206,855 is not 206,900.
    if (Number.isInteger(value) || size >= 10 ** digits) return sign(plain.format(value));
    return sign(kept({ maximumSignificantDigits: digits }).format(value));
  }

  return {
    number,
    count,
    percent: (value) => share.format(value),
    fixed: (value, digits) => sign(kept({ minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value)),
    bytes(bytes) {
      const sizes = ["B", "kB", "MB", "GB", "TB"];
      let size = bytes;
      let step = 0;
      while (size >= 999.5 && step < sizes.length - 1) {
        size /= 1000;
        step++;
      }
      return `${kept({ maximumFractionDigits: step > 2 || (size < 10 && step > 1) ? 1 : 0 }).format(size)} ${sizes[step]}`;
    },
    duration(seconds) {
      const total = Math.max(0, Math.round(seconds));
      if (total < 60) return `${total} ${unit.s}`;
      const minutes = Math.floor(total / 60);
      if (minutes < 60) return total % 60 ? `${minutes} ${unit.min} ${total % 60} ${unit.s}` : `${minutes} ${unit.min}`;
      return `${Math.floor(minutes / 60)} ${unit.h} ${minutes % 60} ${unit.min}`;
    },
    date: (milliseconds) => moment.format(milliseconds),
    day: (milliseconds) => dayOnly.format(milliseconds),
    list: (all) => items.format(all),
    plural: (n, forms) => (rules.select(n) === "one" ? (forms.one ?? forms.other) : forms.other).replaceAll("#", count(n)),
  };
}

export const en: Formats = make("en");
export const zh: Formats = make("zh");
export const formats: Record<Language, Formats> = { en, zh };

/** A point in time as the data has it: a day alone where it is midnight; a number as it is. */
export const moment = (text: string): string => text.replace(/T00:00$/, "").replace("T", " ");
