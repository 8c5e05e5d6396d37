// What a language model writes while it learns: always from the same beginning, which was held out, by the same seed.
import type { Bpe } from "../../data/text/bpe.ts";
import { type EncodedPart, speakerTokens } from "../../data/text/encodeCorpus.ts";
import { notLearned } from "../../data/text/tokenStore.ts";
import { gptDecoding } from "../../models/gpt.ts";
import { openEngine } from "../../run/engine.ts";
import { CachedDecoder, write } from "../../run/generate.ts";
import type { Tensor } from "../../tensor.ts";
import type { PreparedLanguage } from "./preparedLanguage.ts";

export interface Prompt {
  ids: number[];
  /** As it is shown: without the tokens of who speaks. */
  text: string;
}

const beginning = 12;
const written = 80;
const sampling = { temperature: 0.8, topK: 50 };

/** The first words of what was held out; of conversations, the first question. */
export async function promptOf({ store, starts }: EncodedPart, bpe: Bpe, context: number): Promise<Prompt> {
  const words = Array.from(await store.read(0, context), (word) => word);
  if (!starts) {
    const ids = words.slice(0, beginning).map((word) => word & ~notLearned);
    const end = ids.indexOf(0);
    const own = end > 0 ? ids.slice(0, end) : ids;
    return { ids: own, text: bpe.decode(own) };
  }
  const answer = words.findIndex((word) => !(word & notLearned));
  const ids = words.slice(0, answer > 0 ? answer : words.length).map((word) => word & ~notLearned);
  const user = bpe.specials.indexOf(speakerTokens.user);
  const said = ids.slice(ids.lastIndexOf(user) + 1).filter((id) => id >= bpe.specials.length);
  return { ids: ids.slice(-Math.floor(context / 2)), text: bpe.decode(said) };
}

/** What the weights write now. */
export async function writeSample(
  { net, bpe, prompt }: Pick<PreparedLanguage, "net" | "bpe" | "prompt">,
  weights: ReadonlyMap<string, Tensor>,
): Promise<{ prompt: string; text: string }> {
  const engine = await openEngine("cpu", { threads: 1 }); // one position at a time: nothing to share out
  try {
    const decoder = new CachedDecoder(await engine.load(gptDecoding(net, weights)), net);
    const ids: number[] = [];
    for await (const id of write(decoder, { ids: prompt.ids, maxTokens: written, seed: net.seed, ends: new Set([0]), ...sampling }))
      ids.push(id);
    return { prompt: prompt.text, text: bpe.decode(ids) };
  } finally {
    await engine.dispose();
  }
}
