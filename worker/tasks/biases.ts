// The linear model of ratings: mean + b_u + c_i, each bias drawn to zero as if so many average ratings stood beside its own.
// https://doi.org/10.1145/1644873.1644874 , with the usual 15 for users and 10 for items.

const damping = { user: 15, item: 10 };
const sweeps = 10;

export interface Biases {
  mean: number;
  user: Float64Array;
  item: Float64Array;
}

export interface RatedPairs {
  users: number;
  items: number;
  /** By pair. */
  user: Int32Array;
  item: Int32Array;
  rating: ArrayLike<number>;
}

/** @param places of the pairs to learn from */
export function fitBiases({ users, items, user, item, rating }: RatedPairs, places: Uint32Array): Biases {
  let sum = 0;
  for (const p of places) sum += rating[p]!;
  const mean = places.length ? sum / places.length : 0;
  const b = { mean, user: new Float64Array(users), item: new Float64Array(items) };
  const counts = { user: new Uint32Array(users), item: new Uint32Array(items) };
  for (const p of places) {
    counts.user[user[p]!]!++;
    counts.item[item[p]!]!++;
  }
  for (let sweep = 0; sweep < sweeps; sweep++) {
    b.item.fill(0);
    for (const p of places) b.item[item[p]!]! += rating[p]! - mean - b.user[user[p]!]!;
    for (let i = 0; i < items; i++) b.item[i]! /= damping.item + counts.item[i]!;
    b.user.fill(0);
    for (const p of places) b.user[user[p]!]! += rating[p]! - mean - b.item[item[p]!]!;
    for (let u = 0; u < users; u++) b.user[u]! /= damping.user + counts.user[u]!;
  }
  return b;
}
