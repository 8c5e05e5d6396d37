// Made-up trainings: curves that fall and turn, and the reports that go with them.
import type { CurvePoint, RunProgress, RunReport, RunResult, RunState, TableProfile, TrainPlan, TrainSpec } from "../../ipc/types.ts";
import { homeRow, random } from "./tables.ts";

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

export function report(profile: TableProfile, made: TrainPlan, weak = false): RunReport {
  const columns = profile.columns.map((column) => column.name);
  if (made.task === "regression") {
    const next = random(11);
    const truth = Array.from({ length: made.rows.test }, () => 120_000 + 900_000 * next() ** 1.8);
    const predicted = truth.map((value) => value + (next() + next() - 1) * 90_000);
    const r2 = weak ? 0.581 : 0.874;
    return {
      task: "regression",
      target: made.target,
      rows: made.rows,
      metrics: {
        train: { r2: 0.902, rmse: 71_200, mae: 48_900, loss: 0.11 },
        validation: { r2: 0.871, rmse: 79_400, mae: 54_100, loss: 0.15 },
        test: { r2, rmse: 81_350, mae: 55_240, loss: 0.16 },
      },
      baseline: { constant: { r2: -0.001, rmse: 229_000, mae: 176_000 }, linear: { r2: 0.642, rmse: 137_000, mae: 98_400 } },
      verdict: { beatsConstant: true, beatsLinear: !weak, metric: "r2", network: r2, constant: -0.001, linear: 0.642 },
      scatter: { truth, predicted },
      columns,
      mistakes: Array.from({ length: 10 }, (_, i) => {
        const row = 100 + i * 431;
        const cells = homeRow(row);
        const off = 412_000 - i * 21_000;
        return { row, cells, truth: cells.at(-1)!, prediction: String(Number(cells.at(-1)) + off), badness: off };
      }),
    };
  }
  return {
    task: "classification",
    target: made.target,
    classes: ["Adelie", "Chinstrap", "Gentoo"],
    rows: made.rows,
    metrics: {
      train: { accuracy: 1, macroF1: 1, logLoss: 0.004 },
      validation: { accuracy: 0.971, macroF1: 0.968, logLoss: 0.09 },
      test: { accuracy: 0.971, macroF1: 0.966, logLoss: 0.081 },
    },
    baseline: { constant: { accuracy: 0.441, macroF1: 0.204, logLoss: 1.05 }, linear: { accuracy: 0.941, macroF1: 0.93, logLoss: 0.14 } },
    verdict: { beatsConstant: true, beatsLinear: true, metric: "accuracy", network: 0.971, constant: 0.441, linear: 0.941 },
    confusion: {
      labels: ["Adelie", "Chinstrap", "Gentoo"],
      counts: [
        [15, 0, 0],
        [1, 6, 0],
        [0, 0, 12],
      ],
    },
    columns,
    mistakes: [{ row: 182, cells: profile.preview[2] ?? [], truth: "Chinstrap", prediction: "Adelie", badness: 0.83 }],
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
