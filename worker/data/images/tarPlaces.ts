// Where each file of a plain tar lies, so that one picture can be read without the others: a walk over the headers alone. Names and sizes
// follow ustar, pax and GNU (https://www.gnu.org/software/tar/manual/html_node/Standard.html); whatever else is odd, the parser of tar.ts refuses.
import { type FileHandle, open } from "node:fs/promises";
import { basename } from "node:path";
import { damaged, safeName } from "./limits.ts";

export interface Place {
  /** Byte of the file at which the content begins. */
  at: number;
  bytes: number;
}

const block = 512;
/** Headers of small files lie close together: a piece holds many of them. */
const piece = 64 * 1024;
const mostMeta = 2 ** 20;

/** Content by safe name, of plain files; of equal names the last. Throws archiveInvalid, archiveUnsafe. */
export async function tarPlaces(path: string, signal?: AbortSignal): Promise<Map<string, Place>> {
  const archive = basename(path);
  const places = new Map<string, Place>();
  const file = await open(path, "r");
  try {
    const read = pieces(file);
    let long: { path?: string; size?: number } = {};
    for (let at = 0; ;) {
      signal?.throwIfAborted();
      const header = await read(at, block);
      if (header.length < block || header[0] === 0) return places;
      const type = String.fromCharCode(header[156]!);
      const size = (type !== "x" && type !== "g" && type !== "L" ? long.size : undefined) ?? number(header.subarray(124, 136));
      if (!Number.isSafeInteger(size) || size < 0) throw damaged(archive, `the size of an entry at byte ${at} cannot be read`);
      const content = at + block;
      if (type === "x" || type === "L") {
        if (size > mostMeta) throw damaged(archive, `the name of an entry at byte ${at} is too long`);
        const meta = await read(content, size);
        long = type === "x" ? { ...long, ...pax(meta) } : { ...long, path: text(meta) };
      } else {
        if (type === "0" || type === "\0" || type === "7")
          places.set(safeName(archive, long.path ?? named(header)), { at: content, bytes: size });
        if (type !== "g") long = {};
      }
      at = content + Math.ceil(size / block) * block;
    }
  } finally {
    await file.close();
  }
}

/** Reads through a piece that stays until one asks beyond it. */
function pieces(file: FileHandle): (at: number, bytes: number) => Promise<Buffer> {
  let held = Buffer.alloc(0);
  let from = 0;
  return async (at, bytes) => {
    if (at < from || at + bytes > from + held.length) {
      const next = Buffer.alloc(Math.max(piece, bytes));
      const { bytesRead } = await file.read(next, 0, next.length, at);
      held = next.subarray(0, bytesRead);
      from = at;
    }
    return held.subarray(at - from, at - from + bytes);
  };
}

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("utf8").split("\0", 1)[0]!;

/** ustar keeps the first folders of a long name apart. */
function named(header: Buffer): string {
  const name = text(header.subarray(0, 100));
  const prefix = header.toString("latin1", 257, 263) === "ustar\0" ? text(header.subarray(345, 500)) : "";
  return prefix ? `${prefix}/${name}` : name;
}

/** Octal digits, or GNU's binary form with the first bit set. */
function number(field: Buffer): number {
  if (field[0]! & 0x80) return Number(field.readBigUInt64BE(4));
  return parseInt(field.toString("latin1").replaceAll("\0", " ").trim() || "0", 8);
}

/** Records of the form "30 path=…\n", each beginning with its length. */
function pax(meta: Buffer): { path?: string; size?: number } {
  const found: { path?: string; size?: number } = {};
  for (let at = 0; at < meta.length;) {
    const space = meta.indexOf(0x20, at);
    const length = Number(meta.toString("latin1", at, space));
    if (space < 0 || !(length > space - at)) break;
    const record = meta.toString("utf8", space + 1, at + length - 1);
    const equals = record.indexOf("=");
    const value = record.slice(equals + 1);
    if (record.slice(0, equals) === "path") found.path = value;
    if (record.slice(0, equals) === "size") found.size = Number(value);
    at += length;
  }
  return found;
}
