// Windows bitmaps, which the decoder of the other formats lacks: uncompressed ones of 1, 4, 8, 16, 24 and 32 bits, with colour masks where
// they are told. Every offset and length is checked against the file. Source: Microsoft's BITMAPFILEHEADER and BITMAPINFOHEADER.
import { AppError } from "../../../ipc/error.ts";

export interface RawPicture {
  width: number;
  height: number;
  channels: 3 | 4;
  /** Rows from the top, uint8. */
  data: Buffer;
}

export const isBmp = (bytes: Buffer): boolean => bytes.length >= 26 && bytes[0] === 0x42 && bytes[1] === 0x4d;

export interface BmpHeader {
  width: number;
  height: number;
  down: boolean;
  bits: number;
  masks: number[] | undefined;
  palette: { at: number; count: number; size: number } | undefined;
  pixels: number;
  stride: number;
}

/** The header alone. Throws `pictureInvalid` with the reason. */
export function readBmpHeader(bytes: Buffer, file: string): BmpHeader {
  const bad = (why: string) => invalid(file, why);
  if (!isBmp(bytes)) throw bad("its header is cut off");
  const pixels = bytes.readUInt32LE(10);
  const size = bytes.readUInt32LE(14);
  const core = size === 12;
  if (!core && size < 40) throw bad(`its header has ${size} bytes`);
  if (14 + size > bytes.length) throw bad("its header is cut off");
  const width = core ? bytes.readUInt16LE(18) : bytes.readInt32LE(18);
  const tall = core ? bytes.readUInt16LE(20) : bytes.readInt32LE(22);
  const bits = bytes.readUInt16LE(core ? 24 : 28);
  const compression = core ? 0 : bytes.readUInt32LE(30);
  const height = Math.abs(tall);
  if (width <= 0 || height <= 0 || width > 65_535 || height > 65_535) throw bad(`its size is ${width} × ${tall}`);
  if (![1, 4, 8, 16, 24, 32].includes(bits)) throw bad(`it has ${bits} bits a pixel`);
  const masked = compression === 3 || compression === 6;
  if (compression !== 0 && !(masked && (bits === 16 || bits === 32))) throw bad(`it is compressed (method ${compression})`);
  let masks: number[] | undefined;
  if (masked) {
    if (14 + 40 + 12 > bytes.length) throw bad("its colour masks are cut off");
    masks = [54, 58, 62].map((at) => bytes.readUInt32LE(at));
    if (size >= 56) masks.push(bytes.readUInt32LE(66));
    if (masks.slice(0, 3).some((mask) => mask === 0)) throw bad("its colour masks are empty");
  }
  const stride = Math.ceil((width * bits) / 32) * 4;
  if (pixels < 14 + size || pixels + stride * height > bytes.length) throw bad("its pixels are cut off");
  let palette: BmpHeader["palette"];
  if (bits <= 8) {
    const told = core ? 0 : bytes.readUInt32LE(46);
    const entry = core ? 3 : 4;
    const count = told === 0 ? 2 ** bits : told;
    const at = 14 + size;
    if (count > 2 ** bits || at + count * entry > pixels) throw bad("its palette does not fit");
    palette = { at, count, size: entry };
  }
  return { width, height, down: tall < 0, bits, masks, palette, pixels, stride };
}

/** The pixels. Throws `pictureInvalid`. The caller has bounded width × height. */
export function readBmp(bytes: Buffer, file: string): RawPicture {
  const header = readBmpHeader(bytes, file);
  const { width, height } = header;
  const channels = header.bits === 32 && header.masks?.[3] ? 4 : 3;
  const data = Buffer.alloc(width * height * channels);
  const pixel = reader(bytes, header, file);
  for (let y = 0, to = 0; y < height; y++) {
    const row = header.pixels + (header.down ? y : height - 1 - y) * header.stride;
    for (let x = 0; x < width; x++, to += channels) pixel(row, x, data, to);
  }
  return { width, height, channels, data };
}

type Pixel = (row: number, x: number, data: Buffer, to: number) => void;

/** Writes the pixel at x of the row that begins at byte `row`. */
function reader(bytes: Buffer, { bits, palette, masks }: BmpHeader, file: string): Pixel {
  if (palette) {
    const mask = 2 ** bits - 1;
    const perByte = 8 / bits;
    return (row, x, data, to) => {
      const byte = bytes[row + Math.floor(x / perByte)]!;
      const index = (byte >> (8 - bits * ((x % perByte) + 1))) & mask;
      if (index >= palette.count) throw invalid(file, `a pixel has colour ${index}, its palette ${palette.count}`);
      const at = palette.at + index * palette.size;
      copyBgr(bytes, at, data, to);
    };
  }
  if (bits === 24 || (bits === 32 && !masks)) {
    const step = bits / 8;
    return (row, x, data, to) => copyBgr(bytes, row + x * step, data, to);
  }
  const channels = (masks ?? [0x7c00, 0x03e0, 0x001f]).filter((mask) => mask !== 0).map(channel);
  const step = bits / 8;
  return (row, x, data, to) => {
    const word = step === 2 ? bytes.readUInt16LE(row + x * 2) : bytes.readUInt32LE(row + x * 4);
    for (let c = 0; c < channels.length; c++) data[to + c] = channels[c]!(word);
  };
}

function copyBgr(bytes: Buffer, from: number, data: Buffer, to: number): void {
  data[to] = bytes[from + 2]!;
  data[to + 1] = bytes[from + 1]!;
  data[to + 2] = bytes[from]!;
}

/** Bits of a mask as 0 … 255. */
function channel(mask: number): (word: number) => number {
  const shift = Math.log2((mask & -mask) >>> 0);
  const most = mask / 2 ** shift;
  return (word) => Math.min(255, Math.round((((word & mask) >>> shift) * 255) / most));
}

export function invalid(file: string, why: string, cause?: unknown): AppError {
  return new AppError(
    "pictureInvalid",
    `'${file}' cannot be read as a picture: ${why.replace(/[.\s]+$/, "")}.`,
    "Save it again as PNG or JPEG, or take it out.",
    { file },
    cause,
  );
}
