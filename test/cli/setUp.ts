// Runs the built command line as a script would: a process with pipes, a workspace of its own.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { root } from "../shared.ts";

export const home = mkdtempSync(join(tmpdir(), "paddock-cli-"));
afterAll(() => rm(home, { recursive: true, force: true }));

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
  ms: number;
  /** stdout as the one JSON value it must be. */
  json: Record<string, unknown>;
}

export function start(
  args: string[],
  options: { input?: string; workspace?: string; env?: Record<string, string> } = {},
): { child: ChildProcess; ended: Promise<Ended> } {
  const env = { ...process.env, ...options.env, PADDOCK_HOME: options.workspace ?? join(home, "workspace") };
  const began = performance.now();
  const child = spawn(process.execPath, [join(root, "dist/main/cli.js"), ...args], { env, cwd: home, stdio: ["pipe", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  child.stdin.end(options.input ?? "");
  const ended = new Promise<Ended>((resolve) =>
    child.on("close", (code) =>
      resolve({
        code,
        stdout,
        stderr,
        ms: performance.now() - began,
        get json() {
          return JSON.parse(stdout) as Ended["json"];
        },
      }),
    ),
  );
  return { child, ended };
}

export const paddock = (args: string[], options?: Parameters<typeof start>[1]) => start(args, options).ended;

/** A table of 300 rows where y is close to 3a − 2b, and c is one of two words that add 4 or nothing. */
export function table(name = "data.csv", rows = 300): string {
  const path = join(home, name);
  const lines = Array.from({ length: rows }, (_, i) => {
    const [a, b, c] = [((i * 37) % 101) / 10, ((i * 53) % 97) / 10, i % 3 === 0 ? "red" : "blue"];
    return `${a},${b},${c},${(3 * a - 2 * b + (c === "red" ? 4 : 0) + ((i * 7) % 11) / 50).toFixed(3)}`;
  });
  writeFileSync(path, `a,b,c,y\n${lines.join("\n")}\n`);
  return path;
}

/** Whether there is such a process. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
