// A run on pictures judged: the network on all parts, and beside it the dumb guess and a linear model of the pictures drawn very small.
import type { TrainPlan } from "../../../ipc/types.ts";
import { sketchSize } from "../../data/images/duplicates.ts";
import { shownPictures } from "../../data/images/shown.ts";
import { type Pixels, openPixels } from "../../data/images/pixels.ts";
import type { Pictures } from "../../data/images/pictures.ts";
import type { Batch, EncodedSplit } from "../../data/rowStore.ts";
import { classification } from "../../tasks/classification.ts";
import { buildReport, type Judgement } from "../../tasks/report.ts";
import { float32, tensor, type Tensor } from "../../tensor.ts";
import { answersOf, judgedRows } from "../answers.ts";
import { fitBaselines } from "../baselines.ts";
import type { PictureNet } from "./picturePlan.ts";
import type { Parts, PictureParts } from "./pictureSamples.ts";

/** Pictures of the train part on which its metrics are told, at even distances. */
const trainMetricRows = 2000;

interface Judged {
  set: Pictures;
  parts: Parts;
  samples: PictureParts;
  net: PictureNet;
  cache: string;
  signal: AbortSignal;
  plan: TrainPlan;
}

export async function judgePictures(
  { set, parts, samples, net, cache, signal, plan }: Judged,
  run: (feeds: Record<string, Tensor>) => Promise<Record<string, Tensor>>,
  pause: () => Promise<void>,
): Promise<Judgement> {
  const target = { classes: net.data.classes };
  const most = judgedRows(target.classes.length);
  const ask = async (part: "train" | "validation" | "test", rows = most) => {
    const options = { task: classification, target, run, pause, rows: Math.min(rows, most) };
    const { rowNumbers, ...answers } = await answersOf(samples[part], options);
    return { answers, rowNumbers, of: samples[part].rows };
  };
  const train = await ask("train", trainMetricRows);
  const validation = samples.validation.rows > 0 ? await ask("validation") : null;
  const test = samples.test.rows > 0 ? await ask("test") : null;
  const sketches = await openPixels(set, sketchSize, { cache, signal });
  try {
    const small = (places: readonly number[]) => sketchRows(sketches, set, places);
    const baseline = await fitBaselines(small(parts.train), small(test ? parts.test : parts.train), {
      task: classification,
      target,
      categories: [],
      pause,
    });
    const { report, mistakes } = await buildReport({
      kind: "images",
      task: plan.task,
      truth: "classes",
      metric: classification.metric,
      target: plan.target,
      classes: target.classes,
      rows: plan.rows,
      metrics: {
        train: classification.metrics(train.answers, target),
        validation: validation && classification.metrics(validation.answers, target),
        test: test && classification.metrics(test.answers, target),
      },
      baseline,
      parts: { train, validation, test },
      columns: [],
      samples: shownPictures(set),
      pause,
    });
    return { report: { ...report, pictures: net.setup }, mistakes };
  } finally {
    await sketches.close();
  }
}

/** Rows of 16 × 16 brightnesses, as the linear baseline takes them. */
function sketchRows(sketches: Pixels, { pictures }: Pictures, places: readonly number[]): EncodedSplit {
  const width = sketchSize ** 2;
  const read = async (positions: Uint32Array): Promise<Batch> => {
    const chosen = positions.map((position) => places[position]!);
    const pixels = await sketches.read(chosen);
    const x = new Float32Array(chosen.length * width);
    for (let i = 0; i < x.length; i++) x[i] = (pixels[3 * i]! + pixels[3 * i + 1]! + pixels[3 * i + 2]!) / 765;
    return {
      x: float32([chosen.length, width], x),
      codes: tensor("int64", [chosen.length, 0], new BigInt64Array(0)),
      y: tensor(
        "int64",
        [chosen.length],
        BigInt64Array.from(chosen, (place) => BigInt(pictures[place]!.label)),
      ),
      rowNumbers: chosen.map((place) => place + 1),
    };
  };
  return {
    rows: places.length,
    read,
    range: (from, to) => read(Uint32Array.from({ length: Math.max(0, Math.min(to, places.length) - from) }, (_, i) => from + i)),
  };
}
