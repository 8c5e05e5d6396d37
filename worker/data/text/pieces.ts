// How text becomes numbers. A text is cut into pieces: words and pairs of neighbours, and within a word its runs of two to five letters;
// scripts that are written without spaces count each letter as a word. Each piece is hashed into one of 2^bits places ("hashing trick":
// Weinberger et al. 2009, https://arxiv.org/abs/0902.2206; n-grams of letters: fastText, https://arxiv.org/abs/1607.04606), so that no
// dictionary is kept. Pure: the same text gives the same numbers everywhere; standalone.ts is the same as a file of its own.

export interface PieceSettings {
  /** Places of the table: 2^bits. */
  bits: number;
  /** Longest run of words: 1 or 2. */
  words: number;
  /** Runs of letters within a word, from … to; to 0 for none. */
  letters: readonly [number, number];
}

export const pieceSettings: PieceSettings = { bits: 18, words: 2, letters: [2, 5] };

/** Letters (UTF-16 units) of a text that are read, and different places that one text may fill. */
export const mostLetters = 30_000;
export const mostPlaces = 4096;

/** One letter of a script without spaces · a word · marks and signs in a row. */
const parts =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]|[\p{L}\p{M}\p{N}_]+?(?=[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]|[^\p{L}\p{M}\p{N}_]|$)|[^\s\p{L}\p{M}\p{N}_]+/gu;
const spaceless = /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;

/** Letters of a word that are read: nothing that is longer is a word. */
const longestWord = 64;

/** What is read of a text: its start, in compatible forms and small letters. */
export function normalized(text: string): string {
  return text.slice(0, mostLetters).normalize("NFKC").toLowerCase().slice(0, mostLetters);
}

const offset = 0x811c9dc5;
const prime = 0x01000193;
/** Begins of the two kinds' hashes, so that a word and an equal run of letters fall into different places. */
const starts = { word: Math.imul(offset ^ 1, prime), letters: Math.imul(offset ^ 2, prime) };
const between = 0x20;

/** FNV-1a over UTF-16 units, going on from `hash`. */
function extend(hash: number, text: string, from = 0, to = text.length): number {
  for (let i = from; i < to; i++) hash = Math.imul(hash ^ text.charCodeAt(i), prime);
  return hash;
}

/** The last mixing of MurmurHash3: FNV's low bits alone are uneven. */
function place(hash: number, bits: number): number {
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  hash ^= hash >>> 16;
  return hash >>> (32 - bits);
}

/** Tells each piece of the text in order, with its place; `name` gives its letters where they are wanted. */
export function eachPiece(text: string, { bits, words, letters }: PieceSettings, tell: (place: number, name: () => string) => void): void {
  const [shortest, longest] = letters;
  let before = "";
  let run = ""; // letters of a script without spaces, still going on
  let end = -1;
  for (const match of normalized(text).matchAll(parts)) {
    const word = match[0].slice(0, longestWord);
    const hash = extend(starts.word, word);
    tell(place(hash, bits), () => word);
    if (words > 1 && before !== "") {
      const pair = extend(Math.imul(extend(starts.word, before) ^ between, prime), word);
      const left = before;
      tell(place(pair, bits), () => `${left} ${word}`);
    }
    before = word;
    if (longest > 0 && spaceless.test(word)) {
      // Pairs of such letters are pairs of words already: runs of three and more end at this letter.
      run = match.index === end ? run.slice(-longest * 2) + word : word;
      end = match.index + word.length;
      const units = [...run];
      for (let n = Math.max(3, shortest); n <= Math.min(longest, units.length); n++) {
        const piece = units.slice(-n).join("");
        tell(place(extend(starts.letters, piece), bits), () => piece);
      }
    } else if (longest > 0 && word.length > 1) {
      const framed = `<${word}>`;
      for (let from = 0; from + shortest <= framed.length; from++) {
        let part = starts.letters;
        for (let n = 1; n <= longest && from + n <= framed.length; n++) {
          part = Math.imul(part ^ framed.charCodeAt(from + n - 1), prime);
          if (n >= shortest && n < framed.length) tell(place(part, bits), () => framed.slice(from, from + n));
        }
      }
    }
  }
}

/** The places a text fills, rising, and how often each (at most 255); the places filled first where there are more than `mostPlaces`. */
export function placesOf(text: string, settings: PieceSettings): { ids: Int32Array; counts: Uint8Array } {
  const found = new Map<number, number>();
  eachPiece(text, settings, (at) => {
    const count = found.get(at);
    if (count !== undefined) found.set(at, count < 255 ? count + 1 : count);
    else if (found.size < mostPlaces) found.set(at, 1);
  });
  const ids = Int32Array.from(found.keys()).sort();
  return { ids, counts: Uint8Array.from(ids, (id) => found.get(id)!) };
}

/** What a count weighs before the words' rarity: 1 + ln n, as float32. */
export function weightOf(count: number): number {
  return Math.fround(1 + Math.log(count));
}
