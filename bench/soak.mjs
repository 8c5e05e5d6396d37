// A day of use in miniature: node --expose-gc bench/soak.mjs [JOBS]     after scripts/build.mjs; 1,000 jobs unless said otherwise
// Imports, trainings, predictions, exports, chats and the rest (bench/soak.ts) against the real host; ends with 1 where anything grows.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundle } from "../scripts/bundle.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const models = process.env.PADDOCK_SHARED ?? join(root, "../shared");
const model = (path) => (existsSync(join(models, path)) ? join(models, path) : undefined);
const jobs = Number(process.argv[2] ?? 1000);
const folder = mkdtempSync(join(tmpdir(), "paddock-soak-"));
if (!globalThis.gc) console.log("Without --expose-gc the heap is counted with its garbage.");

const { soak, growth, grown } = await import(await bundle(join(root, "bench/soak.ts")));
const MB = (bytes) => (bytes / 1e6).toFixed(1);
const isBytes = (what) => ["heap", "host", "warm", "talking"].includes(what);
const began = performance.now();
try {
  const {
    rounds,
    jobs: done,
    kinds,
  } = await soak({
    workspace: join(folder, "workspace"),
    temporary: join(folder, "tmp"),
    entry: join(root, "dist/worker/main.js"),
    jobs,
    gguf: model("models/gguf/stories260K/stories260K-Q8_0.gguf"),
    onnx: model("models/onnx/mnist8/mnist-8.onnx"),
    onRound(round, count, now) {
      if (round % 5 === 0 || round === 1)
        console.log(
          `${count} jobs, ${((performance.now() - began) / 1000).toFixed(0)} s: ` +
            Object.entries(now)
              .map(([what, value]) => `${what} ${isBytes(what) ? `${MB(value)} MB` : value}`)
              .join(", "),
        );
    },
  });
  if (process.env.PADDOCK_SOAK_OUT) writeFileSync(process.env.PADDOCK_SOAK_OUT, JSON.stringify(rounds));
  const seconds = (performance.now() - began) / 1000;
  console.log(
    `${done} jobs in ${rounds.length} rounds, ${seconds.toFixed(0)} s: ${Object.entries(kinds)
      .map(([kind, n]) => `${n} × ${kind}`)
      .join(", ")}`,
  );
  const all = growth(rounds);
  for (const { what, from, to, limit } of all) {
    const [a, b, c] = isBytes(what)
      ? [MB(from), MB(to), MB(limit)].map((text) => `${text} MB`)
      : [from, to, limit].map((n) => n.toFixed(1));
    console.log(`  ${what}: ${a} → ${b} (may grow by ${c})`);
  }
  const bad = grown(all);
  if (bad.length > 0) console.log(`Grew: ${bad.map(({ what }) => what).join(", ")}`);
  process.exitCode = bad.length > 0 ? 1 : 0;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
