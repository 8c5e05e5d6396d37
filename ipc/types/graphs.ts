// Graphs: gradients, training steps and their benches.
import type { Fallback, OptimizerName, Precision } from "./training.ts";

/** One input or output of a graph; a length may be a name ("batch"). */
export interface TensorInfo {
  name: string;
  dtype: string;
  shape: (number | string)[];
}

/** What to make of an ONNX file. `sizes`: numbers for named lengths ("batch", or "x.0" by place). `wrt`: names; default all float initializers. */
export interface GraphSpec {
  model: string;
  loss: string;
  wrt?: string[];
  sizes?: Record<string, number>;
  out: string;
}

/** A written graph: its inputs and outputs in order. */
export interface GraphResult {
  out: string;
  loss: string;
  inputs: TensorInfo[];
  outputs: TensorInfo[];
  /** Nodes of the graph. */
  nodes: number;
}

export interface StepSpec extends GraphSpec {
  optimizer: OptimizerName;
  lr?: number;
  /** Settings of the optimizer by their names (beta1, eps, …). */
  settings?: Record<string, number | boolean | string>;
  clipNorm?: number;
  clipValue?: number;
  accumulate?: number;
  lossScale?: number;
  seed?: number;
  /** Parts of the forward graph, of which all but the last are computed again on the way back; "auto": as many as need the least memory. */
  recompute?: number | "auto";
  /** "mixed": products in float16 with float32 parameters and a dynamic loss scale. */
  precision?: Precision;
}

/** A state of a training step. `initial`: the number that fills it, or the name of the initializer of the model (the step file has it as training information). */
export interface StateInfo extends TensorInfo {
  next: string | null;
  initial: number | { initializer: string };
}

export interface StepResult extends GraphResult {
  optimizer: OptimizerName;
  /** Every setting in force, the learning rate among them. */
  hyperparameters: Record<string, number | boolean | string>;
  parameters: string[];
  states: StateInfo[];
}

export interface BenchResult {
  device: string;
  /** Milliseconds a step: the median, and the tenth and ninetieth of a hundred. */
  stepMs: { median: number; p10: number; p90: number };
  losses: number[];
  peakMemoryBytes: number;
  /** What the device cannot run, and the processor did. */
  fallbacks: Fallback[];
}

/** One net of the suite to time. `peer`: a Python that has torch, which makes the same steps in turn. */
export interface SuiteSpec {
  name: string;
  device: string;
  /** Processors to use, here and there; default as in training. */
  threads?: number;
  steps: number;
  seed: number;
  /** At sizes for tests. */
  small: boolean;
  peer?: string;
}

/** `torch`: its version, or null where the Python cannot be used, with the reason. */
export interface SuitePeer {
  python: string;
  torch: string | null;
  why: string | null;
}

export interface SuiteTiming {
  stepMs: BenchResult["stepMs"];
  /** Processor time a step, all threads together. */
  cpuMs: number;
  /** Of a process that does this alone; null where the system does not say. */
  peakMemoryBytes: number | null;
}

export interface SuiteEntry extends SuiteTiming {
  name: string;
  title: string;
  device: string;
  threads: number;
  /** Numbers that learn. */
  parameters: number;
  nodes: number;
  /** Making the forward graph and the step out of it. */
  buildMs: number;
  losses: number[];
  /** PyTorch eager on the processor, from the same weights on the same batch; null where no Python was given. */
  peer: (SuiteTiming & { losses: number[] }) | null;
  /** Ours by theirs: below 1 is faster, smaller. */
  ratio: { time: number; cpu: number; memory: number | null } | null;
  /** Largest relative difference of a step's losses. */
  lossDifference: number | null;
}
