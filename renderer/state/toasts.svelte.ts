// Short notes that go away by themselves; errors stay until they are closed.
import type { ErrorRecord } from "../../ipc/error.ts";
import { tellError } from "../words/say.ts";
import { say } from "./words.svelte.ts";

export interface Toast {
  id: number;
  text: string;
  action?: { label: string; run: () => void };
}

export class Toasts {
  all: readonly Toast[] = $state.raw([]);
  #next = 1;
  #timers: Record<number, ReturnType<typeof setTimeout>> = {};

  /** @param seconds how long it stays; 0 means until it is closed */
  add(text: string, action?: Toast["action"], seconds = action ? 10 : 5): void {
    const id = this.#next++;
    this.all = [...this.all, action ? { id, text, action } : { id, text }];
    if (seconds > 0) this.#timers[id] = setTimeout(() => this.close(id), seconds * 1000);
  }

  addError(error: ErrorRecord): void {
    const { what, todo } = tellError(say.errors, error);
    const text = say.shell.sentences(what, todo);
    if (this.all.some((note) => note.text === text)) return;
    this.add(text, undefined, 0);
  }

  close(id: number): void {
    clearTimeout(this.#timers[id]);
    delete this.#timers[id];
    this.all = this.all.filter((toast) => toast.id !== id);
  }

  clear(): void {
    for (const toast of this.all) this.close(toast.id);
  }
}
