// Asking a language model: a beginning, and what it writes on, token by token.
import { AppError, type ErrorRecord } from "../../ipc/error.ts";
import type { Generated } from "../../ipc/types.ts";
import type { Ground } from "./ground.ts";

export class Writing {
  prompt = $state("");
  temperature = $state(0.8);
  maxTokens = $state(200);
  /** What was written on so far, and from which beginning. */
  text = $state("");
  from = $state("");
  busy = $state(false);
  done: Generated | undefined = $state.raw();
  error: ErrorRecord | undefined = $state.raw();

  readonly #ground: Ground;
  readonly #project: string;
  readonly #run: string;
  #cancel: AbortController | undefined;
  #id = "";
  /** Another seed each time, so that asking again gives another text. */
  #seed = 0;

  constructor(ground: Ground, project: string, run: string) {
    this.#ground = ground;
    this.#project = project;
    this.#run = run;
  }

  async write(): Promise<void> {
    this.stop();
    const cancel = new AbortController();
    this.#cancel = cancel;
    const id = `w${++this.#seed}`;
    this.#id = id;
    this.text = "";
    this.from = this.prompt;
    this.done = undefined;
    this.error = undefined;
    this.busy = true;
    const { prompt, temperature, maxTokens } = this;
    try {
      const asked = { project: this.#project, run: this.#run, id, prompt, temperature, maxTokens, seed: this.#seed };
      const done = await this.#ground.call.generate(asked, cancel.signal);
      if (this.#id !== id) return;
      this.text = done.text;
      this.done = done;
    } catch (thrown) {
      if (this.#id !== id) return;
      const error = AppError.from(thrown).toRecord();
      if (error.code !== "cancelled") this.error = error;
    }
    this.busy = false;
  }

  /** What is written stays. */
  stop(): void {
    this.#cancel?.abort();
    this.#cancel = undefined;
    this.busy = false;
  }

  onToken(id: string, text: string): void {
    if (id === this.#id && this.busy) this.text += text;
  }
}
