// The files of a zip archive in the order of its directory, read where they lie: sizes are checked against the directory while unpacking, and
// nothing is written to disk. Names that leave the archive, and links, are refused.
import { basename } from "node:path";
import { buffer } from "node:stream/consumers";
import { type Entry as ZipEntry, openPromise, type ZipFile } from "yauzl";
import { AppError } from "../../../ipc/error.ts";
import { type Entry, isJunk, tooLarge, type WalkOptions } from "./entry.ts";
import { damaged, Meter, safeName, unsafe } from "./limits.ts";

/** Kind of file in the upper half of the attributes, where a Unix made the archive. */
const kinds = { mask: 0o170000, link: 0o120000, folder: 0o040000, file: 0o100000 };

/** @throws archiveInvalid, archiveUnsafe, archiveTooLarge */
export async function* zipEntries(path: string, options: WalkOptions): AsyncGenerator<Entry> {
  const archive = basename(path);
  const zip = await openPromise(path, { lazyEntries: true, autoClose: false, validateEntrySizes: true, decodeStrings: true }).catch(
    (thrown: unknown) => {
      throw asDamage(archive, thrown);
    },
  );
  const meter = new Meter(archive, zip.fileSize, options.limits);
  const reading = new Set<Promise<unknown>>();
  try {
    for await (const found of entriesOf(zip, archive)) {
      options.signal?.throwIfAborted();
      const name = safeName(archive, found.fileName);
      meter.entry(name);
      refuseSpecial(archive, found);
      if (found.fileName.endsWith("/") || isJunk(name) || !options.wanted(name)) continue;
      meter.bytes(name, found.uncompressedSize);
      yield {
        name,
        bytes: found.uncompressedSize,
        read() {
          const bytes = readEntry(zip, found, name, options.limits.pictureBytes);
          const settled: Promise<unknown> = bytes.then(
            (): unknown => reading.delete(settled),
            (): unknown => reading.delete(settled),
          );
          reading.add(settled);
          return bytes;
        },
      };
    }
  } finally {
    await Promise.all(reading);
    zip.close();
  }
}

async function* entriesOf(zip: ZipFile, archive: string): AsyncGenerator<ZipEntry> {
  const entries = zip.eachEntry()[Symbol.asyncIterator]();
  for (;;) {
    const next = await entries.next().catch((thrown: unknown) => {
      throw asDamage(archive, thrown);
    });
    if (next.done) return;
    yield next.value;
  }
}

function refuseSpecial(archive: string, entry: ZipEntry): void {
  const kind = (entry.externalFileAttributes >>> 16) & kinds.mask;
  if (entry.versionMadeBy >> 8 !== 3 || kind === 0 || kind === kinds.file || kind === kinds.folder) return;
  throw unsafe(archive, entry.fileName, kind === kinds.link ? "a link" : "a device or another special file");
}

async function readEntry(zip: ZipFile, entry: ZipEntry, name: string, most: number): Promise<Buffer> {
  if (entry.isEncrypted())
    throw new AppError("fileUnreadable", `'${name}' is encrypted.`, "Pack it again without a password.", { file: name });
  if (entry.uncompressedSize > most) throw tooLarge(name, entry.uncompressedSize, most);
  try {
    return await buffer(await zip.openReadStreamPromise(entry));
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw new AppError("fileUnreadable", `'${name}' cannot be unpacked: ${why}.`, "Pack it again.", { file: name }, thrown);
  }
}

/** yauzl refuses names that leave the archive with messages of its own. */
function asDamage(archive: string, thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  const why = thrown instanceof Error ? thrown.message : String(thrown);
  const slip = /^(?:absolute path|invalid relative path|invalid characters in fileName): (.*)$/s.exec(why)?.[1];
  return slip === undefined ? damaged(archive, why, thrown) : unsafe(archive, slip, "a path that leaves the archive");
}
