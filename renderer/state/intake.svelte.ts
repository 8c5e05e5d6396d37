// A file on its way in: from the drop to the open project, one at a time, with how far it is, a way out, and what went wrong.
import { AppError, type ErrorRecord } from "../../ipc/error.ts";
import type { HostEvents } from "../../ipc/host.ts";
import type { Dropped } from "./dropped.ts";
import type { Ground } from "./ground.ts";
import type { Projects } from "./projects.svelte.ts";
import { say } from "./words.svelte.ts";

export class Intake {
  /** The file being taken in. */
  name: string | undefined = $state();
  what: HostEvents["working"]["what"] | "uploading" = $state("uploading");
  fraction: number | null = $state(null);
  error: ErrorRecord | undefined = $state.raw();
  failed: string | undefined = $state();
  busy = $derived(this.name !== undefined);
  #ground: Ground;
  #cancel: AbortController | undefined;
  #projects: Projects;

  constructor(ground: Ground, projects: Projects) {
    this.#ground = ground;
    this.#projects = projects;
  }

  /** Starts a project from the first of the files or folders. */
  async takeFiles(files: readonly Dropped[]): Promise<void> {
    const file = files[0];
    if (!file || this.busy) return;
    if (files.length > 1) this.#ground.toasts.add(say.shell.oneFile(file.name));
    await this.#take(file.name, async (signal) => {
      const source = await this.#ground.door.take(file, (fraction) => this.#at("uploading", fraction), signal);
      this.#at("copying", null);
      return this.#ground.call.createProject({ source }, signal);
    });
  }

  async takeSample(id: string): Promise<void> {
    if (this.busy) return;
    await this.#take(id, (signal) => this.#ground.call.createProject({ sample: id }, signal));
  }

  cancel(): void {
    this.#cancel?.abort();
  }

  dismiss(): void {
    this.error = undefined;
  }

  onWorking({ what, fraction }: HostEvents["working"]): void {
    if (this.busy && what !== "predicting") this.#at(what, fraction);
  }

  #at(what: Intake["what"], fraction: number | null): void {
    this.what = what;
    this.fraction = fraction;
  }

  async #take(name: string, work: (signal: AbortSignal) => Promise<{ id: string }>): Promise<void> {
    const cancel = new AbortController();
    this.#cancel = cancel;
    this.name = name;
    this.error = undefined;
    this.#at("uploading", null);
    try {
      const project = await work(cancel.signal);
      void this.#projects.load();
      this.#ground.goto({ screen: "project", id: project.id });
    } catch (thrown) {
      const error = AppError.from(thrown).toRecord();
      if (error.code !== "cancelled") {
        this.error = error;
        this.failed = name;
      }
    } finally {
      this.name = undefined;
      this.#cancel = undefined;
    }
  }
}
