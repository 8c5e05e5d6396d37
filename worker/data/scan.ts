// One read of the whole file: its fingerprint, whether it is text, and in which encoding. Invariant: what this file calls "utf-8" is
// valid UTF-8 from the first byte to the last and holds no NUL.
import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { basename } from "node:path";
import { AppError } from "../../ipc/error.ts";

export type Encoding8 = "utf-8" | "utf-16le" | "utf-16be" | "gb18030" | "windows-1252";

export interface Scan {
  /** sha-256 of the bytes, hexadecimal. */
  fingerprint: string;
  bytes: number;
  encoding: Encoding8;
  /** Bytes of the byte order mark at the start. */
  mark: number;
  /** True when the bytes do not say it: a guess by the letters that come out. */
  guessed: boolean;
}

const step = 1 << 20;

/** Files that no reader takes, by their first bytes. */
const magics: [string, string][] = [
  ["PK\x03\x04", "a zip archive"],
  ["PK\x05\x06", "an empty zip archive"],
  ["\xd0\xcf\x11\xe0", "an old Excel workbook"],
  ["\x89PNG", "a PNG picture"],
  ["\xff\xd8\xff", "a JPEG picture"],
  ["GIF8", "a GIF picture"],
  ["%PDF-", "a PDF document"],
  ["\x1f\x8b", "a gzip archive"],
  ["FEA1", "a Feather file of the first version"],
  ["\x7fELF", "a program"],
  ["7z\xbc\xaf", "a 7-Zip archive"],
];

/**
 * Reads `file` once. Throws `fileEmpty`, `fileNotText` (with the offset of the first byte that is no text) or `cancelled`.
 * @param onBytes told the number of bytes read so far
 * @param text false: a file of bytes, of which only the fingerprint is wanted
 */
export async function scan(file: string, signal?: AbortSignal, onBytes?: (bytes: number) => void, text = true): Promise<Scan> {
  const handle = await open(file, "r");
  try {
    const hash = createHash("sha256");
    const buffer = Buffer.allocUnsafe(step);
    const odd: Buffer[] = []; // pieces that are not UTF-8, to guess by
    let oddBytes = 0;
    let carried = Buffer.alloc(0); // a letter cut by the end of the piece before
    let bytes = 0;
    let wide: { encoding: Encoding8; mark: number } | undefined;
    let mark = 0;
    for (;;) {
      signal?.throwIfAborted();
      const { bytesRead } = await handle.read(buffer, 0, step, bytes);
      if (bytesRead === 0) break;
      const piece = buffer.subarray(0, bytesRead);
      hash.update(piece);
      if (text && bytes === 0) {
        refuseMagic(piece, file);
        wide = wideEncoding(piece);
        if (piece[0] === 0xef && piece[1] === 0xbb && piece[2] === 0xbf) mark = 3;
      }
      if (text && !wide) {
        const nul = piece.indexOf(0);
        if (nul >= 0) throw notText(file, "binary data", bytes + nul);
        const joined = carried.length ? Buffer.concat([carried, piece]) : piece;
        const whole = joined.length - cutLetter(joined);
        if (!isUtf8(joined.subarray(0, whole)) && oddBytes < 8 * step) {
          odd.push(Buffer.from(joined.subarray(0, whole)));
          oddBytes += whole;
        } else if (oddBytes > 0 && oddBytes < 8 * step && odd.length < 2) {
          odd.push(Buffer.from(joined.subarray(0, whole)));
          oddBytes += whole;
        }
        carried = Buffer.from(joined.subarray(whole));
      }
      bytes += bytesRead;
      onBytes?.(bytes);
    }
    if (bytes === 0)
      throw new AppError("fileEmpty", `${basename(file)} is empty.`, "Choose a file that has rows.", { file: basename(file) });
    if (carried.length > 0) odd.push(carried);
    const fingerprint = hash.digest("hex");
    if (wide) return { fingerprint, bytes, ...wide, guessed: wide.mark === 0 };
    if (odd.length === 0) return { fingerprint, bytes, encoding: "utf-8", mark, guessed: false };
    return { fingerprint, bytes, encoding: guess(file, Buffer.concat(odd)), mark: 0, guessed: true };
  } finally {
    await handle.close();
  }
}

function refuseMagic(head: Buffer, file: string): void {
  const text = head.toString("latin1", 0, 16);
  for (const [magic, what] of magics) if (text.startsWith(magic)) throw notText(file, what, 0);
}

function notText(file: string, what: string, offset: number): AppError {
  const name = basename(file);
  const message = offset === 0 ? `${name} is not a text table but ${what}.` : `${name} is not a text table: byte ${offset} is ${what}.`;
  return new AppError(
    "fileNotText",
    message,
    "Tables come as CSV, Excel, Parquet, JSON, Arrow, SQLite or DuckDB files: save it as one of these.",
    { file: name, what, offset },
  );
}

/** UTF-16 by its mark, or by the zeros that it puts into every other byte of plain letters. */
function wideEncoding(head: Buffer): { encoding: Encoding8; mark: number } | undefined {
  if (head[0] === 0xff && head[1] === 0xfe) return { encoding: "utf-16le", mark: 2 };
  if (head[0] === 0xfe && head[1] === 0xff) return { encoding: "utf-16be", mark: 2 };
  const zeros = [0, 0];
  const length = Math.min(head.length, 4096) & ~1;
  if (length < 4) return undefined;
  for (let i = 0; i < length; i++) if (head[i] === 0) zeros[i % 2]!++;
  if (zeros[1]! > length * 0.35 && zeros[0]! < length * 0.02) return { encoding: "utf-16le", mark: 0 };
  if (zeros[0]! > length * 0.35 && zeros[1]! < length * 0.02) return { encoding: "utf-16be", mark: 0 };
  return undefined;
}

/** How many bytes at the end begin a UTF-8 letter that is not finished there: 0 to 3. */
function cutLetter(piece: Buffer): number {
  for (let back = 1; back <= 3 && back <= piece.length; back++) {
    const byte = piece[piece.length - back]!;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? back : 0;
  }
  return 0;
}

/**
 * GB18030 or Windows-1252. In Chinese text nearly every byte above 127 pairs with its neighbour inside the GB2312 block
 * (lead B0…F7, trail A1…FE, and punctuation A1…A9); in western text they mostly stand alone between ASCII letters.
 */
function guess(file: string, bytes: Buffer): Encoding8 {
  let pairs = 0;
  let alone = 0;
  let control = 0;
  for (let i = 0; i < bytes.length; i++) {
    const lead = bytes[i]!;
    if (lead < 0x80) {
      if (lead < 32 && lead !== 9 && lead !== 10 && lead !== 13 && lead !== 12) control++;
      continue;
    }
    const trail = bytes[i + 1] ?? 0;
    if (((lead >= 0xb0 && lead <= 0xf7) || (lead >= 0xa1 && lead <= 0xa9)) && trail >= 0xa1 && trail <= 0xfe) {
      pairs++;
      i++;
    } else alone++;
  }
  if (control > 8 && control > bytes.length * 0.01) throw notText(file, "binary data", 0);
  return pairs > alone * 2 ? "gb18030" : "windows-1252";
}

/** The letters of the file, piece by piece, without the mark. Throws `tableEncoding` with the offset where the bytes make none. */
export async function* letters(file: string, scanned: Pick<Scan, "encoding" | "mark">, signal?: AbortSignal): AsyncGenerator<string> {
  const handle = await open(file, "r");
  try {
    const decoder = new TextDecoder(scanned.encoding, { fatal: true, ignoreBOM: true });
    const buffer = Buffer.allocUnsafe(step);
    let at = scanned.mark;
    for (;;) {
      signal?.throwIfAborted();
      const { bytesRead } = await handle.read(buffer, 0, step, at);
      let text: string;
      try {
        text = decoder.decode(buffer.subarray(0, bytesRead), { stream: bytesRead > 0 });
      } catch (error) {
        throw new AppError(
          "tableEncoding",
          `${basename(file)} looks like ${scanned.encoding}, but the bytes near offset ${at} are no letters in it.`,
          "Save the file as UTF-8 and choose it again.",
          { file: basename(file), encoding: scanned.encoding, offset: at },
          error,
        );
      }
      const nul = scanned.encoding.startsWith("utf-16") ? text.indexOf("\0") : -1;
      if (nul >= 0) throw notText(file, "binary data", at);
      if (text) yield text;
      if (bytesRead === 0) return;
      at += bytesRead;
    }
  } finally {
    await handle.close();
  }
}

/** The first letters of the file (about `bytes`), and whether it goes on after them. */
export async function head(file: string, scanned: Scan, bytes: number): Promise<{ text: string; cut: boolean }> {
  const handle = await open(file, "r");
  try {
    const buffer = Buffer.allocUnsafe(Math.min(bytes, scanned.bytes));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, scanned.mark);
    const text = new TextDecoder(scanned.encoding, { ignoreBOM: true }).decode(buffer.subarray(0, bytesRead), { stream: true });
    return { text, cut: scanned.mark + bytesRead < scanned.bytes };
  } finally {
    await handle.close();
  }
}
