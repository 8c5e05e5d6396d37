// A trained model judged on another file whose answers are known, by the same numbers as at its training.
import { basename } from "node:path";
import { AppError } from "../../ipc/error.ts";
import type { Baselines, Metrics } from "../../ipc/types.ts";
import { correctedTable, readCorrections } from "../data/corrections.ts";
import { isMissingWord } from "../data/missing.ts";
import type { NumberFormat } from "../data/numbers.ts";
import { trimmed } from "../data/readings.ts";
import type { Table } from "../data/table.ts";
import { shownColumns, tableSamples } from "../data/tableSamples.ts";
import { type ModelCard, readsTexts } from "../formats/modelCard.ts";
import { tasks } from "../tasks/index.ts";
import { buildReport, type Judgement } from "../tasks/report.ts";
import type { Answers } from "../tasks/task.ts";
import { baselinesOf } from "./baselinesOf.ts";
import { openRows } from "./openRows.ts";
import { openPredictor, type Predictor } from "./predict.ts";
import { columnMissing, layoutOf, scoreTable } from "./predictFile.ts";
import { readNumber } from "./readCells.ts";

export interface EvaluateOptions {
  cache: string;
  /** The sheet or table of a file that holds several. */
  part?: string;
  /** A file of corrections that are laid over the answers. */
  corrections?: string;
  signal?: AbortSignal;
  onProgress?: (what: "reading" | "profiling" | "predicting", fraction: number | null) => void;
}

/**
 * Metrics and report of a run (or of a model.onnx alone) on all rows of `file` that have an answer. A class that training never saw counts as
 * wrong; cells that are no numbers count as missing, as they did in training.
 * @throws AppError what openPredictor and openTable throw; targetMissing without the answers' column; targetEmpty when no row has one
 */
export async function evaluateRun(run: string, file: string, options: EvaluateOptions): Promise<Judgement & { metrics: Metrics }> {
  const predictor = await openPredictor(run);
  try {
    let table = await openRows(predictor.card, file, options);
    try {
      const { corrections, signal } = options;
      const target = table.readings[table.profile.columns.findIndex(({ name }) => name === predictor.card.target)];
      if (corrections !== undefined && target) table = await correctedTable(table, target, await readCorrections(corrections), signal);
      return await evaluate(run, predictor, table, options);
    } finally {
      await table.close();
    }
  } finally {
    await predictor.dispose();
  }
}

async function evaluate(run: string, predictor: Predictor, table: Table, options: EvaluateOptions) {
  const { card } = predictor;
  const judged = await answersOf(predictor, table, options);
  const target = card.classes ? { classes: card.classes } : {};
  const metrics = tasks[card.task].metrics(judged.answers, target);
  const known = await baselinesOf(run);
  const constant = tasks[card.task].metrics(constantAnswers(card, judged.answers), target);
  const { report, mistakes } = await buildReport({
    kind: readsTexts(card) ? "text" : "table",
    task: card.task,
    truth: tasks[card.task].truth,
    metric: tasks[card.task].metric,
    target: card.target,
    ...target,
    rows: { train: 0, validation: 0, test: judged.rowNumbers.length },
    metrics: { train: known?.metrics.train ?? {}, validation: null, test: metrics },
    // The linear model is not kept: its numbers are those of the run's own test rows.
    baseline: { constant, linear: known?.baseline.linear ?? constant } satisfies Baselines,
    parts: { train: null, validation: null, test: { ...judged, of: judged.rowNumbers.length } },
    columns: judged.columns,
    samples: judged.samples,
  });
  return { metrics: report.metrics.test!, report, mistakes };
}

/** Answers and truth of every row that has one; memory: a few numbers a row. */
async function answersOf(predictor: Predictor, table: Table, options: EvaluateOptions) {
  const { card } = predictor;
  const layout = await layoutOf(card, table);
  const byPlace = !card.header && !table.profile.dialect.header && layout.names.length === card.columns.length;
  const place = (byPlace ? card.columns : layout.names).indexOf(card.target);
  if (place < 0) throw targetMissing(card, table);
  const width = card.classes?.length ?? 1;
  const reading = table.readings[place];
  const format = reading?.type === "number" ? reading.format : "plain";
  const readTruth = truthReader(card, format);
  const { rows } = layout;
  const predicted = new Float32Array(rows * width);
  const truth = card.classes ? new Int32Array(rows) : new Float64Array(rows);
  const rowNumbers = new Uint32Array(rows);
  let count = 0;
  for await (const { cells, scored, firstRow } of scoreTable(predictor, table, layout, { signal: options.signal, lenient: true })) {
    cells.forEach((row, i) => {
      const answer = readTruth(row[place]!);
      if (Number.isNaN(answer)) return;
      truth[count] = answer;
      rowNumbers[count] = firstRow + i;
      if ("values" in scored) predicted[count] = scored.values[i]!;
      else predicted.set(scored.probabilities.subarray(i * width, (i + 1) * width), count * width);
      count++;
    });
    options.onProgress?.("predicting", (firstRow + cells.length - 1) / rows);
  }
  if (count === 0)
    throw new AppError(
      "targetEmpty",
      `No row of '${table.profile.file}' has a value in the column '${card.target}'.`,
      "Give a file whose answers are known.",
      { file: table.profile.file, column: card.target },
    );
  const columns = shownColumns(table, table.profile.columns[place]!.name);
  const look = tableSamples(table, columns, { skip: layout.skip });
  const at = columns.indexOf(table.profile.columns[place]!.name);
  return {
    answers: { predicted: predicted.subarray(0, count * width), truth: truth.subarray(0, count) },
    rowNumbers: rowNumbers.subarray(0, count),
    columns,
    samples: async (rows: readonly number[]) => {
      const found = await look(rows);
      // a class that training never saw has no name among the model's: the row has it
      if (!card.classes) return found;
      return new Map([...found].map(([row, one]) => [row, { ...one, truth: trimmed(one.cells[at]!) }]));
    },
  };
}

/** A cell of the answers' column → class id or number; NaN for missing. */
export function truthReader(card: ModelCard, format: NumberFormat): (text: string) => number {
  return card.classes ? classReader(card.classes) : (text) => readNumber(text, format) ?? NaN;
}

/** Text → class id, -1 for a class that training never saw, NaN for missing. "1.0" is the class "1" where all classes are numbers. */
function classReader(classes: string[]): (text: string) => number {
  const ids = new Map(classes.map((name, id) => [name, id]));
  const values = classes.map((name) => readNumber(name) ?? NaN);
  const numbers = values.some(Number.isNaN) ? undefined : new Map(values.map((value, id) => [value, id]));
  return (text) => {
    const cell = trimmed(text);
    const id = ids.get(cell) ?? numbers?.get(readNumber(cell) ?? NaN);
    if (id !== undefined) return id;
    return isMissingWord(cell, classes) ? NaN : -1;
  };
}

/** The dumb guess, at its best on these rows: the most frequent class always, or the mean. */
function constantAnswers(card: ModelCard, { truth }: Answers): Answers {
  if (!card.classes) {
    let mean = 0;
    for (const value of truth) mean += value / truth.length;
    return { predicted: new Float32Array(truth.length).fill(mean), truth };
  }
  const width = card.classes.length;
  const shares = new Float32Array(width);
  for (const id of truth) if (id >= 0) shares[id]! += 1 / truth.length;
  const predicted = new Float32Array(truth.length * width);
  for (let row = 0; row < truth.length; row++) predicted.set(shares, row * width);
  return { predicted, truth };
}

function targetMissing(card: ModelCard, table: Table): AppError {
  const { hint, data } = columnMissing(card, [card.target], table.profile);
  return new AppError(
    "targetMissing",
    `'${basename(table.file)}' has no column '${card.target}', which holds the answers that the model is judged by.`,
    hint,
    data,
  );
}
