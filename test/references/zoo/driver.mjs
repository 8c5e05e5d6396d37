// Makes gradient graphs for the sweep (sweep.py): one line of JSON in ({model, loss, out, wrt?}), one line out ({} or {code, message}). The
// worker is bundled first.
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath, pathToFileURL } from "node:url";
import { bundle } from "../../../scripts/bundle.mjs";

const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));
const { writeGradients } = await import(pathToFileURL(await bundle(join(root, "worker/train/graphFiles.ts"))).href);

process.stdout.write(`${JSON.stringify({ ready: true })}\n`);
for await (const line of createInterface({ input: process.stdin })) {
  const started = performance.now();
  let answer;
  try {
    await writeGradients(JSON.parse(line));
    answer = {};
  } catch (error) {
    answer = { code: error.code ?? error.name, message: error.code ? error.message : String(error.stack).slice(0, 700) };
  }
  process.stdout.write(`${JSON.stringify({ ...answer, ms: Math.round(performance.now() - started) })}\n`);
}
