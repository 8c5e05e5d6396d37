// How much a trained model leans on each column: known from before, or measured when asked for.
import { AppError, type ErrorRecord } from "../../ipc/error.ts";
import type { Importance as Measured } from "../../ipc/types.ts";
import type { Ground } from "./ground.ts";

export class Importance {
  measured: Measured | null = $state.raw(null);
  busy = $state(false);
  error: ErrorRecord | undefined = $state.raw();
  /** 0…1, as the host tells it. */
  fraction: number | null = $state(null);
  #ground: Ground;
  #run: { project: string; run: string };
  #cancel: AbortController | undefined;

  constructor(ground: Ground, run: { project: string; run: string }) {
    this.#ground = ground;
    this.#run = run;
  }

  async load(): Promise<void> {
    this.measured = (await this.#ground.call.importance(this.#run).catch(() => null)) ?? null;
  }

  async measure(): Promise<void> {
    const cancel = new AbortController();
    this.#cancel = cancel;
    this.busy = true;
    this.fraction = null;
    this.error = undefined;
    try {
      this.measured = await this.#ground.call.importance({ ...this.#run, measure: true }, cancel.signal);
    } catch (thrown) {
      const error = AppError.from(thrown).toRecord();
      if (error.code !== "cancelled") this.error = error;
    }
    this.busy = false;
  }

  cancel(): void {
    this.#cancel?.abort();
  }
}
