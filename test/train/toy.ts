// A small table in memory, and a trainer on it: what the tests of the loop have in common.
import type { SampleBatch, Samples } from "../../worker/data/samples.ts";
import { answeringGraph, type NetSpec, trainingGraph } from "../../worker/models/index.ts";
import { modelOf } from "../../worker/models/index.ts";
import { type AnyConfig, resolveConfig } from "../../worker/models/model.ts";
import { Random } from "../../worker/random.ts";
import { openEngine, type TrainingSession } from "../../worker/run/engine.ts";
import { tasks } from "../../worker/tasks/index.ts";
import { float32, int64 } from "../../worker/tensor.ts";
import type { Checkpoint } from "../../worker/train/checkpoint.ts";
import { Control } from "../../worker/train/control.ts";
import { type StepOptions, trainingPlan } from "../../worker/train/step.ts";
import { type Course, freshState, Trainer, type TrainerParts } from "../../worker/train/trainer.ts";

/** y = sin(2·x₀) + x₁·x₂ + a constant a category, with noise. */
export function toySplit(rows: number, seed: number, noise = 0.1): Samples {
  const random = new Random(seed, "toy");
  const x = new Float32Array(rows * 3);
  const codes: number[] = [];
  const y = new Float32Array(rows);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < 3; j++) x[i * 3 + j] = random.normal();
    codes.push(1 + Math.floor(random.uniform() * 4), 1 + Math.floor(random.uniform() * 20));
    y[i] = Math.sin(2 * x[i * 3]!) + x[i * 3 + 1]! * x[i * 3 + 2]! + codes[2 * i]! / 4 + noise * random.normal();
  }
  const read = async (positions: Uint32Array): Promise<SampleBatch> => {
    const n = positions.length;
    return {
      inputs: {
        x: float32(
          [n, 3],
          Array.from(positions).flatMap((i) => [...x.subarray(i * 3, i * 3 + 3)]),
        ),
        codes: int64(
          [n, 2],
          Array.from(positions).flatMap((i) => codes.slice(i * 2, i * 2 + 2)),
        ),
      },
      y: float32(
        [n, 1],
        Array.from(positions, (i) => y[i]!),
      ),
      rowNumbers: positions.map((i) => i + 1),
    };
  };
  return { rows, read, range: (from, to) => read(Uint32Array.from({ length: to - from }, (_, i) => from + i)) };
}

export interface Toy {
  trainer: Trainer;
  control: Control;
  points: { step: number; lr: number; trainLoss: number; validationLoss?: number | undefined }[];
  saved: Checkpoint[];
  dispose(): Promise<void>;
}

export interface ToyOptions {
  config?: AnyConfig;
  course?: Partial<Course>;
  from?: Checkpoint;
  signal?: AbortSignal;
  checkpointEvery?: number;
  train?: Samples;
  validation?: Samples | undefined;
  onStep?: (trainer: Trainer, control: Control) => void;
  /** Stands between the trainer and its session. */
  wrap?: (session: TrainingSession) => TrainingSession;
  /** Whether it goes back to the last checkpoint, or the beginning, where the loss leaves the numbers. */
  restores?: boolean;
}

export const toyTrain = toySplit(200, 1);
export const toyValidation = toySplit(60, 2);

export async function openToy(options: ToyOptions = {}): Promise<Toy> {
  const task = tasks.regression;
  const config = resolveConfig(modelOf("mlp"), { width: 16, depth: 2, members: 2, ...options.config });
  const net: NetSpec = { model: "mlp", config, numeric: 3, categories: [5, 21], outputs: 1, seed: 5 };
  const forward = trainingGraph(net, task);
  const engine = await openEngine("cpu", { threads: 1 });
  const stepOptions: StepOptions = {
    loss: "loss",
    keep: ["shown"],
    optimizer: { name: "adamw", weightDecay: 0.01 },
    clipNorm: 1,
    seed: 5,
  };
  const sessionOf = (inParts: boolean) => engine.train(trainingPlan(forward, { ...stepOptions, inParts }), answeringGraph(net, task));
  let session = await sessionOf(options.from?.trainer.shrunk !== undefined);
  if (options.from) await session.write(options.from.states);
  const control = new Control(options.signal);
  const points: Toy["points"] = [];
  const saved: Checkpoint[] = [];
  const train = options.train ?? toyTrain;
  const batch = options.course?.batch ?? 32;
  const course: Course = {
    batch,
    lr: 0.003,
    schedule: "cosine",
    seed: 5,
    shuffle: true,
    stepsPerEpoch: Math.ceil(train.rows / batch),
    steps: 70,
    evaluateEvery: 5,
    pointEvery: 3,
    patience: Infinity,
    plateauPatience: 2,
    maxSeconds: 1000,
    keepLosses: true,
    ...options.course,
  };
  const first = options.restores ? structuredClone(await session.read()) : undefined;
  const parts: TrainerParts = {
    session: options.wrap?.(session) ?? session,
    task,
    target: { targetScale: { mean: 0, std: 1 } },
    parameters: forward.parameters,
    train,
    validation: "validation" in options ? options.validation : toyValidation,
    course,
    control,
    checkpointEvery: options.checkpointEvery ?? 1e9,
    ...(first
      ? { restore: () => Promise.resolve(structuredClone(saved.at(-1) ?? { states: first, best: new Map(), trainer: freshState(course) })) }
      : {}),
    reopen: async () => {
      await session.dispose();
      session = await sessionOf(true);
      return options.wrap?.(session) ?? session;
    },
    onSetBack: async (told) => {
      const kept = points.findIndex(({ step }) => step > told);
      if (kept >= 0) points.length = kept;
    },
    save: async (checkpoint) => void saved.push(structuredClone(checkpoint)),
    onPoint: ({ step, lr, trainLoss, validationLoss }) => points.push({ step, lr, trainLoss, validationLoss }),
    onStep: (trainer) => options.onStep?.(trainer, control),
  };
  const trainer = new Trainer(parts, options.from && structuredClone(options.from));
  return { trainer, control, points, saved, dispose: () => engine.dispose() };
}
