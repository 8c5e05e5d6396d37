// The worker's `grad` and `train-step` for the sweep: bundles worker/train/graphFiles.ts once, then answers one JSON line for each
// JSON line on stdin: {call: "grad" | "step", spec} → {ok, value | error, seconds}.
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath, pathToFileURL } from "node:url";
import { bundle } from "../../../scripts/bundle.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "../../..");
const { writeGradients, writeStep } = await import(pathToFileURL(await bundle(join(root, "worker/train/graphFiles.ts"))).href);
console.log("ready");

for await (const line of createInterface({ input: process.stdin })) {
  const { call, spec } = JSON.parse(line);
  const started = performance.now();
  const answer = await (call === "grad" ? writeGradients : writeStep)(spec).then(
    (value) => ({ ok: true, value }),
    (error) => ({ ok: false, error: { code: error.code ?? error.name, message: error.message, stack: error.code ? undefined : error.stack } }),
  );
  console.log(JSON.stringify({ ...answer, seconds: (performance.now() - started) / 1000 }));
}
