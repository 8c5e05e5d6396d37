// What every command has: --json, an answer or an error with its exit code, Ctrl-C (once: interrupt with what is kept; twice: end at once),
// and workers that never outlive the command.
import type { Command } from "commander";
import { AppError } from "../../ipc/error.ts";
import type { WorkerApi } from "../../ipc/worker.ts";
import type { Paths } from "../paths.ts";
import type { StartWorker, Worker, WorkerProcess } from "../workers.ts";
import { type Answer, answer, fail } from "./output.ts";
import { Progress } from "./progress.ts";

export interface Context {
  json: boolean;
  /** Aborted by the first Ctrl-C, terminate or hang-up. */
  signal: AbortSignal;
  progress: Progress;
  paths: Paths;
  startWorker: StartWorker;
  /** Work on a worker of its own, ended with the work. */
  withWorker<T>(work: (api: WorkerApi, worker: Worker) => Promise<T>, patience?: number): Promise<T>;
}

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Wraps a command's body: `command.action(action(async (context, …arguments, options) => …))`.
 * @param kept what a Ctrl-C leaves of the work
 */
export function action<A extends unknown[]>(
  body: (context: Context, ...args: A) => Promise<Answer | undefined>,
  kept = "nothing half-made stays",
): (...args: [...A, Command]) => Promise<void> {
  return async (...args) => {
    // commander passes the arguments, the options, then the command itself
    const given = args.slice(0, -1) as unknown as A;
    const { json = false } = (given.at(-1) ?? {}) as { json?: boolean };
    const progress = new Progress(process.stderr);
    const controller = new AbortController();
    const started = new Set<WorkerProcess>();
    const onSignal = () => {
      if (controller.signal.aborted) {
        for (const worker of started) worker.kill();
        progress.clear();
        process.exit(1);
      }
      progress.note(`Ending; ${kept}. Press Ctrl-C again to end at once.`);
      controller.abort();
    };
    for (const signal of signals) process.on(signal, onSignal);
    let said: Answer | AppError | undefined;
    try {
      said = await body(await makeContext(json, controller.signal, progress, started), ...given);
    } catch (thrown) {
      said = AppError.from(thrown);
    }
    progress.clear();
    await (said instanceof AppError ? fail(said, json) : answer(said, json));
  };
}

async function makeContext(json: boolean, signal: AbortSignal, progress: Progress, started: Set<WorkerProcess>): Promise<Context> {
  const [{ childWorker }, { Worker }, { defaultWorkspace, workspacePaths }, { refuseNetwork }] = await Promise.all([
    import("../childWorker.ts"),
    import("../workers.ts"),
    import("../paths.ts"),
    import("../offline.ts"),
  ]);
  refuseNetwork();
  const start = childWorker();
  const startWorker: StartWorker = () => {
    const worker = start();
    started.add(worker);
    worker.onClose(() => started.delete(worker));
    return worker;
  };
  return {
    json,
    signal,
    progress,
    paths: workspacePaths(defaultWorkspace()),
    startWorker,
    async withWorker(work, patience) {
      const worker = new Worker(startWorker());
      worker.listen("working", (working) => progress.working(working));
      try {
        return await worker.use((api) => work(api, worker), signal, patience);
      } finally {
        await worker.stop();
      }
    },
  };
}
