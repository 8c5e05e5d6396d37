// A trained model of pictures judged on other pictures whose classes are known, by the same numbers as at its training.
import { AppError } from "../../ipc/error.ts";
import type { Baselines, Metrics } from "../../ipc/types.ts";
import { correctedPictures, readCorrections } from "../data/corrections.ts";
import { openPictures } from "../data/images/pictures.ts";
import { shownPictures } from "../data/images/shown.ts";
import { decodeAll } from "../data/images/pixels.ts";
import { classification } from "../tasks/classification.ts";
import { buildReport, type Judgement } from "../tasks/report.ts";
import { baselinesOf } from "./baselinesOf.ts";
import { openPicturePredictor, pictureChunk } from "./pictureModel.ts";
import { breathe } from "./predict.ts";

export interface EvaluatePictures {
  cache: string;
  /** A file of corrections that are laid over the classes. */
  corrections?: string;
  signal?: AbortSignal;
  onProgress?: (what: "reading" | "predicting", fraction: number | null) => void;
}

/**
 * Metrics and report on all pictures that have a class. A class that training never saw counts as wrong.
 * @throws what openPicturePredictor and openPictures throw; classesMissing where nothing says what the pictures show
 */
export async function evaluatePictures(run: string, file: string, options: EvaluatePictures): Promise<Judgement & { metrics: Metrics }> {
  const predictor = await openPicturePredictor(run);
  try {
    const { classes, setup } = predictor.card;
    const opened = await openPictures(file, { cache: options.cache, signal: options.signal, onProgress: options.onProgress });
    const set = options.corrections === undefined ? opened : correctedPictures(opened, await readCorrections(options.corrections));
    const { profile, pictures } = set;
    if (profile.layout === "flat")
      throw new AppError(
        "classesMissing",
        `Nothing in '${profile.file}' says what the pictures show.`,
        "Put each class into a folder of its own, or a table with the columns file and label beside the pictures.",
        { file: profile.file },
      );
    const known = new Map(classes.map((name, i) => [name, i]));
    const ids = profile.classes.map(({ name }) => known.get(name) ?? -1);
    const width = classes.length;
    const predicted = new Float32Array(pictures.length * width);
    const truth = Int32Array.from(pictures, ({ label }) => ids[label]!);
    const each = setup.size ** 2 * 3;
    const pixels = new Uint8Array(pictureChunk * each);
    let places: number[] = [];
    const flush = async () => {
      const { probabilities } = await predictor.score(pixels, places.length, setup.size, setup.size);
      for (const [i, place] of places.entries()) predicted.set(probabilities.subarray(i * width, (i + 1) * width), place * width);
      places = [];
      await breathe();
    };
    const onProgress = (fraction: number) => options.onProgress?.("predicting", fraction);
    for await (const one of decodeAll(set, setup.size, { signal: options.signal, onProgress })) {
      pixels.set(one.pixels, places.length * each);
      if (places.push(one.place) === pictureChunk) await flush();
    }
    if (places.length) await flush();

    const answers = { predicted, truth };
    const target = { classes };
    const metrics = classification.metrics(answers, target);
    const constant = classification.metrics({ predicted: shares(truth, width), truth }, target);
    const before = await baselinesOf(run);
    const { report, mistakes } = await buildReport({
      kind: "images",
      task: "classification",
      truth: "classes",
      metric: classification.metric,
      target: "class",
      classes,
      rows: { train: 0, validation: 0, test: pictures.length },
      metrics: { train: before?.metrics.train ?? {}, validation: null, test: metrics },
      baseline: { constant, linear: before?.baseline.linear ?? constant } satisfies Baselines,
      parts: {
        train: null,
        validation: null,
        test: { answers, rowNumbers: Uint32Array.from(pictures, (_, i) => i + 1), of: pictures.length },
      },
      columns: [],
      samples: async (rows) => {
        const shown = await shownPictures(set)(rows);
        const classOf = (row: number) => profile.classes[pictures[row - 1]!.label]!.name;
        return new Map([...shown].map(([row, one]) => [row, { ...one, truth: classOf(row) }]));
      },
    });
    return { metrics: report.metrics.test!, report: { ...report, pictures: setup }, mistakes };
  } finally {
    await predictor.dispose();
  }
}

/** The dumb guess at its best on these pictures: how frequent each class is. */
function shares(truth: Int32Array, width: number): Float32Array {
  const share = new Float32Array(width);
  for (const id of truth) if (id >= 0) share[id]! += 1 / truth.length;
  const all = new Float32Array(truth.length * width);
  for (let row = 0; row < truth.length; row++) all.set(share, row * width);
  return all;
}
