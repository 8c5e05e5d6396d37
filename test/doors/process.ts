// A door as a process of its own: started as a person would, read by its lines, ended by a signal.
import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../shared.ts";

export interface Running {
  child: ChildProcess;
  /** Resolves with the address that it prints. */
  url: Promise<URL>;
  /** Resolves with the exit code, or the signal. */
  ended: Promise<number | string>;
  text: () => string;
}

export function start(args: string[], env: NodeJS.ProcessEnv): Running {
  const child = spawn(process.execPath, args, { cwd: root, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  const ended = new Promise<number | string>((resolve) => child.once("close", (code, signal) => resolve(code ?? signal!)));
  const url = new Promise<URL>((resolve, reject) => {
    const read = (chunk: string) => {
      text += chunk;
      const found = /http:\/\/\S+\?token=\S+/.exec(text);
      if (found) resolve(new URL(found[0]));
    };
    child.stdout.setEncoding("utf8").on("data", read);
    child.stderr.setEncoding("utf8").on("data", read);
    void ended.then((code) => reject(new Error(`It ended (${code}) without an address:\n${text}`)));
  });
  url.catch(() => {});
  return { child, url, ended, text: () => text };
}

export function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** The processes that a process has started (Linux). */
export function childrenOf(pid: number): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((one) => {
      try {
        const stat = readFileSync(join("/proc", String(one), "stat"), "utf8");
        return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]) === pid;
      } catch {
        return false; // it has just ended
      }
    });
}
