// A run on texts judged: the network on all parts, the baselines beside it.
import type { RunReport } from "../../../ipc/types.ts";
import { buildReport } from "../../tasks/report.ts";
import type { Tensor } from "../../tensor.ts";
import { answersOf } from "../answers.ts";
import type { PreparedText } from "./preparedText.ts";
import { fitTextBaselines } from "./textBaselines.ts";

/** Texts of the training part on which its metrics are told, at even distances. */
const trainMetricRows = 20_000;
/** Letters of a text that a report shows. */
const shown = 2000;

export async function judgeText(
  prepared: PreparedText,
  run: (feeds: Record<string, Tensor>) => Promise<Record<string, Tensor>>,
  pause: () => Promise<void>,
): Promise<RunReport> {
  const { task, encoding, encoded, plan, rarity, table } = prepared;
  const ask = (part: "train" | "validation" | "test", rows?: number) =>
    answersOf(encoded[part], { task, target: encoding, run, pause, ...(rows === undefined ? {} : { rows }) });
  const train = await ask("train", trainMetricRows);
  const validation = encoded.validation.rows > 0 ? await ask("validation") : null;
  const test = encoded.test.rows > 0 ? await ask("test") : null;
  const baseline = await fitTextBaselines(encoded.train, test ? encoded.test : encoded.train, { task, target: encoding, rarity, pause });
  const judged = test ?? train;
  return buildReport({
    task: encoding.task,
    truth: task.truth,
    metric: task.metric,
    target: encoding.target,
    ...(encoding.classes ? { classes: encoding.classes } : {}),
    rows: plan.plan.rows,
    metrics: {
      train: task.metrics(train, encoding),
      validation: validation && task.metrics(validation, encoding),
      test: test && task.metrics(test, encoding),
    },
    baseline,
    columns: table.profile.columns.map(({ name }) => name),
    answers: judged,
    rowNumbers: judged.rowNumbers,
    cells: async (row) => ((await table.rows(row - 1, 1))[0] ?? []).map((cell) => cell.slice(0, shown)),
  });
}
