// The samples of one split that are kept to be looked at: asked for once, then filtered, sorted and leafed through here.
import { AppError, type ErrorRecord } from "../../ipc/error.ts";
import type { Mistake, SplitName } from "../../ipc/types.ts";
import type { Ground } from "./ground.ts";

export const orders = ["loss", "sure", "place"] as const;
export type MistakeOrder = (typeof orders)[number];

export class Mistakes {
  readonly run: { project: string; run: string };
  readonly split: SplitName;
  columns: readonly string[] = $state.raw([]);
  all: readonly Mistake[] | undefined = $state.raw();
  error: ErrorRecord | undefined = $state.raw();
  /** Only those of this class, and those taken for this class; undefined: any. */
  truth: string | undefined = $state();
  said: string | undefined = $state();
  order: MistakeOrder = $state("loss");
  page = $state(0);
  /** Samples a page. */
  size = $state(20);

  // Getters, not $derived: a list is made where a screen first asks for it and outlives that screen, which a derived value would not.

  /** Wrong answers; right ones only where they were asked for by name. */
  get found(): readonly Mistake[] {
    const right = this.truth !== undefined && this.truth === this.said;
    const fits = ({ truth, prediction, right: isRight }: Mistake) =>
      (this.truth === undefined || truth === this.truth) && (this.said === undefined || prediction === this.said) && (right || !isRight);
    const found = (this.all ?? []).filter(fits);
    if (this.order === "sure") found.sort((a, b) => (b.sure ?? 0) - (a.sure ?? 0));
    if (this.order === "place") found.sort((a, b) => a.row - b.row);
    return found;
  }

  get pages(): number {
    return Math.max(1, Math.ceil(this.found.length / this.size));
  }

  get shown(): readonly Mistake[] {
    return this.found.slice(this.page * this.size, (this.page + 1) * this.size);
  }

  get filtered(): boolean {
    return this.truth !== undefined || this.said !== undefined;
  }

  #ground: Ground;

  constructor(ground: Ground, run: { project: string; run: string }, split: SplitName) {
    this.#ground = ground;
    this.run = run;
    this.split = split;
  }

  async load(): Promise<void> {
    try {
      const { columns, mistakes } = await this.#ground.call.mistakes({ ...this.run, split: this.split });
      this.columns = columns;
      this.all = mistakes;
      this.error = undefined;
    } catch (thrown) {
      this.error = AppError.from(thrown).toRecord();
    }
  }

  filter(truth: string | undefined, said: string | undefined): void {
    this.truth = truth;
    this.said = said;
    this.page = 0;
  }

  sort(order: MistakeOrder): void {
    this.order = order;
    this.page = 0;
  }

  turn(by: number): void {
    this.page = Math.min(this.pages - 1, Math.max(0, this.page + by));
  }
}
