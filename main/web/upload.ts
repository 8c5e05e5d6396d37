// A file from the page, streamed to disk: never held in memory, never larger than the disk has room for.
import type { IncomingMessage } from "node:http";
import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { AppError } from "../../ipc/error.ts";

/** Bytes that always stay free, so that an upload does not stop the rest of the machine. */
const reserve = 256 * 2 ** 20;

/** Bytes that an upload into the folder may have: what is free there (or in the nearest folder above that exists) less the reserve. */
export async function uploadLimit(folder: string): Promise<number> {
  for (let at = folder; ; at = dirname(at)) {
    const disk = await statfs(at).catch(() => undefined);
    if (disk) return Math.max(0, disk.bavail * disk.bsize - reserve);
    if (dirname(at) === at) return Infinity;
  }
}

function tooLarge(name: string, limit: number): AppError {
  const megabytes = Math.floor(limit / 1e6);
  return new AppError(
    "diskFull",
    `'${name}' does not fit on the disk, which has ${megabytes} MB to spare.`,
    "Free some space and try again.",
    {
      file: name,
      free: limit,
    },
  );
}

/**
 * The body of a request, checked on the way: ends with an error when it grows over the limit (diskFull) or stops early (fileChanged),
 * so that whoever writes it keeps nothing.
 * @param patience milliseconds between two parts of it
 */
export async function* uploadBody(incoming: IncomingMessage, name: string, limit: number, patience = 60_000): AsyncGenerator<Uint8Array> {
  const expected = Number(incoming.headers["content-length"] ?? NaN);
  if (expected > limit) throw tooLarge(name, limit);
  let bytes = 0;
  const silence = setTimeout(() => incoming.destroy(new Error(`nothing came for ${patience / 1000} s`)), patience);
  try {
    for await (const chunk of incoming as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      silence.refresh();
      if (bytes > limit) throw tooLarge(name, limit);
      yield chunk;
    }
  } catch (thrown) {
    if (thrown instanceof AppError) throw thrown;
    const data = { file: name, bytes };
    throw new AppError("fileChanged", `'${name}' stopped coming after ${bytes} bytes.`, "Drop the file again.", data, thrown);
  } finally {
    clearTimeout(silence);
  }
}
