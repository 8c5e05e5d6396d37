// The shelf: every finished training of every project, newest first.
import type { RunSummary } from "../../ipc/host.ts";
import type { Ground } from "./ground.ts";

export interface ShelfModel {
  run: RunSummary;
  project: string;
  name: string;
  file: string;
  rows: number | null;
}

export class Shelf {
  models: readonly ShelfModel[] | undefined = $state.raw();
  #ground: Ground;

  constructor(ground: Ground) {
    this.#ground = ground;
  }

  async load(): Promise<void> {
    const models = await this.#ground.attempt(async () => {
      const found: ShelfModel[] = [];
      for (const summary of await this.#ground.call.projects()) {
        const { id, name, file, rows, runs } = await this.#ground.call.project({ id: summary.id });
        for (const run of runs) if (run.state === "done") found.push({ run, project: id, name, file, rows });
      }
      return found.sort((a, b) => b.run.created - a.run.created);
    });
    this.models = models ?? this.models ?? [];
  }

  async exportOnnx({ project, run }: ShelfModel): Promise<void> {
    const handout = await this.#ground.attempt(() => this.#ground.call.exportOnnx({ project, run: run.id }));
    if (handout) await this.#ground.save(handout);
  }
}
