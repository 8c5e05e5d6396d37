// How much a trained table model leans on each of its columns: how far its metric falls when the column's cells change places among rows that
// it did not learn from (Breiman 2001; scikit-learn's permutation_importance). Kept in the run's folder, as it costs a few seconds.
import { basename, join } from "node:path";
import { AppError } from "../../ipc/error.ts";
import type { Importance, RunRecord, RunReport, SplitName } from "../../ipc/types.ts";
import { correctedTable } from "../data/corrections.ts";
import { openTable } from "../data/table.ts";
import { Random } from "../random.ts";
import { truthReader } from "../run/evaluate.ts";
import { readsTexts } from "../formats/modelCard.ts";
import { openPredictor, type Predictor } from "../run/predict.ts";
import { layoutOf } from "../run/predictFile.ts";
import type { Scored } from "../run/writers.ts";
import { tasks } from "../tasks/index.ts";
import { correctionsFor } from "./corrections.ts";
import { readJson, writeJson } from "./files.ts";

export interface ImportanceOptions {
  cache: string;
  signal?: AbortSignal | undefined;
  onProgress?: ((fraction: number) => void) | undefined;
}

/** Shuffles a column, and rows that go through the network in all: a few seconds of an ordinary network. */
const repeats = 5;
const work = 40_000;
const rowLimits = { least: 100, most: 1000 };

/**
 * @returns what it also writes to importance.json in the folder
 * @throws AppError runMissing, runNotTrained, fileChanged where the data are not those of the run, usage where it is no run on a table; cancelled
 */
export async function measureImportance(run: string, { cache, signal, onProgress }: ImportanceOptions): Promise<Importance> {
  const record = await readJson<RunRecord>(join(run, "run.json"));
  const report = await readJson<RunReport>(join(run, "report.json"));
  const predictor = await openPredictor(run);
  try {
    const { card } = predictor;
    if (!record || readsTexts(card))
      throw new AppError("usage", "Only a training on a table has columns to compare.", "Choose such a training.", { run });
    let table = await openTable(record.spec.data, { cache, part: record.spec.part, ...(signal ? { signal } : {}) });
    try {
      const target = table.readings.find(({ name }) => name === card.target);
      if (target) table = await correctedTable(table, target, await correctionsFor(record.spec, run), signal);
      const { fingerprint } = table.profile;
      if (record.fingerprint !== undefined && record.fingerprint !== fingerprint)
        throw new AppError(
          "fileChanged",
          `'${basename(record.spec.data)}' is not the file that this training learned from.`,
          "Put the old file back, or train again.",
          { file: record.spec.data, fingerprint, before: record.fingerprint },
        );
      const { split, sample } = sampleOf(report);
      const width = card.inputs.length;
      const count = Math.max(rowLimits.least, Math.min(rowLimits.most, Math.floor(work / (width * repeats))));
      const rows =
        sample.length > count ? Array.from({ length: count }, (_, i) => sample[Math.floor((i * sample.length) / count)]!) : sample;
      const layout = await layoutOf(card, table);
      const place = table.profile.columns.findIndex(({ name }) => name === card.target);
      const cells = [...layout.places, place].map((at) => `coalesce(c${at}, '')`).join(", ");
      const where = rows.map((row) => row - 1).join(", ");
      const found = await table.database.rows(`SELECT ${cells} FROM raw WHERE rowid IN (${where}) ORDER BY rowid`, signal);
      const reading = table.readings[place];
      const read = truthReader(card, reading?.type === "number" ? reading.format : "plain");
      const known = found.filter((row) => !Number.isNaN(read(String(row[width]))));
      const truth = card.classes
        ? Int32Array.from(known, (row) => read(String(row[width])))
        : Float64Array.from(known, (row) => read(String(row[width])));
      const columns = Array.from({ length: width }, (_, c) => known.map((row) => String(row[c])));
      const judge = judgeOf(predictor, truth);
      const { metric } = tasks[card.task];
      const base = await judge(columns);
      const told: Importance["columns"] = [];
      for (const [c, { column }] of card.inputs.entries()) {
        const random = new Random(record.spec.seed ?? 0, `importance ${c}`);
        const drops: number[] = [];
        for (let r = 0; r < repeats; r++) {
          signal?.throwIfAborted();
          const shuffled = columns.map((cells, k) => (k === c ? random.shuffle([...cells]) : cells));
          drops.push(base - (await judge(shuffled)));
          onProgress?.((c * repeats + r + 1) / (width * repeats));
        }
        const drop = drops.reduce((sum, v) => sum + v, 0) / repeats;
        const spread = Math.sqrt(drops.reduce((sum, v) => sum + (v - drop) ** 2, 0) / repeats);
        told.push({ name: column, drop, spread });
      }
      told.sort((a, b) => b.drop - a.drop);
      const importance: Importance = { version: 1, split, rows: known.length, repeats, metric, base, columns: told };
      await writeJson(join(run, "importance.json"), importance);
      return importance;
    } finally {
      await table.close();
    }
  } finally {
    await predictor.dispose();
  }
}

/** Rows that the network did not learn from, where there are any. */
function sampleOf(report: RunReport | undefined): { split: SplitName; sample: number[] } {
  for (const split of ["test", "validation", "train"] as const) {
    const sample = report?.parts?.[split]?.sample;
    if (sample?.length) return { split, sample };
  }
  throw new AppError(
    "runNotTrained",
    "The training's report does not say which rows were held out: it is from an older Paddock.",
    "Train again.",
    {},
  );
}

/** The metric that decides, of the model's answers on these cells. */
function judgeOf({ card, score, chunk }: Predictor, truth: Int32Array | Float64Array) {
  const task = tasks[card.task];
  const target = card.classes ? { classes: card.classes } : {};
  const width = card.classes?.length ?? 1;
  return async (columns: readonly string[][]): Promise<number> => {
    const predicted = new Float32Array(truth.length * width);
    const step = chunk(columns.length);
    for (let from = 0; from < truth.length; from += step) {
      const scored: Scored = await score(columns.map((cells) => cells.slice(from, from + step)), { firstRow: from + 1, lenient: true }); // prettier-ignore
      predicted.set("values" in scored ? scored.values : scored.probabilities, from * width);
      await new Promise((next) => setImmediate(next)); // a cancel must be heard
    }
    return task.metrics({ predicted, truth }, target)[task.metric]!;
  };
}
