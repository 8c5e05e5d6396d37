// Memory plans beside what the built command line takes: node bench/plan.mjs MODEL… (after scripts/build.mjs).
// Inference is measured on `paddock chat` (language models), `logits`, and the trial of any ONNX file; lora and qlora on `paddock train`.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const { values, positionals } = parseArgs({ allowPositionals: true, options: { context: { type: "string", default: "256" } } });
const cli = join(dirname(dirname(fileURLToPath(import.meta.url))), "dist/main/cli.js");
const home = mkdtempSync(join(tmpdir(), "paddock-plan-"));
const MiB = (bytes) => (bytes / 2 ** 20).toFixed(0);

function paddock(...args) {
  const { stdout } = spawnSync(process.execPath, [cli, ...args, "--json"], {
    env: { ...process.env, PADDOCK_HOME: home },
    encoding: "utf8",
  });
  const answer = JSON.parse(stdout || "{}");
  if (answer.error) throw new Error(`paddock ${args[0]}: ${answer.error.message}`);
  return answer;
}

const words = "the cat sat on a mat and the dog ran to it in the sun while all was well ".repeat(60);
const lessons = (letters) => {
  const path = join(home, `${letters}.jsonl`);
  const row = (i) => JSON.stringify({ prompt: `Tell me of number ${i}.`, completion: words.slice(i % 40, (i % 40) + letters) });
  writeFileSync(path, Array.from({ length: 60 }, (_, i) => row(i)).join("\n"));
  return path;
};

const rows = [];
const add = (model, what, forecast, measured) =>
  rows.push({
    model: model.split("/").slice(-2).join("/"),
    what,
    "forecast MiB": MiB(forecast),
    "measured MiB": MiB(measured),
    ratio: (forecast / measured).toFixed(2),
  });
try {
  for (const model of positionals) {
    try {
      const planned = paddock("plan", model);
      if (planned.kind === "onnx") {
        const tried = paddock("plan", model, "--try");
        add(model, "inference", tried.uncorrected, tried.measured.bytes);
        continue;
      }
      add(model, "chat", planned.uncorrected, paddock("chat", model, "--prompt", "Once upon a time", "--max-tokens", "64").peakMemoryBytes);
      const tokens = Array.from({ length: Number(values.context) }, (_, i) => (i * 7) % 256).join(",");
      const read = paddock("plan", model, "--context", values.context);
      add(model, `logits of ${values.context}`, read.uncorrected, paddock("logits", model, "--tokens", tokens).peakMemoryBytes);
      const method = planned.settings.bits <= 8 ? "qlora" : "lora";
      for (const [batch, letters] of [
        [4, 200],
        [8, 900],
      ]) {
        const out = join(home, `run-${rows.length}`);
        const run = paddock(
          "train",
          lessons(letters),
          "--model",
          model,
          "--method",
          method,
          "--batch",
          String(batch),
          "--steps",
          "6",
          "--out",
          out,
        );
        const context = JSON.parse(readFileSync(join(out, "run.json"), "utf8")).plan.tune.longest;
        const tuned = paddock("plan", model, "--method", method, "--batch", String(batch), "--context", String(context));
        add(model, `${method} ${batch}×${context}`, tuned.uncorrected, run.peakMemoryBytes);
      }
      const tried = paddock("plan", model, "--method", method, "--try");
      add(model, `${method}, one step tried`, tried.uncorrected, tried.measured.bytes);
    } catch (error) {
      rows.push({ model, what: error.message });
    }
  }
} finally {
  rmSync(home, { recursive: true, force: true });
}
console.table(rows);
