// The messages of an Arrow file or stream (arrow.apache.org/docs/format/Columnar.html, "IPC"). Every count, length and offset of a message is
// held against its bytes before Arrow decodes it; so is the index at the end of a file.
import { type FileHandle, open } from "node:fs/promises";
import { AppError } from "../../../ipc/error.ts";
import { broken, maxColumns, tooLarge } from "./reader.ts";

const longestMetadata = 64e6;
const longestBody = 1_000_000_000;

export interface Frame {
  /** Where the message begins, and its length with its body. */
  at: number;
  length: number;
}

async function piece(handle: FileHandle, at: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(length); // Arrow keeps what it is given, and looks at where it begins
  const { bytesRead } = await handle.read(buffer, 0, length, at);
  return buffer.subarray(0, bytesRead);
}

/** The messages between two places, checked, in order; they end at the mark of the end, or with the file where a stream has none. */
async function* framesOf(file: string, handle: FileHandle, from: number, end: number): AsyncGenerator<Frame> {
  let at = from;
  while (at < end) {
    const head = await piece(handle, at, 8);
    const marked = head.length >= 4 && head.readInt32LE(0) === -1;
    const before = marked ? 8 : 4;
    if (head.length < before) throw broken(file, "a message ends within its first bytes", `byte ${at}`);
    const length = head.readInt32LE(before - 4);
    if (length === 0) return;
    if (length < 8 || at + before + length > end) throw broken(file, "a message is longer than the file", `byte ${at}`);
    if (length > longestMetadata) throw tooLarge(file, "a message describes too much");
    const metadata = await piece(handle, at + before, length);
    const body = checked(file, `byte ${at}`, () => new Message(metadata).check());
    if (at + before + length + body > end) throw broken(file, "the rows of a message are longer than the file", `byte ${at}`);
    if (body > longestBody) throw tooLarge(file, "a batch of its rows takes more than a gigabyte");
    yield { at, length: before + length + body };
    at += before + length + body;
  }
}

function checked<T>(file: string, where: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw broken(file, `a message is wrong (${error instanceof Error ? error.message : String(error)})`, where, error);
  }
}

/** The messages of a stream with their bodies. */
export async function* streamed(file: string, bytes: number, onProgress?: (done: number) => void): AsyncGenerator<Buffer> {
  const handle = await open(file, "r");
  try {
    for await (const { at, length } of framesOf(file, handle, 0, bytes)) {
      yield await piece(handle, at, length);
      onProgress?.((at + length) / bytes);
    }
  } finally {
    await handle.close();
  }
}

/** Goes through a file and its index, whose every entry must be a message that is there. Throws fileBroken, fileTooLarge. */
export async function checkArrowFile(file: string, bytes: number, signal?: AbortSignal): Promise<void> {
  const handle = await open(file, "r");
  try {
    const tail = bytes < 18 ? Buffer.alloc(0) : await piece(handle, bytes - 10, 10);
    if (tail.toString("latin1", 4) !== "ARROW1") throw broken(file, "the end of the file is missing", `byte ${bytes}`);
    const length = tail.readInt32LE(0);
    const at = bytes - 10 - length;
    if (length < 8 || at < 8) throw broken(file, "its index is longer than the file", `byte ${bytes - 10}`);
    if (length > longestMetadata) throw tooLarge(file, "its index is too long");
    const starts = new Map<number, number>();
    for await (const frame of framesOf(file, handle, 8, at)) {
      signal?.throwIfAborted();
      starts.set(frame.at, frame.length);
    }
    const index = await piece(handle, at, length);
    checked(file, `byte ${at}`, () => new Message(index).checkIndex(starts));
  } finally {
    await handle.close();
  }
}

/** A flatbuffer with Arrow's Message in it (Message.fbs, Schema.fbs). The checks throw plain Errors. */
class Message {
  readonly #bytes: Buffer;
  #fields = 0;
  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Answers the length of the body. */
  check(): number {
    const root = this.#table(this.#u32(0));
    const at = root(3);
    const body = at === 0 ? 0n : this.#i64(at);
    if (body < 0n || body > BigInt(Number.MAX_SAFE_INTEGER)) throw new Error("a body of no length");
    const kind = root(1) === 0 ? 0 : this.#bytes[root(1)]!;
    const header = this.#reference(root(2));
    if (header === undefined) throw new Error("nothing in it");
    if (kind === 1) this.#schema(header);
    else if (kind === 2) {
      const dictionary = this.#table(header);
      const data = this.#reference(dictionary(1));
      if (data === undefined) throw new Error("a dictionary without data");
      this.#batch(data, Number(body));
    } else if (kind === 3) this.#batch(header, Number(body));
    else throw new Error(`kind ${kind}`);
    return Number(body);
  }

  /** Footer in File.fbs. @param starts the messages that are there: where, and how long with their bodies */
  checkIndex(starts: ReadonlyMap<number, number>): void {
    const footer = this.#table(this.#u32(0));
    const schema = this.#reference(footer(1));
    if (schema === undefined) throw new Error("an index without columns");
    this.#schema(schema);
    for (const slot of [2, 3]) {
      const blocks = this.#reference(footer(slot));
      if (blocks === undefined) continue;
      const { start, count } = this.#vector(blocks, 24);
      for (let i = 0; i < count; i++) {
        const at = start + 24 * i;
        const length = starts.get(Number(this.#i64(at)));
        const metadata = this.#i32(at + 8);
        if (length === undefined || metadata < 8 || BigInt(metadata) + this.#i64(at + 16) > BigInt(length + 8))
          throw new Error("an index of messages that are not there");
      }
    }
    this.#metadata(footer(4));
  }

  #schema(at: number): void {
    const schema = this.#table(at);
    this.#metadata(schema(2));
    for (const field of this.#references(schema(1))) this.#field(field, 0);
  }

  #field(at: number, depth: number): void {
    if (depth > 32 || ++this.#fields > maxColumns) throw new Error("more columns than can be read");
    const field = this.#table(at);
    const name = this.#reference(field(0));
    if (name !== undefined) this.#vector(name, 1);
    const type = this.#reference(field(3));
    if (type !== undefined) this.#table(type);
    const dictionary = this.#reference(field(4));
    if (dictionary !== undefined) this.#table(dictionary);
    for (const child of this.#references(field(5))) this.#field(child, depth + 1);
    this.#metadata(field(6));
  }

  #metadata(at: number): void {
    for (const pair of this.#references(at)) {
      const table = this.#table(pair);
      for (const slot of [0, 1]) {
        const text = this.#reference(table(slot));
        if (text !== undefined) this.#vector(text, 1);
      }
    }
  }

  #batch(at: number, body: number): void {
    const batch = this.#table(at);
    const rows = batch(0) === 0 ? 0n : this.#i64(batch(0));
    const compressed = this.#reference(batch(3));
    if (compressed !== undefined) this.#table(compressed);
    // A bit a value at the least, where anything is stored; compressed, LZ4 makes of a byte 255 at the most.
    const most = BigInt(body) * 8n * (compressed === undefined ? 1n : 255n) + 64n;
    if (rows < 0n || rows > most) throw new Error(`${rows} rows in ${body} bytes`);
    const nodes = this.#reference(batch(1));
    if (nodes !== undefined) {
      const { start, count } = this.#vector(nodes, 16);
      for (let i = 0; i < count; i++) {
        const [length, nulls] = [this.#i64(start + 16 * i), this.#i64(start + 16 * i + 8)];
        if (length < 0n || length > most || nulls < 0n || nulls > length) throw new Error(`a column of ${length} values in ${body} bytes`);
      }
    }
    const buffers = this.#reference(batch(2));
    if (buffers !== undefined) {
      const { start, count } = this.#vector(buffers, 16);
      for (let i = 0; i < count; i++) {
        const [offset, length] = [this.#i64(start + 16 * i), this.#i64(start + 16 * i + 8)];
        if (offset < 0n || length < 0n || offset + length > BigInt(body)) throw new Error("values outside of its body");
      }
    }
    const counts = this.#reference(batch(4));
    if (counts !== undefined) this.#vector(counts, 8);
  }

  /** Answers where field `n` of the table stands, 0 where it is absent. */
  #table(at: number): (n: number) => number {
    const vtable = at - this.#i32(at);
    if (vtable < 0) throw new Error("a table outside of it");
    const size = this.#u16(vtable);
    const length = this.#u16(vtable + 2);
    if (size < 4 || vtable + size > this.#bytes.length || at + length > this.#bytes.length) throw new Error("a table beyond its end");
    return (n) => {
      const place = 4 + 2 * n;
      const offset = place + 2 <= size ? this.#u16(vtable + place) : 0;
      if (offset !== 0 && (offset < 4 || offset >= length)) throw new Error("a field outside of its table");
      return offset === 0 ? 0 : at + offset;
    };
  }

  #reference(at: number): number | undefined {
    if (at === 0) return undefined;
    const to = at + this.#u32(at);
    if (to + 4 > this.#bytes.length) throw new Error("a reference beyond its end");
    return to;
  }

  #references(at: number): number[] {
    const to = this.#reference(at);
    if (to === undefined) return [];
    const { start, count } = this.#vector(to, 4);
    return Array.from({ length: count }, (_, i) => this.#reference(start + 4 * i)!);
  }

  #vector(at: number, size: number): { start: number; count: number } {
    const count = this.#u32(at);
    if (at + 4 + count * size > this.#bytes.length) throw new Error("a list beyond its end");
    return { start: at + 4, count };
  }

  #u16(at: number): number {
    return this.#bytes.readUInt16LE(at);
  }
  #u32(at: number): number {
    return this.#bytes.readUInt32LE(at);
  }
  #i32(at: number): number {
    return this.#bytes.readInt32LE(at);
  }
  #i64(at: number): bigint {
    return this.#bytes.readBigInt64LE(at);
  }
}
