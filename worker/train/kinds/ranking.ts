// The ranking part of a recommender: item to item weights (worker/tasks/ease.ts), learned from all pairs but each user's last, judged on that last one
// beside what most people have. How strongly weights are held back is chosen by each user's last but one, never by the last.
import type { Metrics } from "../../../ipc/types.ts";
import type { Pairs } from "../../data/ratings/read.ts";
import { lastPairs } from "../../data/ratings/split.ts";
import { type Ease, easeScores, fitEase, type Sets } from "../../tasks/ease.ts";
import { RankingScore } from "../../tasks/ranking.ts";

/** Items that get weights: their square is what it costs, 9 s and 130 MB of memory at 2,048. */
export const rankedItems = 2048;
/** Choosing goes over fewer, and over few users: a rough comparison is enough. */
const choosing = { items: 768, users: 2000, lambdas: [30, 100, 300, 1000] };
/** Users that are judged, at even distances; additions that this may cost. */
const judged = { users: 10_000, work: 4e9 };

export interface Ranking {
  ease: Ease;
  lambda: number;
  metrics: Metrics;
  popularity: Metrics;
  /** Users whose last item was looked for. */
  users: number;
}

/** @param split false: nothing is held out, and there are no metrics */
export async function fitRanking(pairs: Pairs, options: { seed: number; split: boolean; pause: () => Promise<void> }): Promise<Ranking> {
  const { seed, split, pause } = options;
  const none = new Int32Array(pairs.users.length).fill(-1);
  const held = split ? lastPairs(pairs, { seed }) : none;
  const before = split ? lastPairs(pairs, { seed, before: 1 }) : none;
  let best = { lambda: 100, ndcg: -1 };
  if (before.some((p) => p >= 0)) {
    const sets = without(pairs, [held, before]);
    for (const lambda of choosing.lambdas) {
      const ease = await fitEase(sets, { lambda, most: choosing.items, pause });
      const { model } = await judge(pairs, sets, ease, before, choosing.users, pause);
      const ndcg = model.metrics["ndcg@10"]!;
      if (ndcg > best.ndcg) best = { lambda, ndcg };
    }
  }
  const sets = without(pairs, [held]);
  const ease = await fitEase(sets, { lambda: best.lambda, most: rankedItems, pause });
  const { model, popular } = await judge(pairs, sets, ease, held, judged.users, pause);
  return { ease, lambda: best.lambda, metrics: model.metrics, popularity: popular.metrics, users: model.users };
}

/** The pairs but those that are held out. */
function without({ users, items, starts, item }: Pairs, held: readonly Int32Array[]): Sets {
  const kept = new Int32Array(item.length);
  const begins = new Uint32Array(users.length + 1);
  let count = 0;
  for (let u = 0; u < users.length; u++) {
    for (let p = starts[u]!; p < starts[u + 1]!; p++) if (!held.some((places) => places[u] === p)) kept[count++] = item[p]!;
    begins[u + 1] = count;
  }
  return { users: users.length, items: items.length, starts: begins, item: kept.subarray(0, count) };
}

async function judge(pairs: Pairs, sets: Sets, ease: Ease, held: Int32Array, most: number, pause: () => Promise<void>) {
  const model = new RankingScore();
  const popular = new RankingScore();
  const asked = held.map((_, u) => u).filter((u) => held[u]! >= 0);
  const cost = (sets.item.length / sets.users + 4) * ease.known.length + sets.items;
  const count = Math.min(asked.length, most, Math.max(200, Math.floor(judged.work / cost)));
  const scores = new Float64Array(sets.items);
  for (let i = 0; i < count; i++) {
    const u = asked[Math.floor((i * asked.length) / count)]!;
    const had = sets.item.subarray(sets.starts[u], sets.starts[u + 1]);
    const truth = pairs.item[held[u]!]!;
    model.add(easeScores(ease, had, scores), truth);
    scores.set(ease.popularity);
    for (const own of had) scores[own] = -Infinity;
    popular.add(scores, truth);
    if (i % 64 === 0) await pause();
  }
  return { model, popular };
}
