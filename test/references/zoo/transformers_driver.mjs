// The worker's `grad` and `train-step` for the sweep: bundles worker/train/graphFiles.ts once, then answers one JSON line for each
// JSON line on stdin: {call: "grad" | "step", spec} → {ok, value | error, seconds}.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const root = join(dirname(fileURLToPath(import.meta.url)), "../../..");
mkdirSync(join(root, "dist"), { recursive: true });
const outDir = mkdtempSync(join(root, "dist/zoo-"));
process.on("exit", () => rmSync(outDir, { recursive: true, force: true }));
await build({
  configFile: false,
  root,
  logLevel: "error",
  publicDir: false,
  build: {
    ssr: true,
    target: "node20",
    outDir,
    minify: false,
    rollupOptions: {
      input: { graphs: join(root, "worker/train/graphFiles.ts") },
      external: (id) => !id.startsWith(".") && !id.startsWith("/") && !id.startsWith("\0"),
    },
  },
});
const { writeGradients, writeStep } = await import(join(outDir, "graphs.js"));
console.log("ready");

for await (const line of createInterface({ input: process.stdin })) {
  const { call, spec } = JSON.parse(line);
  const started = performance.now();
  const answer = await (call === "grad" ? writeGradients : writeStep)(spec).then(
    (value) => ({ ok: true, value }),
    (error) => ({ ok: false, error: { code: error.code ?? error.name, message: error.message, stack: error.code ? undefined : error.stack } }),
  );
  console.log(JSON.stringify({ ...answer, seconds: (performance.now() - started) / 1000 }));
}
