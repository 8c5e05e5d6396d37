// The step options of a table run, for its training and for the trial of devices alike.
import type { OptimizerSpec } from "./optimizer.ts";
import type { FullPlan } from "./plan.ts";
import type { StepOptions } from "./step.ts";

export function runOptions({ plan, course, precision }: FullPlan, device: string): StepOptions {
  const { optimizer: name, weightDecay } = plan.settings;
  const optimizer = (name === "adamw" ? { name, weightDecay } : { name, l2: weightDecay }) as OptimizerSpec;
  return {
    loss: "loss",
    optimizer,
    keep: ["shown"],
    decay: (parameter) => parameter.endsWith(".weight") || parameter === "a",
    seed: course.seed,
    precision,
    device,
  };
}
