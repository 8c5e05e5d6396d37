// Python's peers (scikit-learn, onnxruntime, …) where they are installed beside the checkout; tests that want them skip where they are not.
// Their first use installs them, which takes minutes: a test run does that only when PADDOCK_PEERS=1 asks for it.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { shared } from "../shared.ts";

const installed = existsSync(join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "paddock-peers", "ready"));

export const python = installed || process.env["PADDOCK_PEERS"] === "1" ? shared("tools/peer-python") : undefined;

/** Standard output of a Python script as JSON; undefined where the peers cannot be installed (exit code 69). */
export async function peer<T>(script: string, args: string[]): Promise<T | undefined> {
  if (!python) return undefined;
  try {
    const { stdout } = await promisify(execFile)(python, [script, ...args], { maxBuffer: 1 << 28 });
    return JSON.parse(stdout) as T;
  } catch (error) {
    if ((error as { code?: unknown }).code === 69) return undefined;
    throw error;
  }
}
