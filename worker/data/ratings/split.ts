// Two splits of the same pairs. For ratings: at random, 85 % to learn from, 5 % to choose the best point, 10 % to test; a pair's place follows
// from its ids and the seed, so that adding rows moves no old one. For ranking: of each user the last item is held out.
import { hash32 } from "../../random.ts";
import type { Pairs } from "./read.ts";

const shares = { train: 0.85, validation: 0.9 };

/** 0 … 1, evenly spread: by the ids and the seed alone. */
export function placeOf(user: string, item: string, seed: number): number {
  let h = hash32(`${user.length} ${user} ${item}`, seed);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b); // murmur3's last mix: FNV leaves the high bits of short texts alike
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return ((h ^ (h >>> 16)) >>> 0) / 2 ** 32;
}

export interface RatingParts {
  train: Uint32Array;
  validation: Uint32Array;
  test: Uint32Array;
}

/** Places of the pairs by part. Parts that would stay empty take a pair from the others where there are at least 3. */
export function splitPairs({ users, items, user, item }: Pairs, options: { seed: number; split: boolean }): RatingParts {
  const n = user.length;
  if (!options.split)
    return { train: Uint32Array.from({ length: n }, (_, i) => i), validation: new Uint32Array(), test: new Uint32Array() };
  const places = Float64Array.from({ length: n }, (_, p) => placeOf(users[user[p]!]!, items[item[p]!]!, options.seed));
  const parts: [number[], number[], number[]] = [[], [], []];
  places.forEach((place, p) => parts[place < shares.train ? 0 : place < shares.validation ? 1 : 2].push(p));
  const [train, validation, test] = parts;
  for (const empty of [test, validation, train]) {
    if (empty.length > 0 || n < 3) continue;
    const from = [train, test, validation].find((part) => part.length > 1)!;
    from.sort((a, b) => places[a]! - places[b]!);
    empty.push(empty === train ? from.shift()! : from.pop()!);
    from.sort((a, b) => a - b);
  }
  return { train: Uint32Array.from(train), validation: Uint32Array.from(validation), test: Uint32Array.from(test) };
}

/**
 * Of each user the place of the pair that is held out, or -1 for those who keep all: the last by time; where times are equal or absent, the
 * one that its hash puts last.
 * @param before how many of the last to pass over: 1 gives the last but one, for choosing settings
 * @param least users with fewer pairs keep all
 */
export function lastPairs(pairs: Pairs, { seed, before = 0, least = 2 }: { seed: number; before?: number; least?: number }): Int32Array {
  const { users, items, starts, item, time } = pairs;
  const held = new Int32Array(users.length).fill(-1);
  for (let u = 0; u < users.length; u++) {
    const [from, to] = [starts[u]!, starts[u + 1]!];
    if (to - from < least + before) continue;
    const at = (p: number) => (time && !Number.isNaN(time[p]) ? time[p]! : -Infinity);
    const order = Array.from({ length: to - from }, (_, i) => ({
      p: from + i,
      t: at(from + i),
      h: placeOf(users[u]!, items[item[from + i]!]!, seed),
    }));
    order.sort((a, b) => (a.t === b.t ? a.h - b.h : a.t - b.t));
    held[u] = order[order.length - 1 - before]!.p;
  }
  return held;
}
