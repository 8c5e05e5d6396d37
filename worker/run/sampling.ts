// Which token comes next: drawn from softmax(logits / temperature) over the likeliest, by a seeded stream, so that equal seeds write equal texts.
import type { Random } from "../random.ts";

export interface Sampling {
  /** 0: always the likeliest. */
  temperature: number;
  topK?: number | undefined;
  topP?: number | undefined;
}

/** @param logits (V) */
export function chooseToken(logits: Float32Array, { temperature, topK, topP }: Sampling, random: Random): number {
  let best = 0;
  for (let i = 1; i < logits.length; i++) if (logits[i]! > logits[best]!) best = i;
  if (temperature <= 0) return best;
  let ids = Array.from(logits.keys());
  // Sorting is only for those that ask for some of the tokens; the lower id first among equals.
  if ((topK !== undefined && topK < ids.length) || (topP !== undefined && topP < 1)) {
    ids.sort((a, b) => logits[b]! - logits[a]! || a - b);
    if (topK !== undefined) ids = ids.slice(0, Math.max(1, topK));
  }
  const most = logits[best]!;
  let weights = ids.map((id) => Math.exp((logits[id]! - most) / temperature));
  if (topP !== undefined && topP < 1) {
    const all = weights.reduce((sum, w) => sum + w, 0);
    let sum = 0;
    const enough = weights.findIndex((w) => (sum += w) >= topP * all);
    if (enough >= 0) weights = weights.slice(0, enough + 1);
  }
  let left = random.uniform() * weights.reduce((sum, w) => sum + w, 0);
  for (const [i, weight] of weights.entries()) {
    left -= weight;
    if (left < 0) return ids[i]!;
  }
  return ids[weights.length - 1]!;
}
