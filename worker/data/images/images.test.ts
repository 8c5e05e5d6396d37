// Pictures as people keep them: folders, tables of labels, archives; every format; broken and hostile ones.
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { createWriteStream } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { finished } from "node:stream/promises";
import sharp from "sharp";
import { create as createTar } from "tar";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ZipFile } from "yazl";
import { AppError } from "../../../ipc/error.ts";
import { decodePicture } from "./decode.ts";
import { openPictures } from "./pictures.ts";

let home: string;
beforeAll(async () => void (home = await mkdtemp(join(tmpdir(), "paddock-pictures-"))));
afterAll(() => rm(home, { recursive: true, force: true }));

const plain = (r: number, g: number, b: number, side = 20) =>
  sharp({ create: { width: side, height: side, channels: 3, background: { r, g, b } } });
/** A picture with a light and a dark side, which no other of another seed looks like. */
async function drawing(seed: number, side = 32): Promise<Buffer> {
  const data = Buffer.alloc(side * side * 3);
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++)
      data.fill(((x * (1 + (seed % 5)) + y * (1 + (seed % 3)) + seed * 37) * 5) & 255, (y * side + x) * 3, (y * side + x) * 3 + 3);
  return sharp(data, { raw: { width: side, height: side, channels: 3 } })
    .png()
    .toBuffer();
}

let count = 0;
async function folderOf(files: Record<string, Buffer | string>): Promise<string> {
  const root = join(home, `set${count++}`);
  for (const [name, data] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), data);
  }
  return root;
}
const look = (path: string, target?: string) => openPictures(path, { cache: join(home, "cache"), target });
const codes = async (path: string) => (await look(path)).profile.problems.map(({ code }) => code);
const refused = async (work: Promise<unknown>): Promise<AppError> =>
  work.then(
    () => expect.unreachable("nothing was refused"),
    (error: unknown) => (expect(error).toBeInstanceOf(AppError), error as AppError),
  );

async function zipOf(files: Record<string, Buffer>, edit: (bytes: Buffer) => Buffer = (b) => b): Promise<string> {
  const path = join(home, `set${count++}.zip`);
  const zip = new ZipFile();
  for (const [name, data] of Object.entries(files)) zip.addBuffer(data, name);
  zip.end();
  const parts: Buffer[] = [];
  for await (const part of zip.outputStream) parts.push(part as Buffer);
  await writeFile(path, edit(Buffer.concat(parts)));
  return path;
}

describe("layouts", () => {
  test("class folders below wrappers; strays and other files are told", async () => {
    const path = await folderOf({
      "set/cats/a.png": await drawing(1),
      "set/cats/b.png": await drawing(2),
      "set/dogs/c.png": await drawing(3),
      LICENSE: "words",
      "set/dogs/.DS_Store": "x",
    });
    const { profile, pictures } = await look(path);
    expect(profile).toMatchObject({
      kind: "images",
      rows: 3,
      layout: "folders",
      classes: [
        { name: "cats", count: 2 },
        { name: "dogs", count: 1 },
      ],
    });
    expect(profile.sizes).toEqual({ least: [32, 32], median: [32, 32], most: [32, 32] });
    expect(pictures.map(({ name, label }) => [name, label])).toEqual([
      ["set/cats/a.png", 0],
      ["set/cats/b.png", 0],
      ["set/dogs/c.png", 1],
    ]);
    expect(profile.problems.map(({ code }) => code)).toEqual(["otherFiles", "rareClasses"]);
  });

  test("train and test folders are no classes", async () => {
    const path = await folderOf({
      "train/1/a.png": await drawing(1),
      "train/2/b.png": await drawing(2),
      "test/1/c.png": await drawing(3),
      "test/10/d.png": await drawing(4),
    });
    expect((await look(path)).profile.classes.map(({ name }) => name)).toEqual(["1", "2", "10"]);
  });

  test.each([
    ["file,label\na.png,cat\nb.png,dog\nmissing.png,dog\n", "cat"],
    ["id\tspecies\na\tcat\nb\tdog\n", "cat"],
  ])("a table of labels beside the pictures", async (table, first) => {
    const path = await folderOf({
      "pics/a.png": await drawing(1),
      "pics/b.png": await drawing(2),
      "pics/c.png": await drawing(3),
      [table.includes("\t") ? "l.tsv" : "l.csv"]: table,
    });
    const { profile } = await look(path);
    expect(profile).toMatchObject({
      layout: "labels",
      rows: 2,
      classes: [
        { name: first, count: 1 },
        { name: "dog", count: 1 },
      ],
    });
    expect(profile.problems.find(({ code }) => code === "pictureWithoutClass")?.file).toBe("pics/c.png");
  });

  test("the same set as folder, zip and tar.gz has the same fingerprint", async () => {
    const files = { "a/1.png": await drawing(1), "a/2.png": await drawing(2), "b/3.png": await drawing(3) };
    const folder = await folderOf(files);
    const tar = join(home, "set.tar.gz");
    await createTar({ file: tar, cwd: folder, gzip: true }, ["a", "b"]);
    const [one, two, three] = await Promise.all([look(folder), look(await zipOf(files)), look(tar)]);
    expect(two.profile.fingerprint).toBe(one.profile.fingerprint);
    expect(three.profile.fingerprint).toBe(one.profile.fingerprint);
    expect(three.profile.rows).toBe(3);
  });

  test("a table that names the pictures and gives them no labels leaves them without classes", async () => {
    const path = await folderOf({ "a.png": await drawing(1), "b.png": await drawing(2), "labels.csv": "file,label\na.png,\nb.png,\n" });
    expect((await look(path)).profile).toMatchObject({ layout: "flat", classes: [], rows: 2 });
  });

  test("a flat folder has no classes, and says so", async () => {
    expect(await codes(await folderOf({ "a.png": await drawing(1), "b.png": await drawing(2) }))).toEqual(["noClasses"]);
  });
});

describe("pictures", () => {
  const red = { r: 200, g: 30, b: 60 };
  const formats: [string, () => Promise<Buffer>, number][] = [
    ["jpeg", () => plain(200, 30, 60).jpeg().toBuffer(), 6],
    ["png", () => plain(200, 30, 60).png().toBuffer(), 1],
    ["webp", () => plain(200, 30, 60).webp().toBuffer(), 6],
    ["gif", () => plain(200, 30, 60).gif().toBuffer(), 2],
    ["tiff", () => plain(200, 30, 60).tiff().toBuffer(), 6],
    ["avif", () => plain(200, 30, 60).avif().toBuffer(), 6],
    ["png", () => plain(200, 30, 60).toColourspace("rgb16").png().toBuffer(), 2],
    ["jpeg", () => plain(200, 30, 60).toColourspace("cmyk").jpeg().toBuffer(), 30],
    [
      "svg",
      () =>
        Promise.resolve(
          Buffer.from(
            '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20"><rect x="-5" y="-5" width="30" height="30" fill="rgb(200,30,60)"/></svg>',
          ),
        ),
      1,
    ],
    ["bmp", () => Promise.resolve(bmp24(20, 20, red)), 0],
  ];
  test.each(formats)("%s", async (format, make, tolerance) => {
    const picture = await decodePicture(await make(), "x", 4);
    expect(picture).toMatchObject({ format, width: 20, height: 20 });
    expect(picture.pixels.length).toBe(48);
    for (const [i, want] of [200, 30, 60].entries()) expect(Math.abs(picture.pixels[3 * 5 + i]! - want)).toBeLessThanOrEqual(tolerance);
  });

  test("transparent parts are white, grey is three equal channels", async () => {
    const clear = await sharp({ create: { width: 4, height: 4, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0 } } })
      .png()
      .toBuffer();
    expect([...(await decodePicture(clear, "x", 2)).pixels]).toEqual(new Array(12).fill(255));
    const grey = await plain(90, 90, 90).toColourspace("b-w").png().toBuffer();
    expect([...(await decodePicture(grey, "x", 1)).pixels]).toEqual([90, 90, 90]);
  });

  test("EXIF turns a picture upright", async () => {
    const half = await sharp({ create: { width: 40, height: 20, channels: 3, background: "#000" } })
      .composite([{ input: await plain(255, 255, 255, 20).png().toBuffer(), left: 0, top: 0 }])
      .jpeg({ quality: 100 })
      .withMetadata({ orientation: 6 }) // to be turned by 90 degrees: the white left side comes to the top
      .toBuffer();
    const { pixels, width, height } = await decodePicture(half, "x", 2);
    expect([width, height]).toEqual([20, 40]);
    expect(pixels[0]).toBeGreaterThan(200);
    expect(pixels[9]).toBeLessThan(50);
  });

  test("bitmaps of all depths, both ways up; cut or odd ones are refused", async () => {
    const [w, h] = [3, 2];
    for (const bits of [1, 4, 8, 24, 32] as const)
      for (const down of [false, true]) {
        const { pixels } = await decodePicture(bmpOf(bits, w, h, down), "x", 1);
        expect(pixels.length).toBe(3);
      }
    const whole = bmp24(3, 2, red);
    for (const cut of [10, 30, whole.length - 1])
      expect((await refused(decodePicture(whole.subarray(0, cut), "x.bmp", 2))).code).toBe("pictureInvalid");
    const wide = Buffer.from(whole);
    wide.writeInt32LE(60_000, 18);
    expect((await refused(decodePicture(wide, "x.bmp", 2))).message).toContain("cut off");
  });

  test.each([
    '<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
    '<svg xmlns="http://www.w3.org/2000/svg"><image xlink:href="http://x/y.png"/></svg>',
    '<!DOCTYPE svg [<!ENTITY a "b">]><svg xmlns="http://www.w3.org/2000/svg"/>',
    '<svg xmlns="http://www.w3.org/2000/svg"><style>@import "x.css";</style></svg>',
    '<svg xmlns="http://www.w3.org/2000/svg"><rect style="fill:url(other.svg#a)"/></svg>',
  ])("a drawing that points outside is refused: %s", async (text) => {
    expect((await refused(decodePicture(Buffer.from(text), "x.svg", 2))).code).toBe("pictureInvalid");
  });

  test("broken, cut, empty and foreign pictures are problems by name; the rest is used", async () => {
    const good = await sharp(await drawing(7, 64))
      .jpeg()
      .toBuffer();
    const path = await folderOf({
      "a/good.jpg": good,
      "a/cut.jpg": good.subarray(0, good.length >> 1),
      "a/empty.png": "",
      "b/words.png": "these are words",
      "b/other.png": await drawing(8),
    });
    const { profile } = await look(path);
    expect(profile.rows).toBe(2);
    expect(
      profile.problems
        .filter(({ code }) => code === "pictureInvalid")
        .map(({ file }) => file)
        .sort(),
    ).toEqual(["a/cut.jpg", "a/empty.png", "b/words.png"]);
  });

  test("copies and likenesses across classes are told with both names", async () => {
    const one = await drawing(11, 64);
    const path = await folderOf({
      "a/1.png": one,
      "b/copy.png": one,
      "b/small.jpg": await sharp(one).resize(48).jpeg({ quality: 92 }).toBuffer(),
      "a/2.png": await drawing(12, 64),
      "b/3.png": await drawing(14, 64),
    });
    const { problems } = (await look(path)).profile;
    expect(problems.find(({ code }) => code === "duplicateAcrossClasses")?.files).toEqual(["a/1.png", "b/copy.png"]);
    expect(problems.find(({ code }) => code === "nearDuplicateAcrossClasses")?.files).toEqual(["a/1.png", "b/small.jpg"]);
  });

  test("nothing usable is refused by name", async () => {
    expect((await refused(look(await folderOf({ "a/x.png": "no" })))).code).toBe("picturesMissing");
    expect((await refused(look(join(home, "nowhere")))).code).toBe("fileMissing");
  });

  test("a link in a folder is passed over and told", async () => {
    const path = await folderOf({ "a/1.png": await drawing(1), "b/2.png": await drawing(2) });
    await symlink(join(path, "a/1.png"), join(path, "b/3.png"));
    expect((await look(path)).profile.problems.find(({ code }) => code === "pictureSkipped")?.file).toBe("b/3.png");
  });
});

describe("hostile archives", () => {
  test("a zip with a name that leaves it", async () => {
    const data = await drawing(1);
    for (const [safe, bad] of [
      ["aa/1.png", "../1.png"],
      ["aaa/1.png", "/aa/1.png"],
      ["aa/bb/1.png", "aa/../1.png"],
    ]) {
      const path = await zipOf({ [safe!]: data }, (bytes) => Buffer.from(bytes.toString("latin1").replaceAll(safe!, bad!), "latin1"));
      const error = await refused(look(path));
      expect([error.code, error.message.includes(bad!)]).toEqual(["archiveUnsafe", true]);
    }
  });

  test("a zip with a link", async () => {
    const path = join(home, "link.zip");
    const zip = new ZipFile();
    zip.addBuffer(Buffer.from("/etc/passwd"), "a/1.png", { mode: 0o120777 });
    zip.end();
    const out = createWriteStream(path);
    zip.outputStream.pipe(out);
    await finished(out);
    expect((await refused(look(path))).code).toBe("archiveUnsafe");
  });

  test("a tar with a link, or cut off", async () => {
    const folder = await folderOf({ "a/1.png": await drawing(1), "b/2.png": await drawing(2) });
    const whole = join(home, "whole.tar.gz");
    await createTar({ file: whole, cwd: folder, gzip: true }, ["a", "b"]);
    await symlink("/etc/passwd", join(folder, "b/3.png"));
    const linked = join(home, "linked.tar");
    await createTar({ file: linked, cwd: folder }, ["a", "b"]);
    expect((await refused(look(linked))).code).toBe("archiveUnsafe");
    const { readFile } = await import("node:fs/promises");
    const bytes = await readFile(whole);
    const cut = join(home, "cut.tar.gz");
    await writeFile(cut, bytes.subarray(0, bytes.length >> 1));
    expect((await refused(look(cut))).code).toBe("archiveInvalid");
  });

  test("a zip that says less than it holds, and one that is cut", async () => {
    const files = { "a/1.png": await drawing(1), "b/2.png": await drawing(2) };
    const cut = await zipOf(files, (bytes) => bytes.subarray(0, bytes.length - 30));
    expect((await refused(look(cut))).code).toBe("archiveInvalid");
    const bomb = { "a/1.bmp": Buffer.alloc(5_000_000), "b/2.png": await drawing(2) };
    const lying = await zipOf(bomb, (bytes) => {
      const copy = Buffer.from(bytes);
      for (let at = copy.indexOf("PK\x01\x02", 0, "latin1"); at >= 0; at = copy.indexOf("PK\x01\x02", at + 4, "latin1"))
        if (copy.readUInt32LE(at + 24) === 5_000_000) copy.writeUInt32LE(1000, at + 24);
      return copy;
    });
    expect((await look(lying)).profile.problems.find(({ file }) => file === "a/1.bmp")?.code).toBe("pictureUnreadable");
  });
});

function bmp24(width: number, height: number, { r, g, b }: { r: number; g: number; b: number }): Buffer {
  const bytes = bmpOf(24, width, height, false);
  const stride = Math.ceil((width * 24) / 32) * 4;
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) bytes.set([b, g, r], 54 + y * stride + x * 3);
  return bytes;
}

function bmpOf(bits: 1 | 4 | 8 | 24 | 32, width: number, height: number, down: boolean): Buffer {
  const palette = bits <= 8 ? 2 ** bits * 4 : 0;
  const stride = Math.ceil((width * bits) / 32) * 4;
  const bytes = Buffer.alloc(54 + palette + stride * height, 0x55);
  bytes.fill(0, 0, 54);
  bytes.write("BM");
  bytes.writeUInt32LE(54 + palette, 10);
  bytes.writeUInt32LE(40, 14);
  bytes.writeInt32LE(width, 18);
  bytes.writeInt32LE(down ? -height : height, 22);
  bytes.writeUInt16LE(1, 26);
  bytes.writeUInt16LE(bits, 28);
  return bytes;
}
