// How a metric is written: shares as percentages, the rest as numbers.
import { format } from "../../state/words.svelte.ts";

export function metricText(metric: string, value: number): string {
  if (metric === "accuracy") return value === 1 ? "100%" : `${format().fixed(value * 100, 1)}%`;
  if (metric === "r2" || metric === "rocAuc" || metric === "macroF1") return format().fixed(value, 3);
  return format().number(value, 4);
}
