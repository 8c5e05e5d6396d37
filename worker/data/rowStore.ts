// Encoded rows of one part of a split: x float32 (n, numeric), codes int32 (n, k), y float32 or int32 (n), row numbers. In memory, or in
// a flat file of fixed-size records that is read block by block, the last used blocks kept.
import { type FileHandle, open } from "node:fs/promises";
import { rm } from "node:fs/promises";
import { float32, tensor, type Tensor } from "../tensor.ts";
import { blockRows, groupBlocks } from "./batches.ts";

export interface Batch {
  /** float32 (n, numeric) */
  x: Tensor<"float32">;
  /** int64 (n, categories) */
  codes: Tensor<"int64">;
  /** float32 (n, 1), standardised; or int64 (n), class numbers */
  y: Tensor<"float32"> | Tensor<"int64">;
  /** Rows of the file, from 1. */
  rowNumbers: Uint32Array;
}

export interface EncodedSplit {
  rows: number;
  /** The rows at these positions, in this order. */
  read(positions: Uint32Array): Promise<Batch>;
  range(from: number, to: number): Promise<Batch>;
}

/** Lengths of a record, in 4-byte words: x, codes, y, row number. */
export interface Layout {
  numeric: number;
  categories: number;
  classes: boolean;
}

export function wordsOf({ numeric, categories }: Layout): number {
  return numeric + categories + 2;
}

/** Takes records in order; then gives them out. */
export interface RowStore extends EncodedSplit {
  /** `count` whole records at the start of `words`, which may be used again after the promise. */
  append(words: Int32Array, count: number): Promise<void>;
  finish(): Promise<void>;
  close(): Promise<void>;
}

export function memoryStore(layout: Layout, rows: number): RowStore {
  const width = wordsOf(layout);
  const all = new Int32Array(rows * width);
  let filled = 0;
  return {
    rows,
    append(words, count) {
      all.set(words.subarray(0, count * width), filled * width);
      filled += count;
      return Promise.resolve();
    },
    finish: () => Promise.resolve(),
    read: (positions) => Promise.resolve(gather(layout, positions.length, (i) => [all, positions[i]! * width])),
    range: (from, to) => Promise.resolve(gather(layout, Math.max(0, Math.min(to, rows) - from), (i) => [all, (from + i) * width])),
    close: () => Promise.resolve(),
  };
}

export async function fileStore(layout: Layout, rows: number, path: string): Promise<RowStore> {
  const width = wordsOf(layout);
  const file = await open(path, "w+");
  const blocks = new Map<number, Int32Array>(); // the oldest first
  async function block(index: number): Promise<Int32Array> {
    let words = blocks.get(index);
    if (words) blocks.delete(index);
    else words = await readBlock(file, width, rows, index);
    blocks.set(index, words);
    if (blocks.size > groupBlocks + 1) blocks.delete(blocks.keys().next().value!);
    return words;
  }
  async function read(positions: Uint32Array): Promise<Batch> {
    // Blocks one after the other, each at most once; the batch in the order asked for.
    const order = Uint32Array.from(positions.keys()).sort((a, b) => positions[a]! - positions[b]!);
    const taken = new Int32Array(positions.length * width);
    for (const i of order) {
      const at = positions[i]!;
      const words = blocks.get(Math.floor(at / blockRows)) ?? (await block(Math.floor(at / blockRows)));
      const from = (at % blockRows) * width;
      taken.set(words.subarray(from, from + width), i * width);
    }
    return gather(layout, positions.length, (i) => [taken, i * width]);
  }
  let written = 0;
  return {
    rows,
    async append(words, count) {
      const bytes = Buffer.from(words.buffer, words.byteOffset, count * width * 4);
      for (let at = 0; at < bytes.length;) {
        const { bytesWritten } = await file.write(bytes, at, bytes.length - at, written + at);
        at += bytesWritten;
      }
      written += bytes.length;
    },
    finish: () => Promise.resolve(),
    read,
    range: (from, to) => read(Uint32Array.from({ length: Math.max(0, Math.min(to, rows) - from) }, (_, i) => from + i)),
    async close() {
      await file.close();
      await rm(path, { force: true });
    },
  };
}

async function readBlock(file: FileHandle, width: number, rows: number, index: number): Promise<Int32Array> {
  const count = Math.min(blockRows, rows - index * blockRows);
  const words = new Int32Array(count * width);
  const bytes = new Uint8Array(words.buffer);
  for (let at = 0; at < bytes.length;) {
    const { bytesRead } = await file.read(bytes, at, bytes.length - at, index * blockRows * width * 4 + at);
    if (bytesRead === 0) throw new Error(`The encoded rows end early, in block ${index}.`);
    at += bytesRead;
  }
  return words;
}

/** Records → tensors. `at` says where record i lies. */
function gather(layout: Layout, n: number, at: (i: number) => [words: Int32Array, from: number]): Batch {
  const { numeric, categories, classes } = layout;
  const x = new Float32Array(n * numeric);
  const bits = new Int32Array(x.buffer);
  const codes = new BigInt64Array(n * categories);
  const label = classes ? new BigInt64Array(n) : undefined;
  const value = new Float32Array(classes ? 0 : n);
  const valueBits = new Int32Array(value.buffer);
  const rowNumbers = new Uint32Array(n);
  for (let i = 0; i < n; i++) {
    const [words, from] = at(i);
    for (let f = 0; f < numeric; f++) bits[i * numeric + f] = words[from + f]!;
    for (let c = 0; c < categories; c++) codes[i * categories + c] = BigInt(words[from + numeric + c]!);
    const last = from + numeric + categories;
    if (label) label[i] = BigInt(words[last]!);
    else valueBits[i] = words[last]!;
    rowNumbers[i] = words[last + 1]!;
  }
  return {
    x: float32([n, numeric], x),
    codes: tensor("int64", [n, categories], codes),
    y: label ? tensor("int64", [n], label) : float32([n, 1], value),
    rowNumbers,
  };
}
