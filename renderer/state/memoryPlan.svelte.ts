// A memory plan being made: what of, for what use, with which settings, and the newest answer.
import { AppError, type ErrorRecord } from "../../ipc/error.ts";
import type { MemoryQuestion } from "../../ipc/host.ts";
import type { MemoryBits, MemoryMethod, MemoryPlan as Plan } from "../../ipc/types.ts";
import type { Ground } from "./ground.ts";

/** Milliseconds without a key before what is written counts. */
const pause = 300;

export class MemoryPlan {
  /** Id of a model, or "" for a size. */
  model = $state("");
  size = $state("6B");
  method: MemoryMethod = $state("inference");
  bits: MemoryBits | undefined = $state();
  batch = $state("");
  context = $state("");
  plan: Plan | undefined = $state.raw();
  error: ErrorRecord | undefined = $state.raw();
  busy = $state(false);
  trying = $state(false);

  readonly #ground: Ground;
  #cancel: AbortController | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(ground: Ground, model = "") {
    this.#ground = ground;
    this.model = model;
    void this.#ask();
  }

  get question(): MemoryQuestion {
    const count = (text: string) => (/^\d+$/.test(text.trim()) ? Number(text) : undefined);
    const [batch, context] = [count(this.batch), count(this.context)];
    return {
      ...(this.model ? { model: this.model } : { size: this.size.trim() }),
      method: this.method,
      ...(this.bits ? { bits: this.bits } : {}),
      ...(batch ? { batch } : {}),
      ...(context ? { context } : {}),
    };
  }

  /** Something was chosen: asked at once. */
  changed(): void {
    clearTimeout(this.#timer);
    void this.#ask();
  }

  /** Something was written: asked when the keys rest. */
  written(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#ask(), pause);
  }

  /** Bits that go with the use: weights that learn have 32. */
  choose(method: MemoryMethod): void {
    this.method = method;
    const learned = method === "full" || method === "head";
    if (learned || (method === "qlora" && (this.bits ?? 4) > 8)) this.bits = undefined;
    this.changed();
  }

  async #ask(work: (question: MemoryQuestion, signal: AbortSignal) => Promise<Plan> = this.#ground.call.planMemory): Promise<void> {
    this.#cancel?.abort();
    const cancel = (this.#cancel = new AbortController());
    this.busy = true;
    try {
      const plan = await work(this.question, cancel.signal);
      if (cancel !== this.#cancel) return;
      this.plan = plan;
      this.error = undefined;
    } catch (thrown) {
      const error = AppError.from(thrown).toRecord();
      if (cancel !== this.#cancel || error.code === "cancelled") return;
      this.error = error;
      this.plan = undefined;
    }
    this.busy = false;
  }

  /** Only what lies on disk can be tried. */
  get canTry(): boolean {
    return this.plan !== undefined && (this.plan.kind === "language" || (this.plan.kind === "onnx" && this.method === "inference"));
  }

  async try(): Promise<void> {
    clearTimeout(this.#timer);
    this.trying = true;
    await this.#ask(this.#ground.call.tryMemory);
    this.trying = false;
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#cancel?.abort();
  }
}
