// Bundles bench/linear.ts and runs it in this process: whether cost grows as the work does.
import { mkdtempSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "vite";

const here = dirname(fileURLToPath(import.meta.url));
const out = mkdtempSync(join(here, "../node_modules/.bench-"));
try {
  await build({
    configFile: false,
    logLevel: "error",
    build: {
      ssr: join(here, "linear.ts"),
      outDir: out,
      target: "node20",
      rollupOptions: { external: ["onnxruntime-node"], output: { entryFileNames: "linear.mjs" } },
    },
  });
  await import(pathToFileURL(join(out, "linear.mjs")).href);
} finally {
  rmSync(out, { recursive: true, force: true });
}
