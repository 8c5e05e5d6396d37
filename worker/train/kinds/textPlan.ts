// The plan of a run on texts: what the network of the run decides, and what the texts do.
import type { TrainSpec } from "../../../ipc/types.ts";
import type { TextEncoding } from "../../data/text/encodeTexts.ts";
import { type FullPlan, planCourse } from "../plan.ts";
import type { TextNet } from "./textNet.ts";

export function makeTextPlan(
  encoding: Pick<TextEncoding, "task" | "target" | "classes" | "text" | "leftOut">,
  rows: { train: number; validation: number; test: number },
  net: TextNet,
  spec: TrainSpec,
): FullPlan {
  const training = net.training();
  const { seconds, weightDecay } = net.usual ?? {};
  const open = spec.epochs === undefined && spec.steps === undefined;
  const full = planCourse(
    {
      task: encoding.task,
      target: encoding.target,
      ...(encoding.classes ? { classes: encoding.classes.length } : {}),
      inputs: 1,
      rows,
      graphs: { training, answering: net.answering() },
      ...net.facts(training),
    },
    { ...(open && seconds !== undefined ? { seconds } : {}), ...(weightDecay === undefined ? {} : { weightDecay }), ...spec },
  );
  const { text, leftOut } = encoding;
  return { ...full, plan: { ...full.plan, text: { column: text, leftOut } } };
}
