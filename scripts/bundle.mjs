// TypeScript of the checkout as a module that Node runs: for benches and for the sweeps under test/references. Packages stay outside, so it is
// put into node_modules, where they are found.
import { mkdtempSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Bundles one file and answers the module's path, in a folder that goes when this process ends. */
export async function bundle(file) {
  const outDir = mkdtempSync(join(root, "node_modules/.bundle-"));
  process.on("exit", () => rmSync(outDir, { recursive: true, force: true }));
  const name = basename(file, ".ts");
  await build({
    configFile: false,
    root,
    logLevel: "error",
    publicDir: false,
    build: {
      ssr: file,
      outDir,
      target: "node20",
      minify: false,
      rollupOptions: {
        external: (id) => !id.startsWith(".") && !id.startsWith("/") && !id.startsWith("\0") && !/^[A-Za-z]:[\\/]/.test(id),
        output: { entryFileNames: `${name}.mjs` },
      },
    },
  });
  return join(outDir, `${name}.mjs`);
}
