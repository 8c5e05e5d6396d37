// The imported models, newest first, wherever they are asked for: the shelf, a model's page, the start of a training.
import type { FoundModel, ImportedModel } from "../../ipc/host.ts";
import type { Ground } from "./ground.ts";
import { say } from "./words.svelte.ts";

export class Imported {
  /** undefined until the host has answered. */
  all: readonly ImportedModel[] | undefined = $state.raw();
  /** Of other programs; undefined until they were looked for. */
  found: readonly FoundModel[] | undefined = $state.raw();
  /** The one of them that is looked at. */
  #open: ImportedModel | undefined = $state.raw();
  #ground: Ground;
  #asked = 0;

  constructor(ground: Ground) {
    this.#ground = ground;
  }

  find(id: string): ImportedModel | undefined {
    return this.all?.find((model) => model.id === id) ?? (this.#open?.id === id ? this.#open : undefined);
  }

  async look(): Promise<void> {
    await this.#ground.attempt(async () => {
      this.found = await this.#ground.call.foundModels();
    });
  }

  /** Reads the card of a model of another program, where that is asked for. */
  async open(id: string): Promise<void> {
    if (!id.startsWith("found-") || this.#open?.id === id) return;
    await this.#ground.attempt(async () => {
      this.#open = await this.#ground.call.model({ id });
    });
  }

  async load(): Promise<void> {
    const asked = ++this.#asked;
    await this.#ground.attempt(async () => {
      const all = await this.#ground.call.models();
      if (asked === this.#asked) this.all = all;
    });
  }

  async rename(id: string, name: string): Promise<void> {
    await this.#ground.attempt(async () => {
      const renamed = await this.#ground.call.renameModel({ id, name });
      this.all = this.all?.map((one) => (one.id === id ? renamed : one));
    });
  }

  async remove({ id, name }: Pick<ImportedModel, "id" | "name">): Promise<void> {
    await this.#ground.attempt(async () => {
      await this.#ground.call.removeModel({ id });
      this.all = this.all?.filter((one) => one.id !== id);
      this.#ground.toasts.add(say.shelf.removed(name), { label: say.shell.undo, run: () => void this.restore(id) });
    });
  }

  async restore(id: string): Promise<void> {
    await this.#ground.attempt(() => this.#ground.call.restoreModel({ id }));
    await this.load();
  }
}
