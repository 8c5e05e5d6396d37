// Memory and time of training steps with and without recomputation, each in a process of its own: reckoned and measured growth in MB, their
// ratio, CPU milliseconds a step. Run with: node bench/memory.mjs [batch factor]
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundle } from "../scripts/bundle.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const factor = Number(process.argv[2] ?? 1);
const cases = [
  ["32 layers of 64, ReLU", 8192],
  ["4 layers of 1536, AdamW", 1024],
  ["8 attention blocks of 64, 64 tokens", 64],
  ["10 convolutions of 16 at 32²", 64],
];
const program = await bundle(join(here, "memory.ts"));
const rows = [];
for (const [name, batch] of cases)
  for (const again of ["0", "auto"]) {
    const args = ["--expose-gc", program, name, String(batch * factor), again, "4"];
    const child = spawnSync(process.execPath, args, { encoding: "utf8" });
    if (child.status !== 0) throw new Error(child.stderr);
    const { forecast, measured, cpuMs, nodes, loss } = JSON.parse(child.stdout);
    const mb = (bytes) => Math.round(bytes / 2 ** 20);
    rows.push({
      net: name,
      recompute: again,
      nodes,
      "reckoned MB": mb(forecast.total),
      "measured MB": mb(measured),
      ratio: Number((forecast.total / measured).toFixed(2)),
      "cpu ms": Number(cpuMs.toFixed(1)),
      loss,
    });
  }
console.table(rows);
