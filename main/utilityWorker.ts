// A worker as one of Electron's utility processes: Node without a window. (child_process.fork would need the fuse that lets the app be
// run as Node, which is off.)
import { kill as killProcess } from "node:process";
import type { Electron } from "./electronParts.ts";
import { refusals, workerEntry } from "./childWorker.ts";
import { Listeners } from "../ipc/port.ts";
import type { StartWorker, WorkerExit, WorkerProcess } from "./workers.ts";

const stderrLimit = 16_384;

/** Electron tells one number for how a process ended; where it is a signal's (as itself, or 128 more), its name says more. */
const signals: Record<number, string> = { 6: "SIGABRT", 9: "SIGKILL", 11: "SIGSEGV", 15: "SIGTERM" };

export function utilityWorker(
  electron: Pick<Electron, "utilityProcess">,
  entry: string = workerEntry,
  env: NodeJS.ProcessEnv = process.env,
): StartWorker {
  return () => {
    const child = electron.utilityProcess.fork(entry, [], {
      serviceName: "Paddock worker",
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...env, ...refusals },
    });
    const messages = new Listeners<[unknown]>();
    const closes = new Listeners<[string?]>();
    let pid: number | undefined;
    let exit: WorkerExit | undefined;
    let stderr = "";
    let killed = false;
    child.once("spawn", () => {
      pid = child.pid;
      if (killed) end();
    });
    child.stderr?.on("data", (chunk: Buffer) => (stderr = (stderr + chunk.toString("utf8")).slice(-stderrLimit)));
    child.on("message", (message: unknown) => messages.tell(message));
    child.on("error", (_type, location, report) => (stderr += `fatal error in ${location}\n${report.slice(0, 4000)}\n`));
    child.once("exit", (code) => {
      const signal = process.platform === "win32" ? undefined : signals[code > 128 ? code - 128 : code];
      exit = { code: signal ? null : code, signal: signal ?? null, stderr };
      closes.tell(signal ? `signal ${signal}` : `exit code ${code}`);
    });

    /** At once, also in the middle of a step: a polite signal would wait for native code that never listens. */
    function end(): void {
      if (exit || pid === undefined) return;
      try {
        killProcess(pid, "SIGKILL");
      } catch {
        child.kill(); // already gone, or not ours to signal: Electron reaps it
      }
    }
    const port: WorkerProcess = {
      get pid() {
        return pid ?? child.pid;
      },
      get exit() {
        return exit;
      },
      send: (message) => !exit && child.postMessage(message),
      onMessage: (listener) => messages.add(listener),
      onClose: (listener) => closes.add(listener),
      close: () => !exit && child.kill(),
      kill() {
        killed = true;
        end();
      },
    };
    return port;
  };
}
