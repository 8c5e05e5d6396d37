// Trains on real tables and prints each beside scikit-learn on the same rows: node bench/tables.mjs [names…] [--config JSON] [--spec JSON]
// [--seeds 1,2] [--no-peer]. Wants the shared data, and (for the peer) a Python with scikit-learn.
import { fileURLToPath, pathToFileURL } from "node:url";
import { bundle } from "../scripts/bundle.mjs";

await import(pathToFileURL(await bundle(fileURLToPath(new URL("tables.ts", import.meta.url)))).href);
