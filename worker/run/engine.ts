// What trains and runs graphs, whatever the runtime. One step is one run of the step graph; the state stays in the session, on the
// device; who opens an engine or a session disposes it.
import { AppError } from "../../ipc/error.ts";
import type { Fallback, OptimizerName } from "../../ipc/types.ts";
import type { Graph, ValueInfo } from "../onnx/graph.ts";
import type { DType, Tensor } from "../tensor.ts";
import { probeDevice } from "./device.ts";
import { OrtEngine } from "./onnxruntime.ts";
import { loadTensorFlow, TfEngine } from "./tensorflow.ts";

/** One tensor that a training step takes and gives back: a parameter, a moment of it, or the step count. */
export interface StepState {
  name: string;
  dims: number[];
  dtype: DType;
  initial: Tensor;
  /** It is zero between two steps, and only fills up within one that is taken in parts: nothing to keep. */
  within?: boolean;
}

/**
 * A training step as a graph. Inputs: the batch, `lr` and `t` (float32 scalars, t from 1), and each state by its name; outputs: the loss, what
 * is kept, and `next:<state>`.
 */
export interface StepGraph {
  graph: Graph;
  /** The batch. */
  inputs: ValueInfo[];
  /** Parameters `<p>`, moments `<p>:m` and `<p>:v`, the step count `t`, and `seed` where there is dropout. */
  states: StepState[];
  /** "loss" and what is kept. */
  outputs: string[];
}

/** The optimizer and its settings, every one with its value. */
export interface OptimizerChoice {
  readonly name: OptimizerName;
  readonly weightDecay: number;
  readonly l2: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly momentum: number;
  readonly centered: boolean;
}

/** A training before it is a step: what an engine with gradients of its own goes by. */
export interface TrainingPlan {
  /** The forward graph with the loss among its outputs. */
  readonly forward: Graph;
  /** The output that becomes less, and the name that it has in `result`. */
  readonly loss: { readonly from: string; readonly name: string };
  /** Other outputs to keep. */
  readonly keep: readonly string[];
  /** The parameters that move. */
  readonly trained: readonly string[];
  readonly optimizer: OptimizerChoice;
  /** Settings of the optimizer that were asked for, not taken by default. */
  readonly asked: readonly string[];
  decays(parameter: string): boolean;
  readonly clipNorm?: number | undefined;
  readonly clipValue?: number | undefined;
  /** Steps whose gradients are added up before the parameters move. */
  readonly accumulate: number;
  /** Steps are taken in parts: the feeds say of each its share, and whether it is the last (worker/train/parts.ts). */
  readonly inParts: boolean;
  readonly lossScale?: number | undefined;
  /** Seed of dropout. */
  readonly seed: number;
  /** All of this as one graph with gradients of ours; made when it is asked for. */
  step(): StepGraph;
  /** The optimizer alone as a graph: the batch is the gradients, `grad:<p>`. */
  update(device: string): StepGraph;
}

export interface Engine {
  readonly id: string;
  /**
   * @param training a plan, or a step that is made already
   * @param evaluate the forward graph without dropout; its parameters are taken from the session's state
   */
  train(training: TrainingPlan | StepGraph, evaluate: Graph | undefined): Promise<TrainingSession>;
  /**
   * @param graph a graph, the bytes of a file, or the path of one that keeps its data in files beside it
   * @param options.shared large constants of a graph stay where they are, for other sessions too, and are not laid out for speed
   */
  load(graph: Graph | Uint8Array | ModelPath, options?: { shared?: boolean }): Promise<InferenceSession>;
  dispose(): Promise<void>;
}

export interface TrainingSession {
  /** Operators that the device cannot run and the processor does; known after the first step. */
  fallbacks?: readonly Fallback[] | undefined;
  /**
   * One step. Only the loss and what is kept come back: `result.loss.data[0]`.
   * @param feeds the batch, by input name
   */
  step(feeds: Record<string, Tensor>, lr: number): Promise<Record<string, Tensor>>;
  /** Outputs of the evaluate graph with the parameters as they are now. */
  evaluate(feeds: Record<string, Tensor>): Promise<Record<string, Tensor>>;
  /** Every state that outlasts a step, copied to the CPU. */
  read(): Promise<Map<string, Tensor>>;
  /** Replaces states; those not named stay. */
  write(states: Map<string, Tensor>): Promise<void>;
  dispose(): Promise<void>;
}

/** A file that went through the gate (formats/onnx.ts). */
export interface ModelPath {
  path: string;
}

export interface InferenceSession {
  readonly inputs: ValueInfo[];
  readonly outputs: ValueInfo[];
  run(feeds: Record<string, Tensor>): Promise<Record<string, Tensor>>;
  dispose(): Promise<void>;
}

/**
 * Opens a device: "cpu", "webgpu", … There is no silent fallback.
 * @param options.threads processors to use; the default is the same each time, as other counts give other last bits. TensorFlow chooses its own
 * @throws deviceUnknown, listing the known ones; deviceFailed with the runtime's reason
 */
export async function openEngine(device: string, options: { threads?: number } = {}): Promise<Engine> {
  const tried = await probeDevice(device);
  if (!tried.works)
    throw new AppError("deviceFailed", `The device '${device}' does not work here: ${tried.why}`, "Use another device: cpu always works.", {
      device,
    });
  return device === "tensorflow" ? new TfEngine(await loadTensorFlow()) : new OrtEngine(device, options);
}
