// Byte-level byte pair encoding (GPT-2: https://openai.com/research/better-language-models): text is cut into words by a fixed pattern, a word's
// UTF-8 bytes are the first tokens, and neighbours are joined by learned merges, the earliest learned first. Whatever can be written can be
// encoded, and comes back as it was. Kept as a Hugging Face tokenizer.json, which other programs read.
import * as v from "valibot";
import { AppError } from "../../../ipc/error.ts";

/** GPT-2's words: a contraction's end, letters, digits or other signs with a space before, spaces. `\s` means Unicode's White_Space, as in Rust. */
const white = "\\p{White_Space}";
const pattern = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^${white}\p{L}\p{N}]+|${white}+(?!\P{White_Space})|${white}+`;

/** The words of a text, in order; joined they are the text. */
export const wordsOf = (text: string): IterableIterator<RegExpMatchArray> => text.matchAll(new RegExp(pattern, "gu"));

/** GPT-2's letter for each byte: itself where it is a visible letter of Latin-1, else one from U+0100 on. */
export const byteLetters: readonly string[] = (() => {
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => {
    const visible = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    return String.fromCharCode(visible ? byte : next++);
  });
})();
const byteOf: ReadonlyMap<string, number> = new Map(byteLetters.map((letter, byte) => [letter, byte]));

/** The bytes in the order of their tokens: of their letters. */
export const alphabet: readonly number[] = [...byteLetters.keys()].sort((a, b) => (byteLetters[a]! < byteLetters[b]! ? -1 : 1));

/** Ends a document; the first token. */
export const endOfText = "<|endoftext|>";

export interface BpeParts {
  /** Tokens that stand for themselves, with the ids from 0. */
  specials: readonly string[];
  /** Pairs of ids, in the order learned. Ids: specials, the 256 bytes as in `alphabet`, then merges. */
  merges: readonly (readonly [number, number])[];
}

/** Words longer than this are joined with a heap: looking through them for each merge would take the square of their length. */
const longWord = 64;
/** Words whose tokens are remembered. */
const remembered = 100_000;

export class Bpe {
  readonly specials: readonly string[];
  readonly merges: BpeParts["merges"];
  /** Bytes of each token; of a special one, those of its name. */
  readonly bytes: readonly Uint8Array[];
  readonly #ranks = new Map<number, number>();
  /** Id that the merge of a rank makes. */
  readonly #made: readonly number[];
  readonly #byteId: Uint16Array;
  readonly #special: RegExp | undefined;
  readonly #specialId: ReadonlyMap<string, number>;
  #cache = new Map<string, readonly number[]>();

  /** Throws RangeError where a merge names a token that is not there yet, or there would be more than 65,536 tokens. */
  constructor({ specials, merges }: BpeParts) {
    this.specials = specials;
    this.merges = merges;
    const bytes = [...specials.map((name) => new Uint8Array(Buffer.from(name))), ...alphabet.map((byte) => Uint8Array.of(byte))];
    this.#byteId = new Uint16Array(256);
    for (const [i, byte] of alphabet.entries()) this.#byteId[byte] = specials.length + i;
    const known = new Map(bytes.slice(specials.length).map((own, i) => [latin(own), specials.length + i]));
    const made: number[] = [];
    for (const [rank, [a, b]] of merges.entries()) {
      if (!(a >= specials.length && b >= specials.length && a < bytes.length && b < bytes.length))
        throw new RangeError(`merge ${rank} names a token that is not there`);
      const joined = new Uint8Array(Buffer.concat([bytes[a]!, bytes[b]!]));
      const key = latin(joined);
      let id = known.get(key); // two merges may spell the same token
      if (id === undefined) {
        id = bytes.push(joined) - 1;
        known.set(key, id);
      }
      made.push(id);
      if (!this.#ranks.has(a * 65536 + b)) this.#ranks.set(a * 65536 + b, rank);
    }
    if (bytes.length > 65536) throw new RangeError("there are more than 65,536 tokens");
    this.bytes = bytes;
    this.#made = made;
    this.#specialId = new Map(specials.map((name, id) => [name, id]));
    this.#special = specials.length ? new RegExp(`(${specials.map(escaped).join("|")})`, "u") : undefined;
  }

  /** Count of tokens. */
  get size(): number {
    return this.bytes.length;
  }

  /**
   * The tokens of a text.
   * @param options.plain names of special tokens in the text are text (what a stranger wrote), not those tokens
   */
  encode(text: string, { plain = false }: { plain?: boolean } = {}): number[] {
    const out: number[] = [];
    if (plain || !this.#special) this.#words(text, out);
    else
      for (const piece of text.split(this.#special)) {
        const special = this.#specialId.get(piece);
        if (special !== undefined) out.push(special);
        else this.#words(piece, out);
      }
    return out;
  }

  #words(text: string, out: number[]): void {
    for (const [word] of wordsOf(text)) {
      let ids = this.#cache.get(word);
      if (!ids) {
        ids = this.#word(word);
        if (this.#cache.size >= remembered) this.#cache.clear();
        if (word.length <= longWord) this.#cache.set(word, ids);
      }
      for (const id of ids) out.push(id);
    }
  }

  #word(word: string): number[] {
    const ids = Array.from(Buffer.from(word), (byte) => this.#byteId[byte]!);
    if (ids.length > longWord) return this.#long(ids);
    for (;;) {
      let best = Infinity;
      let at = -1;
      for (let i = 0; i + 1 < ids.length; i++) {
        const rank = this.#ranks.get(ids[i]! * 65536 + ids[i + 1]!);
        if (rank !== undefined && rank < best) [best, at] = [rank, i];
      }
      if (at < 0) return ids;
      ids.splice(at, 2, this.#made[best]!);
    }
  }

  /** The same by a heap of merges, the lowest rank first, of equal ones the leftmost. */
  #long(ids: number[]): number[] {
    const next = Int32Array.from(ids, (_, i) => i + 1);
    const before = Int32Array.from(ids, (_, i) => i - 1);
    const heap = new Heap<number>((a, b) => a - b);
    const offer = (at: number): void => {
      const after = next[at]!;
      const rank = after < ids.length ? this.#ranks.get(ids[at]! * 65536 + ids[after]!) : undefined;
      if (rank !== undefined) heap.push(rank * 2 ** 32 + at);
    };
    for (let i = 0; i + 1 < ids.length; i++) offer(i);
    for (let key = heap.pop(); key !== undefined; key = heap.pop()) {
      const rank = Math.floor(key / 2 ** 32);
      const at = key % 2 ** 32;
      const after = next[at]!;
      if (ids[at]! < 0 || after >= ids.length || this.#ranks.get(ids[at]! * 65536 + ids[after]!) !== rank) continue; // it has changed since
      ids[at] = this.#made[rank]!;
      ids[after] = -1;
      next[at] = next[after]!;
      if (next[at]! < ids.length) before[next[at]!] = at;
      offer(at);
      if (before[at]! >= 0) offer(before[at]!);
    }
    return ids.filter((id) => id >= 0);
  }

  /** The text of tokens. Bytes that are no letters (an answer may end within one) come as U+FFFD. */
  decode(ids: Iterable<number>): string {
    return Buffer.concat(Array.from(ids, (id) => this.bytes[id]!)).toString("utf8");
  }

  /** What a token looks like: its letters, or GPT-2's where its bytes are a part of a letter. */
  show(id: number): string {
    const text = Buffer.from(this.bytes[id]!).toString("utf8");
    return text.includes("\ufffd") ? this.#name(id) : text;
  }

  #name(id: number): string {
    return id < this.specials.length ? this.specials[id]! : Array.from(this.bytes[id]!, (byte) => byteLetters[byte]!).join("");
  }

  /**
   * tokenizer.json as the tokenizers library writes it for byte-level BPE.
   * @param options.folded the texts are brought to compatible forms and small letters first (pieces.ts, `normalized`)
   */
  toJson({ folded = false }: { folded?: boolean } = {}): string {
    const vocab = Object.fromEntries(this.bytes.map((_, id) => [this.#name(id), id]));
    const byteLevel = (more: object) => ({ type: "ByteLevel", ...more, trim_offsets: true, use_regex: true });
    return JSON.stringify({
      version: "1.0",
      truncation: null,
      padding: null,
      added_tokens: this.specials.map((content, id) => ({
        id,
        content,
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: false,
        special: true,
      })),
      normalizer: folded ? foldedForm : null,
      pre_tokenizer: byteLevel({ add_prefix_space: false }),
      post_processor: null,
      decoder: byteLevel({ add_prefix_space: true }),
      model: {
        type: "BPE",
        dropout: null,
        unk_token: null,
        continuing_subword_prefix: null,
        end_of_word_suffix: null,
        fuse_unk: false,
        byte_fallback: false,
        ignore_merges: false,
        vocab,
        merges: this.merges.map(([a, b]) => [this.#name(a), this.#name(b)]),
      },
    });
  }
}

const foldedForm = { type: "Sequence", normalizers: [{ type: "NFKC" }, { type: "Lowercase" }] };

const latin = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");
const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");

const file = v.object({
  added_tokens: v.array(v.object({ id: v.number(), content: v.pipe(v.string(), v.minLength(1), v.maxLength(200)) })),
  normalizer: v.nullable(
    v.object({
      type: v.literal("Sequence"),
      normalizers: v.tuple([v.object({ type: v.literal("NFKC") }), v.object({ type: v.literal("Lowercase") })]),
    }),
  ),
  pre_tokenizer: v.object({ type: v.literal("ByteLevel"), add_prefix_space: v.literal(false), use_regex: v.literal(true) }),
  model: v.object({
    type: v.literal("BPE"),
    vocab: v.record(v.string(), v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65535))),
    merges: v.pipe(v.array(v.tuple([v.string(), v.string()])), v.maxLength(65536)),
  }),
});

/**
 * A tokenizer.json of the form that `toJson` writes. Untrusted: every field is checked.
 * @throws AppError modelInvalid
 */
export function readBpe(json: string, name: string): Bpe {
  const invalid = (why: string, cause?: unknown) =>
    new AppError(
      "modelInvalid",
      `'${name}' is not a tokenizer of Paddock: ${why}.`,
      "Choose a run of a language model.",
      { file: name },
      cause,
    );
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw invalid("it is not JSON", error);
  }
  const parsed = v.safeParse(file, value);
  if (!parsed.success) throw invalid(`${v.getDotPath(parsed.issues[0]) ?? "it"} is not what it should be`);
  const { added_tokens: added, model } = parsed.output;
  const vocab = new Map(Object.entries(model.vocab));
  try {
    const merges = model.merges.map(([a, b]) => [vocab.get(a) ?? -1, vocab.get(b) ?? -1] as const);
    const bpe = new Bpe({ specials: added.map(({ content }) => content), merges });
    const same =
      bpe.size === vocab.size &&
      [...vocab].every(([token, id]) => id < bpe.specials.length || (id < bpe.size && nameBytes(token) === latin(bpe.bytes[id]!)));
    if (!same || added.some(({ id, content }, i) => id !== i || vocab.get(content) !== i))
      throw new RangeError("its tokens are in another order");
    return bpe;
  } catch (error) {
    throw error instanceof RangeError ? invalid(error.message, error) : error;
  }
}

/** The bytes that a token's name stands for. */
const nameBytes = (name: string): string => Array.from(name, (letter) => String.fromCharCode(byteOf.get(letter) ?? 0)).join("");

/** A binary heap: the least first. */
export class Heap<T> {
  #items: T[] = [];
  readonly #compare: (a: T, b: T) => number;

  constructor(compare: (a: T, b: T) => number) {
    this.#compare = compare;
  }

  push(item: T): void {
    const items = this.#items;
    let at = items.push(item) - 1;
    while (at > 0) {
      const up = (at - 1) >> 1;
      if (this.#compare(items[up]!, item) <= 0) break;
      items[at] = items[up]!;
      at = up;
    }
    items[at] = item;
  }

  pop(): T | undefined {
    const items = this.#items;
    const top = items[0];
    const last = items.pop();
    if (items.length === 0 || last === undefined) return top;
    let at = 0;
    for (;;) {
      let down = 2 * at + 1;
      if (down >= items.length) break;
      if (down + 1 < items.length && this.#compare(items[down + 1]!, items[down]!) < 0) down++;
      if (this.#compare(items[down]!, last) >= 0) break;
      items[at] = items[down]!;
      at = down;
    }
    items[at] = last;
    return top;
  }
}
