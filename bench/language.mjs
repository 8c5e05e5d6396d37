// Bundles bench/language.ts and runs it in this process: node bench/language.mjs TEXT [--peer PYTHON] [--steps N] [--optimizer adamw|muon].
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { bundle } from "../scripts/bundle.mjs";

const here = dirname(fileURLToPath(import.meta.url));
process.env.PADDOCK_PEER_PROGRAM = join(here, "peer/language.py");
await import(pathToFileURL(await bundle(join(here, "language.ts"))).href);
