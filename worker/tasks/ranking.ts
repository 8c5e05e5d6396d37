// How good a ranking is where each user has one item held out: recall@k, the share of users who find it among the first k of all items that
// they do not have yet, and ndcg@k, which counts a find on place p (from 1) as 1 / log2(p + 1). Items of equal score stand in
// every order equally often: what is told is the mean over these orders, so that no order of the file decides.
import type { Metrics } from "../../ipc/types.ts";

export class RankingScore {
  #k: number;
  #recall = 0;
  #ndcg = 0;
  users = 0;

  constructor(k = 10) {
    this.#k = k;
  }

  /**
   * Counts one user in.
   * @param scores of all items; the user's own must be -Infinity   @param held the item that was held out
   */
  add(scores: ArrayLike<number>, held: number): void {
    const mine = scores[held]!;
    this.users++;
    if (mine === -Infinity) return; // what is never recommended is never found
    let above = 0;
    let equal = 0;
    for (let i = 0; i < scores.length; i++) {
      if (scores[i]! > mine) above++;
      else if (scores[i] === mine) equal++;
    }
    for (let place = above + 1; place <= Math.min(this.#k, above + equal); place++) {
      this.#recall += 1 / equal;
      this.#ndcg += 1 / Math.log2(place + 1) / equal;
    }
  }

  get metrics(): Metrics {
    const n = Math.max(1, this.users);
    return { [`ndcg@${this.#k}`]: this.#ndcg / n, [`recall@${this.#k}`]: this.#recall / n };
  }
}

/** Places of the `count` highest scores, best first; of equal ones the first. -Infinity is left out. */
export function topOf(scores: ArrayLike<number>, count: number): number[] {
  const best: number[] = [];
  for (let i = 0; i < scores.length; i++) {
    const score = scores[i]!;
    if (score === -Infinity || Number.isNaN(score)) continue;
    if (best.length === count && !(score > scores[best[count - 1]!]!)) continue;
    let at = best.length === count ? count - 1 : best.length;
    while (at > 0 && score > scores[best[at - 1]!]!) {
      best[at] = best[at - 1]!;
      at--;
    }
    best[at] = i;
  }
  return best.slice(0, count);
}
