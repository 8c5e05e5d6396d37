// The step options of a table run, for its training and for the trial of devices alike.
import type { OptimizerSpec } from "./optimizer.ts";
import type { FullPlan } from "./plan.ts";
import type { StepOptions } from "./step.ts";

export function runOptions({ plan, course, precision, step }: FullPlan, device: string): StepOptions {
  const { optimizer: name, weightDecay } = plan.settings;
  const beta2 = step && name.startsWith("adam") ? { beta2: step.beta2 } : {};
  const optimizer = (name === "adamw" ? { name, weightDecay, ...beta2 } : { name, l2: weightDecay, ...beta2 }) as OptimizerSpec;
  return {
    loss: "loss",
    optimizer,
    keep: ["shown"],
    decay: (parameter) => parameter.endsWith(".weight") || parameter === "a",
    seed: course.seed,
    precision,
    device,
    ...(step ? { clipNorm: step.clipNorm } : {}),
  };
}
