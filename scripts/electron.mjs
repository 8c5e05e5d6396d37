// Electron's program: where it is, and how it is fetched. Its package comes from npm without it, and many networks refuse the download;
// so it is tried once, for a bounded time, and a refusal is remembered for a day.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { root } from "./install.mjs";

const patience = 120_000;
const day = 86_400_000;
const refusedFile = join(root, "node_modules/.cache/paddock/electron-refused");

/** The program's path, or undefined when it is not here. */
export function electronProgram(folder = join(root, "node_modules/electron")) {
  const pathFile = join(folder, "path.txt");
  if (!existsSync(pathFile)) return undefined;
  const program = join(process.env.ELECTRON_OVERRIDE_DIST_PATH ?? join(folder, "dist"), readFileSync(pathFile, "utf8"));
  return existsSync(program) ? program : undefined;
}

/** Whether a download was refused within the last day. */
export function wasRefused(file = refusedFile, now = Date.now()) {
  const facts = statSync(file, { throwIfNoEntry: false });
  return facts !== undefined && now - facts.mtimeMs < day;
}

/** Fetches the program; answers its path, or undefined with the refusal remembered. */
export async function fetchElectron({ limit = patience, folder = join(root, "node_modules/electron"), remember = refusedFile } = {}) {
  const script = join(folder, "install.js");
  if (!existsSync(script)) return undefined;
  console.log("Fetching the Electron program, once…");
  const child = spawn(process.execPath, [script], { cwd: folder, stdio: "ignore" });
  const ended = await new Promise((resolve) => {
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      resolve(false);
    }, limit);
    child.once("error", () => resolve(false));
    child.once("exit", (code) => {
      clearTimeout(timer);
      resolve(code === 0);
    });
  });
  const program = ended ? electronProgram(folder) : undefined;
  if (program) {
    rmSync(remember, { force: true });
    return program;
  }
  mkdirSync(dirname(remember), { recursive: true });
  writeFileSync(remember, new Date().toISOString());
  return undefined;
}
