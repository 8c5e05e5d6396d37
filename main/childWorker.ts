// A worker as a child process of this one: for the browser door and the command line. It has a process group of its own, so that a
// Ctrl-C in the terminal reaches us alone and we decide how the worker ends.
import { fork } from "node:child_process";
import { join } from "node:path";
import { Listeners } from "../ipc/port.ts";
import { packageRoot } from "./version.ts";
import type { StartWorker, WorkerExit, WorkerProcess } from "./workers.ts";

/** The built worker. */
export const workerEntry = join(packageRoot, "dist", "worker", "main.js");

const stderrLimit = 16_384;

/** Room for new JavaScript values, in MB: Node's own 16 are kept once they were used (25 MB in all), and building a graph uses them. */
const nodeOptions = ["--max-semi-space-size=4"];

/** glibc, which otherwise keeps what was freed in pieces of up to 32 MB: from this many bytes on, what is freed is given back. */
const environment = { MALLOC_MMAP_THRESHOLD_: "131072" };

/** ONNX Runtime reports nothing to its maker; the worker itself says so too (worker/telemetry.ts). */
export const refusals = { ORT_DISABLE_TELEMETRY: "1" };

/** Starts workers from a JavaScript entry. Messages are structured clones (typed arrays stay what they are). */
export function childWorker(entry: string = workerEntry, options: { env?: NodeJS.ProcessEnv; execArgv?: string[] } = {}): StartWorker {
  return () => {
    const child = fork(entry, [], {
      serialization: "advanced",
      execArgv: [...nodeOptions, ...(options.execArgv ?? [])],
      env: { ...environment, ...(options.env ?? process.env), ...refusals },
      detached: process.platform !== "win32",
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    const messages = new Listeners<[unknown]>();
    const closes = new Listeners<[string?]>();
    let exit: WorkerExit | undefined;
    let stderr = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      stderr = (stderr + text).slice(-stderrLimit);
    });
    child.on("message", (message) => messages.tell(message));
    const end = (code: number | null, signal: string | null) => {
      if (exit) return;
      exit = { code, signal, stderr };
      closes.tell(signal ? `signal ${signal}` : `exit code ${code}`);
    };
    // Node's own 'close' event does not come after a disconnect of ours, so the last of stderr is awaited here; a grandchild may hold it
    // open, which is not waited for.
    child.on("exit", (code, signal) => {
      if (child.stderr?.closed !== false) return end(code, signal);
      child.stderr.once("close", () => end(code, signal));
      setTimeout(() => end(code, signal), 500).unref();
    });
    child.on("error", (error) => {
      stderr += `${error.message}\n`;
      if (child.pid === undefined) end(null, null);
    });
    const port: WorkerProcess = {
      pid: child.pid,
      get exit() {
        return exit;
      },
      // A message to a worker that has just left is lost, as on any port; the loss itself is told by onClose.
      send: (message) => child.connected && child.send(message as never, () => {}),
      onMessage: (listener) => messages.add(listener),
      onClose: (listener) => closes.add(listener),
      close: () => child.connected && child.disconnect(),
      kill: () => child.kill("SIGKILL"),
    };
    return port;
  };
}
