// What a run will do, decided from the data and the spec alone: equal data and spec give the equal plan on every machine, whatever its
// speed, so that the numbers of a run do not depend on who runs it. The length of the course is chosen so that a machine with two
// ordinary cores walks it in well under the time budget; the budget itself only cuts off.
import type { MemoryBytes, OptimizerName, Precision, TaskName, TrainPlan, TrainSpec } from "../../ipc/types.ts";
import { AppError } from "../../ipc/error.ts";
import type { Graph } from "../onnx/graph.ts";
import type { StepGraph } from "../run/engine.ts";
import { evaluationPiece } from "./answers.ts";
import { bytesOf, sizeOf } from "../tensor.ts";
import { type SessionBytes, sessionBytes } from "./forecast.ts";
import { trainingStep } from "./step.ts";
import type { Course } from "./trainer.ts";

/** What a kind of data knows when a run is planned. */
export interface PlanFacts {
  task: TaskName;
  target: string;
  /** Count of the classes, where there are any. */
  classes?: number;
  inputs: number;
  rows: { train: number; validation: number; test: number };
  /** Folds in which the rows of train and validation learn together; absent: those of validation are held out. */
  folds?: number;
  /** Passes over the rows, at most; default 200. */
  mostEpochs?: number;
  /** Steps of the course, where the spec names neither steps nor epochs and the time allows for a share of a pass, or should be used up. */
  steps?: number;
  /** Whether classes may be weighed. */
  weighable?: boolean;
  /** `trainable` where not all of them learn. */
  model: { name: string; parameters: number; trainable?: number };
  graphs: { training: Graph; answering: Graph };
  /** Rows a step and the learning rate, where the spec says nothing. */
  batch: number;
  lr: number;
  /** The optimizer where the spec names none; default AdamW. */
  optimizer?: OptimizerName;
  /** Seconds of one step on two ordinary cores; see `stepSeconds`. */
  stepSeconds(batch: number): number;
  /** Bytes that the rows take in memory. */
  dataBytes: number;
  /** Bytes of the program with what reads the rows; default with the engine that reads tables. */
  programBytes?: number;
  /** Lengths of the graphs' symbols besides the batch "B". */
  sizes?: Record<string, number>;
  /** Rows that are answered at once, where it is fewer than usual. */
  piece?: number;
  /** Parts of the forward graph of which all but the last are computed again on the way back. */
  recompute?: number;
  /** Evaluations an epoch, where judging takes long beside a step. */
  evaluationsAnEpoch?: number;
}

export interface FullPlan {
  plan: TrainPlan;
  course: Course;
  /** 1 where a step is too small to be worth sharing out; absent: the engine's choice. */
  threads?: number;
  /** Seconds that the course takes by the reckoning, and whether its steps are too small to be shared out. */
  seconds: number;
  small: boolean;
  precision: Precision;
  /** How a step is taken beyond the settings. */
  step?: { clipNorm: number; beta2: number };
  /** Parts of the forward graph of which all but the last are computed again on the way back. */
  recompute?: number;
}

export const defaults = { seconds: 40, seed: 1, device: "cpu", model: "mlp", optimizer: "adamw", schedule: "warmup" } as const;

/** Two ordinary cores: multiply-adds a second in large matrices, seconds a unit's activation, seconds a step whatever its size. */
const machine = { madds: 60e9, activation: 3e-9, step: 2e-3 };
const week = 7 * 24 * 3600;
/** Part of the time budget that the course may fill by that reckoning. */
const share = 0.55;
const epochLimits = { least: 1, most: 200 };

/** Seconds of one step: multiply-adds forward and twice backward, activations, and what each step costs anyway. */
export const stepSeconds = (madds: number, activations: number): number =>
  madds / machine.madds + activations * machine.activation + machine.step;

export function planCourse(facts: PlanFacts, spec: TrainSpec): FullPlan {
  const { rows, graphs } = facts;
  const seed = spec.seed ?? defaults.seed;
  const split = spec.split ?? true;
  const learned = facts.folds ? rows.train + rows.validation : rows.train;
  const batch = Math.max(1, Math.min(learned, spec.batch ?? facts.batch));
  const stepsPerEpoch = Math.ceil(learned / batch);
  const each = facts.stepSeconds(batch);
  // Epochs or steps that are asked for are not cut short by a budget that nobody asked for.
  const maxSeconds = spec.seconds ?? (spec.epochs === undefined && spec.steps === undefined ? defaults.seconds : week);
  const affordable = Math.floor((maxSeconds * share) / each / stepsPerEpoch);
  const epochs = spec.epochs ?? Math.min(facts.mostEpochs ?? epochLimits.most, Math.max(epochLimits.least, affordable));
  const steps = Math.max(1, spec.steps ?? (spec.epochs === undefined ? facts.steps : undefined) ?? epochs * stepsPerEpoch);
  const evaluateEvery =
    facts.evaluationsAnEpoch === undefined
      ? evaluationStride(stepsPerEpoch, steps)
      : Math.max(1, Math.ceil(stepsPerEpoch / facts.evaluationsAnEpoch));
  const evaluations = Math.ceil(steps / evaluateEvery);

  if (spec.classWeight === "balanced" && !facts.weighable)
    throw new AppError("usage", "Class weights are for the classification of tables.", "Leave --class-weight out.");
  const optimizerName = spec.optimizer ?? facts.optimizer ?? defaults.optimizer;
  const most = Math.min(facts.piece ?? evaluationPiece, Math.max(learned, rows.validation, rows.test));
  const again = facts.recompute === undefined ? {} : { recompute: facts.recompute };
  const step = trainingStep(graphs.training, { loss: "loss", optimizer: { name: optimizerName }, keep: ["shown"], seed, ...again });
  const sizes = { sizes: { ...facts.sizes, B: batch }, evaluationSizes: { ...facts.sizes, B: most } };
  const bytes = bytesOfCourse(facts, step, sessionBytes(step, graphs.answering, sizes));
  const settings: TrainPlan["settings"] = {
    optimizer: optimizerName,
    lr: spec.lr ?? facts.lr,
    schedule: spec.schedule ?? defaults.schedule,
    weightDecay: spec.weightDecay ?? (optimizerName === "adamw" ? 0.01 : 0),
    batch,
    seed,
    shuffle: spec.shuffle ?? true,
    split,
    ...(facts.weighable ? { classWeight: spec.classWeight ?? "none" } : {}),
  };
  const course: Course = {
    batch,
    lr: settings.lr,
    schedule: settings.schedule,
    seed,
    shuffle: settings.shuffle,
    stepsPerEpoch,
    steps,
    evaluateEvery,
    pointEvery: Math.max(1, Math.ceil(steps / 1000)),
    // A number of steps that was asked for is kept to.
    patience: split && spec.steps === undefined ? Math.max(8, Math.ceil(evaluations * 0.3)) : Infinity,
    // Falls two or three times before the patience with the whole run is spent.
    plateauPatience: Math.max(2, Math.ceil(evaluations * 0.1)),
    maxSeconds,
    keepLosses: spec.logLosses ?? false,
  };
  const small = each < 2 * machine.step;
  return {
    course,
    ...again,
    ...(small ? { threads: 1 } : {}),
    seconds: steps * each,
    small,
    precision: spec.precision ?? "full",
    plan: {
      task: facts.task,
      target: facts.target,
      ...(facts.classes === undefined ? {} : { classes: facts.classes }),
      inputs: facts.inputs,
      rows,
      ...(facts.folds ? { folds: facts.folds } : {}),
      model: facts.model,
      device: spec.device ?? defaults.device,
      batch,
      maxEpochs: Math.ceil(steps / stepsPerEpoch),
      maxSeconds,
      estimatedSeconds: Math.round((Math.min(maxSeconds, steps * each * 1.15) + 2) * 10) / 10,
      estimatedBytes: Object.values(bytes).reduce((sum: number, one: number) => sum + one, 0),
      bytes,
      settings,
    },
  };
}

/** About once an epoch, but at least 40 and at most 200 times in the whole course. */
function evaluationStride(stepsPerEpoch: number, steps: number): number {
  return Math.max(1, Math.ceil(steps / 200), Math.min(stepsPerEpoch, Math.ceil(steps / 40)));
}

/** The forecast by parts: of a session's states the values are weights, their copies and what checkpoints hold runtime. */
function bytesOfCourse(facts: PlanFacts, { graph, states }: StepGraph, sessions: SessionBytes): MemoryBytes {
  const learned = new Set(graph.inputs.map(({ name }) => name).filter((name) => facts.graphs.training.parameters.includes(name)));
  const sizeOfStates = (own: (name: string) => boolean) =>
    states.filter(({ name }) => own(name)).reduce((sum, { dtype, dims }) => sum + bytesOf(dtype) * sizeOf(dims), 0);
  const values = sizeOfStates((name) => learned.has(name));
  const moments = sizeOfStates((name) => !learned.has(name));
  const kept = (facts.model.trainable ?? facts.model.parameters) * 4 * (facts.folds ? 6 : 3);
  const constants = sessions.constants / 2; // the session's own; as much lies in the file it is opened from
  const gradients = Math.min(values, sessions.activations);
  const bytes: MemoryBytes = {
    weights: values + constants,
    gradients,
    optimizer: moments,
    activations: sessions.activations - gradients + sessions.evaluation,
    cache: 0,
    runtime: 0,
  };
  const whole = (facts.programBytes ?? programBytes) + facts.dataBytes + kept + sessions.total;
  return { ...bytes, runtime: Math.round(whole - bytes.weights - gradients - moments - bytes.activations) };
}

/** Libraries and the engine that reads tables; measured on runs of 300 to 100,000 rows. */
const programBytes = 162 * 2 ** 20;
