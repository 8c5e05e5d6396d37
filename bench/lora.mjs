// Fine-tuning beside PEFT on PyTorch: the same model of random weights (32 million), adapter, rows and order; in turn, in processes of their own.
//   node bench/lora.mjs --peer PYTHON [--steps 12] [--batch 4] [--turns 3] [--keep DIR]
// Prints step times with their ratio, the largest difference of a loss, and peak memory: LoRA in float32 on both sides, and QLoRA over Q4_0.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundle } from "../scripts/bundle.mjs";

const args = process.argv.slice(2);
const flag = (name, usual) => (args.includes(`--${name}`) ? args[args.indexOf(`--${name}`) + 1] : usual);
const peer = flag("peer");
if (!peer) throw new Error("name a Python with torch, transformers, peft and gguf: --peer PYTHON");
const [steps, batch, turns] = [flag("steps", 12), flag("batch", 4), Number(flag("turns", 3))];
const here = dirname(fileURLToPath(import.meta.url));
const folder = flag("keep") ?? mkdtempSync(join(tmpdir(), "paddock-lora-"));
mkdirSync(folder, { recursive: true });
const run = (program, ...rest) => {
  // Ours as its worker is started (main/childWorker.ts).
  const env = program === process.execPath ? { ...process.env, MALLOC_MMAP_THRESHOLD_: "131072" } : process.env;
  const { stdout, stderr, status } = spawnSync(program, rest.map(String), { env, encoding: "utf8", maxBuffer: 1 << 28 });
  if (status !== 0) throw new Error(stderr || stdout);
  return stdout.trim() === "" ? undefined : JSON.parse(stdout.trim().split("\n").at(-1));
};
const ours = await bundle(join(here, "lora.ts"));
const theirs = join(here, "peer/lora.py");
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
try {
  if (!existsSync(join(folder, "rows.jsonl"))) run(peer, theirs, "make", folder);
  const found = { peft: [], lora: [], qlora: [] };
  for (let turn = 0; turn < turns; turn++) {
    found.peft.push(run(peer, theirs, "train", folder, steps, batch, 2));
    for (const way of ["lora", "qlora"]) found[way].push(run(process.execPath, "--max-semi-space-size=4", ours, folder, way, steps, batch));
  }
  const time = (way) => median(found[way].map(({ stepMs }) => stepMs));
  const peak = (way) => median(found[way].map(({ peakBytes }) => peakBytes));
  const row = (way) => ({
    "step ms": Math.round(time(way)),
    ratio: +(time(way) / time("peft")).toFixed(2),
    "peak MB": Math.round(peak(way) / 1e6),
    "of PyTorch": +(peak(way) / peak("peft")).toFixed(2),
    "steps alone": +(median(found[way].map(({ stepBytes, peakBytes }) => stepBytes ?? peakBytes)) / peak("peft")).toFixed(2),
    "largest loss gap": +Math.max(...found[way][0].losses.map((loss, i) => Math.abs(loss - found.peft[0].losses[i]) / loss)).toPrecision(2),
  });
  console.table({ "PEFT LoRA": row("peft"), LoRA: row("lora"), "QLoRA Q4_0": row("qlora") });
} finally {
  if (!flag("keep")) rmSync(folder, { recursive: true, force: true });
}
