// A run on texts judged: the network on all parts, the baselines beside it.
import { shownColumns, tableSamples } from "../../data/tableSamples.ts";
import { buildReport, type Judgement } from "../../tasks/report.ts";
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
  const { task, encoding, encoded, plan, rarity, table } = prepared;
  const most = judgedRows(task.outputs(encoding));
  const ask = async (part: "train" | "validation" | "test", rows = most) => {
    const { rowNumbers, ...answers } = await answersOf(encoded[part], { task, target: encoding, run, pause, rows: Math.min(rows, most) });
    return { answers, rowNumbers, of: encoded[part].rows };
  };
  const train = await ask("train", trainMetricRows);
  const validation = encoded.validation.rows > 0 ? await ask("validation") : null;
  const test = encoded.test.rows > 0 ? await ask("test") : null;
  const baseline = await fitTextBaselines(encoded.train, test ? encoded.test : encoded.train, { task, target: encoding, rarity, pause });
  const columns = shownColumns(table, encoding.target);
  return buildReport({
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
}
