// Pages of pictures and their small drawings, out of a folder and every kind of archive.
import { mkdir, mkdtemp, readdir, rm, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import sharp, { type Sharp } from "sharp";
import { create as createTar } from "tar";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Gallery } from "./gallery.ts";

let home: string;
let folder: string;
const long = `${"deep".repeat(20)}/${"name".repeat(30)}.png`;
const options = () => ({ cache: join(home, "cache") });

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "paddock-gallery-"));
  folder = join(home, "set");
  const put = async (name: string, picture: Sharp) => {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), await picture.toBuffer());
  };
  const plain = (shade: number, width: number, height: number) =>
    sharp({ create: { width, height, channels: 3, background: { r: shade, g: 10, b: 10 } } });
  await put("cats/1.png", plain(10, 20, 30).png());
  await put("cats/2.png", plain(60, 20, 20).png());
  await put(`dogs/${long}`, plain(110, 20, 20).png());
  // Lies on its side, as a phone writes it.
  await put("dogs/turned.jpg", plain(160, 400, 200).jpeg().withMetadata({ orientation: 6 }));
});
afterAll(() => rm(home, { recursive: true, force: true }));

test("a page holds the classes in turn, or one of them", async () => {
  const gallery = new Gallery();
  const all = await gallery.list(folder, { offset: 0, limit: 3 }, options());
  expect(all.total).toBe(4);
  expect(all.pictures.map((one) => one.class)).toEqual(["cats", "dogs", "cats"]);
  const dogs = await gallery.list(folder, { of: "dogs", offset: 1, limit: 10 }, options());
  expect(dogs).toEqual({ total: 2, pictures: [{ name: "dogs/turned.jpg", class: "dogs", width: 200, height: 400 }] });
});

test("drawings come from a folder, a tar and a tar.gz alike, upright and within the size", async () => {
  const names = ["dogs/turned.jpg", "cats/1.png", "nobody.png", `dogs/${long}`];
  const tar = join(home, "set.tar");
  await createTar({ file: tar, cwd: folder }, ["cats", "dogs"]);
  const packed = join(home, "set.tgz");
  await createTar({ file: packed, cwd: folder, gzip: true }, ["cats", "dogs"]);
  const drawn = [];
  for (const path of [folder, tar, packed]) {
    await rm(join(home, "cache"), { recursive: true, force: true }); // a drawing of the same picture would be taken from there
    drawn.push(await new Gallery().thumbnails(path, names, 100, options()));
  }
  const [first] = drawn;
  expect(first![2]).toBe(null);
  expect(drawn[1]).toEqual(first);
  expect(drawn[2]).toEqual(first);
  const sizes = await Promise.all([first![0]!, first![1]!].map(async (bytes) => sharp(bytes).metadata()));
  expect(sizes.map(({ width, height, format }) => [width, height, format])).toEqual([
    [50, 100, "jpeg"],
    [20, 30, "png"],
  ]);
});

test("what was drawn stays in the cache; a torn file there is drawn anew, a picture that is gone is told", async () => {
  const gallery = new Gallery();
  const one = await gallery.thumbnails(folder, ["cats/1.png", "cats/2.png"], 32, options());
  const kept = (await readdir(join(home, "cache", "pictures"))).filter((name) => name.startsWith("thumbnails-"));
  expect(kept.length).toBeGreaterThan(0);
  await unlink(join(folder, "cats/1.png"));
  expect(await gallery.thumbnails(folder, ["cats/1.png", "cats/2.png"], 32, options())).toEqual(one);
  for (const name of kept) await writeFile(join(home, "cache", "pictures", name), "torn");
  expect(await gallery.thumbnails(folder, ["cats/1.png", "cats/2.png"], 32, options())).toEqual([null, one[1]]);
});
