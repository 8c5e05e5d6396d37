// corrections.jsonl, read: the one file that both the host (which writes it) and the worker (which lays it over the data) know.
import type { Correction, CorrectionLine } from "./types/corrections.ts";

/**
 * Corrections that hold, in the order they were made. A line that is torn or that nobody knows is passed over: a crash while one is written
 * costs that one.
 */
export function correctionsOf(text: string): Correction[] {
  const all = new Map<string, Correction>();
  for (const line of text.split("\n")) {
    const known = lineOf(line);
    if (known?.do === "undo") all.delete(known.id);
    else if (known) {
      const { do: _, ...correction } = known;
      all.set(correction.id, correction);
    }
  }
  return [...all.values()];
}

/** By what a sample is, the answer that holds: the last that was given. Only those of the column that is learned, where one is named. */
export function answersOf(corrections: readonly Correction[], target?: string): Map<string, string> {
  const answers = new Map<string, string>();
  for (const one of corrections)
    if (target === undefined || one.target === undefined || one.target === target) answers.set(one.hash, one.to);
  return answers;
}

function lineOf(line: string): CorrectionLine | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const one = value as Record<string, unknown>;
  const texts = (...names: string[]) => names.every((name) => typeof one[name] === "string");
  if (one["do"] === "undo" && texts("id")) return value as CorrectionLine;
  const whole = one["do"] === "correct" && texts("id", "hash", "from", "to", "run", "origin") && typeof one["row"] === "number";
  return whole && typeof one["when"] === "number" ? (value as CorrectionLine) : undefined;
}
