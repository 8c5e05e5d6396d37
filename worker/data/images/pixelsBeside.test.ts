import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AppError } from "../../../ipc/error.ts";
import { openPictures, type Pictures } from "./pictures.ts";
import { openPixels } from "./pixels.ts";
import { openPixelsBeside } from "./pixelsBeside.ts";

const rows = 90;
const size = 8;
let root: string;
let set: Pictures;
const cacheOf = (name: string): string => join(root, `cache-${name}`);
const kept = async (cache: string): Promise<string[]> =>
  (await readdir(join(cache, "pictures"))).filter((name) => name.startsWith("pixels-"));

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "paddock-beside-"));
  for (const name of ["a", "b"]) await mkdir(join(root, "set", name), { recursive: true });
  for (let i = 0; i < rows; i++) {
    const colour = { r: (i * 37) % 256, g: (i * 91) % 256, b: (i * 53) % 256 };
    const bytes = await sharp({ create: { width: 20, height: 20, channels: 3, background: colour } })
      .png()
      .toBuffer();
    await writeFile(join(root, "set", i % 2 ? "a" : "b", `${i}.png`), bytes);
  }
  set = await openPictures(join(root, "set"), { cache: cacheOf("set") });
});
afterAll(() => rm(root, { recursive: true, force: true }));

describe("pixels decoded while they are learned from", () => {
  test("are those that are decoded before, in whatever order they are asked for, and are kept the same way", async () => {
    const before = await openPixels(set, size, { cache: cacheOf("before") });
    const beside = await openPixelsBeside(set, size, { cache: cacheOf("beside") });
    const backwards = Uint32Array.from({ length: rows }, (_, i) => rows - 1 - i);
    const [some, all] = await Promise.all([beside.read(Uint32Array.of(80, 3, 80)), beside.read(backwards)]);
    expect(some).toEqual(await before.read(Uint32Array.of(80, 3, 80)));
    expect(all).toEqual(await before.read(backwards));
    await Promise.all([before.close(), beside.close()]);
    expect(await kept(cacheOf("beside"))).toEqual(await kept(cacheOf("before")));
    const again = await openPixelsBeside(set, size, { cache: cacheOf("beside") });
    expect(again.ahead).toBeUndefined();
    expect(await again.read(backwards)).toEqual(all);
    await again.close();
  });

  test("what is wanted comes first; a run that ends before all are there leaves nothing", async () => {
    const decoded: string[] = [];
    const entry = set.source.entry!;
    const watched: Pictures = {
      ...set,
      source: {
        ...set.source,
        entry: async (name) => {
          decoded.push(name);
          return entry(name);
        },
      },
    };
    const pixels = await openPixelsBeside(watched, size, { cache: cacheOf("first") });
    await pixels.ahead!([rows - 1]);
    expect(decoded.indexOf(set.pictures[rows - 1]!.name)).toBeLessThan(rows / 2);
    await pixels.close();
    expect(decoded.length).toBeLessThan(rows);
    expect(await readdir(join(cacheOf("first"), "pictures"))).toEqual([]);
  });

  test("a picture that is gone, and a call that is cancelled, are told to whoever reads", async () => {
    const gone = await openPixelsBeside(
      { ...set, pictures: set.pictures.map((p, i) => (i === 5 ? { ...p, name: "a/gone.png" } : p)) },
      size,
      {
        cache: cacheOf("gone"),
      },
    );
    const thrown = await gone.read(Uint32Array.of(5)).catch((error: unknown) => error as AppError);
    expect(thrown).toMatchObject({ code: "fileChanged" });
    expect((thrown as AppError).message).toContain("a/gone.png");
    await expect(gone.read(Uint32Array.of(0))).rejects.toMatchObject({ code: "fileChanged" });
    await gone.close();
    const stop = new AbortController();
    const pixels = await openPixelsBeside(set, size, { cache: cacheOf("stopped"), signal: stop.signal });
    const reading = pixels.read(Uint32Array.from({ length: rows }, (_, i) => i));
    stop.abort(new Error("enough"));
    await expect(reading).rejects.toThrow("enough");
    await pixels.close();
    expect(await readdir(join(cacheOf("stopped"), "pictures"))).toEqual([]);
  });
});
