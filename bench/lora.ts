// One side of bench/lora.mjs: a whole run, as `paddock train` makes it. Prints {losses, stepMs, peakBytes}.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Control } from "../worker/train/control.ts";
import { peakMemory } from "../worker/train/memory.ts";
import { trainRun } from "../worker/train/run.ts";

const [folder, way, steps, batch] = process.argv.slice(2) as [string, "lora" | "qlora", string, string];
const out = mkdtempSync(join(tmpdir(), "paddock-lora-run-"));
const { signal } = new AbortController();
/** Seconds of training after each step. */
const at = new Map<number, number>();
/** The most that the process held till the last step, before anything is judged. */
let stepBytes = 0;
try {
  const result = await trainRun({
    run: join(out, "run"),
    cache: join(out, "cache"),
    control: new Control(signal),
    signal,
    spec: {
      data: join(folder, "rows.jsonl"),
      model: way === "lora" ? join(folder, "model") : join(folder, "model-Q4_0.gguf"),
      method: way,
      initAdapter: join(folder, "adapter"),
      batch: Number(batch),
      steps: Number(steps),
      lr: 1e-3,
      schedule: "constant",
      weightDecay: 0,
      shuffle: false,
      split: false,
      logLosses: true,
      device: "cpu",
    },
    onProgress: ({ state, step, seconds }) => {
      if (step > 0 && !at.has(step)) at.set(step, seconds);
      if (state === "running") stepBytes = peakMemory();
    },
    onPoint: () => {},
  });
  const seen = [...at].sort((a, b) => a[0] - b[0]).filter(([step]) => step >= 2 && step <= Number(steps));
  const [first, last] = [seen[0]!, seen.at(-1)!];
  const stepMs = (1000 * (last[1] - first[1])) / (last[0] - first[0]);
  console.log(JSON.stringify({ losses: result.losses, stepMs, stepBytes, peakBytes: peakMemory() }));
} finally {
  rmSync(out, { recursive: true, force: true });
}
