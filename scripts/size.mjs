// How much an installed Paddock takes on the disk, and how much of that may be ours: the rest is Electron, 230 to 260 MB.
import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";

/**
 * Bytes beside Electron at most, by electron-builder's name of the system. llama.cpp is built twice for Linux and Windows, for the processor
 * and for graphics cards (Vulkan), the second of 75 and 90 MB; Windows has DirectML as well. See `node bench/sizes.mjs` for the parts.
 */
export const budgets = { linux: 245e6, win: 275e6, mac: 160e6 };

function bytesIn(path) {
  const facts = lstatSync(path);
  if (!facts.isDirectory()) return facts.size;
  return readdirSync(path).reduce((sum, name) => sum + bytesIn(join(path, name)), 0);
}

/** Bytes of a program that was laid out (see `programs` in portable.mjs): all of it, and what we put into it. */
export function installedSize({ system, path }) {
  const resources = join(path, system === "mac" ? "Contents/Resources" : "resources");
  const ours = ["app.asar", "app.asar.unpacked"].reduce((sum, name) => sum + bytesIn(join(resources, name)), 0);
  return { all: bytesIn(path), ours };
}
