// Where a model of pictures looked: a window of the picture at a time is covered with its mean colour, and what the answer loses by it is
// what the window was worth to it (Zeiler and Fergus 2013, https://arxiv.org/abs/1311.2901). It needs nothing of the network but answers.
import { randomBytes } from "node:crypto";
import { rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import sharp from "sharp";
import { AppError } from "../../ipc/error.ts";
import type { Prediction } from "../../ipc/types.ts";
import { decodePicture, drawThumbnail } from "../data/images/decode.ts";
import { openPicturePredictor, pictureChunk, type PicturePredictor } from "./pictureModel.ts";
import { breathe } from "./predict.ts";
import { singlePicture } from "./predictPictures.ts";
import { shortest } from "./writers.ts";

/** Cells of the map to each side; a window is two by two of them. */
const cells = 8;
/** Longest side of the drawing. */
const drawn = 1024;

export interface Where {
  /** One picture. */
  file: string;
  /** A .png to draw the map into, over the picture. */
  out?: string;
  /** Gives the picture itself too, upright, at most so many pixels to each side. */
  pixels?: number;
  signal?: AbortSignal;
  onProgress?: (what: "predicting", fraction: number | null) => void;
}

/**
 * The prediction of one picture with its map: for each cell, from the upper left by rows, how much of the answer's probability is lost on
 * average when a window over it is covered; negative where covering it makes the answer surer.
 * @throws what openPicturePredictor throws; formatUnknown where the file is no picture, pictureInvalid; usage for another ending than .png
 */
export async function wherePicture(
  run: string,
  { file, out, pixels: side, signal, onProgress }: Where,
): Promise<Prediction & { picture?: Uint8Array }> {
  if (out !== undefined && extname(out).toLowerCase() !== ".png")
    throw new AppError("usage", `A map cannot be drawn into '${basename(out)}'.`, "Give a name that ends in .png.", { file: out });
  const bytes = await singlePicture(file);
  if (!bytes)
    throw new AppError("formatUnknown", `'${basename(file)}' is not one picture.`, "A map is made of one picture: name its file.", {
      file,
    });
  const predictor = await openPicturePredictor(run);
  try {
    const { classes, setup } = predictor.card;
    const { pixels } = await decodePicture(bytes, basename(file), setup.size, signal);
    const { classes: best, probabilities } = await predictor.score(pixels, 1, setup.size, setup.size);
    const answer = best[0]!;
    const values = await losses(predictor, pixels, answer, probabilities[answer]!, { signal, onProgress });
    if (out !== undefined) await draw(bytes, file, values, out);
    return {
      row: 1,
      file: basename(file),
      prediction: classes[answer]!,
      probabilities: Object.fromEntries(classes.map((name, c) => [name, shortest(probabilities[c]!)])),
      map: { rows: cells, columns: cells, values: values.map((v) => Number(v.toPrecision(5))) },
      ...(side === undefined ? {} : { picture: await drawThumbnail(bytes, basename(file), side, signal) }),
    };
  } finally {
    await predictor.dispose();
  }
}

async function losses(
  predictor: PicturePredictor,
  pixels: Uint8Array,
  answer: number,
  whole: number,
  { signal, onProgress }: Pick<Where, "signal" | "onProgress">,
): Promise<number[]> {
  const { size } = predictor.card.setup;
  const width = predictor.card.classes.length;
  const mean = [0, 1, 2].map((c) => {
    let sum = 0;
    for (let i = c; i < pixels.length; i += 3) sum += pixels[i]!;
    return Math.round(sum / (size * size));
  });
  const edge = (cell: number) => Math.round((cell * size) / cells);
  const windows = Array.from({ length: (cells - 1) ** 2 }, (_, i) => ({ row: Math.floor(i / (cells - 1)), column: i % (cells - 1) }));
  const sums = new Float64Array(cells * cells);
  const counts = new Float64Array(cells * cells);
  for (let from = 0; from < windows.length; from += pictureChunk) {
    signal?.throwIfAborted();
    const some = windows.slice(from, from + pictureChunk);
    const covered = new Uint8Array(some.length * pixels.length);
    for (const [i, { row, column }] of some.entries()) {
      covered.set(pixels, i * pixels.length);
      for (let y = edge(row); y < edge(row + 2); y++)
        for (let x = edge(column); x < edge(column + 2); x++) covered.set(mean, i * pixels.length + (y * size + x) * 3);
    }
    const { probabilities } = await predictor.score(covered, some.length, size, size);
    for (const [i, { row, column }] of some.entries())
      for (const at of [0, 1, cells, cells + 1].map((step) => row * cells + column + step)) {
        sums[at]! += whole - probabilities[i * width + answer]!;
        counts[at]!++;
      }
    onProgress?.("predicting", (from + some.length) / windows.length);
    await breathe();
  }
  return Array.from(sums, (sum, i) => sum / counts[i]!);
}

/** The picture, darkened where nothing was lost: what stays light is what the answer came from. */
async function draw(bytes: Buffer, file: string, values: readonly number[], out: string): Promise<void> {
  const facts = await decodePicture(bytes, basename(file), 8);
  const scale = Math.min(1, drawn / Math.max(facts.width, facts.height));
  const size = { width: Math.max(1, Math.round(facts.width * scale)), height: Math.max(1, Math.round(facts.height * scale)) };
  const side = Math.max(size.width, size.height);
  const { pixels } = await decodePicture(bytes, basename(file), side);
  const most = Math.max(1e-6, ...values);
  const shade = Buffer.alloc(values.length * 4);
  for (const [i, value] of values.entries()) shade[i * 4 + 3] = Math.round(200 * (1 - Math.max(0, value) / most));
  const veil = await sharp(shade, { raw: { width: cells, height: cells, channels: 4 } })
    .resize(size.width, size.height, { fit: "fill", kernel: "cubic" })
    .png()
    .toBuffer();
  const upright = await sharp(pixels, { raw: { width: side, height: side, channels: 3 } })
    .resize(size.width, size.height, { fit: "fill" })
    .png()
    .toBuffer();
  const drawing = await sharp(upright)
    .composite([{ input: veil }])
    .png()
    .toBuffer();
  const draft = join(dirname(out), `.${basename(out)}.${randomBytes(6).toString("hex")}.part`);
  try {
    await writeFile(draft, drawing);
    await rename(draft, out);
  } catch (thrown) {
    await rm(draft, { force: true });
    throw new AppError(
      "folderNotWritable",
      `The file '${out}' cannot be written.`,
      "Choose a folder that exists and that you may write to.",
      { file: out },
      thrown,
    );
  }
}
