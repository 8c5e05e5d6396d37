// How far answers that are numbers lie from the truth: predicted less true.
import type { Residuals } from "../../ipc/types.ts";

const most = 31;

export function residualsOf(predicted: ArrayLike<number>, truth: ArrayLike<number>): Residuals {
  const n = truth.length;
  const sorted = Float64Array.from({ length: n }, (_, i) => predicted[i]! - truth[i]!).sort();
  const size = Float64Array.from(sorted, Math.abs).sort();
  const at = (values: Float64Array, share: number) => values[Math.min(n - 1, Math.floor(share * n))] ?? 0;
  let mean = 0;
  for (const gap of sorted) mean += gap / n;
  // A few far out would leave one bar for all others: where the middle 98 % take less than a quarter, the bars are theirs.
  let [low, high] = [sorted[0] ?? 0, sorted[n - 1] ?? 0];
  const [inner, outer] = [at(sorted, 0.01), at(sorted, 0.99)];
  if (n >= 100 && outer > inner && high - low > 4 * (outer - inner)) {
    const air = (outer - inner) / 4;
    [low, high] = [Math.max(low, inner - air), Math.min(high, outer + air)];
  }
  if (high <= low) [low, high] = [low - 0.5, high + 0.5];
  const bars = Math.min(most, Math.max(5, Math.ceil(2 * Math.cbrt(n))));
  const edges = Array.from({ length: bars + 1 }, (_, i) => low + ((high - low) * i) / bars);
  const counts = new Array<number>(bars).fill(0);
  let [below, above] = [0, 0];
  for (const gap of sorted) {
    if (gap < low) below++;
    else if (gap > high) above++;
    else counts[Math.min(bars - 1, Math.floor(((gap - low) / (high - low)) * bars))]!++;
  }
  return { mean, median: at(size, 0.5), ninety: at(size, 0.9), histogram: { edges, counts, below, above } };
}
