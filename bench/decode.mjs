// What decoding pictures costs beside sharp alone, in turn in processes of their own: the same files into the same squares, as many at once.
//   node bench/decode.mjs [--pictures 1000] [--width 640] [--size 64] [--turns 3]
// "decode": all pictures of a folder that was looked at before, as training takes them; "keep": the same into the cache on disk; "inspect": the
// first look (every picture decoded small, hashed, compared). Processor seconds (user and system), seconds by the clock, peak memory in MB.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundle } from "../scripts/bundle.mjs";

const args = process.argv.slice(2);
const flag = (name, usual) => Number(args.includes(`--${name}`) ? args[args.indexOf(`--${name}`) + 1] : usual);
const [pictures, width, size, turns] = [flag("pictures", 1000), flag("width", 640), flag("size", 64), flag("turns", 3)];
const folder = mkdtempSync(join(tmpdir(), "paddock-decode-"));
const program = await bundle(join(dirname(fileURLToPath(import.meta.url)), "decode.ts"));
const child = (way, cache) => {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [program, way, join(folder, "set"), pictures, size, cache, width].map(String),
    {
      encoding: "utf8",
    },
  );
  if (status !== 0) throw new Error(stderr || stdout);
  return way === "make" ? undefined : JSON.parse(stdout);
};
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
try {
  child("make", "");
  const ways = ["sharp", "decode", "keep", "inspect"];
  const found = Object.fromEntries(ways.map((way) => [way, []]));
  for (let turn = 0; turn < turns; turn++)
    for (let i = 0; i < ways.length; i++) {
      const cache = mkdtempSync(join(folder, "cache-"));
      const way = ways[(turn + i) % ways.length];
      found[way].push(child(way, cache));
      rmSync(cache, { recursive: true, force: true });
    }
  const of = (way, key) => median(found[way].map((one) => one[key]));
  console.log(`${pictures} pictures of ${width} × ${(width * 3) / 4} to ${size} × ${size}`);
  console.table(
    Object.fromEntries(
      ways.map((way) => [
        way,
        {
          "cpu s": +of(way, "cpu").toFixed(2),
          ratio: +(of(way, "cpu") / of("sharp", "cpu")).toFixed(2),
          "clock s": +of(way, "wall").toFixed(2),
          "peak MB": of(way, "peak"),
        },
      ]),
    ),
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
