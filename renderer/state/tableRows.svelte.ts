// The rows of a table, a page at a time; the first page comes with the profile.
import type { TableProfile } from "../../ipc/types.ts";
import type { Ground } from "./ground.ts";

export class TableRows {
  readonly total: number;
  readonly size: number;
  offset = $state(0);
  page: readonly string[][] = $state.raw([]);
  loading = $state(false);
  #ground: Ground;
  #project: string;
  #cancel: AbortController | undefined;

  constructor(ground: Ground, project: string, profile: TableProfile, size = 20) {
    this.#ground = ground;
    this.#project = project;
    this.total = profile.rows;
    this.size = size;
    this.page = profile.preview.slice(0, size);
    if (this.page.length < Math.min(size, this.total)) void this.goto(0);
  }

  get last(): number {
    return Math.min(this.offset + this.size, this.total);
  }

  async goto(offset: number): Promise<void> {
    this.#cancel?.abort();
    const cancel = new AbortController();
    this.#cancel = cancel;
    this.loading = true;
    const input = { id: this.#project, offset: Math.max(0, offset), limit: this.size };
    const page = await this.#ground.attempt(() => this.#ground.call.rows(input, cancel.signal));
    if (cancel.signal.aborted) return;
    this.loading = false;
    if (!page) return;
    this.page = page;
    this.offset = input.offset;
  }

  dispose(): void {
    this.#cancel?.abort();
  }
}
