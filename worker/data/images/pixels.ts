// The pictures at the size of a network, on disk: decoded once, read as often as one likes. A file is named by the contents of its pictures
// and the size, written under another name and then renamed; one of the wrong length is made again.
import { createHash, randomUUID } from "node:crypto";
import { type FileHandle, mkdir, open, rename, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { AppError } from "../../../ipc/error.ts";
import { cacheBytes, trim } from "./cacheRoom.ts";
import { decodePicture } from "./decode.ts";
import { inOrder } from "./inOrder.ts";
import { atOnce, type Picture, type Pictures } from "./pictures.ts";

export interface Pixels {
  rows: number;
  size: number;
  /** uint8 [n, size, size, 3]: the pictures at these places, in this order. */
  read(places: Uint32Array): Promise<Uint8Array>;
  /** These are wanted next: resolves when they are there. Absent where all of them are. */
  ahead?(places: Iterable<number>): Promise<void>;
  close(): Promise<void>;
}

/** Up to so many bytes are held in memory. */
export const inMemory = 512 * 2 ** 20;
const version = 1;

export interface DecodeOptions {
  signal?: AbortSignal | undefined;
  onProgress?: ((fraction: number) => void) | undefined;
}

/**
 * Every picture decoded at `size`, several at once, in the order in which the source has them.
 * @param picked places of the pictures wanted; default all
 * @throws fileChanged where a picture that could be read no longer can
 */
export async function* decodeAll(
  { source, pictures }: Pictures,
  size: number,
  { signal, onProgress }: DecodeOptions = {},
  picked?: readonly number[],
): AsyncGenerator<{ place: number; pixels: Buffer }> {
  const places = new Map((picked ?? [...pictures.keys()]).map((place) => [pictures[place]!.name, place]));
  const entries = source.entries({ wanted: (name) => places.has(name), signal });
  let done = 0;
  const decoded = inOrder(entries, atOnce, async ({ name, read }) => {
    const place = places.get(name)!;
    const { pixels } = await decodePicture(await read(), name, size, signal).catch((thrown: unknown) => {
      throw signal?.aborted ? thrown : changed(name, thrown);
    });
    return { place, pixels };
  });
  for await (const one of decoded) {
    signal?.throwIfAborted();
    done++;
    yield one;
    onProgress?.(done / places.size);
  }
  if (done < places.size) throw changed([...places.keys()][0]!);
}

export const changed = (file: string, cause?: unknown) =>
  new AppError(
    "fileChanged",
    `'${file}' is not the picture that it was a moment ago.`,
    "Wait until nothing writes to it, and try again.",
    { file },
    cause,
  );

/** The pixels of the pictures, from the cache or decoded into it. Throws what `decodeAll` throws, and `diskFull`. */
export async function openPixels(set: Pictures, size: number, options: DecodeOptions & { cache: string }): Promise<Pixels> {
  const { pictures } = set;
  const each = size * size * 3;
  const path = await keptFile(options.cache, pixelsName(pictures, size), pictures.length * each, async (file) => {
    for await (const { place, pixels } of decodeAll(set, size, options)) await writeAt(file, pixels, place * each);
  });
  return pixelsOf(path, pictures.length, size);
}

/** The kept file of pixels. */
export async function pixelsOf(path: string, rows: number, size: number): Promise<Pixels> {
  const each = size * size * 3;
  const file = await open(path, "r");
  const all = rows * each <= inMemory ? await readAt(file, 0, rows * each) : undefined;
  return { rows, size, read: (places) => gather(places, each, all ?? file), close: () => file.close() };
}

/** The pixels at these places, `each` bytes a picture, from memory or a file. */
export async function gather(places: Uint32Array, each: number, from: Uint8Array | FileHandle): Promise<Uint8Array> {
  const out = new Uint8Array(places.length * each);
  if (from instanceof Uint8Array)
    for (const [i, place] of places.entries()) out.set(from.subarray(place * each, (place + 1) * each), i * each);
  else await Promise.all(Array.from(places, async (place, i) => out.set(await readAt(from, place * each, each), i * each)));
  return out;
}

/** The largest size up to `wanted` whose pixels fit the cache. */
export function affordableSize(rows: number, wanted: number): number {
  return Math.max(8, Math.min(wanted, Math.floor(Math.sqrt(cacheBytes / 4 / rows / 3))));
}

/** Under which the pixels are kept: by the contents of the pictures, in their order, and the size. */
export function pixelsName(pictures: readonly Picture[], size: number): string {
  const hash = createHash("sha256").update(`${version}:${size}\n`);
  for (const { sha } of pictures) hash.update(sha);
  return `pixels-${hash.digest("hex").slice(0, 40)}.bin`;
}

/** The file of that name and length in the cache of pictures, marked as used; undefined where there is none. */
export async function known(cache: string, name: string, bytes: number): Promise<string | undefined> {
  const path = join(cache, "pictures", name);
  if ((await stat(path).catch(() => undefined))?.size !== bytes) return undefined;
  const now = new Date();
  await utimes(path, now, now);
  return path;
}

/** A file of that many bytes in the cache of pictures, filled by `fill` where it is not there. */
export async function keptFile(cache: string, name: string, bytes: number, fill: (file: FileHandle) => Promise<void>): Promise<string> {
  const kept = await known(cache, name, bytes);
  if (kept !== undefined) return kept;
  const draft = await openDraft(cache, name);
  try {
    await fill(draft.file);
  } catch (thrown) {
    await draft.drop();
    throw diskFull(thrown, cache, bytes);
  }
  return draft.keep();
}

export interface Draft {
  file: FileHandle;
  /** Gives it its name, and what was used longest ago makes room for it. The file stays open where it is told to. */
  keep(options?: { open: boolean }): Promise<string>;
  drop(): Promise<void>;
}

export async function openDraft(cache: string, name: string): Promise<Draft> {
  const path = join(cache, "pictures", name);
  await mkdir(join(cache, "pictures"), { recursive: true });
  const draft = `${path}.${randomUUID()}`;
  const file = await open(draft, "w+");
  return {
    file,
    async keep(options) {
      if (!options?.open) await file.close();
      await rename(draft, path);
      await trim(cache, { keep: path });
      return path;
    },
    async drop() {
      await file.close();
      await rm(draft, { force: true });
    },
  };
}

/** A full disk in our words; everything else as it is. */
export function diskFull(thrown: unknown, cache: string, bytes: number): unknown {
  if ((thrown as NodeJS.ErrnoException).code !== "ENOSPC") return thrown;
  return new AppError(
    "diskFull",
    `The disk has no room for ${bytes} bytes of decoded pictures or features.`,
    "Free some space and try again.",
    { path: cache },
    thrown,
  );
}

export async function writeAt(file: FileHandle, bytes: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < bytes.length;) done += (await file.write(bytes, done, bytes.length - done, at + done)).bytesWritten;
}

/** Throws `fileChanged` where the file ends before. */
export async function readAt(file: FileHandle, at: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length;) {
    const { bytesRead } = await file.read(bytes, done, length - done, at + done);
    if (bytesRead === 0) throw new AppError("fileChanged", "The cache of pictures was cut off while it was read.", "Try again.");
    done += bytesRead;
  }
  return bytes;
}
