// The worker as a program of its own, built for a test that has to kill it.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { build } from "vite";
import { root } from "../shared.ts";

/** Bundles worker/main.ts and answers its path. Packages stay outside, so it has to lie within the checkout. */
export async function bundleWorker(name: string): Promise<string> {
  const outDir = join(root, "node_modules/.cache/paddock-test", `${name}-${process.pid}`);
  await mkdir(outDir, { recursive: true });
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
        input: { main: join(root, "worker/main.ts") },
        external: (id) => !id.startsWith(".") && !id.startsWith("/") && !/^[A-Za-z]:[\\/]/.test(id),
        output: { entryFileNames: "[name].mjs", chunkFileNames: "[name]-[hash].mjs" },
      },
    },
    ssr: { noExternal: [] },
  });
  return join(outDir, "main.mjs");
}
