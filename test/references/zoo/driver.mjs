// Makes gradient graphs for the sweep (sweep.py): one line of JSON in ({model, loss, out, wrt?}), one line out ({} or {code, message}). The
// worker is bundled first, into dist/zoo of the checkout.
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "vite";

const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));
const outDir = join(root, "dist/zoo", String(process.pid));
mkdirSync(outDir, { recursive: true });
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
      input: { files: join(root, "worker/train/graphFiles.ts") },
      external: (id) => !id.startsWith(".") && !id.startsWith("/") && !/^[A-Za-z]:[\\/]/.test(id),
      output: { entryFileNames: "[name].mjs" },
    },
  },
  ssr: { noExternal: [] },
});
const { writeGradients } = await import(pathToFileURL(join(outDir, "files.mjs")).href);

process.stdout.write(`${JSON.stringify({ ready: true })}\n`);
for await (const line of createInterface({ input: process.stdin })) {
  const started = performance.now();
  let answer;
  try {
    await writeGradients(JSON.parse(line));
    answer = {};
  } catch (error) {
    answer = { code: error.code ?? error.name, message: error.code ? error.message : String(error.stack) };
  }
  process.stdout.write(`${JSON.stringify({ ...answer, ms: Math.round(performance.now() - started) })}\n`);
}
