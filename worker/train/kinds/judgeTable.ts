// A run on a table judged: the network on all parts, the baselines beside it.
import type { RunReport } from "../../../ipc/types.ts";
import { buildReport } from "../../tasks/report.ts";
import type { Tensor } from "../../tensor.ts";
import { answersOf } from "../answers.ts";
import { fitBaselines } from "../baselines.ts";
import type { Prepared } from "./kind.ts";
import type { PreparedTable } from "./preparedTable.ts";

/** Rows of the training part on which its metrics are told, at even distances. */
const trainMetricRows = 50_000;

/**
 * @param run answers of the network with the weights to be judged
 * @param pause called between pieces of work
 */
export async function judgeTable(
  prepared: PreparedTable,
  run: (feeds: Record<string, Tensor>) => Promise<Record<string, Tensor>>,
  pause: () => Promise<void>,
): Promise<RunReport> {
  const { task, encoding, data, encoded, profile, plan } = prepared;
  const ask = (part: keyof Prepared["data"], rows?: number) =>
    answersOf(data[part], { task, target: encoding, run, pause, ...(rows === undefined ? {} : { rows }) });
  const train = await ask("train", trainMetricRows);
  const validation = data.validation.rows > 0 ? await ask("validation") : null;
  const test = data.test.rows > 0 ? await ask("test") : null;
  const baseline = await fitBaselines(encoded.train, test ? encoded.test : encoded.train, {
    task,
    target: encoding,
    categories: encoding.categories,
    pause,
  });
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
    columns: profile.columns.map((column) => column.name),
    answers: judged,
    rowNumbers: judged.rowNumbers,
    cells: async (row) => (await prepared.table.rows(row - 1, 1))[0] ?? [],
  });
}
