// Bundles bench/step.ts and runs it in this process. With --peer PYTHON (one that has torch) PyTorch's times for the same nets follow.
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { bundle } from "../scripts/bundle.mjs";

const at = process.argv.indexOf("--peer");
const peer = at > 0 ? process.argv.splice(at, 2)[1] : undefined;
const here = dirname(fileURLToPath(import.meta.url));
await import(pathToFileURL(await bundle(join(here, "step.ts"))).href);
if (peer) {
  const threads = process.argv[process.argv.indexOf("--threads") + 1];
  const { status } = spawnSync(peer, [join(here, "step.py"), /^\d+$/.test(threads) ? threads : "2"], { stdio: "inherit" });
  if (status !== 0) console.log(`PyTorch's times are left out: ${peer} ended with ${status}`);
}
