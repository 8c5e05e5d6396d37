// Trains on real tables and prints each beside scikit-learn on the same rows: node bench/tables.mjs [names…] [--config JSON] [--spec JSON]
// [--seeds 1,2] [--no-peer]. Wants the shared data, and (for the peer) a Python with scikit-learn.
import { fileURLToPath, pathToFileURL } from "node:url";
import { builtinModules } from "node:module";
import { join } from "node:path";

const root = fileURLToPath(new URL("..", import.meta.url));
const outDir = join(root, "node_modules/.cache/bench");
const { build } = await import("vite");
await build({
  configFile: false,
  root,
  logLevel: "warn",
  publicDir: false,
  build: {
    ssr: true,
    target: "node20",
    outDir,
    emptyOutDir: false,
    minify: false,
    rollupOptions: {
      input: { tables: join(root, "bench/tables.ts") },
      external: (id) => !id.startsWith(".") && !id.startsWith("/"),
      output: { entryFileNames: "[name].mjs" },
    },
  },
  ssr: { noExternal: [], external: builtinModules },
});
await import(pathToFileURL(join(outDir, "tables.mjs")).href);
