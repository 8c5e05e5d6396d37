// Trainings of a project side by side: what was set differently, what came of it, and their losses over one another.
import type { Run } from "../../ipc/host.ts";
import type { RunReport } from "../../ipc/types.ts";
import type { Ground } from "./ground.ts";

/** As many as stand beside each other on a small window. */
export const mostCompared = 4;

export interface Compared {
  run: Run;
  report: RunReport | undefined;
}

export class Comparison {
  ids: readonly string[] = $state.raw([]);
  #loaded: Readonly<Record<string, Compared>> = $state.raw({});
  /** Those that are chosen and known, in the order they were chosen. */
  all: readonly Compared[] = $derived(this.ids.flatMap((id) => this.#loaded[id] ?? []));
  #ground: Ground;
  #project: string;

  constructor(ground: Ground, project: string) {
    this.#ground = ground;
    this.#project = project;
  }

  async choose(id: string, chosen: boolean): Promise<void> {
    this.ids = chosen ? [...this.ids.filter((one) => one !== id), id].slice(0, mostCompared) : this.ids.filter((one) => one !== id);
    if (!chosen) return;
    const key = { project: this.#project, run: id };
    const run = await this.#ground.attempt(() => this.#ground.call.run(key));
    if (!run) {
      this.ids = this.ids.filter((one) => one !== id);
      return;
    }
    const report = run.state === "done" ? await this.#ground.call.report(key).catch(() => undefined) : undefined;
    this.#loaded = { ...this.#loaded, [id]: { run, report } };
  }
}
