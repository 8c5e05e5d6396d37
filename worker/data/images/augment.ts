// Pictures slightly moved, so that a network sees each in a new place every time. What is drawn depends on the seed and on which pictures
// stand in the batch, in which order: the same batch is always the same, and a resumed run goes on alike.
import { Random } from "../../random.ts";

export interface Augmentation {
  /** Pixels that a picture may move to each side. */
  shift: number;
  /** Mirrored left to right, one time in two. */
  flip: boolean;
}

/**
 * What suits a set, and why in a sentence. Signs that read one way must not be mirrored: a mirrored 3 is no 3. They are told by the names of
 * their classes: numbers, single letters, "digit 3" and the like.
 */
export function augmentationFor(size: number, classes: readonly string[]): Augmentation & { reason: string } {
  const shift = Math.max(1, Math.round(size / 14));
  const signs = classes.filter((name) => /^(\d+|.|(digit|letter|char|number|sign)[ _-]?\w{1,2})$/iu.test(name.trim())).length;
  const reading = signs * 2 > classes.length;
  return reading
    ? {
        shift,
        flip: false,
        reason: `Pictures are moved by up to ${shift} pixels and never mirrored: they look like signs that read one way.`,
      }
    : { shift, flip: true, reason: `Pictures are moved by up to ${shift} pixels, and mirrored one time in two.` };
}

/** A moved copy of uint8 [n, size, size, 3]; what comes in from outside is the nearest edge. */
export function augment(pixels: Uint8Array, size: number, places: Uint32Array, seed: number, { shift, flip }: Augmentation): Uint8Array {
  const random = new Random(seed, places.join());
  const out = new Uint8Array(pixels.length);
  const row = size * 3;
  for (let i = 0; i < places.length; i++) {
    const dx = Math.floor(random.uniform() * (2 * shift + 1)) - shift;
    const dy = Math.floor(random.uniform() * (2 * shift + 1)) - shift;
    const mirrored = flip && random.uniform() < 0.5;
    const base = i * size * row;
    for (let y = 0; y < size; y++) {
      const from = base + clamp(y + dy, size) * row;
      const to = base + y * row;
      for (let x = 0; x < size; x++) {
        const at = from + clamp((mirrored ? size - 1 - x : x) + dx, size) * 3;
        const put = to + x * 3;
        out[put] = pixels[at]!;
        out[put + 1] = pixels[at + 1]!;
        out[put + 2] = pixels[at + 2]!;
      }
    }
  }
  return out;
}

const clamp = (at: number, size: number) => (at < 0 ? 0 : at >= size ? size - 1 : at);
