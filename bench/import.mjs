// What importing a table costs beside the engine alone, in turn in processes of their own: a CSV of mixed columns into an on-disk database.
//   node bench/import.mjs [--rows 1000000] [--columns 12,20] [--turns 3] [--format csv|jsonl|parquet] [--keep DIR]
// "duckdb": CREATE TABLE … AS SELECT * FROM read_csv(file) through the same package, with SUMMARIZE as a figure beside it. "import": all that a
// dropped file goes through till its profile is shown. Processor seconds (user and system), seconds by the clock, peak memory in MB.
import { spawnSync } from "node:child_process";
import { mkdtempSync, mkdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundle } from "../scripts/bundle.mjs";

const args = process.argv.slice(2);
const flag = (name, usual) => (args.includes(`--${name}`) ? args[args.indexOf(`--${name}`) + 1] : usual);
const rows = Number(flag("rows", 1_000_000));
const turns = Number(flag("turns", 3));
const format = flag("format", "csv");
const keep = flag("keep");
const folder = keep ?? mkdtempSync(join(tmpdir(), "paddock-import-"));
mkdirSync(folder, { recursive: true });
const program = await bundle(join(dirname(fileURLToPath(import.meta.url)), "import.ts"));
const child = (...rest) => {
  const { stdout, stderr, status } = spawnSync(process.execPath, [program, ...rest.map(String)], { encoding: "utf8", maxBuffer: 1 << 28 });
  if (status !== 0) throw new Error(stderr || stdout);
  return stdout.trim() === "" ? undefined : JSON.parse(stdout);
};
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
try {
  for (const columns of flag("columns", "12,20").split(",").map(Number)) {
    const file = join(folder, `rows${rows}x${columns}.${format}`);
    child("make", file, rows, columns);
    console.log(`${rows} rows × ${columns} columns, ${format}, ${(statSync(file).size / 1e6).toFixed(0)} MB`);
    const ways = ["duckdb", "duckdb+summarize", "import"];
    const found = Object.fromEntries(ways.map((way) => [way, []]));
    for (let turn = 0; turn < turns; turn++)
      for (let i = 0; i < ways.length; i++) {
        const way = ways[(turn + i) % ways.length];
        const out = mkdtempSync(join(folder, "out-"));
        try {
          found[way].push(child(way, file, out));
        } finally {
          rmSync(out, { recursive: true, force: true });
        }
      }
    const alone = median(found.duckdb.map(({ cpu }) => cpu));
    const clock = median(found.duckdb.map(({ wall }) => wall));
    console.table(
      Object.fromEntries(
        ways.flatMap((way) => {
          const phases = Object.keys(found[way][0].phases ?? {});
          const row = (pick) => {
            const cpu = median(found[way].map((f) => pick(f).cpu));
            const wall = median(found[way].map((f) => pick(f).wall));
            return { "cpu s": +cpu.toFixed(2), ratio: +(cpu / alone).toFixed(2), "clock s": +wall.toFixed(2), "clock ratio": +(wall / clock).toFixed(2) }; // prettier-ignore
          };
          return [
            [way, { ...row((f) => f), "peak MB": median(found[way].map(({ peak }) => peak)) }],
            ...phases.map((phase) => [`  ${phase}`, row((f) => f.phases[phase])]),
          ];
        }),
      ),
    );
  }
} finally {
  if (!keep) rmSync(folder, { recursive: true, force: true });
}
