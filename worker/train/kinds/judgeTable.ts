// A run on a table judged: the network on all parts, the baselines beside it.
import type { RunReport } from "../../../ipc/types.ts";
import type { Samples } from "../../data/samples.ts";
import { atTemperature, calibrationError, fitTemperature } from "../../tasks/calibration.ts";
import { buildReport } from "../../tasks/report.ts";
import type { Answers } from "../../tasks/task.ts";
import type { Tensor } from "../../tensor.ts";
import { answersOf } from "../answers.ts";
import { fitBaselines } from "../baselines.ts";
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
  const { task, encoding, target, data, encoded, profile, plan } = prepared;
  const ask = (part: Samples, rows?: number) => answersOf(part, { task, target, run, pause, ...(rows === undefined ? {} : { rows }) });
  const validation = data.validation.rows > 0 ? await ask(data.validation) : null;
  const classes = encoding.classes?.length ?? 0;
  const temperature = classes && validation ? fitTemperature(validation.predicted, validation.truth, classes, target.classWeights) : 1;
  const tempered = <A extends Answers>(answers: A): A =>
    classes ? { ...answers, predicted: atTemperature(answers.predicted, classes, temperature) } : answers;
  const raw = { train: await ask(prepared.learned, trainMetricRows), test: data.test.rows > 0 ? await ask(data.test) : null };
  const train = tempered(raw.train);
  const test = raw.test && tempered(raw.test);
  const baseline = await fitBaselines(encoded.train, test ? encoded.test : encoded.train, {
    task,
    target: encoding,
    categories: encoding.categories,
    pause,
  });
  const judged = test ?? train;
  const calibration = (answers: Answers) => ({
    logLoss: task.metrics(answers, encoding)["logLoss"]!,
    ece: calibrationError(answers.predicted, answers.truth, classes),
  });
  const report = await buildReport({
    task: encoding.task,
    truth: task.truth,
    metric: task.metric,
    target: encoding.target,
    ...(encoding.classes ? { classes: encoding.classes } : {}),
    rows: plan.plan.rows,
    metrics: {
      train: task.metrics(train, encoding),
      validation: validation && task.metrics(tempered(validation), encoding),
      test: test && task.metrics(test, encoding),
    },
    baseline,
    columns: profile.columns.map((column) => column.name),
    answers: judged,
    rowNumbers: judged.rowNumbers,
    cells: async (row) => (await prepared.table.rows(row - 1, 1))[0] ?? [],
  });
  return classes
    ? { ...report, calibration: { temperature, before: calibration(raw.test ?? raw.train), after: calibration(judged) } }
    : report;
}
