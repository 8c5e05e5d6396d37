// Round numbers for axes.

/** Steps of 1, 2 or 5 times a power of ten inside [low, high], about `count` of them. */
export function niceTicks(low: number, high: number, count = 5): number[] {
  const span = high - low;
  if (!(span > 0) || !Number.isFinite(span)) return [low];
  const rough = span / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const nearness = (m: number) => Math.abs(Math.log((m * power) / rough));
  const step = power * [1, 2, 5, 10].reduce((best, m) => (nearness(m) < nearness(best) ? m : best));
  const ticks: number[] = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) ticks.push(Number((i * step).toPrecision(12)));
  return ticks;
}

/** The smallest range that holds all values, with a little air; never empty. */
export function paddedRange(values: readonly number[]): [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low > high) return [0, 1];
  const air = high > low ? (high - low) * 0.04 : Math.abs(high) * 0.1 || 1;
  return [low - air, high + air];
}
