// What the flags of train-step ask for, as the command reads them, without a process of its own.
import type { StepSpec } from "../ipc/types.ts";
import { specOf, trainStepCommand } from "../main/commands/trainStep.ts";

/** @param args the model, then flags */
export function stepSpec(args: string[]): StepSpec {
  let spec: StepSpec | undefined;
  const command = trainStepCommand().exitOverride();
  command.action((file: string, options: Parameters<typeof specOf>[1]) => void (spec = specOf(file, options)));
  command.parse(args, { from: "user" });
  return spec!;
}
