// Builds everything into dist/: the renderer as a site, the host's doors and the worker as plain Node modules whose packages stay
// outside, the preload as CommonJS (a sandboxed preload must be).
import { readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Compiled into the worker: of TensorFlow.js only the loader and the plain processor backend are needed, a fraction of the packages. */
const compiled = /^(@tensorflow\/tfjs-(core|converter|backend-cpu)|seedrandom|long|@types\/long)($|\/)/;

/** Everything else that is not ours stays an import: packages by name, Node's own modules, electron. */
function external(id) {
  return !compiled.test(id) && !id.startsWith(".") && !id.startsWith("/") && !/^[A-Za-z]:[\\/]/.test(id) && !id.startsWith("\0");
}

function nodeBuild({ outDir, entries, format = "es", extension = "js" }) {
  return {
    configFile: false,
    root,
    logLevel: "error",
    publicDir: false,
    build: {
      ssr: true,
      target: "node20",
      outDir,
      emptyOutDir: false,
      minify: false,
      sourcemap: true,
      rollupOptions: {
        input: entries,
        external,
        output: { format, entryFileNames: `[name].${extension}`, chunkFileNames: "[name]-[hash].js" },
      },
    },
    ssr: { noExternal: [compiled], external: builtinModules },
    define: {
      __PADDOCK_VERSION__: JSON.stringify(JSON.parse(readFileSync(join(root, "package.json"), "utf8")).version),
      // The public key that updates are checked by (scripts/signUpdate.mjs makes one); a build without it takes no update.
      __PADDOCK_UPDATE_KEY__: JSON.stringify(process.env["PADDOCK_UPDATE_KEY"]?.trim() ?? ""),
    },
  };
}

/** Builds all parts. `parts` narrows it: "renderer", "main", "worker". Throws what vite throws. */
export async function build(parts = ["worker", "main", "renderer"]) {
  const { build: vite } = await import("vite");
  const { rmSync } = await import("node:fs");
  const at = (path) => join(root, path);
  for (const part of parts) rmSync(at(`dist/${part}`), { recursive: true, force: true });
  const jobs = {
    worker: async () => vite(nodeBuild({ outDir: at("dist/worker"), entries: { main: at("worker/main.ts") } })),
    main: async () => {
      await vite(
        nodeBuild({
          outDir: at("dist/main"),
          entries: { main: at("main/main.ts"), web: at("main/web.ts"), cli: at("main/cli.ts") },
        }),
      );
      await vite(nodeBuild({ outDir: at("dist/main"), entries: { preload: at("main/preload.ts") }, format: "cjs", extension: "cjs" }));
    },
    renderer: async () => vite({ configFile: at("vite.config.ts"), root: at("renderer"), logLevel: "error" }),
  };
  for (const part of parts) await jobs[part]();
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const started = performance.now();
  await build(process.argv.length > 2 ? process.argv.slice(2) : undefined);
  console.log(`built in ${((performance.now() - started) / 1000).toFixed(1)} s`);
}
