// Bundles bench/families.ts and runs it in this process: node bench/families.mjs FOLDER (made by bench/peer/families.py make FOLDER).
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { bundle } from "../scripts/bundle.mjs";

const here = dirname(fileURLToPath(import.meta.url));
await import(pathToFileURL(await bundle(join(here, "families.ts"))).href);
