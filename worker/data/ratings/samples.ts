// Pairs as training takes them: the codes of user and item (from 1; 0 is unknown) and the standardised rating. Where nothing is rated, a pair
// that is there counts as 1, and beside it stands one that is not there as 0: the same user with an item drawn as often as people have it.
import { int64, float32 } from "../../tensor.ts";
import type { SampleBatch, Samples } from "../samples.ts";
import type { Pairs } from "./read.ts";

export interface SampleOptions {
  /** y = (rating - mean) / std */
  scale: { mean: number; std: number };
  seed: number;
}

/** Draws for an item that the user does not have; who has nearly all may be given one of them. */
const draws = 8;

/**
 * @param places of the pairs of this part
 * @returns twice as many rows where nothing is rated, what is there first
 */
export function pairSamples(pairs: Pairs, places: Uint32Array, options: SampleOptions): Samples {
  const { user, item, rating, row } = pairs;
  const { mean, std } = options.scale;
  const rows = rating ? places.length : 2 * places.length;
  const read = (positions: Uint32Array): Promise<SampleBatch> => {
    const n = positions.length;
    const users = new BigInt64Array(n);
    const items = new BigInt64Array(n);
    const y = new Float32Array(n);
    const rowNumbers = new Uint32Array(n);
    for (let i = 0; i < n; i++) {
      const absent = positions[i]! >= places.length;
      const p = places[positions[i]! % places.length]!;
      users[i] = BigInt(user[p]! + 1);
      items[i] = BigInt((absent ? drawAbsent(pairs, p, options.seed) : item[p]!) + 1);
      y[i] = ((rating ? rating[p]! : absent ? 0 : 1) - mean) / std;
      rowNumbers[i] = row[p]!;
    }
    return Promise.resolve({ inputs: { user: int64([n], users), item: int64([n], items) }, y: float32([n, 1], y), rowNumbers });
  };
  return {
    rows,
    read,
    range: (from, to) => read(Uint32Array.from({ length: Math.max(0, Math.min(to, rows) - from) }, (_, i) => from + i)),
  };
}

/** The item of another pair, by the seed and this pair's place alone: each epoch sees the same. */
function drawAbsent(pairs: Pairs, p: number, seed: number): number {
  let drawn = pairs.item[p]!;
  for (let i = 0; i < draws; i++) {
    drawn = pairs.item[mixed(p, seed * draws + i) % pairs.item.length]!;
    if (!has(pairs, pairs.user[p]!, drawn)) break;
  }
  return drawn;
}

/** Whether the user has the item: items of a user stand in order. */
export function has({ starts, item }: Pick<Pairs, "starts" | "item">, user: number, wanted: number): boolean {
  let [low, high] = [starts[user]!, starts[user + 1]!];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (item[middle]! < wanted) low = middle + 1;
    else high = middle;
  }
  return low < starts[user + 1]! && item[low] === wanted;
}

/** Two whole numbers as one of 32 bits, well mixed (murmur3's last step). */
function mixed(a: number, b: number): number {
  let h = (Math.imul(a + 1, 0x9e3779b1) ^ Math.imul(b + 1, 0x85ebca77)) | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
