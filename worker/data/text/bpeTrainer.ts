// Learns the merges of a byte pair encoding (Sennrich et al. 2016, https://arxiv.org/abs/1508.07909) from counted words: the most frequent pair
// of neighbours becomes a token, again and again. Of equally frequent pairs the one with the lower ids, as in Hugging Face's BpeTrainer, whose
// merges these are. Counts are kept by pair, with the words that hold it and a heap, so that a merge looks at those alone.
import { setImmediate as nextTurn } from "node:timers/promises";
import { alphabet, Bpe, Heap, wordsOf } from "./bpe.ts";

/** A word is counted in pieces of so many letters: a line of a million would be gone through for every merge. */
const longest = 512;
/** Different words that are kept; beyond, those seen once are forgotten. */
const mostWords = 1_000_000;

/** Words with how often they were seen. */
export class WordCounts {
  readonly counts = new Map<string, number>();

  add(text: string): void {
    for (const [word] of wordsOf(text))
      for (let from = 0; from < word.length; from += longest) {
        const piece = word.length > longest ? word.slice(from, from + longest) : word;
        this.counts.set(piece, (this.counts.get(piece) ?? 0) + 1);
      }
    if (this.counts.size > mostWords) for (const [word, count] of this.counts) if (count === 1) this.counts.delete(word);
  }
}

interface Candidate {
  pair: number;
  count: number;
}

/**
 * @param size tokens in all, special ones and bytes among them; fewer where no pair is there twice
 * @param specials tokens that stand for themselves
 */
export async function trainBpe(
  words: ReadonlyMap<string, number>,
  { size, specials, signal }: { size: number; specials: readonly string[]; signal?: AbortSignal | undefined },
): Promise<Bpe> {
  const first = specials.length;
  const byteId = new Uint16Array(256);
  for (const [i, byte] of alphabet.entries()) byteId[byte] = first + i;
  const symbols: number[][] = [];
  const counts: number[] = [];
  for (const [word, count] of words) {
    const bytes = Buffer.from(word);
    if (bytes.length < 2) continue;
    symbols.push(Array.from(bytes, (byte) => byteId[byte]!));
    counts.push(count);
  }

  const sums = new Map<number, number>();
  const places = new Map<number, number[]>();
  const see = (pair: number, count: number, word: number): void => {
    sums.set(pair, (sums.get(pair) ?? 0) + count);
    const at = places.get(pair);
    if (!at) places.set(pair, [word]);
    else if (at.at(-1) !== word) at.push(word);
  };
  for (const [word, own] of symbols.entries())
    for (let i = 0; i + 1 < own.length; i++) see(own[i]! * 65536 + own[i + 1]!, counts[word]!, word);
  const heap = new Heap<Candidate>((a, b) => b.count - a.count || a.pair - b.pair);
  for (const [pair, count] of sums) heap.push({ pair, count });

  const merges: [number, number][] = [];
  const spelt = new Map<string, number>();
  const names: string[] = [...specials.map(() => ""), ...alphabet.map((byte) => String.fromCharCode(byte))];
  for (const [id, name] of names.entries()) if (id >= first) spelt.set(name, id);
  const looked = new Int32Array(symbols.length).fill(-1);
  let turn = performance.now();
  while (names.length < size) {
    const top = heap.pop();
    if (!top) break;
    const now = sums.get(top.pair) ?? 0;
    if (now !== top.count) {
      if (now > 0) heap.push({ pair: top.pair, count: now });
      continue;
    }
    if (now < 2) break;
    const [a, b] = [Math.floor(top.pair / 65536), top.pair % 65536];
    const name = names[a]! + names[b]!;
    const made = spelt.get(name) ?? names.push(name) - 1;
    spelt.set(name, made);
    merges.push([a, b]);
    const fresh = new Set<number>();
    for (const word of places.get(top.pair) ?? []) {
      if (looked[word] === merges.length) continue;
      looked[word] = merges.length;
      join(symbols[word]!, a, b, made, (pair, by) => {
        if (by < 0) sums.set(pair, (sums.get(pair) ?? 0) - counts[word]!);
        else {
          see(pair, counts[word]!, word);
          fresh.add(pair);
        }
      });
    }
    places.delete(top.pair);
    sums.delete(top.pair);
    for (const pair of fresh) {
      const count = sums.get(pair) ?? 0;
      if (count > 0) heap.push({ pair, count });
    }
    if (performance.now() - turn > 50) {
      await nextTurn();
      signal?.throwIfAborted();
      turn = performance.now();
    }
  }
  return new Bpe({ specials, merges });
}

/** Puts `made` wherever `a` and `b` are neighbours, from the left, and tells which pairs came (1) and went (-1). */
function join(own: number[], a: number, b: number, made: number, tell: (pair: number, by: 1 | -1) => void): void {
  let to = 0;
  const length = own.length;
  for (let i = 0; i < length; i++) {
    if (own[i] === a && i + 1 < length && own[i + 1] === b) {
      if (to > 0) {
        tell(own[to - 1]! * 65536 + a, -1);
        tell(own[to - 1]! * 65536 + made, 1);
      }
      if (i + 2 < length) {
        tell(b * 65536 + own[i + 2]!, -1);
        tell(made * 65536 + own[i + 2]!, 1);
      }
      own[to++] = made;
      i++;
    } else own[to++] = own[i]!;
  }
  own.length = to;
}
