import type { OptimizerName } from "../../ipc/types.ts";
import type { Graph } from "../onnx/graph.ts";
import type { StepGraph } from "../run/engine.ts";

export type { StepGraph, StepState } from "../run/engine.ts";

export interface OptimizerSpec {
  name: OptimizerName;
  /** Decoupled decay (adamw: default 0.01), taken with the learning rate. */
  weightDecay?: number;
  /** L2: adds l2 · p to the gradient. */
  l2?: number;
  beta1?: number;
  beta2?: number;
  eps?: number;
  momentum?: number;
}

export interface StepOptions {
  /** Name of the forward graph's scalar output. */
  loss: string;
  optimizer: OptimizerSpec;
  /** Gradients are scaled down so that their norm, all together, is at most this. */
  clipNorm?: number;
  /** Which parameters decay (weightDecay, l2); default all. */
  decay?: (parameter: string) => boolean;
  /** Other outputs of the forward graph to keep. */
  keep?: string[];
  /** Parameters that stay as they are. */
  skip?: string[];
  /** Seed of dropout. */
  seed?: number;
}

export declare function trainingStep(forward: Graph, options: StepOptions): StepGraph;
