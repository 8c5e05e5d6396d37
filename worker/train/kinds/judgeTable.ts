// A run on a table judged: the network on all parts, the baselines beside it.
import type { Samples } from "../../data/samples.ts";
import { shownColumns, tableSamples } from "../../data/tableSamples.ts";
import { atTemperature, calibrationError, fitTemperature } from "../../tasks/calibration.ts";
import { buildReport, type JudgedPart, type Judgement } from "../../tasks/report.ts";
import type { Tensor } from "../../tensor.ts";
import { answersOf, judgedRows } from "../answers.ts";
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
): Promise<Judgement> {
  const { task, encoding, target, data, encoded, plan } = prepared;
  const most = judgedRows(task.outputs(encoding));
  const ask = async (part: Samples, rows = most): Promise<JudgedPart> => {
    const { rowNumbers, ...answers } = await answersOf(part, { task, target, run, pause, rows: Math.min(rows, most) });
    return { answers, rowNumbers, of: part.rows };
  };
  const classes = encoding.classes?.length ?? 0;
  const held = data.validation.rows > 0 ? await ask(data.validation) : null;
  const { predicted, truth } = held?.answers ?? {};
  const temperature = classes && predicted && truth ? fitTemperature(predicted, truth, classes, target.classWeights) : 1;
  const tempered = (part: JudgedPart): JudgedPart => {
    const { answers } = part;
    return classes ? { ...part, answers: { ...answers, predicted: atTemperature(answers.predicted, classes, temperature) } } : part;
  };
  const raw = { train: await ask(prepared.learned, trainMetricRows), test: data.test.rows > 0 ? await ask(data.test) : null };
  const train = tempered(raw.train);
  const validation = held && tempered(held);
  const test = raw.test && tempered(raw.test);
  const baseline = await fitBaselines(encoded.train, test ? encoded.test : encoded.train, {
    task,
    target: encoding,
    categories: encoding.categories,
    pause,
  });
  const calibration = ({ answers }: JudgedPart) => ({
    logLoss: task.metrics(answers, encoding)["logLoss"]!,
    ece: calibrationError(answers.predicted, answers.truth, classes),
  });
  const columns = shownColumns(prepared.table, encoding.target);
  const { report, mistakes } = await buildReport({
    kind: "table",
    task: encoding.task,
    truth: task.truth,
    metric: task.metric,
    target: encoding.target,
    ...(encoding.classes ? { classes: encoding.classes } : {}),
    rows: plan.plan.rows,
    metrics: {
      train: task.metrics(train.answers, encoding),
      validation: validation && task.metrics(validation.answers, encoding),
      test: test && task.metrics(test.answers, encoding),
    },
    baseline,
    parts: { train, validation, test },
    columns,
    samples: tableSamples(prepared.table, columns),
    pause,
  });
  if (!classes) return { report, mistakes }; // numbers have no probabilities
  const told = { temperature, before: calibration(raw.test ?? raw.train), after: calibration(test ?? train) };
  return { report: { ...report, calibration: told }, mistakes };
}
