// Bundles bench/linear.ts and runs it in this process: whether cost grows as the work does.
import { fileURLToPath, pathToFileURL } from "node:url";
import { bundle } from "../scripts/bundle.mjs";

await import(pathToFileURL(await bundle(fileURLToPath(new URL("linear.ts", import.meta.url)))).href);
