// Decoded pixels, one by one: each format beside what sharp alone gives for it, or beside what the numbers must be. Pictures are as wide as they
// are drawn, so that nothing is resampled.
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { decodePicture } from "./decode.ts";

const side = 24;

/** Alike nowhere, turned or mirrored: uint8 [24, 24, channels]. */
function drawn(channels: 1 | 3 | 4 = 3): Buffer {
  const data = Buffer.alloc(side * side * channels);
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++)
      for (let c = 0; c < channels; c++) data[(y * side + x) * channels + c] = (x * 9 + y * (c === 1 ? 3 : 6) + c * 40) & 255;
  return data;
}
const picture = (channels: 1 | 3 | 4 = 3) => sharp(drawn(channels), { raw: { width: side, height: side, channels } });

/** What sharp makes of it, left to itself. */
const bySharp = (bytes: Buffer) =>
  sharp(bytes).flatten({ background: "#ffffff" }).resize(side, side, { fit: "fill" }).toColourspace("srgb").raw().toBuffer();

const ours = async (bytes: Buffer) => (await decodePicture(bytes, "x", side)).pixels;

/** The largest difference of any number. */
function furthest(a: Buffer, b: Buffer): number {
  expect(a.length).toBe(b.length);
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
}

/** Blue, green, red from below, 24 bits: rows of 72 bytes need no padding. */
function bmp(pixels: Buffer): Buffer {
  const head = Buffer.alloc(54);
  head.write("BM");
  head.writeUInt32LE(54 + pixels.length, 2);
  head.writeUInt32LE(54, 10);
  head.writeUInt32LE(40, 14);
  head.writeInt32LE(side, 18);
  head.writeInt32LE(side, 22);
  head.writeUInt16LE(1, 26);
  head.writeUInt16LE(24, 28);
  const body = Buffer.alloc(pixels.length);
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++)
      for (let c = 0; c < 3; c++) body[((side - 1 - y) * side + x) * 3 + c] = pixels[(y * side + x) * 3 + 2 - c]!;
  return Buffer.concat([head, body]);
}

const svg = Buffer.from(
  `<svg xmlns="http://www.w3.org/2000/svg" width="24" height="24"><circle cx="9" cy="14" r="7" fill="#c04020" fill-opacity="0.6"/><path d="M2 3h15l4 9z" fill="#2050a0"/></svg>`,
);

describe("the same pixels as sharp alone", () => {
  const formats: [string, () => Promise<Buffer>][] = [
    ["jpeg", () => picture().jpeg({ quality: 80 }).toBuffer()],
    ["progressive jpeg without subsampling", () => picture().jpeg({ progressive: true, chromaSubsampling: "4:4:4" }).toBuffer()],
    ["cmyk jpeg", () => picture().toColourspace("cmyk").jpeg().toBuffer()],
    ["grey jpeg", () => picture(1).toColourspace("b-w").jpeg().toBuffer()],
    ["png", () => picture().png().toBuffer()],
    ["png with a palette", () => picture().png({ palette: true, colours: 16 }).toBuffer()],
    ["webp with alpha", () => picture(4).webp({ lossless: true }).toBuffer()],
    ["gif", () => picture().gif().toBuffer()],
    ["tiff", () => picture().tiff({ compression: "deflate" }).toBuffer()],
    ["tiff of 16 bits", () => picture().toColourspace("rgb16").tiff({ compression: "lzw" }).toBuffer()],
    ["avif", () => picture().avif({ effort: 0 }).toBuffer()],
    ["svg", () => Promise.resolve(svg)],
  ];
  test.each(formats)("%s", async (_, make) => {
    const bytes = await make();
    expect(furthest(await ours(bytes), await bySharp(bytes))).toBe(0);
  });

  test("a gif that moves: its first frame", async () => {
    const second = Buffer.from(drawn().map((value) => 255 - value));
    const frames = sharp(Buffer.concat([drawn(), second]), { raw: { width: side, height: 2 * side, channels: 3, pageHeight: side } });
    const moving = await frames.gif({ loop: 0, delay: [100, 100] }).toBuffer();
    expect((await sharp(moving, { animated: true }).metadata()).pages).toBe(2);
    expect(furthest(await ours(moving), await bySharp(moving))).toBe(0);
    expect(furthest(await ours(moving), drawn())).toBeLessThan(48); // and not the other, which is its negative
  });
});

describe("the numbers that they must be", () => {
  test("bmp, png, lossless webp and tiff of one picture are it", async () => {
    const files = [bmp(drawn()), ...(await Promise.all([picture().png(), picture().webp({ lossless: true }), picture().tiff({ compression: "none" })].map((one) => one.toBuffer())))]; // prettier-ignore
    for (const bytes of files) expect(furthest(await ours(bytes), drawn())).toBe(0);
  });

  test("16 bits: the upper eight", async () => {
    const bytes = await picture().toColourspace("rgb16").png().toBuffer();
    expect((await sharp(bytes).metadata()).depth).toBe("ushort");
    expect(furthest(await ours(bytes), drawn())).toBe(0);
  });

  test("grey, of 8 and of 16 bits: three equal numbers", async () => {
    const want = Buffer.from([...drawn(1)].flatMap((v) => [v, v, v]));
    expect(furthest(await ours(await picture(1).toColourspace("b-w").png().toBuffer()), want)).toBe(0);
    expect(furthest(await ours(await picture(1).toColourspace("grey16").png().toBuffer()), want)).toBe(0);
  });

  test("alpha: over white", async () => {
    const data = drawn(4);
    const want = Buffer.alloc(side * side * 3);
    for (let i = 0; i < want.length; i++) {
      const [at, c] = [Math.floor(i / 3) * 4, i % 3];
      const alpha = data[at + 3]! / 255;
      want[i] = Math.round(data[at + c]! * alpha + 255 * (1 - alpha));
    }
    expect(furthest(await ours(await picture(4).png().toBuffer()), want)).toBeLessThanOrEqual(1);
  });

  test.each([1, 2, 3, 4, 5, 6, 7, 8])("EXIF orientation %i stands upright", async (orientation) => {
    // Where the pixel shown at (x, y) lies in the file: EXIF 2.32, tag 0x0112.
    const last = side - 1;
    const places: ((x: number, y: number) => [number, number])[] = [
      (x, y) => [x, y],
      (x, y) => [last - x, y],
      (x, y) => [last - x, last - y],
      (x, y) => [x, last - y],
      (x, y) => [y, x],
      (x, y) => [y, last - x],
      (x, y) => [last - y, last - x],
      (x, y) => [last - y, x],
    ];
    for (const format of ["jpeg", "tiff", "webp"] as const) {
      const bytes = await picture().withMetadata({ orientation }).toFormat(format, { lossless: true, quality: 100 }).toBuffer();
      const lying = await sharp(bytes).raw().toBuffer();
      const want = Buffer.alloc(side * side * 3);
      for (let y = 0; y < side; y++)
        for (let x = 0; x < side; x++) {
          const [fx, fy] = places[orientation - 1]!(x, y);
          lying.copy(want, (y * side + x) * 3, (fy * side + fx) * 3, (fy * side + fx) * 3 + 3);
        }
      expect(furthest(await ours(bytes), want), format).toBe(0);
    }
  });
});
