// Pictures of every format by what draws them, and the archives and tables they come in.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { crc32, gzipSync } from "node:zlib";
import sharp from "sharp";
import { create as createTar } from "tar";
import { ZipFile } from "yazl";
import { decodePicture, drawThumbnail } from "../../../worker/data/images/decode.ts";
import { openPictures } from "../../../worker/data/images/pictures.ts";
import type { Input, Target } from "../target.ts";

function noisy(seed: number, side = 24) {
  const data = Buffer.alloc(side * side * 3);
  for (let i = 0; i < data.length; i += 32) createHash("sha256").update(`${seed} ${i}`).digest().copy(data, i);
  return sharp(data, { raw: { width: side, height: side, channels: 3 } });
}

const drawn = (make: () => Promise<Buffer[]>, more: Partial<Target> = {}): Target => ({
  parts: ["picture"],
  seeds: async () => (await make()).map((bytes): Input => [bytes]),
  async read([bytes]) {
    const { pixels, width, height } = await decodePicture(bytes!, "picture", 16);
    if (pixels.length !== 16 * 16 * 3 || !(width * height > 0)) throw new Error(`${width} × ${height}, ${pixels.length} values`);
    await drawThumbnail(bytes!, "picture", 32);
  },
  code: /\/worker\/data\/images\/(decode|bmp|svg|limits)/,
  most: 2 ** 14,
  ...more,
});

/** Right sums behind every chunk of a PNG. */
function mendPng(input: Input): Input {
  const bytes = Buffer.from(input[0]!);
  for (let at = 8; at + 12 <= bytes.length;) {
    const end = at + 8 + bytes.readUInt32BE(at);
    if (end + 4 > bytes.length) break;
    bytes.writeUInt32BE(crc32(bytes.subarray(at + 4, end)), end);
    at = end + 4;
  }
  return [bytes];
}

/** 24 bits a pixel, from below; the same with a palette of 16. */
async function bmps(): Promise<Buffer[]> {
  const side = 16;
  const pixels = await noisy(1, side).raw().toBuffer();
  const head = (bits: number, colours: number, size: number) => {
    const bytes = Buffer.alloc(54 + colours * 4);
    bytes.write("BM");
    bytes.writeUInt32LE(bytes.length + size, 2);
    bytes.writeUInt32LE(bytes.length, 10);
    bytes.writeUInt32LE(40, 14);
    bytes.writeInt32LE(side, 18);
    bytes.writeInt32LE(side, 22);
    bytes.writeUInt16LE(1, 26);
    bytes.writeUInt16LE(bits, 28);
    bytes.writeUInt32LE(colours, 46);
    for (let i = 54; i < bytes.length; i++) bytes[i] = (i * 37) % 256;
    return bytes;
  };
  const rest = pixels.subarray(0, side * 8);
  return [Buffer.concat([head(24, 0, pixels.length), pixels]), Buffer.concat([head(4, 16, rest.length), rest])];
}

const svgs = [
  `<svg xmlns="http://www.w3.org/2000/svg" width="40" height="30"><defs><linearGradient id="a"><stop offset="0" stop-color="red"/></linearGradient></defs><rect x="1" y="2" width="30" height="20" fill="url(#a)"/><text x="3" y="9">words</text></svg>`,
  `<?xml version="1.0"?><!-- x --><svg viewBox="0 0 8 8" xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"><use xlink:href="#p"/><path id="p" d="M1 1L7 7" stroke="#123"/></svg>`,
];
/** What leads out of an SVG, nests or refers to itself. */
const svgWords = ['<image href="file:///etc/passwd"/>', '<image xlink:href="http://x/"/>', '<!DOCTYPE svg [<!ENTITY a "b">]>', "&a;", "@import url(x)", '<use href="#p"/>', "<g>", "</g>", '<filter id="f">', "<foreignObject>", "<script>", "xml:base=", 'width="1e9"', "viewBox", "url(#p)", "url(http://x)", 'style="fill:url(//x)"', "<pattern", "<mask"]; // prettier-ignore

export const jpeg = drawn(async () => [await noisy(1).jpeg().withMetadata({ orientation: 6 }).toBuffer(), await noisy(2).jpeg({ progressive: true }).toBuffer()]); // prettier-ignore
export const png = drawn(async () => [await noisy(1).png().toBuffer(), await noisy(2).png({ palette: true }).toBuffer()], {
  mend: mendPng,
});
export const webp = drawn(async () => [await noisy(1).webp().toBuffer(), await noisy(2).webp({ lossless: true }).toBuffer()]);
export const gif = drawn(async () => [await noisy(1).gif().toBuffer()]);
export const tiff = drawn(async () => [await noisy(1).tiff({ compression: "lzw" }).toBuffer(), await noisy(1).tiff({ compression: "none" }).toBuffer()]); // prettier-ignore
export const avif = drawn(async () => [await noisy(1, 16).avif({ effort: 0 }).toBuffer()]);
export const bmp = drawn(bmps);
export const svg = drawn(() => Promise.resolve(svgs.map((text) => Buffer.from(text))), { words: svgWords });

const named = async (): Promise<[string, Buffer][]> =>
  Promise.all([0, 1, 2, 3].map(async (seed) => [`${seed < 2 ? "cats" : "dogs"}/${seed}.png`, await noisy(seed, 8).png().toBuffer()] as [string, Buffer])); // prettier-ignore

async function readSet(file: string, folder: string): Promise<void> {
  const set = await openPictures(file, { cache: join(folder, "cache") });
  for (const { name, label } of set.pictures) {
    if (/^\/|(^|\/)\.\.(\/|$)/.test(name)) throw new Error(`the name ${name}`);
    if (!(label < set.profile.classes.length)) throw new Error("a class that there is not");
  }
}
const archive = (name: string, make: (folder: string) => Promise<Buffer[]>, more: Partial<Target> = {}): Target => ({
  parts: [name],
  seeds: async (folder) => (await make(folder)).map((bytes): Input => [bytes]),
  async read([bytes], folder) {
    writeFileSync(join(folder, name), bytes!);
    await readSet(join(folder, name), folder);
  },
  code: /\/worker\/data\/images\/(zip|tar|source|layout|labels)/,
  words: ["../", "/etc/passwd", "cats/", "C:\\", "..\\", "0.png", "labels.csv", "ustar", "path=", "size="],
  most: 2 ** 15,
  ...more,
});

export const zip = archive("set.zip", async () => {
  const made = async (compress: boolean) => {
    const file = new ZipFile();
    for (const [name, bytes] of await named()) file.addBuffer(bytes, name, { compress });
    file.addBuffer(Buffer.from("file,label\n0.png,a\n"), "labels.csv", { compress });
    file.end();
    const parts: Buffer[] = [];
    for await (const part of file.outputStream) parts.push(part as Buffer);
    return Buffer.concat(parts);
  };
  return [await made(false), await made(true)];
});

async function tars(folder: string): Promise<Buffer[]> {
  for (const [name, bytes] of await named()) {
    mkdirSync(dirname(join(folder, "in", name)), { recursive: true });
    writeFileSync(join(folder, "in", name), bytes);
  }
  const long = join(folder, "in", "x".repeat(90), "y".repeat(90));
  mkdirSync(long, { recursive: true });
  writeFileSync(join(long, "z.png"), await noisy(7, 8).png().toBuffer());
  await createTar({ cwd: join(folder, "in"), file: join(folder, "whole.tar") }, ["."]);
  return [readFileSync(join(folder, "whole.tar"))];
}

/** Right sums in the headers of a tar. */
function mendTar(input: Input): Input {
  const bytes = Buffer.from(input[0]!);
  for (let at = 0; at + 512 <= bytes.length; at += 512) {
    if (bytes.toString("latin1", at + 257, at + 262) !== "ustar") continue;
    bytes.fill(0x20, at + 148, at + 156);
    let sum = 0;
    for (let i = at; i < at + 512; i++) sum += bytes[i]!;
    bytes.write(`${sum.toString(8).padStart(6, "0")}\0 `, at + 148, "latin1");
  }
  return [bytes];
}
export const tar = archive("set.tar", tars, { mend: mendTar, most: 2 ** 16 });
export const tarGzip: Target = {
  ...archive("set.tar.gz", async (folder) => (await tars(folder)).map((bytes) => gzipSync(bytes))),
};
/** The tar within, packed after it was changed: so that changes get through the compression. */
export const tarInGzip: Target = {
  ...tar,
  parts: ["set.tgz"],
  async read([bytes], folder) {
    writeFileSync(join(folder, "set.tgz"), gzipSync(bytes!, { level: 1 }));
    await readSet(join(folder, "set.tgz"), folder);
  },
};

export const labels: Target = {
  parts: ["labels.csv"],
  seeds: () => [[Buffer.from('file,label,more\n0.png,"a, 0",ü0\n1.png,"a, 1",ü1\n2.png,b,\n')]],
  async read([bytes], folder) {
    const set = join(folder, "set");
    mkdirSync(set);
    pictureFiles ??= await named();
    for (const [i, [, picture]] of pictureFiles.entries()) writeFileSync(join(set, `${i}.png`), picture);
    writeFileSync(join(set, "labels.csv"), bytes!);
    await readSet(set, folder);
  },
  code: /\/worker\/data\/(images\/(labels|layout)|dialect)/,
  most: 2 ** 12,
};
let pictureFiles: [string, Buffer][] | undefined;
