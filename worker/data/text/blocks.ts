// A long text in blocks, each of which is learned from or held out as a whole. Where a block ends follows from the letters around that place, so
// that text which is added or taken away moves the blocks next to it alone: content-defined chunking (https://en.wikipedia.org/wiki/Rolling_hash).
import { createHash } from "node:crypto";
import { Random } from "../../random.ts";

/** Letters of a block: at least, and at most where the text offers a place to end. */
export interface BlockSize {
  least: number;
  most: number;
}

/** Blocks of some 3,000 letters; of a small text smaller ones, so that there are enough to hold out. */
export const blockSize = (letters: number): BlockSize => (letters < 64_000 ? { least: 200, most: 1000 } : { least: 2048, most: 16_384 });

/** The text as blocks; joined they are the text, with every line end as "\n". */
export async function* blocksOf(pieces: AsyncIterable<string>, size: BlockSize): AsyncGenerator<string> {
  let rest = "";
  let heldBack = ""; // a "\r" whose "\n" may be in the next piece
  for await (const piece of pieces) {
    const whole = heldBack + piece;
    heldBack = whole.endsWith("\r") ? "\r" : "";
    rest += whole.slice(0, whole.length - heldBack.length).replaceAll("\r\n", "\n");
    for (let end = cut(rest, size); end > 0; end = cut(rest, size)) {
      yield rest.slice(0, end);
      rest = rest.slice(end);
    }
  }
  rest += heldBack;
  for (let end = cut(rest, size); end > 0; end = cut(rest, size)) {
    yield rest.slice(0, end);
    rest = rest.slice(end);
  }
  if (rest !== "") yield rest;
}

/** Where the first block ends; 0 while too little is there to know. */
function cut(text: string, { least, most }: BlockSize): number {
  if (text.length < 2 * most) return 0;
  for (let at = text.indexOf("\n\n", least); at >= 0 && at < most; at = text.indexOf("\n\n", at + 1)) {
    const end = afterBreaks(text, at);
    if (chosen(text, at)) return end;
  }
  for (const mark of ["\n\n", "\n", "。", ". ", " "]) {
    const at = text.lastIndexOf(mark, most);
    if (at >= least) return mark === "\n\n" ? afterBreaks(text, at) : at + mark.length;
  }
  const half = text.charCodeAt(most - 1);
  return half >= 0xd800 && half < 0xdc00 ? most - 1 : most; // not within a letter of two units
}

function afterBreaks(text: string, at: number): number {
  let end = at;
  while (text[end] === "\n") end++;
  return end;
}

/** Every second end of a paragraph, by the letters before it. */
function chosen(text: string, at: number): boolean {
  let hash = 0x811c9dc5;
  for (let i = Math.max(0, at - 32); i < at; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return ((hash >>> 16) & 1) === 0;
}

/** A number in [0, 1) that follows from the text alone: its place among all texts. */
export function placeOf(text: string): number {
  return createHash("md5").update(text).digest().readUInt32LE(0) / 2 ** 32;
}

/**
 * 0 train (80 %), 1 validation, 2 test, by the place and the seed. Copies go together; where a part would be empty it gets the texts whose
 * places are nearest to it.
 */
export function partsOf(places: Float64Array, { seed, split }: { seed: number; split: boolean }): Uint8Array {
  const parts = new Uint8Array(places.length);
  if (!split) return parts;
  const shift = new Random(seed, "split").uniform();
  const turned = places.map((place) => (place + shift) % 1);
  for (const [i, place] of turned.entries()) parts[i] = place < 0.8 ? 0 : place < 0.9 ? 1 : 2;
  const different = [...new Set(turned)].sort((a, b) => b - a);
  if (different.length < 3) return parts.fill(0);
  for (const part of [2, 1] as const) {
    if (parts.includes(part)) continue;
    const highest =
      different.find((place) => parts[turned.indexOf(place)] === 0) ?? different.find((place) => parts[turned.indexOf(place)] !== part)!;
    for (const [i, place] of turned.entries()) if (place === highest) parts[i] = part;
  }
  if (!parts.includes(0)) for (const [i, place] of turned.entries()) if (place === different.at(-1)) parts[i] = 0;
  return parts;
}
