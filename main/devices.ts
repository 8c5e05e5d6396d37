// Which devices there are and which of them work. Each is tried in a worker of its own: a provider that fails can spoil its process.
import { AppError } from "../ipc/error.ts";
import type { Device } from "../ipc/types.ts";
import { type StartWorker, Worker } from "./workers.ts";

/** What can be there on a system, the sure one first. */
export function deviceIds(platform: string = process.platform): Device["kind"][] {
  switch (platform) {
    case "win32":
      return ["cpu", "webgpu", "dml", "tensorflow"];
    case "darwin":
      return ["cpu", "webgpu", "coreml"];
    default:
      return ["cpu", "webgpu", "cuda", "tensorflow"];
  }
}

const atOnce = 2;

export class Devices {
  #start: StartWorker;
  #patience: number;
  #known: Promise<Device[]> | undefined;
  #ending = new AbortController();

  /** @param patience milliseconds after which a device that does not answer counts as not working */
  constructor(start: StartWorker, patience = 30_000) {
    this.#start = start;
    this.#patience = patience;
  }

  /** Every device; probed once, and `again` when asked. Cancelling ends the wait, not the probing, which others may wait for. */
  list(again = false, signal?: AbortSignal): Promise<Device[]> {
    if (!this.#known || again) {
      const probing = this.#probeAll(deviceIds(), this.#ending.signal);
      this.#known = probing;
      probing.catch(() => this.#known === probing && (this.#known = undefined));
    }
    return signal ? orAborted(this.#known, signal) : this.#known;
  }

  /** Ends a probing under way; no worker is left behind. */
  async dispose(): Promise<void> {
    this.#ending.abort();
    await this.#known?.catch(() => {});
  }

  async #probeAll(ids: Device["kind"][], signal: AbortSignal): Promise<Device[]> {
    const found = new Map<string, Device | undefined>();
    const left = [...ids];
    const lane = async () => {
      for (let id = left.shift(); id; id = left.shift()) found.set(id, await this.#probe(id, signal));
    };
    await Promise.all(Array.from({ length: atOnce }, lane));
    return ids.flatMap((id) => found.get(id) ?? []);
  }

  /** Undefined for a device that this installation does not have at all. */
  async #probe(id: Device["kind"], signal: AbortSignal): Promise<Device | undefined> {
    const limit = AbortSignal.timeout(this.#patience);
    const worker = new Worker(this.#start());
    try {
      const until = AbortSignal.any([signal, limit]);
      return await worker.use((api) => api.probe({ device: id }, until), until, 500);
    } catch (thrown) {
      signal.throwIfAborted();
      const error = AppError.from(thrown);
      if (error.code === "deviceUnknown") return undefined;
      const why = limit.aborted ? `It did not answer within ${this.#patience / 1000} seconds.` : error.message;
      return { id, kind: id, name: id, memoryBytes: null, usedBytes: null, works: false, why };
    } finally {
      await worker.stop(500);
    }
  }
}

/** The promise, or the abort, whichever is first. */
function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason as Error);
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
