// In which order the rows of an epoch come. Pure: the same seed, epoch and length give the same order on every machine. Rows are
// shuffled within groups of blocks, the blocks themselves over the whole table, so that a table on disk is read in large pieces.
import { Random } from "../random.ts";

/** Rows that a table on disk is read by at once. */
export const blockRows = 4096;
/** Blocks whose rows are mixed with each other. A table of up to blockRows · groupBlocks rows is shuffled as a whole. */
export const groupBlocks = 32;

export interface BatchOptions {
  seed: number;
  epoch: number;
  shuffle: boolean;
  /** Batches of the epoch that were had before: a resumed run goes on after them. */
  from?: number;
  /** Rows of unlike lengths: those of one batch are made alike, so that little of it is filling. */
  length?: ((position: number) => number) | undefined;
}

/** Batches whose rows are sorted by length together; the batches among them then come in any order. */
const alike = 32;

/** Positions of the rows of one epoch, batch after batch; the last batch may be smaller. Each batch may be kept. */
export function* batches(rows: number, batch: number, options: BatchOptions): Generator<Uint32Array> {
  const skipped = (options.from ?? 0) * batch;
  const order = options.shuffle ? shuffled(rows, options.seed, options.epoch) : undefined;
  if (order && options.length) sortByLength(order, batch, options.length, new Random(options.seed, `lengths ${options.epoch}`));
  for (let at = skipped; at < rows; at += batch) {
    const end = Math.min(rows, at + batch);
    yield order ? order.slice(at, end) : Uint32Array.from({ length: end - at }, (_, i) => at + i);
  }
}

function shuffled(rows: number, seed: number, epoch: number): Uint32Array {
  const random = new Random(seed, `epoch ${epoch}`);
  const blocks = random.shuffle(Uint32Array.from({ length: Math.ceil(rows / blockRows) }, (_, i) => i));
  const order = new Uint32Array(rows);
  let filled = 0;
  for (let group = 0; group < blocks.length; group += groupBlocks) {
    const start = filled;
    for (const block of blocks.subarray(group, group + groupBlocks))
      for (let row = block * blockRows; row < Math.min(rows, (block + 1) * blockRows); row++) order[filled++] = row;
    random.shuffle(order.subarray(start, filled));
  }
  return order;
}

/** Within stretches of some batches, batches of rows of like length; a batch that is not full stays the last. */
function sortByLength(order: Uint32Array, batch: number, length: (position: number) => number, random: Random): void {
  for (let from = 0; from < order.length; from += alike * batch) {
    const stretch = order.subarray(from, from + alike * batch);
    const sorted = [...stretch].map((position, place) => ({ position, place, length: length(position) }));
    sorted.sort((a, b) => a.length - b.length || a.place - b.place);
    const full = Math.floor(sorted.length / batch);
    const turns = [...random.shuffle(Uint32Array.from({ length: full }, (_, i) => i)), ...(full * batch < sorted.length ? [full] : [])];
    let at = 0;
    for (const turn of turns) for (const { position } of sorted.slice(turn * batch, (turn + 1) * batch)) stretch[at++] = position;
  }
}

/** Each item with the one after it. */
export function* withNext<T>(items: Iterable<T>): Generator<[T, T | undefined]> {
  let held: { item: T } | undefined;
  for (const item of items) {
    if (held) yield [held.item, item];
    held = { item };
  }
  if (held) yield [held.item, undefined];
}
