// The parts of a chart that are plain arithmetic and words: number texts, the summary that a screen reader speaks, the ranges
// of the axes and where the names of marks fit. No DOM here, so all of it is tested as functions.

/** One line of a chart. `color` is any CSS colour or the name of a custom property ("--accent"). null is a gap. */
export interface ChartSeries {
  label: string;
  color: string;
  values: (number | null)[];
  dashed?: boolean;
}

/** A moment worth showing on the x axis. */
export interface ChartMark {
  x: number;
  label: string;
  kind: "best" | "checkpoint" | "shrunk";
}

const superscripts: Record<string, string> = {
  "-": "⁻",
  "0": "⁰",
  "1": "¹",
  "2": "²",
  "3": "³",
  "4": "⁴",
  "5": "⁵",
  "6": "⁶",
  "7": "⁷",
  "8": "⁸",
  "9": "⁹",
};

const raise = (exponent: number) => [...String(exponent)].map((sign) => superscripts[sign] ?? sign).join("");

/** Making a formatter costs far more than using it. */
const formatters = new Map<number, Intl.NumberFormat>();
function formatter(digits: number): Intl.NumberFormat {
  let found = formatters.get(digits);
  if (!found) formatters.set(digits, (found = new Intl.NumberFormat("en", { maximumSignificantDigits: digits })));
  return found;
}

/** A number as people read it: 1,234 · 0.0123 · 4.5×10⁻⁷; `digits` are the significant ones. */
export function numberText(value: number | null | undefined, digits = 4): string {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (value === Infinity) return "∞";
  if (value === -Infinity) return "−∞";
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e7 || size < 1e-4)) {
    let exponent = Math.floor(Math.log10(size));
    let mantissa = Number((value / 10 ** exponent).toPrecision(digits));
    if (Math.abs(mantissa) >= 10) {
      mantissa /= 10;
      exponent += 1;
    }
    if (!Number.isFinite(mantissa)) return value < 0 ? "−∞" : "∞";
    const power = `10${raise(exponent)}`;
    const head = mantissa === 1 ? power : mantissa === -1 ? `−${power}` : `${String(mantissa).replace("-", "−")}×${power}`;
    return head;
  }
  return formatter(digits).format(value).replace("-", "−");
}

/** The last value of a series that is not a gap, at or before index `until`. */
export function lastValue(values: readonly (number | null)[], until = values.length - 1): number | null {
  for (let i = until; i >= 0; i--) {
    const value = values[i];
    if (value !== null && value !== undefined) return value;
  }
  return null;
}

/** What a screen reader says instead of the picture: the axes and the last value of every line. */
export function chartSummary(
  yLabel: string,
  xLabel: string,
  x: readonly number[],
  series: readonly ChartSeries[],
  marks: readonly ChartMark[] = [],
): string {
  const where = x.length ? `${xLabel} ${numberText(x[x.length - 1])}` : xLabel;
  const lines = series.map((s) => `${s.label}: ${numberText(lastValue(s.values))}`);
  const points = marks.map((m) => `${m.label}: ${xLabel} ${numberText(m.x)}`);
  return [`${yLabel}, ${where}`, ...lines, ...points].join("; ");
}

/** Range of the x axis; never empty, so that a single point has room. */
export function rangeX(min: number | null, max: number | null): [number, number] {
  if (min === null || max === null || !Number.isFinite(min) || !Number.isFinite(max)) return [0, 1];
  return max > min ? [min, max] : [min, min + 1];
}

/**
 * Range of the y axis with a little air. A linear axis of values ≥ 0 begins at 0, since a loss is read as a height; a
 * logarithmic one keeps to the values (all > 0), with at least a factor of ten between its ends.
 */
export function rangeY(min: number | null, max: number | null, log: boolean): [number, number] {
  if (min === null || max === null || !Number.isFinite(min) || !Number.isFinite(max)) return log ? [0.1, 1] : [0, 1];
  if (log) {
    const low = Math.max(min, 1e-300);
    const high = Math.max(max, low);
    const room = high / low < 10 ? Math.sqrt(10) : 1.25;
    return [low / room, Math.min(high * room, 1e300)];
  }
  if (max === min && max >= 0) return [0, max * 1.5 || 1];
  const air = max > min ? (max - min) * 0.06 : Math.abs(max) * 0.5;
  return [min >= 0 && min < max - min + air ? 0 : min - air, max + air];
}

/** Ticks of a logarithmic axis: whole powers of ten, every so many that at most `most` are shown. */
export function powersOfTen(min: number, max: number, most: number): number[] {
  const [from, to] = [Math.ceil(Math.log10(min) - 1e-9), Math.floor(Math.log10(max) + 1e-9)];
  const stride = Math.max(1, Math.ceil((to - from + 1) / Math.max(1, most)));
  const ticks: number[] = [];
  for (let e = Math.ceil(from / stride) * stride; e <= to; e += stride) ticks.push(Number(`1e${e}`));
  return ticks;
}

/** Which marks have room for their names on one line of the given places; the best point is named first. */
export function namedMarks(places: readonly { left: number; width: number; kind: ChartMark["kind"] }[], width: number): boolean[] {
  const shown = places.map(() => false);
  const taken: [number, number][] = [];
  const order = places.map((_, i) => i).sort((a, b) => Number(places[b]!.kind === "best") - Number(places[a]!.kind === "best") || b - a);
  for (const i of order) {
    const { left, width: wide } = places[i]!;
    const from = Math.min(Math.max(0, left - wide / 2), Math.max(0, width - wide));
    const to = from + wide;
    if (wide > width || taken.some(([a, b]) => from < b + 6 && to > a - 6)) continue;
    taken.push([from, to]);
    shown[i] = true;
  }
  return shown;
}
