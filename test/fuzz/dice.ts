// Chance that repeats: the same seed, the same numbers.

export interface Dice {
  /** A whole number from 0 to below `n`. */
  (n: number): number;
  of<T>(list: readonly T[]): T;
  /** True once in `n` times. */
  once(n: number): boolean;
}

/** Mulberry32. */
export function diceOf(seed: number): Dice {
  let state = seed | 0;
  const roll = (n: number) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % Math.max(1, n);
  };
  return Object.assign(roll, { of: <T>(list: readonly T[]) => list[roll(list.length)]!, once: (n: number) => roll(n) === 0 });
}
