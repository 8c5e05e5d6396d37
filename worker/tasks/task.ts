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
  losses(g: Builder, raw: Value, y: Value): { loss: Value; shown: Value };
  /** The members' raw answers as one: logits (B, C) whose softmax is the members' mean probability, or (B, 1) standardised. */
  together(g: Builder, raw: Value): Value;
  /** What `together` gives, and the batch's y, in the units that are shown. */
  answers(joined: Tensor, y: Tensor, target: Target): Answers;
  /** Validation loss, in the unit of the training loss, and the metric that decides. */
  judge(answers: Answers, target: Target): { loss: number; metric: number };
  metrics(answers: Answers, target: Target): Metrics;
}

export function meanOfMembers(g: Builder, x: Value): Value {
  return x.dims.length === 3 ? g.reduceMean(x, { axes: [0], keepdims: false }) : x;
}
