// Texts as tokens in order, for networks that read them so: by a vocabulary learned on the training texts (byte-level BPE over small letters, in
// any script), or by the tokenizer.json of an imported encoder. Either is told by one file that Hugging Face's libraries read too.
import { AppError } from "../../../ipc/error.ts";
import { openStrangeTokenizer, type StrangeTokenizer } from "../../formats/language/strangeTokenizer.ts";
import type { Bpe } from "./bpe.ts";
import { readBpe } from "./bpe.ts";
import { trainBpe, WordCounts } from "./bpeTrainer.ts";
import { normalized } from "./pieces.ts";

export interface TextTokens {
  /** The ids of a text, at most so many as a network reads at once. */
  encode(text: string): number[];
  /** What a token looks like. */
  show(id: number): string;
  /** Ids are below it, where that is known. */
  size: number;
  /** tokenizer.json. */
  json: string;
}

/** The first token: it fills. */
export const padding = "<|pad|>";

/** A vocabulary learned on texts. @param size tokens, at most */
export async function learnTokens(
  texts: AsyncIterable<readonly string[]>,
  { size, signal }: { size: number; signal?: AbortSignal | undefined },
): Promise<Bpe> {
  const words = new WordCounts();
  let letters = 0;
  for await (const some of texts)
    for (const text of some) {
      if (letters > mostLearned) break;
      const read = normalized(text);
      letters += read.length;
      words.add(read);
    }
  return trainBpe(words.counts, { size, specials: [padding], signal });
}

/** Letters that a vocabulary is learned from: more change it hardly. */
const mostLearned = 16e6;

export function ownTokens(bpe: Bpe, context: number): TextTokens {
  return {
    encode: (text) => bpe.encode(normalized(text), { plain: true }).slice(0, context),
    show: (id) => bpe.show(id),
    size: bpe.size,
    json: bpe.toJson({ folded: true }),
  };
}

/**
 * @param form "bpe": a vocabulary of ours; "file": any tokenizer.json
 * @throws AppError modelInvalid where it cannot be read
 */
export function openTextTokens(json: string, { form, context, name }: { form: "bpe" | "file"; context: number; name: string }): TextTokens {
  return form === "bpe" ? ownTokens(readBpe(json, name), context) : fileTokens(json, context, name);
}

/** Letters of a text for each token that is read: what lies beyond cannot be among them. */
const lettersPerToken = 16;

/** Throws modelInvalid. */
export function fileTokens(json: string, context: number, name: string): TextTokens {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw new AppError(
      "modelInvalid",
      `The tokenizer '${name}' cannot be read: it is not JSON.`,
      "It is damaged: put the model's own tokenizer.json beside it.",
      { file: name },
      cause,
    );
  }
  const tokenizer = openStrangeTokenizer(value, {}, name);
  tokenizer.encode("a b");
  const ends = endsOf(tokenizer);
  return {
    encode(text) {
      const ids = tokenizer.encode(text.slice(0, context * lettersPerToken));
      // What is cut keeps the token that ends every text.
      return ids.length <= context ? ids : [...ids.slice(0, context - ends.length), ...ends];
    },
    show: (id) => tokenizer.tokenOf(id) ?? "",
    size: Infinity,
    json,
  };
}

/** The tokens that the tokenizer puts behind every text ([SEP], </s>). */
function endsOf(tokenizer: StrangeTokenizer): number[] {
  const [bare, one] = [tokenizer.encode("a", { special: false }), tokenizer.encode("a")];
  const at = one.lastIndexOf(bare.at(-1)!);
  return bare.length && at >= 0 ? one.slice(at + 1) : [];
}
