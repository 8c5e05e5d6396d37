// The learning rate over time. Pure; `step` counts from 0 to total - 1.
import type { ScheduleName } from "../../ipc/types.ts";

type Shape = (at: { step: number; total: number; done: number }) => number;

/** Each schedule as a factor on the base rate; `done` is the fraction of the run that lies behind. */
export const schedules: Record<ScheduleName, Shape> = {
  constant: () => 1,
  /** A tenth after each third. */
  step: ({ done }) => 0.1 ** Math.min(2, Math.floor(done * 3)),
  /** Half a cosine down to zero: https://arxiv.org/abs/1608.03983 */
  cosine: ({ done }) => (1 + Math.cos(Math.PI * done)) / 2,
  /** Up a line for 5 % of the run (at least one step), then half a cosine down: https://arxiv.org/abs/1706.02677 */
  warmup: ({ step, total }) => {
    const rise = Math.max(1, Math.round(total * 0.05));
    return step < rise ? (step + 1) / rise : (1 + Math.cos((Math.PI * (step - rise)) / Math.max(1, total - rise))) / 2;
  },
  /** From 1/25 up for 30 % of the run, then down to 1/10,000 of that, by cosines: https://arxiv.org/abs/1708.07120 */
  onecycle: ({ step, total }) => {
    const last = Math.max(1, total - 1);
    const top = 0.3 * last;
    const between = (from: number, to: number, done: number) => to + ((from - to) * (1 + Math.cos(Math.PI * done))) / 2;
    return step <= top ? between(1 / 25, 1, top ? step / top : 1) : between(1, 1 / 25 / 1e4, (step - top) / (last - top));
  },
};

/** Learning rate of a step (from 0) of a run of `total` steps. Steps beyond the end have the last one's rate. */
export function learningRate(name: ScheduleName, base: number, step: number, total: number): number {
  const whole = Math.max(1, total);
  const at = Math.min(Math.max(0, step), whole - 1);
  return base * schedules[name]({ step: at, total: whole, done: at / whole });
}

/** A rate that falls when the loss no longer does; as PyTorch's ReduceLROnPlateau with a relative threshold. */
export class Plateau {
  readonly #options: { factor: number; patience: number; threshold: number; cooldown: number };
  #best = Infinity;
  #bad = 0;
  #rest = 0;
  #scale = 1;

  /**
   * @param options.factor what the rate is multiplied by
   * @param options.patience judgements without a better loss that are let pass
   * @param options.threshold how much better, relative to the best, counts as better
   * @param options.cooldown judgements after a fall that do not count
   */
  constructor(options: { factor?: number; patience?: number; threshold?: number; cooldown?: number } = {}) {
    this.#options = { factor: 0.1, patience: 10, threshold: 1e-4, cooldown: 0, ...options };
  }

  /** The factor on the base rate after this loss. */
  judge(loss: number): number {
    const { factor, patience, threshold, cooldown } = this.#options;
    if (loss < this.#best * (1 - threshold)) {
      this.#best = loss;
      this.#bad = 0;
    } else this.#bad++;
    if (this.#rest > 0) {
      this.#rest--;
      this.#bad = 0;
    }
    if (this.#bad > patience) {
      this.#scale *= factor;
      this.#rest = cooldown;
      this.#bad = 0;
    }
    return this.#scale;
  }
}
