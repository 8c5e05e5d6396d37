// One case of bench/decode.mjs, in a process of its own: `make` writes pictures, the others read them and print {cpu, wall, peak}.
import { mkdirSync, readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { square } from "../worker/data/images/decode.ts";
import { inOrder } from "../worker/data/images/inOrder.ts";
import { atOnce, openPictures } from "../worker/data/images/pictures.ts";
import { decodeAll, openPixels } from "../worker/data/images/pixels.ts";
import { Random } from "../worker/random.ts";

const [way, folder, count, size, cache, width] = process.argv.slice(2) as [string, string, string, string, string, string];
const side = Number(size);

/** Circles and stripes on noise, as JPEG files in four class folders. */
async function make(): Promise<void> {
  const random = new Random(3, "decode");
  for (const name of ["a", "b", "c", "d"]) mkdirSync(join(folder, name), { recursive: true });
  for (let i = 0; i < Number(count); i++) {
    const noise = Buffer.from(Uint8Array.from({ length: 80 * 60 * 3 }, () => random.next() >>> 24));
    const circle = `<svg width="${width}" height="${(Number(width) * 3) / 4}" viewBox="0 0 640 480"><circle cx="${Math.floor(random.uniform() * 640)}" cy="${Math.floor(random.uniform() * 480)}" r="${20 + i % 90}" fill="hsl(${i % 360},80%,50%)"/></svg>`; // prettier-ignore
    await sharp(noise, { raw: { width: 80, height: 60, channels: 3 } })
      .resize(Number(width), (Number(width) * 3) / 4)
      .composite([{ input: Buffer.from(circle) }])
      .jpeg({ quality: 88 })
      .toFile(join(folder, "abcd"[i % 4]!, `${i}.jpg`));
  }
}

/** The same pictures into the same squares by sharp, as many at once. */
async function alone(): Promise<number> {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".jpg"));
  async function* names() {
    for (const name of files) yield await Promise.resolve(name);
  }
  let bytes = 0;
  for await (const pixels of inOrder(names(), atOnce, async (name) =>
    square(sharp(await readFile(join(folder, name)), { sequentialRead: true, autoOrient: true }), side)
      .raw()
      .toBuffer(),
  ))
    bytes += pixels.length;
  return bytes;
}

if (way === "make") await make();
else {
  const set = way === "decode" || way === "keep" ? await openPictures(folder, { cache }) : undefined;
  const from = process.cpuUsage();
  const began = performance.now();
  if (way === "sharp") await alone();
  else if (way === "inspect") await openPictures(folder, { cache });
  else if (way === "decode") for await (const { pixels } of decodeAll(set!, side)) void pixels;
  else await (await openPixels(set!, side, { cache })).close();
  const { user, system } = process.cpuUsage(from);
  const peak = Math.round(process.resourceUsage().maxRSS / 1024);
  console.log(JSON.stringify({ cpu: (user + system) / 1e6, wall: (performance.now() - began) / 1000, peak }));
}
