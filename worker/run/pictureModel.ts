// A trained model of pictures at work. All it needs is model.onnx: the classes, the side of its pictures and the network are in the file.
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import type { PictureCard } from "../formats/pictureModel.ts";
import { isPictureModel, readPictureCard } from "../formats/pictureModel.ts";
import { named, readGraph } from "../formats/onnx.ts";
import { decodeModel } from "../onnx/proto.ts";
import { tensor } from "../tensor.ts";
import { openEngine } from "./engine.ts";
import { modelFile } from "./predict.ts";
import type { Scored } from "./writers.ts";

/** Pictures that go through the network at once. */
export const pictureChunk = 16;

export interface PicturePredictor {
  readonly card: PictureCard;
  /**
   * Answers for n pictures of one size.
   * @param pixels uint8 [n, height, width, 3]; of the card's side they are shown to the network as they are
   */
  score(pixels: Uint8Array, n: number, height: number, width: number): Promise<Extract<Scored, { classes: Int32Array }>>;
  dispose(): Promise<void>;
}

/** Whether the run folder or model.onnx says that it is a model of pictures. Throws runMissing, runNotTrained, fileMissing, modelInvalid. */
export async function isPictureRun(runOrModel: string): Promise<boolean> {
  return (await makerOf(runOrModel)) === "pictures";
}

/**
 * Who made a model: Paddock, of pictures or of rows; or anybody else, whose file says nothing of its columns.
 * Throws runMissing, runNotTrained, fileMissing, modelInvalid.
 */
export async function makerOf(runOrModel: string): Promise<"pictures" | "rows" | "foreign"> {
  const file = await modelFile(runOrModel);
  const graph = named(file, () => readGraph(file));
  if (isPictureModel(graph)) return "pictures";
  return graph.metadata.has("paddock") ? "rows" : "foreign";
}

/** Opens a run folder or a model.onnx that a run made. Throws runMissing, runNotTrained, fileMissing, modelInvalid. */
export async function openPicturePredictor(runOrModel: string): Promise<PicturePredictor> {
  const file = await modelFile(runOrModel);
  const bytes = await bytesOf(file);
  const card = readPictureCard(decodeModel(bytes), basename(file));
  const engine = await openEngine("cpu");
  const session = await engine.load(bytes).catch(async (error: unknown) => {
    await engine.dispose();
    throw error;
  });
  const width = card.classes.length;
  return {
    card,
    async score(pixels, n, high, wide) {
      const probabilities = new Float32Array(n * width);
      const step = card.batch ?? n;
      for (let from = 0; from < n; from += step) {
        const part = pixels.subarray(from * high * wide * 3, (from + step) * high * wide * 3);
        const found = await session.run({ pictures: tensor("uint8", [step, high, wide, 3], part) });
        probabilities.set(found["probabilities"]!.data as Float32Array, from * width);
      }
      return { classes: bestOf(probabilities, width), probabilities };
    },
    async dispose() {
      await session.dispose();
      await engine.dispose();
    },
  };
}

async function bytesOf(file: string): Promise<Uint8Array> {
  const read = await readFile(file);
  return new Uint8Array(read.buffer, read.byteOffset, read.length);
}

function bestOf(probabilities: Float32Array, width: number): Int32Array {
  const classes = new Int32Array(probabilities.length / width);
  for (let i = 0; i < classes.length; i++) {
    let best = 0;
    for (let c = 1; c < width; c++) if (probabilities[i * width + c]! > probabilities[i * width + best]!) best = c;
    classes[i] = best;
  }
  return classes;
}
