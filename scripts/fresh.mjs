// Is dist/ what the sources say? Compared by times alone, in a few milliseconds, so that every `npx paddock` can ask.
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./install.mjs";

const sources = ["ipc", "main", "worker", "renderer"];
const files = ["package.json", "package-lock.json", "vite.config.ts", "svelte.config.js", "scripts/build.mjs"];
/** One output of each part: the oldest tells how old the build is. */
const outputs = ["dist/main/cli.js", "dist/main/preload.cjs", "dist/worker/main.js", "dist/renderer/index.html"];

/** Whether this is a checkout, which can be built, and not an installed package. */
export const isCheckout = (folder = root) => existsSync(join(folder, "worker")) && existsSync(join(folder, "scripts/build.mjs"));

/**
 * The newest time of the files in a folder and below. A file that has gone changes nothing by itself: whoever imported it is newer.
 * (The folders' own times would tell of it, but also of every editor's and tool's scratch file.)
 */
function newest(path) {
  let time = 0;
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (entry.name.startsWith(".") || /\.test\.ts$|\.tsbuildinfo$/.test(entry.name)) continue;
    const full = join(path, entry.name);
    time = Math.max(time, entry.isDirectory() ? newest(full) : statSync(full).mtimeMs);
  }
  return time;
}

/** True when something that goes into dist/ is newer than it, or dist/ is not whole. */
export function isStale(folder = root) {
  let built = Infinity;
  for (const output of outputs) {
    const facts = statSync(join(folder, output), { throwIfNoEntry: false });
    if (!facts) return true;
    built = Math.min(built, facts.mtimeMs);
  }
  if (files.some((file) => (statSync(join(folder, file), { throwIfNoEntry: false })?.mtimeMs ?? 0) > built)) return true;
  return sources.some((source) => newest(join(folder, source)) > built);
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return thrown.code === "EPERM";
  }
}

/** Builds when dist/ is stale; `say` is told first. Two that come at once build once: the second waits for the first. */
export async function ensureBuilt(say = console.error) {
  const lock = join(root, "dist/.building");
  for (let waited = false; isStale(); waited = true) {
    mkdirSync(join(root, "dist"), { recursive: true });
    try {
      writeFileSync(lock, String(process.pid), { flag: "wx" });
    } catch (thrown) {
      if (thrown.code !== "EEXIST") throw thrown;
      const owner = Number(readText(lock));
      if (owner && !isAlive(owner)) rmSync(lock, { force: true });
      if (!waited) say("Waiting for another build of Paddock to end…");
      await new Promise((resolve) => setTimeout(resolve, 100));
      continue;
    }
    try {
      say("Building Paddock…");
      const { build } = await import("./build.mjs");
      await build();
    } finally {
      rmSync(lock, { force: true });
    }
    return;
  }
}

function readText(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // the other one has just ended
  }
}
