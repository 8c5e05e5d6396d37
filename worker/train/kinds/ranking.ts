// The ranking part of a recommender: item to item weights (worker/tasks/ease.ts), learned from all pairs but each user's last, judged on that last one
// beside what most people have. Where there are more items than get weights, two towers (towers.ts) know them all and are added. How strongly
// weights are held back, and how much the towers count, is chosen by each user's last but one, never by the last.
// Measured on MovieLens (100k ratings, 9,724 items), recall@10: weights 0.084, towers 0.067, both 0.095, popularity 0.040.
import type { Metrics } from "../../../ipc/types.ts";
import type { Pairs } from "../../data/ratings/read.ts";
import { lastPairs } from "../../data/ratings/split.ts";
import { type Ease, easeScores, fitEase, type Sets } from "../../tasks/ease.ts";
import { RankingScore } from "../../tasks/ranking.ts";
import { type Blend, blendedScores } from "../../tasks/towers.ts";
import { towerCourse, trainTowers } from "./towers.ts";

/** Items that get weights: their square is what it costs, 9 s and 130 MB of memory at 2,048. */
export const rankedItems = 2048;
/** Choosing goes over fewer, and over few users: a rough comparison is enough. */
const choosing = { items: 768, users: 2000, lambdas: [30, 100, 300, 1000] };
/** Users that are judged, at even distances; additions that this may cost. */
const judged = { users: 10_000, work: 4e9 };

/** What the towers' scores are multiplied by beside the weights; null: the towers alone. The first where nothing can be chosen by. */
const shares = [0.01, 0.003, 0.03, 0.1, 0.3, null];

export interface Ranking {
  ease: Ease;
  /** Where there are more items than weights are for. */
  blend?: Blend;
  lambda: number;
  metrics: Metrics;
  popularity: Metrics;
  /** Users whose last item was looked for. */
  users: number;
}

/** What scores all items for somebody who has these; -Infinity for what is not to be recommended. */
type Scoring = (had: ArrayLike<number>, scores: Float64Array<ArrayBuffer>) => Float64Array;

/**
 * @param split false: nothing is held out, and there are no metrics
 * @param most items that get weights
 */
export async function fitRanking(
  pairs: Pairs,
  { seed, split, pause, most = rankedItems }: { seed: number; split: boolean; pause: () => Promise<void>; most?: number },
): Promise<Ranking> {
  const none = new Int32Array(pairs.users.length).fill(-1);
  const held = split ? lastPairs(pairs, { seed }) : none;
  const before = split ? lastPairs(pairs, { seed, before: 1 }) : none;
  const counts = { users: pairs.users.length, items: pairs.items.length, pairs: pairs.item.length };
  const course = counts.items > most ? towerCourse(counts) : undefined;
  let best: { lambda: number; ndcg: number; ease?: Ease } = { lambda: 100, ndcg: -1 };
  let share: Blend["share"] = shares[0]!;
  if (before.some((p) => p >= 0)) {
    const sets = without(pairs, [held, before]);
    const ndcgOf = async (scoring: Scoring, work: number) =>
      (await judge(pairs, sets, { scoring, work, held: before, most: choosing.users, pause })).model.metrics["ndcg@10"]!;
    for (const lambda of choosing.lambdas) {
      const ease = await fitEase(sets, { lambda, most: Math.min(most, choosing.items), pause });
      const ndcg = await ndcgOf((had, scores) => easeScores(ease, had, scores), easeWork(sets, ease));
      if (ndcg > best.ndcg) best = { lambda, ndcg, ease };
    }
    if (course) {
      const ease = best.ease!;
      const towers = await trainTowers(sets, course, { seed, pause });
      let highest = -1;
      for (const tried of shares) {
        const scoring: Scoring = (had, scores) => blendedScores(ease, { towers, share: tried }, had, scores);
        const ndcg = await ndcgOf(scoring, easeWork(sets, ease) + counts.items * course.size);
        if (ndcg > highest) [highest, share] = [ndcg, tried];
      }
    }
  }
  const sets = without(pairs, [held]);
  const ease = await fitEase(sets, { lambda: best.lambda, most, pause });
  const blend = course && { towers: await trainTowers(sets, course, { seed, pause }), share };
  const scoring: Scoring = (had, scores) => (blend ? blendedScores(ease, blend, had, scores) : easeScores(ease, had, scores));
  const work = easeWork(sets, ease) + (course ? counts.items * course.size : 0);
  const { model, popular } = await judge(pairs, sets, {
    scoring,
    work,
    popularity: ease.popularity,
    held,
    most: judged.users,
    pause,
  });
  return {
    ease,
    ...(blend ? { blend } : {}),
    lambda: best.lambda,
    metrics: model.metrics,
    popularity: popular.metrics,
    users: model.users,
  };
}

/** Additions that scoring for one user takes. */
const easeWork = ({ item, users, items }: Sets, { known }: Ease): number => (item.length / users + 4) * known.length + items;

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

interface Judging {
  scoring: Scoring;
  /** Additions a user. */
  work: number;
  /** Judged beside it, where given. */
  popularity?: Float32Array;
  held: Int32Array;
  most: number;
  pause: () => Promise<void>;
}

async function judge(pairs: Pairs, sets: Sets, { scoring, work, popularity, held, most, pause }: Judging) {
  const model = new RankingScore();
  const popular = new RankingScore();
  const asked = held.map((_, u) => u).filter((u) => held[u]! >= 0);
  const count = Math.min(asked.length, most, Math.max(200, Math.floor(judged.work / work)));
  const scores = new Float64Array(sets.items);
  for (let i = 0; i < count; i++) {
    const u = asked[Math.floor((i * asked.length) / count)]!;
    const had = sets.item.subarray(sets.starts[u], sets.starts[u + 1]);
    const truth = pairs.item[held[u]!]!;
    model.add(scoring(had, scores), truth);
    if (popularity) {
      scores.set(popularity);
      for (const own of had) scores[own] = -Infinity;
      popular.add(scores, truth);
    }
    if (i % 64 === 0) await pause();
  }
  return { model, popular };
}
