// Programs of their own, built for tests that have to kill them.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { build, type Plugin } from "vite";
import { root } from "../shared.ts";

/** Bundles worker/main.ts and answers its path. @param checkpointEvery milliseconds between checkpoints */
export async function bundleWorker(name: string, checkpointEvery?: number): Promise<string> {
  return bundle(name, "worker/main.ts", checkpointEvery === undefined ? [] : [withCheckpoints(checkpointEvery)]);
}

/** Bundles a program and answers its path. Packages stay outside, so it has to lie within the checkout. */
export async function bundle(name: string, input: string, plugins: Plugin[] = []): Promise<string> {
  const outDir = join(root, "node_modules/.cache/paddock-test", `${name}-${process.pid}`);
  await mkdir(outDir, { recursive: true });
  await build({
    configFile: false,
    root,
    logLevel: "error",
    publicDir: false,
    plugins,
    build: {
      ssr: true,
      target: "node20",
      outDir,
      minify: false,
      rollupOptions: {
        input: { main: join(root, input) },
        external: (id) => !id.startsWith(".") && !id.startsWith("/") && !/^[A-Za-z]:[\\/]/.test(id),
        output: { entryFileNames: "[name].mjs", chunkFileNames: "[name]-[hash].mjs" },
      },
    },
    ssr: { noExternal: [] },
  });
  return join(outDir, "main.mjs");
}

/** The trainer's own pace is too slow for a course of seconds. */
const withCheckpoints = (every: number): Plugin => ({
  name: "checkpoints",
  transform(code, id) {
    if (!id.endsWith("worker/train/trainer.ts")) return null;
    const usual = "checkpointEvery ?? 1e4";
    const found = /checkpointEvery \?\? (?:10_000|1e4|10000)/;
    if (!found.test(code)) throw new Error(`the trainer has no '${usual}' any more`);
    return { code: code.replace(found, `checkpointEvery ?? ${every}`), map: null };
  },
});
