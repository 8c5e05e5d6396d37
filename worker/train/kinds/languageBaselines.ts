// What a language model is held against: how often each token comes at all, and how often after the one before it; counted on the training part,
// judged on the same tokens as the model. The second is a bigram model with absolute discounting (Ney et al. 1994), which is a good one.
import type { Baselines, Metrics } from "../../../ipc/types.ts";
import type { Samples } from "../../data/samples.ts";
import { notLearned, type TokenStore } from "../../data/text/tokenStore.ts";
import { language, unlearned } from "../../tasks/language.ts";

/** Tokens that are counted: the first ones. */
const mostCounted = 8e6;
const chunk = 1 << 16;
const discount = 0.75;

export async function languageBaselines(
  store: TokenStore,
  judged: Samples,
  { vocabulary, pause }: { vocabulary: number; pause: () => Promise<void> },
): Promise<Baselines> {
  const ones = new Float64Array(vocabulary);
  const pairs = new Map<number, number>();
  let before = -1;
  for (let from = 0; from < Math.min(store.length, mostCounted); from += chunk) {
    for (const word of await store.read(from, chunk)) {
      const id = word & ~notLearned;
      if (!(word & notLearned)) {
        ones[id]! += 1;
        if (before >= 0) pairs.set(before * 65536 + id, (pairs.get(before * 65536 + id) ?? 0) + 1);
      }
      before = id;
    }
    await pause();
  }
  const all = ones.reduce((sum, count) => sum + count, 0);
  const unigram = (id: number): number => (ones[id]! + 1) / (all + vocabulary);
  const after = new Float64Array(vocabulary); // how often something follows, and how many different things
  const kinds = new Float64Array(vocabulary);
  for (const [pair, count] of pairs) {
    const first = Math.floor(pair / 65536);
    after[first]! += count;
    kinds[first]! += 1;
  }
  const bigram = (first: number, id: number): number => {
    if (!after[first]) return unigram(id);
    const count = pairs.get(first * 65536 + id) ?? 0;
    return (Math.max(0, count - discount) + discount * kinds[first]! * unigram(id)) / after[first]!;
  };
  const sums = { unigram: 0, bigram: 0, count: 0 };
  const piece = judged.piece ?? 64;
  for (let from = 0; from < judged.rows; from += piece) {
    const { inputs } = await judged.range(from, Math.min(judged.rows, from + piece));
    const ids = inputs["input_ids"]!.data as BigInt64Array;
    for (const [i, label] of (inputs["labels"]!.data as BigInt64Array).entries()) {
      if (label === BigInt(unlearned)) continue;
      sums.unigram -= Math.log(unigram(Number(label)));
      sums.bigram -= Math.log(bigram(Number(ids[i]), Number(label)));
      sums.count++;
    }
    await pause();
  }
  const metrics = (sum: number): Metrics => language.metrics({ predicted: Float32Array.of(sum), truth: Float64Array.of(sums.count) }, {});
  return { constant: metrics(sums.unigram), linear: metrics(sums.bigram) };
}
