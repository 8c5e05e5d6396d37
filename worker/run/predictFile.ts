// A file of rows to a file of predictions, in chunks, so that memory does not grow with the file.
import { realpath } from "node:fs/promises";
import { basename } from "node:path";
import { AppError } from "../../ipc/error.ts";
import type { Prediction, TableProfile } from "../../ipc/types.ts";
import { openTable, type Table } from "../data/table.ts";
import type { ModelCard } from "../formats/modelCard.ts";
import { asPredictions, breathe, chunkRows, type Predictor } from "./predict.ts";
import { openWriter, type Scored } from "./writers.ts";

export interface PredictFile {
  file: string;
  /** .csv, .jsonl or .parquet; without it the predictions are only returned. */
  out?: string;
  cache: string;
  /** How many predictions to return, from the first; default all where nothing is written, else 20. */
  keep?: number;
  signal?: AbortSignal;
  onProgress?: (what: "reading" | "profiling" | "predicting", fraction: number | null) => void;
}

/**
 * Predicts every row of a table file, in order. Columns are matched by name (by place where the training file had no names).
 * @throws AppError what openTable throws; columnMissing naming the columns; valueInvalid with row and column; usage for an unknown ending
 */
export async function predictFile(predictor: Predictor, options: PredictFile): Promise<{ rows: number; predictions: Prediction[] }> {
  const { file, out, signal, onProgress } = options;
  if (out !== undefined) await refuseOverInput(file, out);
  const keep = options.keep ?? (out === undefined ? Infinity : 20);
  const table = await openTable(file, { cache: options.cache, signal, onProgress });
  try {
    const { columns, rows } = table.profile;
    const names = columns.map((column) => column.name);
    const classes = predictor.card.classes;
    const writer = out === undefined ? undefined : await openWriter(out, { columns: names, ...(classes ? { classes } : {}) });
    const predictions: Prediction[] = [];
    // The training file itself is read as training read it.
    const same = table.profile.fingerprint === predictor.card.fingerprint;
    try {
      for await (const { cells, scored, firstRow } of scoreTable(predictor, table, { signal, lenient: same })) {
        if (predictions.length < keep)
          predictions.push(...asPredictions(predictor.card, scored, firstRow).slice(0, keep - predictions.length));
        await writer?.write(cells, scored);
        onProgress?.("predicting", (firstRow + cells.length - 1) / rows);
      }
      await writer?.finish();
    } catch (error) {
      await writer?.abandon();
      throw error;
    }
    return { rows, predictions };
  } finally {
    await table.close();
  }
}

/**
 * The rows of a table with their answers, a chunk at a time, in order.
 * @param options.lenient cells that are no numbers count as missing instead of being refused
 */
export async function* scoreTable(
  predictor: Predictor,
  table: Table,
  { signal, lenient }: { signal?: AbortSignal; lenient?: boolean } = {},
): AsyncGenerator<{ cells: string[][]; scored: Scored; firstRow: number }> {
  const places = matchColumns(predictor.card, table.profile);
  const name = basename(table.file);
  const step = chunkRows(table.profile.columns.length);
  for (let from = 0; from < table.profile.rows; from += step) {
    signal?.throwIfAborted();
    const cells = await table.rows(from, step);
    const columns = places.map((place) => cells.map((row) => row[place]!));
    yield { cells, scored: await predictor.score(columns, { firstRow: from + 1, file: name, lenient }), firstRow: from + 1 };
    await breathe();
  }
}

/** For each input of the model, the place of its column in the file. */
export function matchColumns(card: ModelCard, profile: TableProfile): number[] {
  const names = profile.columns.map((column) => column.name);
  if (!card.header && !profile.dialect.header) {
    // without names: the same places, with or without the target's own column
    const without = card.columns.filter((column) => column !== card.target);
    const order = names.length === card.columns.length ? card.columns : names.length === without.length ? without : undefined;
    if (order) return card.inputs.map(({ column }) => order.indexOf(column));
  }
  const missing = card.inputs.filter(({ column }) => !names.includes(column)).map(({ column }) => column);
  if (missing.length) throw columnMissing(missing, profile);
  return card.inputs.map(({ column }) => names.indexOf(column));
}

export function columnMissing(missing: string[], profile: TableProfile): AppError {
  const few = (list: string[]) => list.slice(0, 10).map((name) => `'${name}'`).join(", ") + (list.length > 10 ? ", …" : ""); // prettier-ignore
  const names = profile.columns.map((column) => column.name);
  return new AppError(
    "columnMissing",
    `'${profile.file}' lacks ${missing.length === 1 ? "the column" : "the columns"} ${few(missing)} that the model takes; it has ${few(names)}.`,
    "Give a file with the columns of the training file; their order does not matter, and cells may be empty.",
    { file: profile.file, column: missing[0]!, columns: missing, found: names.slice(0, 100) },
  );
}

async function refuseOverInput(file: string, out: string): Promise<void> {
  const [input, output] = await Promise.all([file, out].map((path) => realpath(path).catch(() => undefined)));
  if (input !== undefined && input === output)
    throw new AppError("usage", `The predictions would overwrite their own input '${file}'.`, "Give another name for the output.", {
      file,
    });
}
