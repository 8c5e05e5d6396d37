// The pixels of a folder's pictures, decoded while they are learned from: what is wanted next comes first, the rest in its order behind it. When
// all are there, they are kept in the cache as `openPixels` keeps them; a run that ends before leaves nothing.
import { decodePicture } from "./decode.ts";
import { atOnce, type Pictures } from "./pictures.ts";
import { changed, type DecodeOptions, diskFull, gather, inMemory, known, openDraft, openPixels, type Pixels, pixelsName, pixelsOf, writeAt } from "./pixels.ts"; // prettier-ignore

/** Wanted pictures decoded at once: between two steps of training, each of them comes a file operation further. */
const wantedAtOnce = 64;

/**
 * As `openPixels`, but back at once where pictures can be had by their names; an archive is decoded first. `read` and `ahead` throw
 * `fileChanged` where a picture can no longer be read, `diskFull`, and the signal's reason.
 */
export async function openPixelsBeside(set: Pictures, size: number, options: DecodeOptions & { cache: string }): Promise<Pixels> {
  const { pictures, source } = set;
  const { cache, signal } = options;
  const each = size * size * 3;
  const bytes = pictures.length * each;
  const name = pixelsName(pictures, size);
  const { entry } = source;
  if (!entry) return openPixels(set, size, options);
  const kept = await known(cache, name, bytes);
  if (kept !== undefined) return pixelsOf(kept, pictures.length, size);

  const draft = await openDraft(cache, name);
  const memory = bytes <= inMemory ? new Uint8Array(bytes) : undefined;
  const coming: (Promise<void> | undefined)[] = new Array<undefined>(pictures.length);
  const there = new Uint8Array(pictures.length);
  const wanted: (() => void)[] = []; // each begins one
  let left = pictures.length;
  let next = 0;
  const atWork = new Set<Promise<void>>();
  let failure: { thrown: unknown } | undefined;
  let closed = false;

  async function decode(place: number): Promise<void> {
    const picture = pictures[place]!;
    const { pixels } = await entry!(picture.name)
      .then(async (file) => decodePicture(await file.read(), picture.name, size, signal))
      .catch((thrown: unknown) => {
        throw signal?.aborted ? thrown : changed(picture.name, thrown);
      });
    if (closed) return;
    memory?.set(pixels, place * each);
    await writeAt(draft.file, pixels, place * each).catch((thrown: unknown) => {
      throw diskFull(thrown, cache, bytes);
    });
    there[place] = 1;
    left--;
  }

  /** Runs what is wanted, then the rest, as far as there is room. */
  function pump(): void {
    if (closed || failure || signal?.aborted) return;
    while (wanted.length && atWork.size < wantedAtOnce) wanted.shift()!();
    while (!wanted.length && atWork.size < atOnce && next < pictures.length) {
      const place = next++;
      if (!coming[place]) begin(place);
    }
  }

  function begin(place: number): Promise<void> {
    const work = decode(place);
    atWork.add(work);
    const over = (): void => {
      atWork.delete(work);
      pump();
    };
    work.then(over, (thrown: unknown) => {
      failure ??= { thrown }; // told to whoever reads next
      over();
    });
    return (coming[place] = work);
  }

  /** Begun as soon as there is room. */
  function want(place: number): Promise<void> {
    return (coming[place] ??= new Promise<void>((resolve, reject) => {
      wanted.push(() => void begin(place).then(resolve, reject));
    }));
  }

  async function ahead(places: Iterable<number>): Promise<void> {
    signal?.throwIfAborted();
    if (failure) throw failure.thrown;
    const missing = Array.from(places).filter((place) => !there[place]);
    if (missing.length === 0) return;
    const all = Promise.all(missing.map(want));
    pump();
    await new Promise<void>((resolve, reject) => {
      const stop = (): void => reject(signal!.reason as Error);
      signal?.addEventListener("abort", stop, { once: true });
      all.then(() => resolve(), reject).finally(() => signal?.removeEventListener("abort", stop));
    });
  }

  pump();
  return {
    rows: pictures.length,
    size,
    ahead,
    async read(places) {
      await ahead(places);
      return gather(places, each, memory ?? draft.file);
    },
    async close() {
      if (closed) return;
      closed = true;
      await Promise.allSettled(atWork);
      if (left > 0) return draft.drop();
      await draft.keep();
    },
  };
}
