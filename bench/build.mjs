// How long a training step takes to make: read, differentiate, write, in CPU seconds (user and system) of a process that does nothing else.
//   node bench/build.mjs [--runs 3] [--profile DIR] [model.onnx…]
// Without files: three graphs of its own (a chain of 10,000 nodes and of 5,000, a transformer of 24 layers), the least of the runs each.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundle } from "../scripts/bundle.mjs";

const args = process.argv.slice(2);
const flag = (name) => {
  const at = args.indexOf(`--${name}`);
  return at < 0 ? undefined : args.splice(at, 2)[1];
};
const runs = Number(flag("runs") ?? 3);
const profile = flag("profile");
const here = dirname(fileURLToPath(import.meta.url));
const out = mkdtempSync(join(tmpdir(), "paddock-build-"));
try {
  const program = await bundle(join(here, "build.ts"));
  const profiled = profile ? ["--cpu-prof", `--cpu-prof-dir=${profile}`] : [];
  const child = (...rest) => spawnSync(process.execPath, [...profiled, program, ...rest], { encoding: "utf8" });
  const cases = args.length ? args : ["chain 10000", "chain 5000", "transformer 24"];
  for (const each of cases) {
    const found = Array.from({ length: runs }, () => {
      const { stdout, stderr, status } = child(each, join(out, "step.onnx"));
      if (status !== 0) throw new Error(stderr);
      return JSON.parse(stdout);
    });
    const least = Math.min(...found.map((f) => f.seconds));
    const { before, after, megabytes } = found[0];
    console.log(`${each}: ${least.toFixed(2)} s of CPU, ${before} nodes → ${after}, ${megabytes} MB at most`);
  }
} finally {
  rmSync(out, { recursive: true, force: true });
}
