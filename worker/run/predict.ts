// A trained table model at work. All it needs is model.onnx: the columns, their kinds and the classes are in the file's metadata, the
// preprocessing is in its graph. So a row read here gets the answer that any ONNX runtime gives.
import { readFile, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { AppError } from "../../ipc/error.ts";
import type { ModelForm, Prediction, TextToken } from "../../ipc/types.ts";
import { isLanguageModel } from "../formats/languageCard.ts";
import { type ModelCard, readCard } from "../formats/modelCard.ts";
import { decodeModel } from "../onnx/proto.ts";
import type { Tensor } from "../tensor.ts";
import { openEngine } from "./engine.ts";
import { type CellReading, readColumn } from "./readCells.ts";
import { openTextReader } from "./readTexts.ts";
import { type Scored, shortest } from "./writers.ts";

/** Rows that go through the network at once: enough to keep it busy, few enough (fewer, the wider) to stay small and to hear a cancel soon. */
export function chunkRows(columns: number): number {
  return Math.max(32, Math.min(4096, Math.floor(65_536 / columns)));
}

export interface Predictor {
  readonly card: ModelCard;
  readonly form: ModelForm;
  /**
   * Answers for rows given by column name, in order; "" or an absent field is missing, a category never seen is fine.
   * @throws AppError valueInvalid where a number cannot be read, with row (from 1) and column
   */
  predictRows(rows: Record<string, string>[], signal?: AbortSignal): Promise<Prediction[]>;
  /** Answers for cells by input, in the order of `card.inputs`. */
  score(columns: readonly (readonly string[])[], reading: CellReading): Promise<Scored>;
  /** Rows that may be scored at once, of so many columns. */
  chunk(columns: number): number;
  /** How a text becomes the model's numbers; absent where the model reads no texts. */
  explain?(text: string, prediction: Prediction): TextToken[];
  dispose(): Promise<void>;
}

/**
 * Opens a run folder or a model.onnx that a run made.
 * @throws AppError runMissing, runNotTrained, fileMissing, modelInvalid; usage for a language model
 */
export async function openPredictor(runOrModel: string): Promise<Predictor> {
  const file = await modelFile(runOrModel);
  const read = await readFile(file);
  const bytes = new Uint8Array(read.buffer, read.byteOffset, read.length);
  const graph = decodeModel(bytes);
  if (isLanguageModel(graph))
    throw new AppError(
      "usage",
      `'${basename(runOrModel)}' is a language model: it goes on with a text and has no rows to predict.`,
      `Write with it by 'paddock chat ${basename(runOrModel)} --prompt "…"'; 'paddock evaluate' tells how well it foretells a text.`,
      { run: runOrModel },
    );
  const card = readCard(graph, basename(file));
  const texts = openTextReader(graph, card, basename(file));
  const engine = await openEngine("cpu");
  const session = await engine.load(bytes).catch(async (error: unknown) => {
    await engine.dispose();
    throw error;
  });

  async function score(columns: readonly (readonly string[])[], reading: CellReading): Promise<Scored> {
    if (texts) return scored(card, await session.run(texts.inputs(columns[0]!)));
    const feeds = new Map<string, Tensor>();
    card.inputs.forEach((input, i) => feeds.set(input.input, readColumn(input, columns[i]!, reading)));
    return scored(card, await session.run(Object.fromEntries(feeds)));
  }

  const chunk = (columns: number) => texts?.atOnce ?? chunkRows(columns);
  return {
    card,
    form: { task: card.task, target: card.target, ...(card.classes ? { classes: card.classes } : {}), fields: card.fields },
    score,
    chunk,
    ...(texts ? { explain: texts.explain } : {}),
    async predictRows(rows, signal) {
      const predictions: Prediction[] = [];
      const step = chunk(card.inputs.length);
      for (let from = 0; from < rows.length; from += step) {
        signal?.throwIfAborted();
        const chunk = rows.slice(from, from + step);
        const columns = card.inputs.map(({ column }) => chunk.map((row) => (Object.hasOwn(row, column) ? row[column]! : "")));
        predictions.push(...asPredictions(card, await score(columns, { firstRow: from + 1 }), from + 1));
        await breathe();
      }
      return predictions;
    },
    async dispose() {
      await session.dispose();
      await engine.dispose();
    },
  };
}

/** Predictions as they travel; rows are counted from `firstRow`. */
export function asPredictions(card: ModelCard, answers: Scored, firstRow: number): Prediction[] {
  if ("values" in answers) return Array.from(answers.values, (value, i) => ({ row: firstRow + i, prediction: shortest(value) }));
  const classes = card.classes!;
  return Array.from(answers.classes, (best, i) => ({
    row: firstRow + i,
    prediction: classes[best]!,
    probabilities: Object.fromEntries(classes.map((name, c) => [name, shortest(answers.probabilities[i * classes.length + c]!)])),
  }));
}

/** Lets messages in: a run of the network holds the event loop, and a cancel must be heard between two. */
export function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function scored(card: ModelCard, outputs: Record<string, Tensor>): Scored {
  if (card.task === "regression") return { values: outputs["value"]!.data as Float32Array };
  const probabilities = outputs["probabilities"]!.data as Float32Array;
  const width = card.classes!.length;
  const classes = new Int32Array(probabilities.length / width);
  for (let i = 0; i < classes.length; i++) {
    let best = 0;
    for (let c = 1; c < width; c++) if (probabilities[i * width + c]! > probabilities[i * width + best]!) best = c;
    classes[i] = best;
  }
  return { classes, probabilities };
}

/** The model.onnx of a run folder, or the file itself. Throws fileMissing, runMissing, runNotTrained. */
export async function modelFile(runOrModel: string): Promise<string> {
  const info = await stat(runOrModel).catch(() => undefined);
  if (info?.isFile()) return runOrModel;
  const name = basename(runOrModel);
  if (!info)
    throw /\.onnx$/i.test(name)
      ? new AppError("fileMissing", `There is no file '${runOrModel}'.`, "Check the name and the folder.", { file: runOrModel })
      : new AppError("runMissing", `There is no run '${runOrModel}'.`, "Check the name and the folder.", { run: runOrModel });
  const model = join(runOrModel, "model.onnx");
  if (await stat(model).catch(() => undefined)) return model;
  if (await stat(join(runOrModel, "run.json")).catch(() => undefined))
    throw new AppError("runNotTrained", `The run '${name}' has no trained model yet.`, "Let it finish, or resume it, and then try again.", {
      run: runOrModel,
    });
  throw new AppError("runMissing", `The folder '${runOrModel}' is not a run.`, "Choose a folder with a run.json and a model.onnx.", {
    run: runOrModel,
  });
}
