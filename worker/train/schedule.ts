// The learning rate over time, as PyTorch's schedulers make it. Pure; `step` counts from 0 to total - 1.
import type { ScheduleName } from "../../ipc/types.ts";

type Shape = (at: { step: number; total: number }) => number;
/** Schedules that know the whole course beforehand; the plateau's rate follows what the validation loss does. */
export type PlannedSchedule = Exclude<ScheduleName, "plateau">;

const half = (done: number): number => (1 + Math.cos(Math.PI * done)) / 2;

/** Each schedule as a factor on the base rate; a run has `total` steps, at least one. */
export const schedules: Record<PlannedSchedule, Shape> = {
  constant: () => 1,
  /** A tenth after each third: StepLR(step_size=⌈total/3⌉, gamma=0.1). */
  step: ({ step, total }) => 0.1 ** Math.floor(step / Math.ceil(total / 3)),
  /** Half a cosine down to zero: CosineAnnealingLR(T_max=total). https://arxiv.org/abs/1608.03983 */
  cosine: ({ step, total }) => half(step / total),
  /** Up a line for 5 % of the run (at least one step), then half a cosine down: LinearLR, then CosineAnnealingLR. https://arxiv.org/abs/1706.02677 */
  warmup: ({ step, total }) => {
    const rise = Math.max(1, Math.round(total * 0.05));
    return step < rise ? (step + 1) / rise : half((step - rise) / Math.max(1, total - rise));
  },
  /** From 1/25 up for 30 % of the run, then down to 1/10,000 of that, by cosines: OneCycleLR(total_steps=total). https://arxiv.org/abs/1708.07120 */
  onecycle: ({ step, total }) => {
    const top = 0.3 * total - 1;
    const last = Math.max(1, total - 1);
    const between = (from: number, to: number, done: number) => to + (from - to) * half(done);
    return step <= top ? between(1 / 25, 1, top ? step / top : 1) : between(1, 1 / 25 / 1e4, (step - top) / (last - top));
  },
};

/** Learning rate of a step (from 0) of a run of `total` steps. Steps beyond the end have the last one's rate. */
export function learningRate(name: PlannedSchedule, base: number, step: number, total: number): number {
  const whole = Math.max(1, total);
  return base * schedules[name]({ step: Math.min(Math.max(0, step), whole - 1), total: whole });
}

/** Where a plateau's rate stands. Plain data, kept in checkpoints. */
export interface PlateauState {
  rate: number;
  best: number | null;
  /** Judgements in a row without a better loss. */
  since: number;
  /** Judgements after a fall that still do not count. */
  rest: number;
}

export interface PlateauOptions {
  /** What the rate is multiplied by; default 0.1. */
  factor?: number;
  /** Judgements without a better loss that are let pass; default 10. */
  patience?: number;
  /** How much better, relative to the best, counts as better; default 1e-4. */
  threshold?: number;
  /** Judgements after a fall that do not count; default 0. */
  cooldown?: number;
}

export const freshPlateau = (rate: number): PlateauState => ({ rate, best: null, since: 0, rest: 0 });

/** Falls smaller than this are left out, as PyTorch does. */
const least = 1e-8;

/** What a loss makes of the rate: it falls when more judgements than `patience` brought nothing better. PyTorch's ReduceLROnPlateau. */
export function judgePlateau(state: PlateauState, loss: number, options: PlateauOptions = {}): PlateauState {
  const { factor = 0.1, patience = 10, threshold = 1e-4, cooldown = 0 } = options;
  const better = state.best === null ? loss < Infinity : loss < state.best * (1 - threshold);
  const best = better ? loss : state.best;
  const resting = state.rest > 0;
  const since = better || resting ? 0 : state.since + 1;
  const rest = resting ? state.rest - 1 : 0;
  if (since <= patience) return { rate: state.rate, best, since, rest };
  const lower = state.rate * factor;
  return { rate: state.rate - lower > least ? lower : state.rate, best, since: 0, rest: cooldown };
}
