// The end of a run: the best point on all parts, the baselines beside it, and what is told of it.
import type { Referee, RunReport, RunResult } from "../../ipc/types.ts";
import { buildReport } from "../tasks/report.ts";
import type { Tensor } from "../tensor.ts";
import { answersOf } from "./answers.ts";
import { fitBaselines } from "./baselines.ts";
import { peakMemory } from "./memory.ts";
import type { FullPlan } from "./plan.ts";
import type { Prepared } from "./prepare.ts";
import { remarks } from "./referee.ts";
import type { Trainer } from "./trainer.ts";

/** Rows of the training part on which its metrics are told, at even distances. */
const trainMetricRows = 50_000;

/**
 * @param run answers of the network with the weights to be judged
 * @param pause called between pieces of work
 */
export async function judge(
  prepared: Prepared,
  run: (feeds: Record<string, Tensor>) => Promise<Record<string, Tensor>>,
  pause: () => Promise<void>,
): Promise<RunReport> {
  const { task, encoding, data, profile, plan } = prepared;
  const ask = (part: keyof Prepared["data"] & ("train" | "validation" | "test"), rows?: number) =>
    answersOf(data[part], { task, target: encoding, run, pause, ...(rows === undefined ? {} : { rows }) });
  const train = await ask("train", trainMetricRows);
  const validation = data.validation.rows > 0 ? await ask("validation") : null;
  const test = data.test.rows > 0 ? await ask("test") : null;
  const baseline = await fitBaselines(data.train, test ? data.test : data.train, {
    task,
    target: encoding,
    categories: encoding.categories,
    pause,
  });
  const judged = test ?? train;
  return buildReport({
    task: task.id,
    target: encoding.target,
    ...(encoding.classes ? { classes: encoding.classes } : {}),
    rows: plan.plan.rows,
    metrics: {
      train: task.metrics(train, encoding),
      validation: validation && task.metrics(validation, encoding),
      test: test && task.metrics(test, encoding),
    },
    baseline,
    columns: profile.columns.map((column) => column.name),
    answers: judged,
    rowNumbers: judged.rowNumbers,
    cells: async (row) => (await prepared.table.rows(row - 1, 1))[0] ?? [],
  });
}

export function resultOf(
  paths: { run: string; model: string },
  { plan, course }: FullPlan,
  parameters: readonly string[],
  trainer: Trainer,
  report: RunReport,
  stopped: RunResult["stopped"],
): RunResult {
  const { state } = trainer;
  return {
    run: paths.run,
    task: plan.task,
    model: { name: plan.model.name, parameters: plan.model.parameters, trainable: parameters.length ? plan.model.parameters : 0 },
    device: plan.device,
    metrics: report.metrics,
    baseline: report.baseline,
    verdict: report.verdict,
    seconds: Math.round(state.seconds * 1000) / 1000,
    steps: state.step,
    epochs: Math.round((state.step / course.stepsPerEpoch) * 100) / 100,
    bestStep: state.stopping.best?.step ?? state.step,
    peakMemoryBytes: peakMemory(),
    stopped,
    onnx: paths.model,
    ...(state.losses ? { losses: state.losses } : {}),
  };
}

export function lastRemark({ state, course }: Trainer, ended: RunResult["stopped"]): Referee {
  const best = state.stopping.best ?? { epoch: state.epoch + 1 };
  if (ended === "budget") return remarks.budgetSpent(course.maxSeconds);
  if (ended === "interrupted") return remarks.stoppedByUser();
  return state.step < state.total ? remarks.converged(best) : remarks.finished(best);
}
