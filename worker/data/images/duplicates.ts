// Pictures that are there twice: the same bytes, or the same picture saved anew (another size, another quality). Nearness is told from
// drawings of 16 × 16: first by a fingerprint of 64 bits, then by the drawings themselves.
export const sketchSize = 16;

export interface Sketched {
  sha: string;
  label: number;
  /** uint8 [16, 16, 3] */
  sketch: Uint8Array;
}

export interface Twins {
  /** Rows with equal bytes, each group in order. */
  same: number[][];
  /** Pairs of rows that look the same and are not. */
  near: [number, number][];
}

/** Drawings of one picture saved in two ways differ by so much at most, on the mean and at any point. */
const alike = { mean: 1.5, most: 16 };
/** Pictures that agree in a quarter of the fingerprint and are compared with each other, at most. */
const crowd = 64;
const mostPairs = 1000;

export function findTwins(rows: readonly Sketched[]): Twins {
  const bySha = new Map<string, number[]>();
  for (const [i, { sha }] of rows.entries()) {
    const group = bySha.get(sha);
    if (group) group.push(i);
    else bySha.set(sha, [i]);
  }
  const same = [...bySha.values()].filter((group) => group.length > 1);
  const firsts = [...bySha.values()].map((group) => group[0]!);
  const near: [number, number][] = [];
  const seen = new Set<string>();
  for (const bucket of buckets(rows, firsts)) {
    for (let a = 0; a < bucket.length && a < crowd; a++)
      for (let b = a + 1; b < bucket.length && b < crowd; b++) {
        const pair = `${bucket[a]}:${bucket[b]}`;
        if (seen.has(pair) || near.length >= mostPairs) continue;
        seen.add(pair);
        if (looksAlike(rows[bucket[a]!]!.sketch, rows[bucket[b]!]!.sketch)) near.push([bucket[a]!, bucket[b]!]);
      }
  }
  return { same, near: near.sort((x, y) => x[0] - y[0] || x[1] - y[1]) };
}

/** Rows that agree in 16 of the 64 bits which say where the picture is brighter than its middle. Flat pictures are no evidence. */
function buckets(rows: readonly Sketched[], among: readonly number[]): number[][] {
  const found = new Map<string, number[]>();
  for (const i of among) {
    const light = blocks(rows[i]!.sketch);
    const sorted = light.toSorted();
    if (sorted[63]! - sorted[0]! < 24) continue;
    const middle = (sorted[31]! + sorted[32]!) / 2;
    for (let band = 0; band < 4; band++) {
      let bits = 0;
      for (let k = 0; k < 16; k++) bits |= (light[band * 16 + k]! > middle ? 1 : 0) << k;
      const key = `${band}:${bits}`;
      const bucket = found.get(key);
      if (bucket) bucket.push(i);
      else found.set(key, [i]);
    }
  }
  return [...found.values()].filter((bucket) => bucket.length > 1);
}

/** Brightness of 8 × 8 blocks. */
function blocks(sketch: Uint8Array): Float64Array {
  const light = new Float64Array(64);
  for (let y = 0; y < sketchSize; y++)
    for (let x = 0; x < sketchSize; x++) {
      const at = (y * sketchSize + x) * 3;
      light[(y >> 1) * 8 + (x >> 1)]! += (sketch[at]! + sketch[at + 1]! + sketch[at + 2]!) / 12;
    }
  return light;
}

function looksAlike(a: Uint8Array, b: Uint8Array): boolean {
  let sum = 0;
  for (let i = 0; i < a.length; i++) {
    const gap = Math.abs(a[i]! - b[i]!);
    if (gap > alike.most) return false;
    sum += gap;
  }
  return sum <= alike.mean * a.length;
}
