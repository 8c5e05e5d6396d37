// What a task is: from the network's raw answers to a loss, to the answer shown, and to the numbers that judge it.
import type { Metrics, MetricName } from "../../ipc/types.ts";
import type { Builder, Value } from "../ops/builder.ts";
import type { Tensor } from "../tensor.ts";

export interface Answers {
  /** Float32: probabilities (n, C), or values (n) in the target's unit. */
  predicted: Float32Array;
  /** Class ids (Int32Array), or values in the target's unit. */
  truth: Int32Array | Float64Array;
}

/** What of the encoding a task needs to know. */
export interface Target {
  classes?: string[];
  /** value = standardised · std + mean */
  targetScale?: { mean: number; std: number };
  /** What a row of each class counts; absent: all count 1. */
  classWeights?: readonly number[];
}

/** What counts in a loss besides the rows themselves. */
export interface Counting {
  /** (K, B): 1 where a member learns from a row (or answers it), else 0; absent: everywhere. */
  members?: Value | undefined;
  /** What a row of each class counts; absent: all count 1. */
  classWeights?: readonly number[] | undefined;
}

export interface Task {
  /** What an answer is: one of some classes, or a number. */
  truth: "classes" | "values";
  /** The metric that decides, and that a curve point carries. */
  metric: MetricName;
  /** Answers a row: classes, or 1. */
  outputs(target: Target): number;
  /**
   * Losses of raw answers (B, outputs) or (K, B, outputs): `loss` is what training lowers (the members' mean), `shown` the loss of the answer
   * they give together, which compares with the validation loss.
   * @param y (B) int64 class ids, or (B, 1) float32 standardised
   */
  losses(g: Builder, raw: Value, y: Value, counting?: Counting): { loss: Value; shown: Value };
  /** How much a batch counts beside others in the mean that its loss is, by its answers; absent: as many as its rows. */
  weight?(y: Tensor): number;
  /**
   * The members' raw answers as one: logits (B, C) whose softmax is the members' mean probability, or (B, 1) standardised.
   * @param members (K, B): 1 where a member answers a row, else 0; absent: all do
   */
  together(g: Builder, raw: Value, members?: Value): Value;
  /** What `together` gives, and the batch's y, in the units that are shown. */
  answers(joined: Tensor, y: Tensor, target: Target): Answers;
  /** Validation loss, in the unit of the training loss, and the metric that decides. */
  judge(answers: Answers, target: Target): { loss: number; metric: number };
  metrics(answers: Answers, target: Target): Metrics;
}

/** Mean over the members that count: x (K, B, …) → (B, …); what has no members stays as it is. */
export function meanOfMembers(g: Builder, x: Value, members?: Value): Value {
  if (x.dims.length < 3) return x;
  if (!members) return g.reduceMean(x, { axes: [0], keepdims: false });
  const wide = g.unsqueeze(members, [2]); // (K, B, 1)
  return g.div(g.reduceSum(g.mul(x, wide), { axes: [0], keepdims: false }), g.reduceSum(wide, { axes: [0], keepdims: false }));
}

/** Mean of losses (K, B) or (B) over the members and rows that count. */
export function meanLoss(g: Builder, losses: Value, members?: Value): Value {
  if (!members) return g.reduceMean(losses, { keepdims: false });
  return g.div(g.reduceSum(g.mul(losses, members), { keepdims: false }), g.reduceSum(members, { keepdims: false }));
}
