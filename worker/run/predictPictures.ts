// Pictures to predictions: one picture, a folder or an archive, in the order in which it has them. Memory does not grow with their number.
import { readFile, stat } from "node:fs/promises";
import { basename } from "node:path";
import { AppError } from "../../ipc/error.ts";
import type { PictureProblem, Prediction } from "../../ipc/types.ts";
import { decodePicture, sniff } from "../data/images/decode.ts";
import { inOrder } from "../data/images/inOrder.ts";
import { maybePicture } from "../data/images/layout.ts";
import { limits } from "../data/images/limits.ts";
import { atOnce } from "../data/images/pictures.ts";
import { openSource } from "../data/images/source.ts";
import { openPicturePredictor, pictureChunk, type PicturePredictor } from "./pictureModel.ts";
import { breathe } from "./predict.ts";
import { openWriter, type Scored, shortest } from "./writers.ts";

export interface PredictPictures {
  file: string;
  /** .csv, .jsonl or .parquet; without it the predictions are only returned. */
  out?: string;
  /** How many predictions to return, from the first; default all where nothing is written, else 20. */
  keep?: number;
  signal?: AbortSignal;
  onProgress?: (what: "predicting", fraction: number | null) => void;
}

export interface PicturePredictions {
  rows: number;
  predictions: Prediction[];
  /** Files that could not be read as pictures; they have no prediction. */
  problems: PictureProblem[];
}

/**
 * Predicts every picture that can be read; the others are told as problems.
 * @throws what openPicturePredictor and openSource throw; pictureInvalid for a single picture; picturesMissing where none can be read
 */
export async function predictPictures(run: string, options: PredictPictures): Promise<PicturePredictions> {
  const { file, out, signal } = options;
  const keep = options.keep ?? (out === undefined ? Infinity : 20);
  const predictor = await openPicturePredictor(run);
  try {
    const { classes } = predictor.card;
    const writer = out === undefined ? undefined : await openWriter(out, { columns: ["file"], classes, files: true });
    const predictions: Prediction[] = [];
    const problems: PictureProblem[] = [];
    let rows = 0;
    try {
      const { total, pictures } = await picturesOf(file, predictor.card.setup.size, signal);
      for await (const { names, scored } of scorePictures(predictor, pictures, problems)) {
        signal?.throwIfAborted();
        if (predictions.length < keep) predictions.push(...told(names, scored, classes, rows + 1).slice(0, keep - predictions.length));
        await writer?.write(
          names.map((name) => [name]),
          scored,
        );
        rows += names.length;
        options.onProgress?.("predicting", Math.min(1, (rows + problems.length) / total));
        await breathe();
      }
      if (rows === 0) throw nonePredicted(file, problems);
      await writer?.finish();
    } catch (error) {
      await writer?.abandon();
      throw error;
    }
    return { rows, predictions, problems };
  } finally {
    await predictor.dispose();
  }
}

type Decoded = { name: string; pixels: Uint8Array } | PictureProblem;

/** The pictures of a file, folder or archive at that side, and how many files there are that may be some. */
async function picturesOf(path: string, size: number, signal?: AbortSignal): Promise<{ total: number; pictures: AsyncGenerator<Decoded> }> {
  const single = await singlePicture(path);
  if (single) return { total: 1, pictures: one(await decodePicture(single, basename(path), size, signal), basename(path)) };
  const source = await openSource(path);
  let total = 0;
  for await (const { name } of source.entries({ wanted: (name) => (total += maybePicture(name) ? 1 : 0) < 0, signal })) void name;
  const entries = source.entries({ wanted: maybePicture, signal });
  const pictures = inOrder(entries, atOnce, async ({ name, read }): Promise<Decoded> => {
    try {
      const { pixels } = await decodePicture(await read(), name, size, signal);
      return { name, pixels };
    } catch (thrown) {
      if (signal?.aborted) throw thrown;
      const { code, message, hint } = AppError.from(thrown);
      const kind = code === "fileTooLarge" ? "pictureTooLarge" : code === "pictureInvalid" ? code : "pictureUnreadable";
      return { code: kind, file: name, data: { file: name }, message, hint };
    }
  });
  return { total, pictures };
}

async function* one({ pixels }: { pixels: Uint8Array }, name: string): AsyncGenerator<Decoded> {
  yield await Promise.resolve({ name, pixels });
}

/** The bytes of a file that is a picture by its first bytes, or says so by its name. */
export async function singlePicture(path: string): Promise<Buffer | undefined> {
  const info = await stat(path).catch(() => undefined);
  if (!info?.isFile() || info.size > limits.pictureBytes) return undefined;
  const named = /\.[a-z]+$/i.test(path) && maybePicture(basename(path));
  if (!named && info.size > 64 * 2 ** 20) return undefined;
  const bytes = await readFile(path);
  return named || sniff(bytes) !== undefined ? bytes : undefined;
}

async function* scorePictures(predictor: PicturePredictor, pictures: AsyncGenerator<Decoded>, problems: PictureProblem[]) {
  const { size } = predictor.card.setup;
  const each = size * size * 3;
  const pixels = new Uint8Array(pictureChunk * each);
  let names: string[] = [];
  const flush = async () => {
    const given = names;
    names = [];
    return { names: given, scored: await predictor.score(pixels, given.length, size, size) };
  };
  for await (const picture of pictures) {
    if ("code" in picture) {
      problems.push(picture);
      continue;
    }
    pixels.set(picture.pixels, names.length * each);
    if (names.push(picture.name) === pictureChunk) yield await flush();
  }
  if (names.length) yield await flush();
}

function told(names: string[], scored: Extract<Scored, { classes: Int32Array }>, classes: string[], first: number): Prediction[] {
  const width = classes.length;
  return names.map((file, i) => ({
    row: first + i,
    file,
    prediction: classes[scored.classes[i]!]!,
    probabilities: Object.fromEntries(classes.map((name, c) => [name, shortest(scored.probabilities[i * width + c]!)])),
  }));
}

function nonePredicted(path: string, problems: readonly PictureProblem[]): AppError {
  const [first] = problems;
  return new AppError(
    "picturesMissing",
    `'${basename(path)}' holds no picture that can be read.${first ? ` ${first.message}` : ""}`,
    "Choose a picture, or a folder (or a zip or tar of one) with pictures.",
    { file: path, files: problems.slice(0, 10).map(({ file }) => file ?? "") },
  );
}
