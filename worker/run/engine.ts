// What trains and runs graphs, whatever the runtime. One step is one run of the step graph; the state stays in the session, on the
// device; who opens an engine or a session disposes it.
import { AppError } from "../../ipc/error.ts";
import type { Graph, ValueInfo } from "../onnx/graph.ts";
import type { DType, Tensor } from "../tensor.ts";
import { deviceIds, probeDevice } from "./device.ts";
import { OrtEngine } from "./onnxruntime.ts";

/** One tensor that a training step takes and gives back: a parameter, a moment of it, or the step count. */
export interface StepState {
  name: string;
  dims: number[];
  dtype: DType;
  initial: Tensor;
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

export interface Engine {
  readonly id: string;
  /** @param evaluate the forward graph without dropout; its parameters are taken from the session's state */
  train(step: StepGraph, evaluate: Graph | undefined): Promise<TrainingSession>;
  load(graph: Graph | Uint8Array): Promise<InferenceSession>;
  dispose(): Promise<void>;
}

export interface TrainingSession {
  /**
   * One step. Only the loss and what is kept come back: `result.loss.data[0]`.
   * @param feeds the batch, by input name
   */
  step(feeds: Record<string, Tensor>, lr: number): Promise<Record<string, Tensor>>;
  /** Outputs of the evaluate graph with the parameters as they are now. */
  evaluate(feeds: Record<string, Tensor>): Promise<Record<string, Tensor>>;
  /** Every state, copied to the CPU. */
  read(): Promise<Map<string, Tensor>>;
  /** Replaces states; those not named stay. */
  write(states: Map<string, Tensor>): Promise<void>;
  dispose(): Promise<void>;
}

export interface InferenceSession {
  readonly inputs: ValueInfo[];
  readonly outputs: ValueInfo[];
  run(feeds: Record<string, Tensor>): Promise<Record<string, Tensor>>;
  dispose(): Promise<void>;
}

/**
 * Opens a device: "cpu", "webgpu", … There is no silent fallback.
 * @param options.threads processors to use; the default is the same each time, as other counts give other last bits
 * @throws deviceUnknown, listing the known ones; deviceFailed with the runtime's reason
 */
export async function openEngine(device: string, options: { threads?: number } = {}): Promise<Engine> {
  if (!deviceIds.includes(device))
    throw new AppError("deviceUnknown", `There is no device '${device}' on this system.`, `Name one of: ${deviceIds.join(", ")}.`, {
      device,
      known: deviceIds,
    });
  const tried = await probeDevice(device);
  if (!tried.works)
    throw new AppError("deviceFailed", `The device '${device}' does not work here: ${tried.why}`, "Use another device: cpu always works.", {
      device,
    });
  return new OrtEngine(device, options);
}
