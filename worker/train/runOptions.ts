// The step options of a table run, for its training and for the trial of devices alike.
import type { OptimizerSpec } from "./optimizer.ts";
import type { FullPlan } from "./plan.ts";
import type { StepOptions } from "./step.ts";

export function runOptions({ plan, course, precision, step, recompute }: FullPlan, device: string): StepOptions {
  const { optimizer: name, weightDecay } = plan.settings;
  const beta2 = step && (name.startsWith("adam") || name === "muon") ? { beta2: step.beta2 } : {};
  const decay = name === "adamw" || name === "muon" ? { weightDecay } : { l2: weightDecay };
  const match = name === "muon" ? { adjustLr: "match_rms_adamw" } : {}; // one rate for matrices and for the rest
  const optimizer = { name, ...decay, ...beta2, ...match } as OptimizerSpec;
  return {
    loss: "loss",
    optimizer,
    keep: ["shown"],
    decay: (parameter) => parameter.endsWith(".weight") || parameter === "a",
    seed: course.seed,
    precision,
    device,
    ...(recompute === undefined ? {} : { recompute }),
    ...(step ? { clipNorm: step.clipNorm } : {}),
  };
}
