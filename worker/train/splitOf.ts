// How a run's rows are split, from its spec; and the plan that tells how they were.
import { AppError } from "../../ipc/error.ts";
import type { SplitBy, TableTask, TrainSpec } from "../../ipc/types.ts";
import type { SplitSpec } from "../data/split.ts";
import { defaults, type FullPlan } from "./plan.ts";

/** Throws usage where classes are to keep their share and there are none. */
export function splitOf(spec: TrainSpec, task: TableTask): SplitSpec {
  const by = spec.splitBy;
  if (by?.by === "stratified" && task === "regression")
    throw new AppError(
      "usage",
      "A stratified split keeps the share of classes, and a number has none.",
      "Split at random, by group or by time.",
      {
        setting: "split",
      },
    );
  return { seed: spec.seed ?? defaults.seed, split: spec.split ?? true, ...(by ? { by } : {}) };
}

/** Throws usage where a kind of data that is split in its own way is asked for another. */
export function refuseSplit({ splitBy }: TrainSpec, what: string): void {
  if (!splitBy || splitBy.by === "random") return;
  throw new AppError(
    "usage",
    `${what} are not split ${splitBy.by === "stratified" ? "by class" : `by ${splitBy.by}`} yet.`,
    "Leave --split out.",
    {
      setting: "split",
    },
  );
}

export function withSplit<T extends FullPlan>(full: T, splitBy: SplitBy): T {
  return { ...full, plan: { ...full.plan, splitBy } };
}
