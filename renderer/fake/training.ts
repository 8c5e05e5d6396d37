// Made-up trainings: curves that fall and turn, and the reports that go with them.
import type { CurvePoint, RunProgress, RunReport, RunResult, RunState, TableProfile, TrainPlan, TrainSpec } from "../../ipc/types.ts";
import { random } from "./tables.ts";

export const maxEpochs = 60;
export const stepsAnEpoch = 32;

/** The point at a step: the training loss keeps falling, the validation loss turns at two thirds. */
export function point(step: number, task: TrainPlan["task"]): CurvePoint {
  const noise = random(step * 31)() - 0.5;
  const fall = Math.exp(-step / 260);
  const trainLoss = 0.12 + 0.9 * fall + 0.05 * fall * noise + 0.01 * noise;
  const turn = Math.max(0, step - 1100) / 6000;
  const validationLoss = 0.17 + 0.85 * fall + turn;
  const metric = task === "regression" ? 1 - validationLoss * 0.9 : 0.985 - validationLoss * 0.3;
  return {
    step,
    epoch: Math.floor(step / stepsAnEpoch),
    seconds: step * 0.011,
    lr: 0.003,
    trainLoss,
    ...(step % stepsAnEpoch === 0 ? { validationLoss, metric } : {}),
  };
}

export function points(from: number, to: number, task: TrainPlan["task"]): CurvePoint[] {
  return Array.from({ length: Math.max(0, Math.floor((to - from) / 4)) }, (_, i) => point(from + (i + 1) * 4, task));
}

export function progress(state: RunState, step: number, task: TrainPlan["task"]): RunProgress {
  const bestStep = Math.min(step - (step % stepsAnEpoch), 1088);
  const best = point(bestStep, task);
  const past = step > 1400;
  return {
    state,
    epoch: Math.floor(step / stepsAnEpoch),
    maxEpochs,
    step,
    maxSteps: maxEpochs * stepsAnEpoch,
    metricName: task === "regression" ? "r2" : "accuracy",
    point: point(step, task),
    best: { step: bestStep, epoch: best.epoch, seconds: best.seconds, validationLoss: best.validationLoss ?? 1, metric: best.metric ?? 0 },
    rowsPerSecond: 22_840,
    stepMs: 11.2,
    secondsLeft: Math.max(0, (maxEpochs * stepsAnEpoch - step) * 0.011),
    seconds: step * 0.011,
    memory: { workerBytes: 214_000_000, deviceKind: "ram", deviceUsedBytes: 6_900_000_000, deviceTotalBytes: 16_600_000_000 },
    choice: {
      device: "cpu",
      threads: 2,
      why: "fastest",
      trials: [
        { device: "cpu", threads: 1, stepMs: 5.4 },
        { device: "cpu", threads: 2, stepMs: 3.1 },
        { device: "webgpu", threads: 2, stepMs: 14 },
        { device: "cuda", threads: 2, stepMs: null, why: "The library that it needs is not installed." },
      ],
      batch: 256,
      memory: { forecastBytes: 230_000_000 },
    },
    referee:
      state === "paused"
        ? { code: "paused", data: {}, message: "Paused. Nothing is lost; press Go on." }
        : past
          ? {
              code: "memorising",
              data: { ago: 5, waits: 6, since: 8 },
              message: "It now memorises: the best point was 5 seconds ago, and I kept it.",
            }
          : {
              code: "learning",
              data: { gain: 6.4, loss: 0.3 },
              message: "It is learning: the error on rows it has not seen fell by 6.4 % lately.",
            },
  };
}

export function plan(
  profile: TableProfile,
  target: string,
  task: TrainPlan["task"],
  ignore: readonly string[],
  chosen: Omit<TrainSpec, "data"> = {},
): TrainPlan {
  const {
    optimizer = "adamw",
    schedule = "cosine",
    weightDecay = 0.01,
    batch = 256,
    seed = 1,
    shuffle = true,
    split = true,
    classWeight = "none",
  } = chosen;
  const column = profile.columns.find((one) => one.name === target);
  const inputs = profile.columns.filter((one) => one.name !== target && !one.ignored && !ignore.includes(one.name)).length;
  const held = split ? Math.round(profile.rows * 0.1) : 0;
  return {
    task,
    target,
    ...(task === "classification" ? { classes: column?.distinct ?? 2 } : {}),
    inputs,
    rows: { train: profile.rows - 2 * held, validation: held, test: held },
    model: { name: "mlp", parameters: 34_000 + inputs * 128 },
    device: "cpu",
    batch,
    maxEpochs: chosen.epochs ?? maxEpochs,
    maxSeconds: chosen.seconds ?? 300,
    estimatedSeconds: 21,
    estimatedBytes: 230_000_000,
    splitBy: chosen.splitBy ?? { by: "random" },
    settings: {
      optimizer,
      lr: chosen.lr ?? (optimizer === "sgd" ? 0.05 : 0.003),
      schedule,
      weightDecay,
      batch,
      seed,
      shuffle,
      split,
      ...(task === "classification" ? { classWeight } : {}),
    },
  };
}

export function result(run: string, made: TrainPlan, { metrics, baseline, verdict }: RunReport): RunResult {
  return {
    run,
    task: made.task,
    model: { name: made.model.name, parameters: made.model.parameters, trainable: made.model.parameters },
    device: made.device,
    metrics,
    baseline,
    verdict,
    seconds: 18.4,
    steps: 1600,
    epochs: 50,
    bestStep: 1088,
    peakMemoryBytes: 231_000_000,
    stopped: "converged",
    onnx: `runs/${run}/model.onnx`,
  };
}
