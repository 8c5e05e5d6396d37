// The rows of a run on pictures: pixels or features of the pictures of each part, and which picture each row is.
import { augment, augmentationFor } from "../../data/images/augment.ts";
import type { Picture } from "../../data/images/pictures.ts";
import type { Pixels } from "../../data/images/pixels.ts";
import type { SampleBatch, Samples } from "../../data/samples.ts";
import { float32, tensor } from "../../tensor.ts";
import type { PictureData } from "./picturePlan.ts";

/** Places of the pictures of each part. */
export interface Parts {
  train: number[];
  validation: number[];
  test: number[];
}

export interface PictureParts {
  /** The train part as it is learned from: moved a little each time. */
  learning: Samples;
  /** The same as it is. */
  train: Samples;
  validation: Samples;
  test: Samples;
  close(): Promise<void>;
}

export function partsOf(parts: Uint8Array): Parts {
  const places = [...parts.keys()];
  return {
    train: places.filter((i) => parts[i] === 0),
    validation: places.filter((i) => parts[i] === 1),
    test: places.filter((i) => parts[i] === 2),
  };
}

/** `pixels`: uint8 [n, S, S, 3]. */
export function pixelSamples(
  pixels: Pixels,
  pictures: readonly Picture[],
  parts: Parts,
  { seed, moved, data, piece }: { seed: number; moved: boolean; data: PictureData; piece?: number | undefined },
): PictureParts {
  const { size } = pixels;
  const variation = augmentationFor(size, data.classes);
  const of = (places: readonly number[], change: boolean): Samples => ({
    ...samplesOf(places, pictures, async (chosen) => {
      const as = await pixels.read(chosen);
      const shown = change ? augment(as, size, chosen, seed, variation) : as;
      return { pixels: tensor("uint8", [chosen.length, size, size, 3], shown) };
    }),
    ...(piece === undefined ? {} : { piece }),
    ...(pixels.ahead ? { ahead: (positions) => pixels.ahead!(positions ? Array.from(positions, (i) => places[i]!) : places) } : {}),
  });
  return {
    learning: of(parts.train, moved),
    train: of(parts.train, false),
    validation: of(parts.validation, false),
    test: of(parts.test, false),
    close: () => pixels.close(),
  };
}

/** `features`: float32 (n, D). */
export function featureSamples(features: Float32Array, width: number, pictures: readonly Picture[], parts: Parts): PictureParts {
  const of = (places: readonly number[]): Samples =>
    samplesOf(places, pictures, (chosen) => {
      const x = new Float32Array(chosen.length * width);
      for (const [i, place] of chosen.entries()) x.set(features.subarray(place * width, (place + 1) * width), i * width);
      return Promise.resolve({ features: float32([chosen.length, width], x) });
    });
  const train = of(parts.train);
  return { learning: train, train, validation: of(parts.validation), test: of(parts.test), close: () => Promise.resolve() };
}

function samplesOf(
  places: readonly number[],
  pictures: readonly Picture[],
  inputs: (chosen: Uint32Array) => Promise<SampleBatch["inputs"]>,
): Samples {
  const read = async (positions: Uint32Array): Promise<SampleBatch> => {
    const chosen = positions.map((position) => places[position]!);
    const labels = BigInt64Array.from(chosen, (place) => BigInt(pictures[place]!.label));
    return { inputs: await inputs(chosen), y: tensor("int64", [chosen.length], labels), rowNumbers: chosen.map((place) => place + 1) };
  };
  return {
    rows: places.length,
    read,
    range: (from, to) => read(Uint32Array.from({ length: Math.max(0, Math.min(to, places.length) - from) }, (_, i) => from + i)),
  };
}
