// The referee: one plain sentence about a run that is true now. It looks only at numbers that were measured.
import type { MetricName, Referee, Setback, Shrink } from "../../ipc/types.ts";
import type { StoppingState } from "./stopping.ts";

/** What the referee sees while training runs. */
export interface Sight {
  /** Seconds of training so far. */
  seconds: number;
  /** Training and validation loss at the evaluations so far, in order. */
  seen: readonly { trainLoss: number; validationLoss: number }[];
  stopping: StoppingState;
  patience: number;
  /** False when nothing is held out: then the "validation" loss is that of the training rows. */
  heldOut: boolean;
  metricName: MetricName;
}

const percent = (x: number) => Number((100 * x).toPrecision(2));

export function referee(sight: Sight): Referee {
  const { seen, stopping, seconds } = sight;
  const last = seen.at(-1);
  const best = stopping.best;
  if (!last || !best || seen.length < 2) return say("starting", {}, "Training has begun; there is not enough to judge yet.");

  const window = Math.max(2, Math.ceil(seen.length * 0.2));
  const before = seen[Math.max(0, seen.length - 1 - window)]!;
  const first = seen[0]!;
  if (stopping.since === 0) {
    const gain = (before.validationLoss - last.validationLoss) / Math.max(Math.abs(before.validationLoss), 1e-12);
    const data = { gain: percent(gain), loss: last.validationLoss };
    return gain >= 0.01
      ? say("learning", data, `It is learning: the error on rows it has not seen fell by ${data.gain} % lately.`, sight)
      : say("slowing", data, "It still gets better, but slowly.");
  }
  const ago = Math.max(0, Math.round(seconds - best.seconds));
  const falls = last.trainLoss < seen[Math.max(0, seen.length - 1 - stopping.since)]!.trainLoss;
  const data = { ago, waits: sight.patience - stopping.since, since: stopping.since };
  // Not better than at the first evaluation, and not because training succeeded where validation failed: it goes nowhere.
  if (!falls && stopping.since >= window && best.validationLoss > 0.99 * first.validationLoss && last.trainLoss > 0.99 * first.trainLoss)
    return say("stuck", data, "It is stuck: the loss has not fallen since the start. A different learning rate may help.");
  if (sight.heldOut && falls && stopping.since >= Math.max(3, Math.ceil(sight.patience * 0.2)))
    return say("memorising", data, `It now memorises: the best point was ${duration(ago)} ago, and I kept it.`);
  return say("slowing", data, `No better point for ${duration(ago)}; the best one is kept.`);
}

/** Sentences for the moments that need no judgement. */
export const remarks = {
  reading: () => say("reading", {}, "Reading the data."),
  starting: () => say("starting", {}, "Training begins."),
  setBack: ({ step, to, part }: Setback) =>
    say(
      "setBack",
      { step, to, percent: Number((100 * part).toPrecision(2)) },
      `At step ${step} the loss ran away. I went back to step ${to} and go on with ${Number((100 * part).toPrecision(2))} % of the learning rate.`,
    ),
  shrunk: ({ step, rows, of, same }: Shrink) =>
    say(
      same ? "shrunk" : "shrunkRoughly",
      { step, rows, of },
      `At step ${step} the memory ran short. I go on with ${rows} of the ${of} rows of a batch at a time; ` +
        (same ? "the result stays the same." : "as this network normalises by the rows it sees together, the result may differ a little."),
    ),
  paused: () => say("paused", {}, "Paused. Nothing is lost; press Resume to go on."),
  testing: () => say("testing", {}, "Training is over. Now the best point is tested on rows it has never seen."),
  converged: (best: { epoch: number }) =>
    say("converged", { epoch: best.epoch }, `Done: it no longer got better. The best point, in epoch ${best.epoch}, is kept.`),
  finished: (best: { epoch: number }) =>
    say("converged", { epoch: best.epoch }, `Done: all planned epochs are trained. The best point, in epoch ${best.epoch}, is kept.`),
  budgetSpent: (seconds: number) =>
    say(
      "budgetSpent",
      { seconds: Math.round(seconds) },
      `The time is up (${duration(Math.round(seconds))}). The best point is kept; more time could help.`,
    ),
  stoppedByUser: () => say("stoppedByUser", {}, "Stopped by you. The best point is kept."),
  interrupted: (step: number) => say("interrupted", { step }, `Interrupted at step ${step}; the run can be resumed from there.`),
  failed: (why: string) => say("failed", { why }, `Training ended with an error: ${why}`),
};

function say(code: Referee["code"], data: Referee["data"], message: string, sight?: Sight): Referee {
  // Without held-out rows the sentence must not speak of unseen ones.
  return { code, data, message: sight && !sight.heldOut ? message.replace("on rows it has not seen ", "") : message };
}

/** 75 → "1 minute 15 seconds". */
export function duration(seconds: number): string {
  const part = (n: number, unit: string) => `${n} ${unit}${n === 1 ? "" : "s"}`;
  if (seconds < 60) return part(seconds, "second");
  const rest = seconds % 60;
  return rest ? `${part(Math.floor(seconds / 60), "minute")} ${part(rest, "second")}` : part(seconds / 60, "minute");
}
