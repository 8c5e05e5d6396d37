// The files of a tar (or tar.gz) archive, one stream from its first byte to its last: nothing is written to disk. Links, devices and names
// that leave the archive are refused.
import { createReadStream } from "node:fs";
import { open, stat } from "node:fs/promises";
import { basename } from "node:path";
import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { Parser, type ReadEntry } from "tar";
import { AppError } from "../../../ipc/error.ts";
import { type Entry, isJunk, tooLarge, type WalkOptions } from "./entry.ts";
import { damaged, Meter, safeName, unsafe } from "./limits.ts";

const plain = new Set(["File", "OldFile", "ContiguousFile"]);

/** @throws archiveInvalid, archiveUnsafe, archiveTooLarge */
export async function* tarEntries(path: string, options: WalkOptions): AsyncGenerator<Entry> {
  const archive = basename(path);
  const meter = new Meter(archive, (await stat(path)).size, options.limits);
  const ready: Entry[] = [];
  let failure: unknown;
  const onReadEntry = (entry: ReadEntry) => {
    try {
      take(entry);
    } catch (thrown) {
      failure ??= thrown;
      entry.resume();
    }
  };
  const parser = new Parser({ onReadEntry, strict: true, maxMetaEntrySize: 2 ** 20, maxDecompressionRatio: Infinity });
  parser.on("error", (error: unknown) => (failure ??= damaged(archive, wordsOf(error), error)));

  function take(entry: ReadEntry): void {
    const name = safeName(archive, entry.path);
    meter.entry(name);
    if (entry.type === "Directory" || entry.type === "GNUDumpDir") return void entry.resume();
    if (!plain.has(entry.type))
      throw unsafe(archive, entry.path, entry.type.endsWith("Link") ? "a link" : "a device or another special file");
    if (isJunk(name) || !options.wanted(name)) return void entry.resume();
    const { pictureBytes } = options.limits;
    if (entry.size > pictureBytes) {
      ready.push({ name, bytes: entry.size, read: () => Promise.reject(tooLarge(name, entry.size, pictureBytes)) });
      return void entry.resume();
    }
    const parts: Buffer[] = [];
    entry.on("data", (part: Buffer) => parts.push(Buffer.from(part)));
    entry.on("end", () => ready.push({ name, bytes: entry.size, read: () => Promise.resolve(Buffer.concat(parts)) }));
  }

  const stream = await openStream(path);
  const chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  try {
    for (;;) {
      options.signal?.throwIfAborted();
      const next = await chunks.next().catch((thrown: unknown) => {
        throw damaged(archive, wordsOf(thrown), thrown);
      });
      if (next.done) break;
      meter.bytes(ready.at(-1)?.name ?? archive, next.value.length);
      if (!parser.write(next.value)) await drained(parser);
      if (failure !== undefined) throw asError(archive, failure);
      yield* ready.splice(0);
    }
    parser.end();
    if (failure !== undefined) throw asError(archive, failure);
    yield* ready.splice(0);
  } finally {
    stream.destroy();
  }
}

/** The bytes of the tar itself, unpacked where the file is a gzip. */
async function openStream(path: string): Promise<Readable> {
  const file = await open(path, "r");
  const head = Buffer.alloc(2);
  try {
    await file.read(head, 0, 2, 0);
  } finally {
    await file.close();
  }
  const bytes = createReadStream(path);
  if (head[0] !== 0x1f || head[1] !== 0x8b) return bytes;
  const unzip = createGunzip();
  bytes.on("error", (error) => unzip.destroy(error));
  unzip.on("close", () => bytes.destroy());
  return bytes.pipe(unzip);
}

/** Until the parser has gone through what it was given. It may have while the question was asked. */
function drained(parser: Parser): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      parser.off("drain", done);
      parser.off("error", done);
      resolve();
    };
    parser.on("drain", done);
    parser.on("error", done);
    setImmediate(done); // every entry is consumed as it comes, so nothing is left to wait for beyond this turn
  });
}

const wordsOf = (thrown: unknown) => (thrown instanceof Error ? thrown.message : String(thrown));

function asError(archive: string, thrown: unknown): AppError {
  return thrown instanceof AppError ? thrown : damaged(archive, wordsOf(thrown), thrown);
}
