// The directory of a zip archive, held against limits before anything is unpacked, and its entries as streams that end where the directory said.
import type { Readable } from "node:stream";
import type { Entry, ZipFile } from "yauzl";
import yauzl from "yauzl";
import { AppError } from "../../../ipc/error.ts";
import { broken, tooLarge } from "./reader.ts";

const mostEntries = 20_000;
/** All that an archive may become, and how many times its size a large entry may. */
const mostBytes = 8_000_000_000;
const mostTimes = 400;
const small = 10_000_000;

export class Zip {
  readonly #file: string;
  readonly #zip: ZipFile;
  readonly entries = new Map<string, Entry>();

  private constructor(file: string, zip: ZipFile) {
    this.#file = file;
    this.#zip = zip;
  }

  /** Throws fileBroken, fileTooLarge. */
  static async open(file: string, signal?: AbortSignal): Promise<Zip> {
    const zip = await new Promise<ZipFile>((resolve, reject) =>
      yauzl.open(file, { lazyEntries: true, autoClose: false, strictFileNames: false }, (error, opened) =>
        error ? reject(broken(file, `its directory cannot be read (${error.message})`, undefined, error)) : resolve(opened),
      ),
    );
    const opened = new Zip(file, zip);
    try {
      await opened.#list(signal);
      return opened;
    } catch (error) {
      zip.close();
      throw error;
    }
  }

  #list(signal?: AbortSignal): Promise<void> {
    if (this.#zip.entryCount > mostEntries) throw tooLarge(this.#file, `it holds ${this.#zip.entryCount} files`);
    let bytes = 0;
    return new Promise((resolve, reject) => {
      this.#zip.on("error", (error: Error) =>
        reject(error instanceof AppError ? error : broken(this.#file, `its directory cannot be read (${error.message})`, undefined, error)),
      );
      this.#zip.on("end", () => resolve());
      this.#zip.on("entry", (entry: Entry) => {
        const name = entry.fileName.replace(/^\//, "");
        bytes += entry.uncompressedSize;
        if (signal?.aborted) return reject(signal.reason as Error);
        if (this.entries.has(name)) return reject(broken(this.#file, `it holds '${name}' twice`));
        if (bytes > mostBytes) return reject(tooLarge(this.#file, "unpacked it would have more than eight gigabytes"));
        if (entry.uncompressedSize > small && entry.uncompressedSize > mostTimes * entry.compressedSize)
          return reject(
            tooLarge(this.#file, `'${name}' would unpack to ${Math.round(entry.uncompressedSize / entry.compressedSize)} times its size`),
          );
        this.entries.set(name, entry);
        this.#zip.readEntry();
      });
      this.#zip.readEntry();
    });
  }

  /** The bytes of an entry, piece by piece. A sum that is wrong, or more or fewer bytes than said, ends in fileBroken. */
  async *pieces(name: string, signal?: AbortSignal): AsyncGenerator<Buffer> {
    const entry = this.entries.get(name);
    if (!entry) throw broken(this.#file, `'${name}' is not in it`);
    if (entry.isEncrypted()) throw new AppError("formatUnknown", "The file is protected by a password.", "Save it without one.");
    try {
      const stream = await new Promise<Readable>((resolve, reject) =>
        this.#zip.openReadStream(entry, (error, opened) => (error ? reject(error) : resolve(opened))),
      );
      for await (const piece of stream) {
        signal?.throwIfAborted();
        yield piece as Buffer;
      }
    } catch (error) {
      if (error instanceof AppError || signal?.aborted) throw error;
      throw broken(
        this.#file,
        `'${name}' cannot be unpacked (${error instanceof Error ? error.message : String(error)})`,
        undefined,
        error,
      );
    }
  }

  close(): void {
    this.#zip.close();
  }
}
