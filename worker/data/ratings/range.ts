// Which ratings cannot be meant: a 999 among stars from 1 to 5, a -1 for "none".

export interface Range {
  /** Limits of the ratings that stay. */
  min: number;
  max: number;
  /** How many lie outside, and the place of the first. */
  count: number;
  first: number;
}

/** At most this share of the ratings can be meant otherwise: more of them are a scale of their own. */
const most = 0.01;

/** A rating is left out where it lies further from the middle 98 % than these are wide, and such are rare. */
export function outOfRange(ratings: Float32Array): Range {
  const n = ratings.length;
  const none = { min: -Infinity, max: Infinity, count: 0, first: -1 };
  if (n < 20) return none;
  const sorted = ratings.slice().sort();
  const [low, high] = [sorted[Math.floor(n * most)]!, sorted[Math.min(n - 1, Math.ceil(n * (1 - most)) - 1)]!];
  const width = high - low;
  if (width <= 0) return none;
  const [from, to] = [low - width, high + width];
  let count = 0;
  let first = -1;
  let [min, max] = [Infinity, -Infinity];
  for (let i = 0; i < n; i++) {
    const value = ratings[i]!;
    if (value < from || value > to) {
      if (count++ === 0) first = i;
    } else {
      min = Math.min(min, value);
      max = Math.max(max, value);
    }
  }
  return count > 0 ? { min, max, count, first } : none;
}
