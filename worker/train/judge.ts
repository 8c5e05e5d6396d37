// What is told of a run that has ended.
import type { Referee, RunReport, RunResult } from "../../ipc/types.ts";
import { peakMemory } from "./memory.ts";
import type { FullPlan } from "./plan.ts";
import { remarks } from "./referee.ts";
import type { Trainer } from "./trainer.ts";

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
    model: {
      name: plan.model.name,
      parameters: plan.model.parameters,
      trainable: parameters.length ? (plan.model.trainable ?? plan.model.parameters) : 0,
    },
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
    ...(report.pictures ? { pictures: report.pictures } : {}),
    ...(state.shrunk ? { shrunk: state.shrunk } : {}),
    ...(state.losses ? { losses: state.losses } : {}),
  };
}

export function lastRemark({ state, course }: Trainer, ended: RunResult["stopped"]): Referee {
  const best = state.stopping.best ?? { epoch: state.epoch + 1 };
  if (ended === "budget") return remarks.budgetSpent(course.maxSeconds);
  if (ended === "interrupted") return remarks.stoppedByUser();
  return state.step < state.total ? remarks.converged(best) : remarks.finished(best);
}
