// The worker's entry, under every door: as a child process (process.send) and as Electron's utility process (process.parentPort). It leaves
// when its port closes, after keeping a checkpoint of what it was training.
import { onRefused } from "./offline.ts"; // first: it shuts the ways out
import { AppError } from "../ipc/error.ts";
import { Listeners, type Port } from "../ipc/port.ts";
import { serve } from "../ipc/rpc.ts";
import type { WorkerApi, WorkerEvents } from "../ipc/worker.ts";
import { createWorker } from "./serve.ts";

/** Electron's port to the process that forked us; only what is used of it. */
interface ParentPort {
  postMessage(message: unknown): void;
  on(event: "message", listener: (event: { data: unknown }) => void): void;
}

function childPort(): Port {
  const closes = new Listeners<[string?]>();
  process.on("disconnect", () => closes.tell("the channel closed"));
  return {
    send: (message) => void (process.connected && process.send?.(message, undefined, undefined, () => {})),
    onMessage(listener) {
      process.on("message", listener);
      return () => process.off("message", listener);
    },
    onClose: (listener) => closes.add(listener),
    close: () => void (process.connected && process.disconnect()),
  };
}

function utilityPort(parent: ParentPort): Port {
  const messages = new Listeners<[unknown]>();
  const closes = new Listeners<[string?]>();
  parent.on("message", ({ data }) => messages.tell(data));
  return {
    send: (message) => parent.postMessage(message),
    onMessage: (listener) => messages.add(listener),
    onClose: (listener) => closes.add(listener),
    close: () => closes.tell("closed"),
  };
}

const parent = (process as { parentPort?: ParentPort }).parentPort;
if (!parent && !process.send) {
  process.stderr.write("The worker is started by Paddock, not by hand.\n");
  process.exit(2);
}
const port = parent ? utilityPort(parent) : childPort();
const worker = createWorker((name, value) => server.emit(name, value));
const server = serve<WorkerApi, WorkerEvents>(port, worker.handlers);
onRefused((count) => server.emit("refused", count));

let leaving = false;
async function leave(code: number): Promise<void> {
  if (leaving) return;
  leaving = true;
  await worker.dispose().catch((thrown: unknown) => report(thrown));
  server.dispose();
  process.exit(code);
}

/** What nothing caught is told on stderr, which main keeps as this process's last words. */
function report(thrown: unknown): void {
  const { code, message } = AppError.from(thrown);
  process.stderr.write(`${code}: ${message}\n${thrown instanceof Error ? (thrown.stack ?? "") : ""}\n`);
}

port.onClose(() => void leave(0));
process.on("SIGTERM", () => void leave(143));
process.on("SIGINT", () => {}); // a Ctrl-C in the terminal is main's to answer
for (const event of ["uncaughtException", "unhandledRejection"] as const)
  process.on(event, (thrown: unknown) => {
    report(thrown);
    process.exit(1);
  });
