// What a set of pictures may be at most. Archives are never unpacked to disk: one picture after another is held in memory, so these are
// the bounds of memory and time. A place that is refused is named.
import { AppError } from "../../../ipc/error.ts";

export interface Limits {
  /** Entries of an archive, or files below a folder. */
  entries: number;
  /** Bytes of one picture (or of a labels table), unpacked. */
  pictureBytes: number;
  /** Bytes of all of them, unpacked. */
  totalBytes: number;
  /** How many times larger than its file an archive may become, beyond the first gigabyte. */
  ratio: number;
  /** Width × height of a picture. */
  pixels: number;
  /** Seconds that decoding one picture may take. */
  seconds: number;
}

const mega = 2 ** 20;

export const limits: Limits = {
  entries: 1_000_000,
  pictureBytes: 256 * mega,
  totalBytes: 256 * 1024 * mega,
  ratio: 200,
  pixels: 120e6,
  seconds: 60,
};

/** Adds up what an archive unpacks to. Throws `archiveTooLarge` naming the entry at which a bound is passed. */
export class Meter {
  #entries = 0;
  #bytes = 0;
  readonly #file: string;
  readonly #packed: number;
  readonly #limits: Limits;

  /** @param packed bytes of the archive itself; Infinity for a folder */
  constructor(file: string, packed: number, bounds: Limits) {
    this.#file = file;
    this.#packed = packed;
    this.#limits = bounds;
  }

  entry(name: string): void {
    if (++this.#entries > this.#limits.entries) throw this.#refused(name, `more than ${this.#limits.entries} entries`);
  }

  bytes(name: string, count: number): void {
    this.#bytes += count;
    const { totalBytes, ratio } = this.#limits;
    if (this.#bytes > totalBytes) throw this.#refused(name, `more than ${totalBytes} bytes unpacked`);
    if (this.#bytes > 1024 * mega && this.#bytes > ratio * this.#packed)
      throw this.#refused(name, `more than ${ratio} times its own size unpacked`);
  }

  #refused(entry: string, what: string): AppError {
    return new AppError(
      "archiveTooLarge",
      `'${this.#file}' holds ${what}; that is passed at '${entry}'.`,
      "Unpack it yourself if you trust it, split it, and choose a folder.",
      { file: this.#file, entry },
    );
  }
}

/**
 * An entry's path as slashes and plain parts. Throws `archiveUnsafe` for one that leaves the archive or hides its name.
 * @param archive named in the error
 */
export function safeName(archive: string, name: string): string {
  const path = name.replaceAll("\\", "/");
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  const why =
    path.startsWith("/") || /^[A-Za-z]:/.test(path)
      ? "an absolute path"
      : parts.includes("..")
        ? "a path that leaves the archive"
        : path.includes("\0")
          ? "a path with a NUL in it"
          : undefined;
  if (why) throw unsafe(archive, name, why);
  return parts.join("/");
}

export function unsafe(archive: string, entry: string, what: string): AppError {
  return new AppError(
    "archiveUnsafe",
    `'${archive}' holds ${what}: '${entry}'.`,
    "Pack only plain files into it, under relative names, or choose the folder itself.",
    { file: archive, entry },
  );
}

export function damaged(archive: string, why: string, cause?: unknown): AppError {
  return new AppError(
    "archiveInvalid",
    `'${archive}' is damaged or no archive: ${why.replace(/[.\s]+$/, "")}.`,
    "Pack or fetch it again, and choose that file.",
    { file: archive },
    cause,
  );
}
