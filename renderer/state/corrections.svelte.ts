// What was set right in a project's data: asked for once, and again when the host tells of a change.
import { AppError, type ErrorRecord } from "../../ipc/error.ts";
import type { ListedCorrection } from "../../ipc/types.ts";
import type { Ground } from "./ground.ts";

export class Corrections {
  /** In the order they were made. */
  all: readonly ListedCorrection[] = $state.raw([]);
  /** What the host said to the last correction, where it said no. */
  error: ErrorRecord | undefined = $state.raw();
  /** The sample that is being corrected or given back, by what it is. */
  busy: string | undefined = $state();
  /** Changes with whatever they do to the data. */
  mark = $derived(this.all.map(({ id }) => id).join());
  #ground: Ground;
  #project: string;

  constructor(ground: Ground, project: string) {
    this.#ground = ground;
    this.#project = project;
  }

  /** What cannot be listed (data that are gone) is not shown: the data's own error says why. */
  async load(): Promise<void> {
    const all = await this.#ground.call.corrections({ id: this.#project }).catch(() => undefined);
    if (all) this.all = all;
  }

  /** Of a sample, by what it is. */
  of(hash: string): ListedCorrection | undefined {
    return this.all.find((one) => one.hash === hash);
  }

  /** True where it is done. */
  correct(run: string, hash: string, to: string): Promise<boolean> {
    return this.#change(hash, () => this.#ground.call.correct({ project: this.#project, run, hash, to }));
  }

  undo({ id, hash }: ListedCorrection): Promise<boolean> {
    return this.#change(hash, () => this.#ground.call.undoCorrection({ id: this.#project, correction: id }));
  }

  async #change(hash: string, work: () => Promise<unknown>): Promise<boolean> {
    this.busy = hash;
    try {
      await work();
      this.error = undefined;
    } catch (thrown) {
      this.error = AppError.from(thrown).toRecord();
    }
    await this.load();
    this.busy = undefined;
    return this.error === undefined;
  }
}
