// A file of rows to a file of predictions, in chunks, so that memory does not grow with the file.
import { realpath } from "node:fs/promises";
import { basename } from "node:path";
import { AppError } from "../../ipc/error.ts";
import type { Prediction, TableProfile } from "../../ipc/types.ts";
import type { Table } from "../data/table.ts";
import type { ModelCard } from "../formats/modelCard.ts";
import { openRows } from "./openRows.ts";
import { asPredictions, breathe, type Predictor } from "./predict.ts";
import { openWriter, type Scored } from "./writers.ts";

export interface PredictFile {
  file: string;
  /** The sheet or table of a file that holds several. */
  part?: string;
  /** .csv, .jsonl or .parquet; without it the predictions are only returned. */
  out?: string;
  cache: string;
  /** How many predictions to return, from the first; default all where nothing is written, else 20. */
  keep?: number;
  /** Only the first texts, each with how it became numbers. */
  explain?: boolean;
  signal?: AbortSignal;
  onProgress?: (what: "reading" | "profiling" | "predicting", fraction: number | null) => void;
}

/** Texts that are explained at once: each gives hundreds of tokens. */
const explained = 200;

/**
 * Predicts every row of a table file, in order. Columns are matched by name (by place where the training file had no names).
 * @throws AppError what openTable throws; columnMissing naming the columns; valueInvalid with row and column; usage for an unknown ending
 */
export async function predictFile(predictor: Predictor, options: PredictFile): Promise<{ rows: number; predictions: Prediction[] }> {
  const { file, out, signal, onProgress } = options;
  const { card } = predictor;
  if (out !== undefined) await refuseOverInput(file, out);
  const keep = options.keep ?? (options.explain ? explained : out === undefined ? Infinity : 20);
  const { explain } = predictor;
  if (options.explain && !explain)
    throw new AppError("usage", "The model reads no texts: there is nothing to explain.", "Leave --explain out.", { file });
  const table = await openRows(card, file, { cache: options.cache, part: options.part, signal, onProgress });
  try {
    const layout = await layoutOf(card, table);
    // The training file itself is read as training read it.
    const lenient = table.profile.fingerprint === card.fingerprint;
    const sheet = { columns: layout.names, ...(card.classes ? { classes: card.classes } : {}) };
    const writer = out === undefined ? undefined : await openWriter(out, sheet);
    const predictions: Prediction[] = [];
    try {
      for await (const { cells, scored, firstRow } of scoreTable(predictor, table, layout, { signal, lenient })) {
        if (predictions.length < keep) {
          const told = asPredictions(card, scored, firstRow).slice(0, keep - predictions.length);
          if (options.explain) told.forEach((one, i) => (one.tokens = explain!(cells[i]![layout.places[0]!]!, one)));
          predictions.push(...told);
        }
        await writer?.write(cells, scored);
        onProgress?.("predicting", (firstRow + cells.length - 1) / layout.rows);
        if (options.explain && predictions.length >= explained) break;
      }
      await writer?.finish();
    } catch (error) {
      await writer?.abandon();
      throw error;
    }
    return { rows: layout.rows, predictions };
  } finally {
    await table.close();
  }
}

/**
 * The rows of a table with their answers, a chunk at a time, in order; rows count from 1.
 * @param options.lenient cells that are no numbers count as missing instead of being refused
 */
export async function* scoreTable(
  predictor: Predictor,
  table: Table,
  layout: Layout,
  options: { signal?: AbortSignal; lenient?: boolean },
): AsyncGenerator<{ cells: string[][]; scored: Scored; firstRow: number }> {
  const { signal, lenient } = options;
  const file = basename(table.file);
  const step = predictor.chunk(layout.names.length);
  for (let from = 0; from < layout.rows; from += step) {
    signal?.throwIfAborted();
    const cells = await table.rows(from + layout.skip, Math.min(step, layout.rows - from));
    const columns = layout.places.map((place) => cells.map((row) => row[place]!));
    yield { cells, scored: await predictor.score(columns, { firstRow: from + 1, file, lenient }), firstRow: from + 1 };
    await breathe();
  }
}

/** How a file's columns meet the model's. */
export interface Layout {
  /** All columns of the file. */
  names: string[];
  /** For each input of the model, the place of its column. */
  places: number[];
  /** Rows of data, and rows to pass over before them. */
  rows: number;
  skip: number;
}

/**
 * By name, or by place where neither file has names. A first line of names that was taken for a row, as it may be where all columns are words,
 * is known by its cells.
 * @throws AppError columnMissing naming every column that is not there
 */
export async function layoutOf(card: ModelCard, table: Table): Promise<Layout> {
  const { profile } = table;
  const wanted = card.inputs.map(({ column }) => column);
  const within = (names: string[]) => wanted.every((name) => names.includes(name));
  const layout = (names: string[], order: string[], skip = 0): Layout => ({
    names,
    places: wanted.map((name) => order.indexOf(name)),
    rows: profile.rows - skip,
    skip,
  });
  const names = profile.columns.map((column) => column.name);
  if (!card.header && !profile.dialect.header) {
    // as many columns as the training file had, or all but the target's
    const others = card.columns.filter((column) => column !== card.target);
    const order = [card.columns, others].find(({ length }) => length === names.length);
    if (order) return layout(names, order);
  }
  if (within(names)) return layout(names, names);
  if (card.header && !profile.dialect.header && profile.rows > 1) {
    const first = (await table.rows(0, 1))[0]!.map((cell) => cell.trim());
    if (within(first)) return layout(first, first, 1);
  }
  throw columnMissing(
    card,
    wanted.filter((name) => !names.includes(name)),
    profile,
  );
}

export function columnMissing(card: ModelCard, missing: string[], profile: TableProfile): AppError {
  const few = (list: string[]) => list.slice(0, 10).map((name) => `'${name}'`).join(", ") + (list.length > 10 ? ", …" : ""); // prettier-ignore
  const names = profile.columns.map((column) => column.name);
  return new AppError(
    "columnMissing",
    `'${profile.file}' lacks ${missing.length === 1 ? "the column" : "the columns"} ${few(missing)} that the model takes; it has ${few(names)}.`,
    card.header
      ? "Give a file with the columns of the training file; their order does not matter, and cells may be empty."
      : `The training file had no line of names: give the same ${card.columns.length} columns in the same order, without one.`,
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
