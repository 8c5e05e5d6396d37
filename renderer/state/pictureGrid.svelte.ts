// The pictures of a project, a page at a time, all of them or of one class.
import type { PictureEntry } from "../../ipc/types.ts";
import type { Ground } from "./ground.ts";
import { Thumbnails } from "./thumbnails.ts";

export class PictureGrid {
  readonly size: number;
  readonly thumbnails: Thumbnails;
  /** undefined: all. */
  of: string | undefined = $state();
  offset = $state(0);
  total = $state(0);
  page: readonly PictureEntry[] = $state.raw([]);
  loading = $state(false);
  #ground: Ground;
  #project: string;
  #cancel: AbortController | undefined;

  constructor(ground: Ground, project: string, size = 24) {
    this.#ground = ground;
    this.#project = project;
    this.size = size;
    this.thumbnails = new Thumbnails(ground, project);
    void this.goto(0);
  }

  get last(): number {
    return Math.min(this.offset + this.size, this.total);
  }

  choose(of: string | undefined): Promise<void> {
    this.of = of;
    return this.goto(0);
  }

  async goto(offset: number): Promise<void> {
    this.#cancel?.abort();
    const cancel = new AbortController();
    this.#cancel = cancel;
    this.loading = true;
    const at = Math.max(0, offset);
    const asked = { id: this.#project, offset: at, limit: this.size, ...(this.of === undefined ? {} : { class: this.of }) };
    const found = await this.#ground.attempt(() => this.#ground.call.pictures(asked, cancel.signal));
    if (cancel.signal.aborted) return;
    this.loading = false;
    if (!found) return;
    this.page = found.pictures;
    this.total = found.total;
    this.offset = at;
  }

  dispose(): void {
    this.#cancel?.abort();
    this.thumbnails.dispose();
  }
}
