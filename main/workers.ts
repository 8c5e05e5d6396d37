// Worker processes and how they live: starting → idle ⇄ busy → stopping → dead. Stopping is ask, wait, kill. A death that nobody
// asked for carries its reason (exit code, signal, last words) to whoever waits for an answer.
import { setTimeout as sleep } from "node:timers/promises";
import { AppError } from "../ipc/error.ts";
import { type Dispose, Listeners, type Port } from "../ipc/port.ts";
import { type Client, connect } from "../ipc/rpc.ts";
import type { WorkerApi, WorkerEvents } from "../ipc/worker.ts";
import { oomKilledSince, oomKills } from "./oomKiller.ts";

/** How a process ended, and the last lines it wrote to stderr. */
export interface WorkerExit {
  code: number | null;
  signal: string | null;
  stderr: string;
}

/**
 * A worker process as a door starts it. `close` asks it to end (the channel is shut, the worker then leaves by itself), `kill` ends it at
 * once. `onClose` is told when the process is gone, and `exit` is set by then.
 */
export interface WorkerProcess extends Port {
  readonly pid: number | undefined;
  readonly exit?: WorkerExit | undefined;
  kill(): void;
}

export type StartWorker = () => WorkerProcess;
export type WorkerState = "starting" | "idle" | "busy" | "stopping" | "dead";

/** Milliseconds given to a worker that was asked to end, and to a cancelled call, before the process is killed. */
const patience = { close: 3000, cancel: 8000 };

export class Worker {
  /** Resolves when the process is gone. */
  readonly gone: Promise<void>;
  #state: WorkerState = "starting";
  #calls = 0;
  #killed = false;
  /** Counts of the kernel's OOM killer when the process was started. */
  readonly #oomKills = oomKills();
  #process: WorkerProcess;
  #client: Client<WorkerApi, WorkerEvents>;
  #states = new Listeners<[WorkerState]>();

  constructor(process: WorkerProcess) {
    this.#process = process;
    this.#client = connect<WorkerApi, WorkerEvents>(process);
    const offFirst = process.onMessage(() => {
      offFirst();
      if (this.#state === "starting") this.#set(this.#calls > 0 ? "busy" : "idle");
    });
    this.gone = new Promise((resolve) =>
      this.#client.onClose(() => {
        this.#set("dead");
        resolve();
      }),
    );
  }

  /** Known once the process has started. */
  get pid(): number | undefined {
    return this.#process.pid;
  }

  get state(): WorkerState {
    return this.#state;
  }

  onState(listener: (state: WorkerState) => void): Dispose {
    return this.#states.add(listener);
  }

  listen<K extends keyof WorkerEvents & string>(name: K, listener: (value: WorkerEvents[K]) => void): Dispose {
    return this.#client.listen(name, listener);
  }

  /**
   * One piece of work on this worker. A worker that dies meanwhile rejects with `workerDied` or `outOfMemory`; a cancelled call that the
   * worker does not answer in time costs the worker its life and rejects with `cancelled`.
   */
  async use<T>(work: (api: WorkerApi) => Promise<T>, signal?: AbortSignal, cancelPatience: number = patience.cancel): Promise<T> {
    if (this.#state === "dead" || this.#state === "stopping") throw this.death();
    signal?.throwIfAborted();
    this.#calls++;
    if (this.#state === "idle") this.#set("busy");
    let timer: NodeJS.Timeout | undefined;
    const onAbort = () => {
      timer = setTimeout(() => this.kill(), cancelPatience);
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      return await work(this.#client.call);
    } catch (thrown) {
      if (!(thrown instanceof AppError) || thrown.code !== "connectionLost") throw thrown;
      await this.gone;
      throw signal?.aborted ? AppError.from(new DOMException("aborted", "AbortError")) : this.death();
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      this.#calls--;
      if (this.#calls === 0 && this.state === "busy") this.#set("idle");
    }
  }

  /** Why this worker is gone, as an error. */
  death(): AppError {
    const asked = this.#killed || this.#state === "stopping";
    return describeDeath(this.#process.exit, { pid: this.pid, asked, oomKilled: oomKilledSince(this.#oomKills) });
  }

  /** Ask, wait, kill. Resolves when the process is gone. */
  async stop(wait: number = patience.close): Promise<void> {
    if (this.#state === "dead") return;
    if (this.#state !== "stopping") {
      this.#set("stopping");
      this.#killed = true;
      this.#process.close("stop");
    }
    const waiting = new AbortController();
    const late = await Promise.race([this.gone.then(() => false), sleep(wait, true, { signal: waiting.signal }).catch(() => false)]);
    waiting.abort();
    if (late) this.kill();
    await this.gone;
  }

  kill(): void {
    this.#killed = true;
    this.#process.kill();
  }

  #set(state: WorkerState): void {
    if (this.#state === "dead" || this.#state === state || (this.#state === "stopping" && state !== "dead")) return;
    this.#state = state;
    this.#states.tell(state);
  }
}

/** What V8, libstdc++, ONNX Runtime, DuckDB and Windows say when memory has run out. */
const memoryWords = /heap out of memory|bad_alloc|failed to allocate|out of memory|cannot allocate memory|not enough memory/i;

/**
 * The reason of a death as `outOfMemory` or `workerDied`. A SIGKILL that we did not send is nearly always the system short of memory.
 * @param about.oomKilled whether the kernel says that it was (oomKiller.ts); undefined where it does not say
 */
export function describeDeath(
  exit: WorkerExit | undefined,
  { pid, asked, oomKilled }: { pid: number | undefined; asked: boolean; oomKilled?: boolean | undefined },
): AppError {
  const lines = (exit?.stderr ?? "").split("\n").filter((line) => line.trim() !== "");
  const data = { pid: pid ?? null, exitCode: exit?.code ?? null, signal: exit?.signal ?? null, stderr: lines.slice(-20) };
  if (asked) return new AppError("workerDied", "The worker process was ended by Paddock.", "Start the work again when you like.", data);
  const killed = exit?.signal === "SIGKILL" || exit?.code === 137;
  const heapCrash = exit?.code === 0xe0000008 || lines.some((line) => memoryWords.test(line));
  if (killed || heapCrash) {
    const sure = oomKilled === true || !killed;
    const how = !killed
      ? "The worker process ran out of memory."
      : sure
        ? "The system ended the worker process because memory ran out."
        : "The system ended the worker process, most likely because memory ran out.";
    return new AppError("outOfMemory", how, "Close other programs, or choose a smaller batch or a smaller model.", { ...data, sure });
  }
  const how = exit?.signal
    ? `signal ${exit.signal}`
    : exit?.code !== undefined && exit.code !== null
      ? `exit code ${exit.code}`
      : "no reason given";
  // Node ends its report with its version; what went wrong stands above.
  const words = lines.findLast((line) => /error|fatal|terminate|abort/i.test(line)) ?? lines.at(-1);
  return new AppError(
    "workerDied",
    `The worker process ended unexpectedly (${how})${words ? `: ${words.trim().slice(0, 300)}` : "."}`,
    "What was saved is kept. If it happens again, choose the device cpu.",
    data,
  );
}

/**
 * One worker kept warm for short calls: started by the first, restarted after a death, closed after a rest. `onStart` sees each new one,
 * so that its events can be relayed.
 */
export class WarmWorker {
  #start: StartWorker;
  #rest: number;
  #patience: number | undefined;
  #onStart: (worker: Worker) => void;
  #worker: Worker | undefined;
  #using = 0;
  #timer: NodeJS.Timeout | undefined;
  #ending = new Set<Promise<void>>();
  #closed = false;

  constructor(start: StartWorker, options: { rest?: number; patience?: number; onStart?: (worker: Worker) => void } = {}) {
    this.#start = start;
    this.#rest = options.rest ?? 60_000;
    this.#patience = options.patience;
    this.#onStart = options.onStart ?? (() => {});
  }

  get pid(): number | undefined {
    return this.#worker?.state === "dead" ? undefined : this.#worker?.pid;
  }

  /** How many calls are under way. */
  get calls(): number {
    return this.#using;
  }

  async use<T>(work: (api: WorkerApi) => Promise<T>, signal?: AbortSignal): Promise<T> {
    if (this.#closed) throw new AppError("connectionLost", "Paddock is closing.", "Start it again.");
    clearTimeout(this.#timer);
    const worker = this.#alive();
    this.#using++;
    try {
      return await worker.use(work, signal, this.#patience);
    } finally {
      this.#using--;
      if (this.#using === 0 && !this.#closed) {
        this.#timer = setTimeout(() => void this.rest(), this.#rest);
        this.#timer.unref();
      }
    }
  }

  /** Ends the process now; the next call starts another. */
  async rest(): Promise<void> {
    clearTimeout(this.#timer);
    const worker = this.#worker;
    this.#worker = undefined;
    if (!worker) return;
    const end = worker.stop();
    this.#ending.add(end);
    await end.finally(() => this.#ending.delete(end));
  }

  async dispose(): Promise<void> {
    this.#closed = true;
    await this.rest();
    await Promise.all(this.#ending);
  }

  #alive(): Worker {
    const now = this.#worker;
    if (now && now.state !== "dead" && now.state !== "stopping") return now;
    const worker = new Worker(this.#start());
    this.#worker = worker;
    this.#onStart(worker);
    return worker;
  }
}
