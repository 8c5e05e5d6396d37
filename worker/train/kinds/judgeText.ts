// A run on texts judged: the network on all parts, the baselines beside it.
import { shownColumns, tableSamples } from "../../data/tableSamples.ts";
import { atTemperature, calibrationError, fitTemperature } from "../../tasks/calibration.ts";
import { buildReport, type JudgedPart, type Judgement } from "../../tasks/report.ts";
import type { Tensor } from "../../tensor.ts";
import { answersOf, judgedRows } from "../answers.ts";
import type { PreparedText } from "./preparedText.ts";
import { fitTextBaselines } from "./textBaselines.ts";

/** Texts of the training part on which its metrics are told, at even distances. */
const trainMetricRows = 20_000;
/** Letters of a text that a report shows. */
const shown = 1000;

export async function judgeText(
  prepared: PreparedText,
  run: (feeds: Record<string, Tensor>) => Promise<Record<string, Tensor>>,
  pause: () => Promise<void>,
): Promise<Judgement> {
  const { task, encoding, encoded, data, plan, rarity, table } = prepared;
  const most = judgedRows(task.outputs(encoding));
  const ask = async (part: "train" | "validation" | "test", rows = most): Promise<JudgedPart> => {
    const { rowNumbers, ...answers } = await answersOf(data[part], { task, target: encoding, run, pause, rows: Math.min(rows, most) });
    return { answers, rowNumbers, of: data[part].rows };
  };
  const classes = encoding.classes?.length ?? 0;
  const held = data.validation.rows > 0 ? await ask("validation") : null;
  const temperature = classes && held ? fitTemperature(held.answers.predicted, held.answers.truth as Int32Array, classes) : 1;
  const tempered = (part: JudgedPart): JudgedPart =>
    classes ? { ...part, answers: { ...part.answers, predicted: atTemperature(part.answers.predicted, classes, temperature) } } : part;
  const raw = { train: await ask("train", trainMetricRows), test: data.test.rows > 0 ? await ask("test") : null };
  const train = tempered(raw.train);
  const validation = held && tempered(held);
  const test = raw.test && tempered(raw.test);
  const baseline = await fitTextBaselines(encoded.train, test ? encoded.test : encoded.train, { task, target: encoding, rarity, pause });
  const columns = shownColumns(table, encoding.target);
  const { report, mistakes } = await buildReport({
    kind: "text",
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
    samples: tableSamples(table, columns, { cut: shown }),
    pause,
  });
  if (!classes) return { report, mistakes }; // numbers have no probabilities
  const calibration = ({ answers }: JudgedPart) => ({
    logLoss: task.metrics(answers, encoding)["logLoss"]!,
    ece: calibrationError(answers.predicted, answers.truth, classes),
  });
  return {
    report: { ...report, calibration: { temperature, before: calibration(raw.test ?? raw.train), after: calibration(test ?? train) } },
    mistakes,
  };
}
