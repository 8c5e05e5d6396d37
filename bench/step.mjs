// Bundles bench/step.ts and runs it in this process: node bench/step.mjs --help is the head of that file.
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
      ssr: join(here, "step.ts"),
      outDir: out,
      target: "node20",
      rollupOptions: { external: ["onnxruntime-node"], output: { entryFileNames: "step.mjs" } },
    },
  });
  await import(pathToFileURL(join(out, "step.mjs")).href);
} finally {
  rmSync(out, { recursive: true, force: true });
}
