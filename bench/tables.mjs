// Trains on real tables and prints each beside scikit-learn on the same rows: node bench/tables.mjs [names or FILE:TARGET…] [--config JSON] [--spec JSON]
// [--seeds 1,2] [--peers boosting,mlp,linear | none] [--json FILE]. Wants the shared data, and (for the peers) a Python with scikit-learn.
import { fileURLToPath, pathToFileURL } from "node:url";
import { bundle } from "../scripts/bundle.mjs";

await import(pathToFileURL(await bundle(fileURLToPath(new URL("tables.ts", import.meta.url)))).href);
