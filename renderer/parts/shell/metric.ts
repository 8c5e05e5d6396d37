// How a metric is written: shares as percentages, the rest as numbers.
import { format } from "../../state/words.svelte.ts";

export function metricText(metric: string, value: number): string {
  if (metric === "accuracy") return format().percent(value);
  if (metric === "r2" || metric === "rocAuc" || metric === "macroF1") return format().number(Math.round(value * 1000) / 1000, 3);
  return format().number(value, 4);
}
