// Bundles bench/waiting.ts and runs it in this process: how threads wait for work.
import { fileURLToPath, pathToFileURL } from "node:url";
import { bundle } from "../scripts/bundle.mjs";

await import(pathToFileURL(await bundle(fileURLToPath(new URL("waiting.ts", import.meta.url)))).href);
