// Asking a model of ratings: a user or an item is looked for by what is typed, and what fits it is shown.
import { AppError, type ErrorRecord } from "../../ipc/error.ts";
import type { FoundId, RecommendResult, SimilarResult } from "../../ipc/types.ts";
import type { Ground } from "./ground.ts";

/** Milliseconds of rest before a search is sent. */
const rest = 200;
const listed = 8;
const top = 10;

export type Asked = "users" | "items";

export class Recommender {
  of: Asked = $state("users");
  text = $state("");
  found: readonly FoundId[] = $state.raw([]);
  /** The user or item that is shown. */
  chosen: string | undefined = $state();
  user: RecommendResult | undefined = $state.raw();
  item: SimilarResult | undefined = $state.raw();
  error: ErrorRecord | undefined = $state.raw();
  #ground: Ground;
  #where: { project: string; run: string };
  #timer: ReturnType<typeof setTimeout> | undefined;
  #search: AbortController | undefined;
  #ask: AbortController | undefined;

  constructor(ground: Ground, project: string, run: string) {
    this.#ground = ground;
    this.#where = { project, run };
  }

  /** Begins with those that have most pairs, and shows the first of them. */
  async load(): Promise<void> {
    await this.#find();
    const first = this.found[0];
    if (first) await this.choose(first.id);
  }

  async turn(of: Asked): Promise<void> {
    if (of === this.of) return;
    this.of = of;
    this.text = "";
    this.chosen = undefined;
    this.user = undefined;
    this.item = undefined;
    await this.load();
  }

  type(text: string): void {
    this.text = text;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#find(), rest);
  }

  async choose(id: string): Promise<void> {
    this.#ask?.abort();
    const cancel = new AbortController();
    this.#ask = cancel;
    this.chosen = id;
    try {
      if (this.of === "users") {
        const answer = await this.#ground.call.recommend({ ...this.#where, user: id, top }, cancel.signal);
        if (!cancel.signal.aborted) this.user = answer;
      } else {
        const answer = await this.#ground.call.similar({ ...this.#where, item: id, top }, cancel.signal);
        if (!cancel.signal.aborted) this.item = answer;
      }
      if (!cancel.signal.aborted) this.error = undefined;
    } catch (thrown) {
      this.#fail(thrown, cancel);
    }
  }

  /** An item of a list, as the item that is asked about. */
  async showItem(id: string): Promise<void> {
    this.of = "items";
    this.text = "";
    this.item = undefined;
    await Promise.all([this.#find(), this.choose(id)]);
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#search?.abort();
    this.#ask?.abort();
  }

  async #find(): Promise<void> {
    this.#search?.abort();
    const cancel = new AbortController();
    this.#search = cancel;
    try {
      const found = await this.#ground.call.findIds({ ...this.#where, of: this.of, text: this.text, limit: listed }, cancel.signal);
      if (!cancel.signal.aborted) this.found = found;
    } catch (thrown) {
      this.#fail(thrown, cancel);
    }
  }

  #fail(thrown: unknown, { signal }: AbortController): void {
    const error = AppError.from(thrown).toRecord();
    if (error.code !== "cancelled" && !signal.aborted) this.error = error;
  }
}
