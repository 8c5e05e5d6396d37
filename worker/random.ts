// Seeded random numbers: xoshiro128** over 32-bit words, seeded by splitmix. Integer arithmetic only, so that a seed gives the same
// numbers on every machine; the state is plain data, so that it can be kept in a checkpoint.

/** A stream of random numbers; equal seeds and names give equal streams. */
export class Random {
  #s: Uint32Array;

  /** `name` makes streams of one seed independent of each other (and of the order in which they are asked for). */
  constructor(seed: number, name = "") {
    let h = hash32(name, seed);
    this.#s = Uint32Array.from({ length: 4 }, () => {
      h = (h + 0x9e3779b9) >>> 0; // splitmix32
      let z = h;
      z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
      z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
      return z ^ (z >>> 15);
    });
  }

  /** A whole number in 0 … 2³²-1. */
  next(): number {
    const s = this.#s;
    const result = Math.imul(rotl(Math.imul(s[1]!, 5), 7), 9) >>> 0;
    const t = s[1]! << 9;
    s[2]! ^= s[0]!;
    s[3]! ^= s[1]!;
    s[1]! ^= s[2]!;
    s[0]! ^= s[3]!;
    s[2]! ^= t;
    s[3] = rotl(s[3]!, 11);
    return result;
  }

  /** Uniform in [0, 1). */
  uniform(): number {
    return this.next() / 4294967296;
  }

  /** Standard normal, as the sum of twelve uniforms: no log or cosine, whose last bit differs between machines. */
  normal(): number {
    let sum = -6;
    for (let i = 0; i < 12; i++) sum += this.uniform();
    return sum;
  }

  /** Shuffles in place (Fisher-Yates). */
  shuffle<T extends { [index: number]: unknown; length: number }>(list: T): T {
    for (let i = list.length - 1; i > 0; i--) {
      const j = Math.floor(this.uniform() * (i + 1));
      [list[i], list[j]] = [list[j], list[i]];
    }
    return list;
  }

  get state(): number[] {
    return [...this.#s];
  }

  set state(words: readonly number[]) {
    this.#s = Uint32Array.from(words);
  }
}

/** FNV-1a over the UTF-16 units, mixed with the seed's 53 bits. */
export function hash32(text: string, seed = 0): number {
  let h = 0x811c9dc5;
  const eat = (n: number) => {
    h = Math.imul(h ^ (n & 0xffff), 0x01000193);
  };
  for (let rest = Math.abs(Math.trunc(seed)), i = 0; i < 4; i++, rest = Math.floor(rest / 65536)) eat(rest % 65536);
  for (let i = 0; i < text.length; i++) eat(text.charCodeAt(i));
  return h >>> 0;
}

function rotl(x: number, k: number): number {
  return (x << k) | (x >>> (32 - k));
}
