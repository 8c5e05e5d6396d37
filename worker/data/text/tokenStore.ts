// The tokens of one part of a split, one after another, as 16-bit words: in memory up to a bound, in a file beyond it. The highest bit marks
// a token that is not learned (what a user said).
import { randomUUID } from "node:crypto";
import { type FileHandle, mkdir, open, rm } from "node:fs/promises";
import { join } from "node:path";

export const notLearned = 0x8000;
/** Ids below this fit beside the mark. */
export const mostTokens = 0x8000;

const blockWords = 1 << 20;

export class TokenStore {
  length = 0;
  /** Tokens that are learned, and the bytes that they stand for. */
  learned = 0;
  learnedBytes = 0;
  readonly #scratch: string;
  readonly #budget: number;
  #blocks: (Uint16Array | undefined)[] = [];
  #file: { handle: FileHandle; path: string } | undefined;

  /** @param scratch folder for what does not fit; made when needed   @param budget bytes that may stay in memory */
  constructor({ scratch, budget }: { scratch: string; budget: number }) {
    this.#scratch = scratch;
    this.#budget = budget;
  }

  /** @param words ids, each with the mark where it is not learned */
  async append(words: ArrayLike<number>): Promise<void> {
    for (let from = 0; from < words.length;) {
      const at = this.length % blockWords;
      if (at === 0) await this.#next();
      const count = Math.min(words.length - from, blockWords - at);
      const block = this.#blocks.at(-1)!;
      for (let i = 0; i < count; i++) block[at + i] = words[from + i]!;
      from += count;
      this.length += count;
    }
  }

  /** Words from `from` on: as many as there are, `count` at most. */
  async read(from: number, count: number): Promise<Uint16Array> {
    const out = new Uint16Array(Math.max(0, Math.min(count, this.length - from)));
    for (let done = 0; done < out.length;) {
      const block = Math.floor((from + done) / blockWords);
      const at = (from + done) % blockWords;
      const some = Math.min(out.length - done, blockWords - at);
      const held = this.#blocks[block];
      if (held) out.set(held.subarray(at, at + some), done);
      else await readAll(this.#file!.handle, out.subarray(done, done + some), (block * blockWords + at) * 2);
      done += some;
    }
    return out;
  }

  async close(): Promise<void> {
    this.#blocks = [];
    await this.#file?.handle.close();
    if (this.#file) await rm(this.#file.path, { force: true });
    this.#file = undefined;
  }

  /** A block is full: it stays, or goes into the file. */
  async #next(): Promise<void> {
    const full = this.#blocks.length - 1;
    const kept = this.#blocks.reduce((count, block) => count + (block ? 1 : 0), 0);
    if (full >= 0 && (kept + 1) * blockWords * 2 > this.#budget) {
      if (!this.#file) {
        await mkdir(this.#scratch, { recursive: true });
        const path = join(this.#scratch, `tokens-${randomUUID()}`);
        this.#file = { handle: await open(path, "wx+"), path };
      }
      const { buffer, byteOffset, byteLength } = this.#blocks[full]!;
      await this.#file.handle.write(new Uint8Array(buffer, byteOffset, byteLength), 0, byteLength, full * blockWords * 2);
      this.#blocks[full] = undefined;
    }
    this.#blocks.push(new Uint16Array(blockWords));
  }
}

async function readAll(handle: FileHandle, into: Uint16Array, position: number): Promise<void> {
  const bytes = new Uint8Array(into.buffer, into.byteOffset, into.byteLength);
  for (let done = 0; done < bytes.length;) {
    const { bytesRead } = await handle.read(bytes, done, bytes.length - done, position + done);
    if (bytesRead === 0) throw new Error("the scratch file of tokens is shorter than what was written");
    done += bytesRead;
  }
}
