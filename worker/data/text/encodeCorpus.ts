// A corpus as tokens: looked through once for its size and its split, then for the words that the vocabulary is learned from (of the training part
// alone), then encoded. Nothing but counts and tokens is held.
import type { Corpus, Block, Speaker } from "./corpus.ts";
import { AppError } from "../../../ipc/error.ts";
import type { Bpe } from "./bpe.ts";
import { endOfText } from "./bpe.ts";
import { trainBpe, WordCounts } from "./bpeTrainer.ts";
import { partsOf, placeOf } from "./blocks.ts";
import { notLearned, TokenStore } from "./tokenStore.ts";
import { sideBySide, type Windows } from "./windows.ts";

/** Tokens that say who speaks; a conversation's messages begin with them and its answers end with the end of text. */
export const speakerTokens: Record<Speaker, string> = { system: "<|system|>", user: "<|user|>", assistant: "<|assistant|>" };

export const specialsOf = (form: Corpus["form"]): string[] => [endOfText, ...(form === "chats" ? Object.values(speakerTokens) : [])];

export interface Survey {
  /** Part of each block, in order. */
  parts: Uint8Array;
  places: Float64Array;
  documents: number;
  characters: number;
  /** UTF-8 bytes by part. */
  bytes: [number, number, number];
  /** Share of Chinese characters, of the first blocks. */
  han: number;
}

/** Text that says too little to learn from. */
const leastCharacters = 500;

/** One look through the whole corpus. Throws tooFewRows, and what reading throws. */
export async function survey(corpus: Corpus, split: { seed: number; split: boolean }, pause?: () => Promise<void>): Promise<Survey> {
  let places = new Float64Array(1024);
  let sizes = new Uint32Array(1024);
  let count = 0;
  let documents = 0;
  let characters = 0;
  const seen = { han: 0, letters: 0 };
  for await (const block of corpus.blocks()) {
    if (count === places.length) {
      const [more, larger] = [new Float64Array(2 * count), new Uint32Array(2 * count)];
      more.set(places);
      larger.set(sizes);
      [places, sizes] = [more, larger];
    }
    const text = textOf(block);
    places[count] = placeOf(text);
    sizes[count++] = Buffer.byteLength(text);
    characters += text.length;
    if (block.ends) documents++;
    if (seen.letters < 1e6) {
      seen.letters += text.length;
      seen.han += text.match(/\p{Script=Han}/gu)?.length ?? 0;
    }
    if (count % 64 === 0) await pause?.();
  }
  if (characters < leastCharacters)
    throw new AppError(
      "tooFewRows",
      `'${corpus.file}' holds ${characters} letters of text; a language model needs at least ${leastCharacters}, and better a million.`,
      "Choose more text.",
      { file: corpus.file, rows: characters, least: leastCharacters },
    );
  const own = places.subarray(0, count);
  const parts = partsOf(own, split);
  const bytes: Survey["bytes"] = [0, 0, 0];
  for (const [i, part] of parts.entries()) bytes[part]! += sizes[i]!;
  return { parts, places: own, documents, characters, bytes, han: seen.letters ? seen.han / seen.letters : 0 };
}

const textOf = (block: Block): string => (block.parts.length === 1 ? block.parts[0]!.text : block.parts.map(({ text }) => text).join("\n"));

/** Bytes of text that a vocabulary is learned from: more changes it hardly. */
const mostLearned = 16e6;

/** A vocabulary learned on the training part, or, of a large one, on blocks chosen by their contents. */
export async function learnVocabulary(
  corpus: Corpus,
  { parts, places, bytes }: Survey,
  { size, signal, pause }: { size: number; signal?: AbortSignal | undefined; pause?: () => Promise<void> },
): Promise<Bpe> {
  const words = new WordCounts();
  const share = mostLearned / Math.max(1, bytes[0]);
  let at = 0;
  for await (const block of corpus.blocks()) {
    // The place turned by the golden ratio, as the split has used it already.
    const taken = parts[at] === 0 && (share >= 1 || (places[at]! * 1.618033988749895e4) % 1 < share);
    if (taken) for (const { text } of block.parts) words.add(text);
    if (++at % 64 === 0) await pause?.();
  }
  return trainBpe(words.counts, { size, specials: specialsOf(corpus.form), signal });
}

/** Tokens to go by for so many bytes: each costs a row of the table, and saves places in the context. */
export function suitableVocabulary(bytes: number, han: number): number {
  const bits = 10 + 0.45 * (Math.log2(Math.max(1, bytes)) - 20) + (han > 0.2 ? 1 : 0);
  return 2 ** Math.max(9, Math.min(14, Math.round(bits)));
}

export interface EncodedPart {
  store: TokenStore;
  /** Where conversations begin; of running text nothing. */
  starts: number[] | undefined;
}

export interface EncodedCorpus {
  parts: [EncodedPart, EncodedPart, EncodedPart];
  close(): Promise<void>;
}

/** Bytes of tokens that stay in memory, all parts together. */
const budget = 192e6;

export async function encodeCorpus(
  corpus: Corpus,
  { parts }: Pick<Survey, "parts">,
  bpe: Bpe,
  { scratch, pause }: { scratch: string; pause?: () => Promise<void> },
): Promise<EncodedCorpus> {
  const chats = corpus.form === "chats";
  const part = (): EncodedPart => ({ store: new TokenStore({ scratch, budget: budget / 3 }), starts: chats ? [] : undefined });
  const out: EncodedCorpus["parts"] = [part(), part(), part()];
  const close = async (): Promise<void> => {
    for (const { store } of out) await store.close();
  };
  const end = 0;
  const speaker = (who: Speaker): number => bpe.specials.indexOf(speakerTokens[who]);
  try {
    let at = 0;
    for await (const block of corpus.blocks()) {
      const { store, starts } = out[parts[at++]!]!;
      starts?.push(store.length);
      const words: number[] = [];
      for (const { text, speaker: who, learned } of block.parts) {
        if (who) words.push(speaker(who) | notLearned);
        const ids = bpe.encode(text, { plain: !corpus.marked });
        for (const id of ids) {
          words.push(learned ? id : id | notLearned);
          if (!learned) continue;
          store.learned++;
          store.learnedBytes += bpe.bytes[id]!.length;
        }
        if (who === "assistant") {
          words.push(end);
          store.learned++;
        }
      }
      if (block.ends && !chats) {
        words.push(end);
        store.learned++;
      }
      await store.append(words);
      if (at % 64 === 0) await pause?.();
    }
    return { parts: out, close };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

/** The windows of a part. */
export async function windowsOf({ store, starts }: EncodedPart, context: number): Promise<Windows> {
  return starts ? packed(store, starts, context) : sideBySide(store.length, context);
}

/** Whole conversations, as many in a window as fit; one that does not fit goes on in the next. Windows without an answer are left out. */
async function packed(store: TokenStore, starts: readonly number[], context: number): Promise<Windows> {
  const rows: { start: number; length: number }[] = [];
  let open: { start: number; end: number } | undefined;
  const close = async (): Promise<void> => {
    if (!open) return;
    for (let start = open.start; start + 1 < open.end; start += context) {
      const words = await store.read(start, Math.min(context + 1, open.end - start));
      if (words.subarray(1).some((word) => !(word & notLearned))) rows.push({ start, length: words.length - 1 });
    }
    open = undefined;
  };
  for (const [i, start] of starts.entries()) {
    const end = starts[i + 1] ?? store.length;
    if (open && end - open.start > context + 1) await close();
    if (open) open.end = end;
    else open = { start, end };
  }
  await close();
  return { starts: Float64Array.from(rows, ({ start }) => start), lengths: Uint16Array.from(rows, ({ length }) => length) };
}
