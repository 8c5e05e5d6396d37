// How a run is told to pause, go on, stop or be interrupted. The loop asks `turn` between steps: a session run blocks the event loop, so
// that messages are heard only when it is given a turn, every 20 ms (which costs a few microseconds).
import { setImmediate as nextTurn } from "node:timers/promises";

/** The call was cancelled: the loop keeps a checkpoint and ends. */
export class Interrupted extends Error {}

export class Control {
  #paused: { promise: Promise<void>; resolve: () => void } | undefined;
  #stopped = false;
  #signal: AbortSignal | undefined;
  #last = performance.now();
  readonly every = 20;

  constructor(signal?: AbortSignal) {
    this.#signal = signal;
    signal?.addEventListener("abort", () => this.resume(), { once: true });
  }

  pause(): void {
    if (this.#paused || this.#stopped || this.#signal?.aborted) return;
    let resolve = () => {};
    const promise = new Promise<void>((done) => (resolve = done));
    this.#paused = { promise, resolve };
  }

  resume(): void {
    this.#paused?.resolve();
    this.#paused = undefined;
  }

  /** Ends training; the best point is tested. */
  stop(): void {
    this.#stopped = true;
    this.resume();
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  get paused(): boolean {
    return this.#paused !== undefined;
  }

  /**
   * Gives the event loop a turn when one is due, and waits out a pause. Throws `Interrupted` when the call was cancelled.
   * @param onPause called when a pause begins, and again when it ends with its length in milliseconds
   */
  async turn(onPause?: (ended: number | undefined) => Promise<void> | void): Promise<void> {
    if (performance.now() - this.#last >= this.every) {
      await nextTurn();
      this.#last = performance.now();
    }
    while (this.#paused) {
      const begun = performance.now();
      await onPause?.(undefined);
      await this.#paused?.promise;
      await onPause?.(performance.now() - begun);
      this.#last = performance.now();
    }
    if (this.#signal?.aborted) throw new Interrupted("the call was cancelled");
  }
}
