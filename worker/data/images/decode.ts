// One picture from its bytes to red, green and blue of 0 … 255 at a wanted size: upright (EXIF), the first frame, transparent parts over
// white, every colour space as sRGB. Formats are known by their first bytes, never by their names. Invariant: nothing outside the bytes is read.
import sharp, { type Sharp } from "sharp";
import { AppError } from "../../../ipc/error.ts";
import { invalid, isBmp, readBmp, readBmpHeader } from "./bmp.ts";
import { limits } from "./limits.ts";
import { isSvg, refuseOutside } from "./svg.ts";

export type PictureFormat = "jpeg" | "png" | "webp" | "gif" | "tiff" | "bmp" | "avif" | "svg";

export interface PictureFacts {
  format: PictureFormat;
  /** As shown: after EXIF has turned it. */
  width: number;
  height: number;
}

export interface Size {
  width: number;
  height: number;
}

export interface DecodedPicture extends PictureFacts {
  /** uint8 [height, width, 3] of the size asked for */
  pixels: Buffer;
}

/** Decoders work on as many pixels at once; a picture alone may have more. */
const pixelsInFlight = 96e6;
sharp.cache(false);
sharp.concurrency(1);

/**
 * @param file named in errors
 * @param size side of the square that the picture is drawn into, its whole width and height; or both sides
 * @throws pictureInvalid with the reason
 */
export async function decodePicture(bytes: Buffer, file: string, size: number | Size, signal?: AbortSignal): Promise<DecodedPicture> {
  const { width, height } = typeof size === "number" ? { width: size, height: size } : size;
  const facts = await pictureFacts(bytes, file);
  const release = await room.take(facts.width * facts.height, signal);
  try {
    const { data, info } = await drawn(opened(bytes, file, facts.format), { width, height })
      .raw({ depth: "uchar" })
      .timeout({ seconds: limits.seconds })
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== 3 || data.length !== width * height * 3) throw invalid(file, `it came out with ${info.channels} channels`);
    return { ...facts, pixels: data };
  } catch (thrown) {
    throw thrown instanceof AppError ? thrown : invalid(file, wordsOf(thrown), thrown);
  } finally {
    release();
  }
}

/**
 * The picture as it stands upright, at most so many pixels to each side, never larger than it is: a JPEG, or a PNG where it has few pixels.
 * @throws pictureInvalid with the reason
 */
export async function drawThumbnail(bytes: Buffer, file: string, pixels: number, signal?: AbortSignal): Promise<Uint8Array> {
  const { format, width, height } = await pictureFacts(bytes, file);
  const release = await room.take(width * height, signal);
  try {
    const small = opened(bytes, file, format)
      .flatten({ background: "#ffffff" })
      .resize(pixels, pixels, { fit: "inside", withoutEnlargement: true })
      .toColourspace("srgb")
      .timeout({ seconds: limits.seconds });
    return new Uint8Array(await (width * height <= 64 * 64 ? small.png() : small.jpeg({ quality: 82 })).toBuffer());
  } catch (thrown) {
    throw thrown instanceof AppError ? thrown : invalid(file, wordsOf(thrown), thrown);
  } finally {
    release();
  }
}

/** What the header says; no pixels are decoded. Throws `pictureInvalid`. */
export async function pictureFacts(bytes: Buffer, file: string): Promise<PictureFacts> {
  const format = sniff(bytes);
  if (format === undefined) throw invalid(file, bytes.length ? unknownWords(bytes) : "it is empty");
  if (format === "svg") refuseOutside(bytes, file);
  let size: { width: number; height: number };
  if (format === "bmp") size = readBmpHeader(bytes, file);
  else {
    const found = await sharp(bytes, options)
      .metadata()
      .catch((thrown: unknown) => {
        throw invalid(file, wordsOf(thrown), thrown);
      });
    size = found.autoOrient;
  }
  const { width, height } = size;
  if (width * height > limits.pixels) throw invalid(file, `it has ${width} × ${height} pixels; at most ${limits.pixels} are read`);
  return { format, width, height };
}

const options = { failOn: "error", limitInputPixels: limits.pixels, pages: 1, sequentialRead: true, autoOrient: true } as const;

function opened(bytes: Buffer, file: string, format: PictureFormat): Sharp {
  if (format !== "bmp") return sharp(bytes, options);
  const { data, ...raw } = readBmp(bytes, file);
  return sharp(data, { raw });
}

/** The whole picture in a square. The triangle filter is what ONNX's Resize does with antialias, and torchvision's. */
export const square = (picture: Sharp, size: number): Sharp => drawn(picture, { width: size, height: size });

function drawn(picture: Sharp, { width, height }: Size): Sharp {
  return picture.flatten({ background: "#ffffff" }).resize(width, height, { fit: "fill", kernel: "linear" }).toColourspace("srgb");
}

/** The format by the first bytes, undefined where none of ours begins so. */
export function sniff(bytes: Buffer): PictureFormat | undefined {
  const text = bytes.toString("latin1", 0, 16);
  if (text.startsWith("\xff\xd8\xff")) return "jpeg";
  if (text.startsWith("\x89PNG\r\n\x1a\n")) return "png";
  if (text.startsWith("RIFF") && text.slice(8, 12) === "WEBP") return "webp";
  if (text.startsWith("GIF87a") || text.startsWith("GIF89a")) return "gif";
  if (/^(II\*\0|MM\0\*|II\+\0|MM\0\+)/.test(text)) return "tiff";
  if (text.slice(4, 8) === "ftyp" && /avi[fs]/.test(bytes.toString("latin1", 8, 64))) return "avif";
  if (isBmp(bytes)) return "bmp";
  return isSvg(bytes) ? "svg" : undefined;
}

function unknownWords(bytes: Buffer): string {
  const text = bytes.toString("latin1", 0, 16);
  if (text.slice(4, 8) === "ftyp") return "it is HEIC or another form of MPEG, which is not read";
  if (text.startsWith("\xff\x0a") || text.slice(4, 8) === "JXL ") return "it is JPEG XL, which is not read";
  if (text.startsWith("%PDF")) return "it is a PDF document";
  return "it does not begin like JPEG, PNG, WebP, GIF, TIFF, BMP, AVIF or SVG";
}

const wordsOf = (thrown: unknown) => (thrown instanceof Error ? thrown.message : String(thrown)).split("\n")[0]!;

/** Large pictures wait for each other, so that memory stays bounded however many are decoded at once. */
const room = {
  used: 0,
  waiting: [] as { pixels: number; go: () => void }[],
  async take(pixels: number, signal?: AbortSignal): Promise<() => void> {
    signal?.throwIfAborted();
    if (this.used > 0 && this.used + pixels > pixelsInFlight) await new Promise<void>((go) => this.waiting.push({ pixels, go }));
    else this.used += pixels;
    return () => {
      this.used -= pixels;
      for (let next = this.waiting[0]; next && (this.used === 0 || this.used + next.pixels <= pixelsInFlight); next = this.waiting[0]) {
        this.waiting.shift();
        this.used += next.pixels;
        next.go();
      }
    };
  },
};
