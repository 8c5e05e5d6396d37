// Whatever a picture or an archive holds, it is read or refused with exit code 3 by name, in bounded time and memory: files of every format
// with bits turned, bytes cut, doubled or exchanged, lengths overwritten. FUZZ=n makes n times as many (FUZZ=50: 2,000 of each format).
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { create as createTar } from "tar";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ZipFile } from "yazl";
import { AppError } from "../../../ipc/error.ts";
import { Random } from "../../random.ts";
import { decodePicture } from "./decode.ts";
import { openPictures } from "./pictures.ts";

const times = 40 * Number(process.env["FUZZ"] ?? 1);
/** Far more than any of these takes on a loaded machine. */
const longest = 20_000;

let home: string;
let pictures: Buffer[];
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "paddock-hostile-pictures-"));
  pictures = await Promise.all([0, 1, 2, 3].map((seed) => noisy(seed).png().toBuffer()));
});
afterAll(() => rm(home, { recursive: true, force: true }));

function noisy(seed: number, side = 40) {
  const random = new Random(seed, "hostile picture");
  const data = Buffer.from(Array.from({ length: side * side * 3 }, (_, i) => ((i * (seed + 1)) % 200) + random.uniform() * 55));
  return sharp(data, { raw: { width: side, height: side, channels: 3 } });
}

/** A copy of the bytes with one to four kinds of damage; the same for the same seed. */
function damaged(bytes: Buffer, seed: number): Buffer {
  const random = new Random(seed, "damage");
  const upTo = (n: number) => Math.floor(random.uniform() * n);
  let out = Buffer.from(bytes);
  const kinds: (() => void)[] = [
    () => void (out[upTo(out.length)]! ^= 1 << upTo(8)),
    () => out.fill(upTo(2) * 255, upTo(out.length), upTo(out.length)),
    () => void (out = out.subarray(0, 1 + upTo(out.length))),
    () => out.length > 4 && out.writeUInt32BE([0, 1, 0x7fffffff, 0xffffffff, upTo(2 ** 31)][upTo(5)]!, upTo(out.length - 4)),
    () => out.length > 4 && out.writeUInt32LE([0, 1, 0x7fffffff, 0xffffffff, upTo(2 ** 31)][upTo(5)]!, upTo(out.length - 4)),
    () => {
      const [from, to] = [upTo(out.length), upTo(out.length)].sort((a, b) => a - b) as [number, number];
      out = upTo(2) ? Buffer.concat([out.subarray(0, to), out.subarray(from)]) : Buffer.concat([out.subarray(0, from), out.subarray(to)]);
    },
    // most headers lie in the first bytes
    () => void (out[upTo(Math.min(64, out.length))] = upTo(256)),
  ];
  for (let n = 1 + upTo(4); n > 0 && out.length > 0; n--) kinds[upTo(kinds.length)]!();
  return out;
}

/** Tries all, and says how many were read and refused; anything but an answer or an error of exit code 3 that says something fails. */
async function all(original: Buffer, attempt: (bytes: Buffer) => Promise<void>) {
  const counts = { read: 0, refused: 0 };
  for (let seed = 0; seed < times; seed++) {
    const began = performance.now();
    const what = `seed ${seed}`;
    try {
      await attempt(damaged(original, seed));
      counts.read++;
    } catch (thrown) {
      if (!(thrown instanceof AppError)) throw thrown;
      expect(thrown.exitCode, `${what}: ${thrown.code}: ${thrown.message}`).toBe(3);
      expect(thrown.message.length * thrown.hint.length, what).toBeGreaterThan(0);
      expect(thrown.message, what).toContain("damaged");
      counts.refused++;
    }
    expect(performance.now() - began, what).toBeLessThan(longest);
  }
  return counts;
}

/** 24 bits a pixel, from below. */
async function bmp(): Promise<Buffer> {
  const side = 40;
  const pixels = await noisy(1, side).raw().toBuffer();
  const head = Buffer.alloc(54);
  head.write("BM");
  head.writeUInt32LE(54 + pixels.length, 2);
  head.writeUInt32LE(54, 10);
  head.writeUInt32LE(40, 14);
  head.writeInt32LE(side, 18);
  head.writeInt32LE(side, 22);
  head.writeUInt16LE(1, 26);
  head.writeUInt16LE(24, 28);
  return Buffer.concat([head, pixels]);
}

const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="40" height="30"><defs><linearGradient id="a"><stop offset="0" stop-color="red"/></linearGradient></defs><rect x="1" y="2" width="30" height="20" fill="url(#a)"/><text x="3" y="9">words</text></svg>`;

describe("damaged pictures", () => {
  const formats: [string, () => Promise<Buffer>][] = [
    ["jpeg", () => noisy(1).jpeg().withMetadata({ orientation: 6 }).toBuffer()],
    ["progressive jpeg", () => noisy(2).jpeg({ progressive: true }).toBuffer()],
    ["png", () => noisy(1).png().toBuffer()],
    ["png with a palette", () => noisy(2).png({ palette: true }).toBuffer()],
    ["webp", () => noisy(1).webp().toBuffer()],
    ["gif", () => noisy(1).gif().toBuffer()],
    ["tiff", () => noisy(1).tiff({ compression: "lzw" }).toBuffer()],
    ["avif", () => noisy(1).avif({ effort: 0 }).toBuffer()],
    ["bmp", bmp],
    ["svg", () => Promise.resolve(Buffer.from(svg))],
  ];
  test.each(formats)(
    "%s",
    async (_, make) => {
      const original = await make();
      await expect(decodePicture(original, "whole", 16)).resolves.toMatchObject({ pixels: { length: 16 * 16 * 3 } });
      const { refused } = await all(original, async (bytes) => {
        const { pixels, width, height } = await decodePicture(bytes, "damaged", 16);
        expect(pixels.length).toBe(16 * 16 * 3);
        expect(width * height).toBeGreaterThan(0);
      });
      expect(refused).toBeGreaterThan(0);
    },
    600_000,
  );
});

describe("damaged archives", () => {
  async function attempts(name: string, original: Buffer) {
    const path = join(home, name);
    let whole = 0;
    const counts = await all(original, async (bytes) => {
      await writeFile(path, bytes);
      const set = await openPictures(path, { cache: join(home, "cache") });
      expect(set.pictures.length + set.profile.problems.length).toBeGreaterThan(0);
      for (const picture of set.pictures) expect(picture.name).not.toMatch(/^\/|(^|\/)\.\.(\/|$)/);
      whole += set.pictures.length;
    });
    expect(counts.refused).toBeGreaterThan(0);
    expect(whole).toBeLessThanOrEqual(counts.read * 8);
    await rm(path, { force: true });
  }
  const named = () => pictures.map((bytes, i) => [`${i < 2 ? "cats" : "dogs"}/${i}.png`, bytes] as const);

  test("zip", async () => {
    const zip = new ZipFile();
    for (const [name, bytes] of named()) zip.addBuffer(bytes, name);
    zip.end();
    const parts: Buffer[] = [];
    for await (const part of zip.outputStream) parts.push(part as Buffer);
    await attempts("damaged.zip", Buffer.concat(parts));
  }, 600_000);

  test.each([false, true])(
    "tar (gzip: %s)",
    async (gzip) => {
      const folder = await mkdtemp(join(home, "tar-"));
      const { mkdir, readFile } = await import("node:fs/promises");
      for (const [name, bytes] of named()) {
        await mkdir(join(folder, name, ".."), { recursive: true });
        await writeFile(join(folder, name), bytes);
      }
      const path = join(home, "whole.tar");
      await createTar({ cwd: folder, file: path, gzip }, ["."]);
      await attempts("damaged.tar", await readFile(path));
    },
    600_000,
  );

  test("a table of labels", async () => {
    const folder = await mkdtemp(join(home, "damaged-"));
    for (const [name, bytes] of named()) await writeFile(join(folder, name.replace("/", "-")), bytes);
    const original = Buffer.from(
      `file,label,more\n${named()
        .map(([name], i) => `${name.replace("/", "-")},"a, ${i % 2}",ü${i}`)
        .join("\n")}\n`,
    );
    for (let seed = 0; seed < times; seed++) {
      await writeFile(join(folder, "labels.csv"), damaged(original, seed));
      const { profile, pictures: found } = await openPictures(folder, { cache: join(home, "cache") });
      expect(profile.rows).toBe(found.length);
      for (const { label } of found) expect(label < profile.classes.length).toBe(true);
    }
  }, 600_000);
});
