// The pictures of a set to look at: a page of their names, and small drawings of some. Sets that were asked about stay open for a while, as
// finding them again costs a listing; drawings are kept in the cache of pictures, a file for what was asked at once.
import { createHash, randomUUID } from "node:crypto";
import { mkdir, open, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { availableParallelism } from "node:os";
import type { PictureEntry } from "../../../ipc/types.ts";
import { trim } from "./cacheRoom.ts";
import { drawThumbnail } from "./decode.ts";
import { limits } from "./limits.ts";
import { openPictures, type OpenPictures, type Picture, type Pictures } from "./pictures.ts";
import { type Place, tarPlaces } from "./tarPlaces.ts";

interface Opened {
  file: string;
  key: string;
  set: Promise<Pictures>;
  /** Places with the classes in turn. */
  mixed?: Uint32Array;
  /** By name. */
  at?: Map<string, number>;
  places?: Promise<Map<string, Place>>;
}

export class Gallery {
  #last: Opened | undefined;

  /**
   * Pictures of a class in the order of their names; where none is named, one of each class in turn. Throws what openPictures throws.
   */
  async list(
    file: string,
    { of, offset, limit }: { of?: string | undefined; offset: number; limit: number },
    options: OpenPictures,
  ): Promise<{ total: number; pictures: PictureEntry[] }> {
    const opened = await this.#open(file, options);
    const { profile, pictures } = await opened.set;
    opened.mixed ??= inTurn(pictures);
    const label = profile.classes.findIndex(({ name }) => name === of);
    const places = of === undefined ? opened.mixed : Uint32Array.from(pictures.keys()).filter((i) => pictures[i]!.label === label);
    const page = Array.from(places.subarray(offset, offset + limit), (i): PictureEntry => {
      const { name, label, width, height } = pictures[i]!;
      return { name, class: profile.classes[label]?.name ?? null, width, height };
    });
    return { total: places.length, pictures: page };
  }

  /**
   * Drawings of these pictures, as they stand upright, at most so many pixels to each side: a JPEG, of small ones a PNG. null for a name that
   * is not in the set, or a picture that can no longer be read.
   */
  async thumbnails(file: string, names: readonly string[], pixels: number, options: OpenPictures): Promise<(Uint8Array | null)[]> {
    const opened = await this.#open(file, options);
    const { pictures } = await opened.set;
    opened.at ??= new Map(pictures.map(({ name }, i) => [name, i]));
    const known = names.filter((name) => opened.at!.has(name));
    if (known.length === 0) return names.map(() => null);
    const hash = createHash("sha256").update(`thumbnails 1 ${pixels}\n`);
    for (const name of known) hash.update(pictures[opened.at.get(name)!]!.sha);
    const path = join(options.cache, "pictures", `thumbnails-${hash.digest("hex").slice(0, 40)}.bin`);
    const drawn = (await readPack(path, known.length)) ?? (await this.#draw(opened, known, pixels, { ...options, path }));
    const by = new Map(known.map((name, i) => [name, drawn[i]!]));
    return names.map((name) => by.get(name) ?? null);
  }

  async #draw(opened: Opened, names: string[], pixels: number, { cache, path, signal }: OpenPictures & { path: string }) {
    const drawn = new Map<string, Uint8Array>();
    await eachOf(await this.#readers(opened, names, signal), async ([name, read]) => {
      signal?.throwIfAborted();
      const bytes = await read().catch(() => undefined);
      const picture = bytes && (await drawThumbnail(bytes, name, pixels, signal).catch(() => undefined));
      if (picture) drawn.set(name, picture);
    });
    signal?.throwIfAborted();
    const found = names.map((name) => drawn.get(name) ?? null);
    // What could not be drawn may come back: it is not kept.
    if (found.every((one) => one !== null)) await writePack(cache, path, found);
    return found;
  }

  /** How each of these is read: by its place in a folder or a plain tar, else out of the archive as it goes by. */
  async #readers(
    { file, set, ...opened }: Opened,
    names: readonly string[],
    signal?: AbortSignal,
  ): Promise<[string, () => Promise<Buffer>][]> {
    const { source } = await set;
    const last = this.#last;
    if (source.kind === "folder") return names.map((name) => [name, () => readFile(join(file, name))]);
    if (source.kind === "tar" && !(await isGzip(file))) {
      const places = await (opened.places ?? tarPlaces(file, signal));
      if (last?.file === file) last.places = Promise.resolve(places);
      return names.flatMap((name) => {
        const place = places.get(name);
        return place ? [[name, () => bytesAt(file, place)] as [string, () => Promise<Buffer>]] : [];
      });
    }
    const wanted = new Set(names);
    const found: [string, () => Promise<Buffer>][] = [];
    for await (const { name, read } of source.entries({ wanted: (name) => wanted.has(name), signal })) {
      const bytes = await read();
      found.push([name, () => Promise.resolve(bytes)]);
      if (found.length === wanted.size) break;
    }
    return found;
  }

  async #open(file: string, options: OpenPictures): Promise<Opened> {
    const info = await stat(file).catch(() => undefined);
    const key = `${info?.ino} ${info?.size} ${info?.mtimeMs} ${options.target ?? ""}`;
    if (this.#last?.file === file && this.#last.key === key) return this.#last;
    const opened: Opened = { file, key, set: openPictures(file, options) };
    this.#last = opened;
    opened.set.catch(() => this.#last === opened && (this.#last = undefined));
    return opened;
  }
}

/** The first of each class, then the second of each, and so on. */
function inTurn(pictures: readonly Picture[]): Uint32Array {
  const seen = new Map<number, number>();
  const turn = pictures.map(({ label }) => {
    const count = seen.get(label) ?? 0;
    seen.set(label, count + 1);
    return count;
  });
  return Uint32Array.from(pictures.keys()).sort((a, b) => turn[a]! - turn[b]! || pictures[a]!.label - pictures[b]!.label);
}

async function isGzip(path: string): Promise<boolean> {
  const head = await bytesAt(path, { at: 0, bytes: 2 });
  return head[0] === 0x1f && head[1] === 0x8b;
}

async function bytesAt(path: string, { at, bytes }: Place): Promise<Buffer> {
  const out = Buffer.alloc(Math.min(bytes, limits.pictureBytes));
  const file = await open(path, "r");
  try {
    const { bytesRead } = await file.read(out, 0, out.length, at);
    return out.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** `work` on all of them, as many at once as there are processors. */
async function eachOf<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  const run = async () => {
    while (next < items.length) await work(items[next++]!);
  };
  await Promise.all(Array.from({ length: availableParallelism() }, run));
}

/** A pack is the lengths of its drawings (uint32, little-endian), then the drawings. Undefined where there is none, or a torn one. */
async function readPack(path: string, count: number): Promise<Uint8Array[] | undefined> {
  const bytes = await readFile(path).catch(() => undefined);
  if (!bytes || bytes.length < 4 * count) return undefined;
  const drawn: Uint8Array[] = [];
  let at = 4 * count;
  for (let i = 0; i < count; i++) {
    const length = bytes.readUInt32LE(4 * i);
    if (at + length > bytes.length) return undefined;
    drawn.push(new Uint8Array(bytes.subarray(at, at + length)));
    at += length;
  }
  if (at !== bytes.length) return undefined;
  const now = new Date();
  await utimes(path, now, now).catch(() => undefined);
  return drawn;
}

async function writePack(cache: string, path: string, drawn: readonly (Uint8Array | null)[]): Promise<void> {
  const all = drawn.map((one) => one ?? new Uint8Array());
  const lengths = Buffer.alloc(4 * all.length);
  all.forEach((one, i) => lengths.writeUInt32LE(one.length, 4 * i));
  const draft = `${path}.${randomUUID()}`;
  try {
    await mkdir(join(cache, "pictures"), { recursive: true });
    await writeFile(draft, Buffer.concat([lengths, ...all]));
    await rename(draft, path);
    await trim(cache, { keep: path });
  } catch {
    await rm(draft, { force: true }); // a shortcut only
  }
}
