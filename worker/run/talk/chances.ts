// How likely the tokens of an answer were: logarithms of the model's own probabilities, before temperature and the like.
import type { Talked, TokenChance } from "../../../ipc/types.ts";

type Chance = NonNullable<Talked["chances"]>[number];

/** A token of an answer with so many of the likeliest in its place. @param logits (V), up to a constant @param textOf a token's text where it stands */
export function chanceOf(logits: Float32Array, id: number, count: number, textOf: (id: number) => string): Chance {
  let most = -Infinity;
  for (const value of logits) most = Math.max(most, value);
  let sum = 0;
  for (const value of logits) sum += Math.exp(value - most);
  const log = most + Math.log(sum);
  const told = (one: number): TokenChance => ({ text: textOf(one), logprob: logits[one]! - log });
  return { ...told(id), top: likeliest(logits, count).map(told) };
}

/** The ids of the largest, best first; of equals the lower. */
function likeliest(logits: Float32Array, count: number): number[] {
  const best: number[] = [];
  for (let id = 0; count > 0 && id < logits.length; id++) {
    if (best.length === count && logits[id]! <= logits[best.at(-1)!]!) continue;
    let at = best.length;
    while (at > 0 && logits[best[at - 1]!]! < logits[id]!) at--;
    best.splice(at, 0, id);
    if (best.length > count) best.pop();
  }
  return best;
}

/** Those tokens that the text is made of: a stop text and what follows it is none of it. */
export function within(text: string, chances: readonly Chance[]): Chance[] {
  let at = 0;
  return chances.filter((chance) => {
    const begins = at < text.length;
    at += chance.text.length;
    return begins;
  });
}
