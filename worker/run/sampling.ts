// Which token comes next: drawn from softmax(logits / temperature) over the likeliest, by a seeded stream, so that equal seeds write equal texts.
import type { Random } from "../random.ts";

export interface Sampling {
  /** 0: always the likeliest. */
  temperature: number;
  topK?: number | undefined;
  topP?: number | undefined;
  /** Only those at least so likely, as a share of the likeliest's probability. */
  minP?: number | undefined;
  /** 1: none. */
  repeatPenalty?: number | undefined;
}

/** Tokens back that a repetition counts. */
export const repeatWindow = 64;

/** Logits of tokens that were written lately, made less likely: https://arxiv.org/abs/1909.05858, section 4.1 */
export function punished(logits: Float32Array, written: readonly number[], penalty = 1): Float32Array {
  if (penalty === 1 || !written.length) return logits;
  const out = logits.slice();
  for (const id of new Set(written.slice(-repeatWindow))) out[id] = out[id]! > 0 ? out[id]! / penalty : out[id]! * penalty;
  return out;
}

/** @param logits (V) */
export function chooseToken(logits: Float32Array, { temperature, topK, topP, minP = 0 }: Sampling, random: Random): number {
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
  // p ≥ minP · p(best) at the temperature 1, as llama.cpp has it
  if (minP > 0) ids = ids.filter((id) => logits[id]! - most >= Math.log(minP));
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
