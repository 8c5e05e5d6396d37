// How a metric is written: shares as percentages, the rest as numbers.
import { format } from "../../state/words.svelte.ts";

export function metricText(metric: string, value: number): string {
  if (metric === "accuracy") return value === 1 ? "100%" : `${format().fixed(value * 100, 1)}%`;
  if (["r2", "rocAuc", "macroF1", "averagePrecision", "brier", "ece"].includes(metric)) return format().fixed(value, 3);
  return format().number(value, 4);
}
