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
}

/** Positions of the rows of one epoch, batch after batch; the last batch may be smaller. Each batch may be kept. */
export function* batches(rows: number, batch: number, options: BatchOptions): Generator<Uint32Array> {
  const skipped = (options.from ?? 0) * batch;
  const order = options.shuffle ? shuffled(rows, options.seed, options.epoch) : undefined;
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
