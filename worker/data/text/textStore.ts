// Texts of one part of a split as places and counts, or as tokens: a word of 32 bits each, the texts one after another in blocks; the blocks in
// memory up to a bound, in a file beyond it. Given out, L being the longest of the batch, as ids int64 (n, L) and weights float32 (n, L), where
// a weight of 0 fills; or, of tokens, as input_ids and attention_mask, both int64 (n, L), where a mask of 0 fills.
import { randomUUID } from "node:crypto";
import { type FileHandle, mkdir, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { float32, tensor, type Tensor } from "../../tensor.ts";
import type { SampleBatch, Samples } from "../samples.ts";
import { weightOf } from "./pieces.ts";

/** Words of a block. A text does not cross the end of one. */
const blockWords = 1 << 18;
const countBits = 8;

/** Weights by count, so that a logarithm is taken 255 times and not once a place. */
const weights = Float32Array.from({ length: 256 }, (_, count) => (count ? weightOf(count) : 0));

export interface Texts {
  ids: Int32Array;
  counts: Uint8Array;
}

export interface TextStore extends Samples {
  /** @param y the class, or the standardised value   @param row of the file, from 1 */
  append(text: Texts, y: number, row: number): Promise<void>;
  /** The text at this position. */
  text(position: number): Promise<Texts>;
  y(position: number): number;
  close(): Promise<void>;
}

export interface StoreOptions {
  /** What a text is told by; default places, that is pieces hashed and counted. */
  form?: "places" | "tokens";
  /** Tokens: a batch is so long whatever is in it; default as long as its longest text. */
  long?: number | undefined;
  classes: boolean;
  /** Folder for what does not fit; made when needed. */
  scratch: string;
  /** Bytes that may stay in memory. */
  budget: number;
  piece: number;
}

export class TextRows implements TextStore {
  rows = 0;
  readonly piece: number;
  /** Of tokens, so that texts of like length are learned from together. */
  readonly length?: (position: number) => number;
  #options: StoreOptions;
  #blocks: (Uint32Array | undefined)[] = [];
  #filled = blockWords;
  #kept = 0;
  #file: { handle: FileHandle; path: string } | undefined;
  #starts = new Float64Array(1024);
  #lengths = new Uint16Array(1024);
  #y = new Float32Array(1024);
  #numbers = new Uint32Array(1024);

  constructor(options: StoreOptions) {
    this.#options = options;
    this.piece = options.piece;
    if (options.form === "tokens") this.length = (position) => this.#lengths[position]!;
  }

  async append({ ids, counts }: Texts, y: number, row: number): Promise<void> {
    if (this.#filled + ids.length > blockWords) await this.#nextBlock();
    const block = this.#blocks.at(-1)!;
    if (this.rows === this.#starts.length) this.#grow();
    const at = this.rows++;
    this.#starts[at] = (this.#blocks.length - 1) * blockWords + this.#filled;
    this.#lengths[at] = ids.length;
    this.#y[at] = y;
    this.#numbers[at] = row;
    for (let i = 0; i < ids.length; i++) block[this.#filled++] = ((ids[i]! << countBits) | counts[i]!) >>> 0;
  }

  async #nextBlock(): Promise<void> {
    const full = this.#blocks.length - 1;
    if (full >= 0 && (this.#kept + 2) * blockWords * 4 > this.#options.budget) {
      this.#file ??= await openScratch(this.#options.scratch);
      await writeAll(this.#file.handle, this.#blocks[full]!, full * blockWords * 4);
      this.#blocks[full] = undefined;
    } else if (full >= 0) this.#kept++;
    this.#blocks.push(new Uint32Array(blockWords));
    this.#filled = 0;
  }

  #grow(): void {
    const doubled = <T extends Float64Array | Float32Array | Uint32Array | Uint16Array>(old: T): T => {
      const next = new (old.constructor as new (length: number) => T)(old.length * 2);
      next.set(old);
      return next;
    };
    this.#starts = doubled(this.#starts);
    this.#lengths = doubled(this.#lengths);
    this.#y = doubled(this.#y);
    this.#numbers = doubled(this.#numbers);
  }

  /** Places of a text, on average. */
  get meanLength(): number {
    let sum = 0;
    for (let i = 0; i < this.rows; i++) sum += this.#lengths[i]!;
    return Math.max(1, sum / Math.max(1, this.rows));
  }

  y(position: number): number {
    return this.#y[position]!;
  }

  async text(position: number): Promise<Texts> {
    const words = await this.#words(position);
    return { ids: Int32Array.from(words, (word) => word >>> countBits), counts: Uint8Array.from(words, (word) => word & 255) };
  }

  async #words(position: number): Promise<Uint32Array> {
    const start = this.#starts[position]!;
    const length = this.#lengths[position]!;
    const block = this.#blocks[Math.floor(start / blockWords)];
    const from = start % blockWords;
    if (block) return block.subarray(from, from + length);
    const words = new Uint32Array(length);
    const bytes = new Uint8Array(words.buffer);
    for (let at = 0; at < bytes.length;) {
      const { bytesRead } = await this.#file!.handle.read(bytes, at, bytes.length - at, start * 4 + at);
      if (bytesRead === 0) throw new Error(`The encoded texts end early, at text ${position}.`);
      at += bytesRead;
    }
    return words;
  }

  async read(positions: Uint32Array): Promise<SampleBatch> {
    const n = positions.length;
    let longest = this.#options.long ?? 1;
    for (const position of positions) longest = Math.max(longest, this.#lengths[position]!);
    const ids = new BigInt64Array(n * longest);
    const low = new Int32Array(ids.buffer); // ids are small: their upper halves stay 0
    const weighed = new Float32Array(n * longest);
    const tokens = this.#options.form === "tokens";
    const mask = new BigInt64Array(tokens ? n * longest : 0);
    for (let i = 0; i < n; i++) {
      const words = await this.#words(positions[i]!);
      if (tokens) mask.fill(1n, i * longest, i * longest + words.length);
      for (let k = 0, at = i * longest; k < words.length; k++, at++) {
        low[2 * at + lowHalf] = words[k]! >>> countBits;
        weighed[at] = weights[words[k]! & 255]!;
      }
    }
    const dims = [n, longest];
    return {
      inputs: tokens
        ? { input_ids: tensor("int64", dims, ids), attention_mask: tensor("int64", dims, mask) }
        : { ids: tensor("int64", dims, ids), weights: float32(dims, weighed) },
      ...this.answersAt(positions),
    };
  }

  /** Answers and row numbers of a batch. */
  answersAt(positions: Uint32Array): Pick<SampleBatch, "y" | "rowNumbers"> {
    const y: Tensor = this.#options.classes
      ? tensor(
          "int64",
          [positions.length],
          BigInt64Array.from(positions, (p) => BigInt(this.#y[p]!)),
        )
      : float32(
          [positions.length, 1],
          Float32Array.from(positions, (p) => this.#y[p]!),
        );
    return { y, rowNumbers: Uint32Array.from(positions, (p) => this.#numbers[p]!) };
  }

  range(from: number, to: number): Promise<SampleBatch> {
    return this.read(Uint32Array.from({ length: Math.max(0, Math.min(to, this.rows) - from) }, (_, i) => from + i));
  }

  async close(): Promise<void> {
    this.#blocks = [];
    const file = this.#file;
    this.#file = undefined;
    await file?.handle.close();
    if (file) await rm(file.path, { force: true });
  }
}

/** Where the lower half of a 64-bit word lies. */
const lowHalf = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1 ? 0 : 1;

async function openScratch(folder: string): Promise<{ handle: FileHandle; path: string }> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, `texts-${randomUUID()}.bin`);
  return { handle: await open(path, "w+"), path };
}

async function writeAll(handle: FileHandle, words: Uint32Array, position: number): Promise<void> {
  const bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
  for (let at = 0; at < bytes.length;) at += (await handle.write(bytes, at, bytes.length - at, position + at)).bytesWritten;
}

/** The inputs of a network for texts that are at hand: ids (n, L) and weights (n, L). */
export function inputsOf(texts: readonly Texts[]): SampleBatch["inputs"] {
  const longest = texts.reduce((most, { ids }) => Math.max(most, ids.length), 1);
  const ids = new BigInt64Array(texts.length * longest);
  const weighed = new Float32Array(texts.length * longest);
  texts.forEach((text, row) => {
    text.ids.forEach((id, k) => (ids[row * longest + k] = BigInt(id)));
    text.counts.forEach((count, k) => (weighed[row * longest + k] = weights[count]!));
  });
  return { ids: tensor("int64", [texts.length, longest], ids), weights: float32([texts.length, longest], weighed) };
}

/** The same for texts as tokens: input_ids and attention_mask (n, T), T as is given or that of the longest. */
export function tokenInputsOf(texts: readonly (readonly number[])[], length?: number): Record<"input_ids" | "attention_mask", Tensor> {
  const longest = length ?? texts.reduce((most, ids) => Math.max(most, ids.length), 1);
  const ids = new BigInt64Array(texts.length * longest);
  const mask = new BigInt64Array(texts.length * longest);
  texts.forEach((text, row) => {
    text.forEach((id, k) => (ids[row * longest + k] = BigInt(id)));
    mask.fill(1n, row * longest, row * longest + text.length);
  });
  const dims = [texts.length, longest];
  return { input_ids: tensor("int64", dims, ids), attention_mask: tensor("int64", dims, mask) };
}
