// What can be set on an optimizer. Names and defaults follow PyTorch's where it has the optimizer; optimizer.ts says which heeds what.
import type { OptimizerName } from "../../ipc/types.ts";

export interface OptimizerSpec {
  name: OptimizerName;
  /** Decoupled decay, taken with the learning rate (adamw, schedulefree: default 0.01; muon: 0.1; others: none). */
  weightDecay?: number;
  /** L2: adds l2 · p to the gradient. */
  l2?: number;
  beta1?: number;
  /** Also what rmsprop calls alpha (default 0.99) and adadelta rho (default 0.9). */
  beta2?: number;
  eps?: number;
  momentum?: number;
  /** momentum: what is taken off the gradient's share after the first step. */
  dampening?: number;
  /** muon: whether its momentum looks ahead. */
  nesterov?: boolean;
  /** adam, adamw: the largest mean square so far is divided by. */
  amsgrad?: boolean;
  /** rmsprop: the mean square is taken about the mean. */
  centered?: boolean;
  /** nadam: how fast its momentum warms up. */
  momentumDecay?: number;
  /** adagrad: the rate of step t is lr / (1 + (t-1) · lrDecay). */
  lrDecay?: number;
  /** adagrad: what the sums of squares begin with (PyTorch: initial_accumulator_value). */
  initialSum?: number;
  /** asgd: the power by which its rate falls. */
  alpha?: number;
  /** asgd: how fast its rate falls and parameters shrink. */
  lambd?: number;
  /** asgd: the step after which the mean begins. */
  t0?: number;
  /** rprop: what a step is multiplied by where the gradient turned, and where it kept its sign. */
  shrink?: number;
  grow?: number;
  /** rprop: bounds of a step. */
  leastSize?: number;
  mostSize?: number;
  /** adafactor: 1-β₂ of step t is t to this power. */
  beta2Decay?: number;
  /** adafactor: least size of a parameter for its steps. */
  eps2?: number;
  /** adafactor: largest root mean square of an update (PyTorch: d). */
  threshold?: number;
  /** muon: how often it iterates. */
  nsSteps?: number;
  /** muon: how the rate follows the shape: √max(1, rows/columns), or 0.2 √max(rows, columns) so that AdamW's rates suit. */
  adjustLr?: "original" | "match_rms_adamw";
  /** muon: what moves parameters that are no matrices; its decay (default: 0.01, or weightDecay where given) and eps. */
  others?: "adamw";
  othersWeightDecay?: number;
  othersEps?: number;
}

/** What is in force: every setting with its value. */
export type Settings = Required<OptimizerSpec>;
