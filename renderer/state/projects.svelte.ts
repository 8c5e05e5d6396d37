// All projects, newest change first.
import type { ProjectSummary } from "../../ipc/host.ts";
import type { Ground } from "./ground.ts";
import { say } from "./words.svelte.ts";

export class Projects {
  /** undefined until the host has answered. */
  all: readonly ProjectSummary[] | undefined = $state.raw();
  samples: readonly { id: string; file: string; rows: number; target: string }[] = $state.raw([]);
  recent = $derived(this.all?.slice(0, 5) ?? []);
  #ground: Ground;
  #asked = 0;

  constructor(ground: Ground) {
    this.#ground = ground;
  }

  async load(): Promise<void> {
    const asked = ++this.#asked;
    await this.#ground.attempt(async () => {
      const all = await this.#ground.call.projects();
      // An older answer never replaces a newer one.
      if (asked === this.#asked) this.all = [...all].sort((a, b) => b.updated - a.updated);
    });
  }

  async loadSamples(): Promise<void> {
    await this.#ground.attempt(async () => (this.samples = await this.#ground.call.samples()));
  }

  async rename(id: string, name: string): Promise<void> {
    await this.#ground.attempt(async () => {
      const renamed = await this.#ground.call.renameProject({ id, name });
      this.all = this.all?.map((one) => (one.id === id ? renamed : one));
    });
  }

  async remove(project: Pick<ProjectSummary, "id" | "name">): Promise<void> {
    await this.#ground.attempt(async () => {
      await this.#ground.call.removeProject({ id: project.id });
      this.all = this.all?.filter((one) => one.id !== project.id);
      this.#ground.toasts.add(say.projects.removed(project.name), { label: say.shell.undo, run: () => void this.restore(project.id) });
    });
  }

  async restore(id: string): Promise<void> {
    await this.#ground.attempt(() => this.#ground.call.restoreProject({ id }));
    await this.load();
  }
}
