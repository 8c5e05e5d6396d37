// Writes the model.onnx of a run on pictures: resizing, the imported network where there is one, the head or network with the weights of the
// best point, and what the file says of itself. It is read back and compared with the network that was trained before it counts as written.
import { rm } from "node:fs/promises";
import { AppError } from "../../../ipc/error.ts";
import type { RunReport } from "../../../ipc/types.ts";
import { decodeAll } from "../../data/images/pixels.ts";
import type { Pictures } from "../../data/images/pictures.ts";
import { ownLicence } from "../../formats/onnxModel.ts";
import { exportPictureModel } from "../../formats/pictureModel.ts";
import { openEngine } from "../../run/engine.ts";
import { openPicturePredictor } from "../../run/pictureModel.ts";
import { classification } from "../../tasks/classification.ts";
import type { Tensor } from "../../tensor.ts";
import { writeAtomic } from "../files.ts";
import { logits, pictureGraphs, type PictureNet } from "./picturePlan.ts";
import type { Parts, PictureParts } from "./pictureSamples.ts";

export interface PictureExport {
  path: string;
  net: PictureNet;
  set: Pictures;
  parts: Parts;
  samples: PictureParts;
  weights: ReadonlyMap<string, Tensor>;
  report: RunReport;
  model: string;
  signal: AbortSignal;
}

/** Pictures on which the file is compared, and the largest gap between two probabilities that rounding explains. */
const compared = { pictures: 8, gap: 1e-3 };

/** Throws `internal`, leaving no file, where the file answers otherwise than the network that was trained. */
export async function exportPictures(options: PictureExport): Promise<void> {
  const { path, net, set, weights, report, model } = options;
  const { data, setup, backbone } = net;
  const { metric } = report.verdict;
  const value = report.metrics.test?.[metric];
  const licence = backbone
    ? `Made from ${backbone.file}: ${backbone.licence ?? "its file tells no licence; ask where it came from."}`
    : ownLicence;
  const bytes = exportPictureModel(
    {
      version: 1,
      kind: "images",
      classes: data.classes,
      setup,
      fingerprint: set.profile.fingerprint,
      test: value === undefined ? null : { metric, value },
      model,
      licence,
      ...(backbone?.batch === 1 ? { batch: 1 as const } : {}),
    },
    (g, x) => logits(g, net, x, { training: false, given: weights }),
  );
  await writeAtomic(path, bytes);
  const gap = await gapOf(options);
  if (gap <= compared.gap) return;
  await rm(path, { force: true });
  throw new AppError(
    "internal",
    `The exported model answers otherwise than the trained one (by ${gap.toPrecision(3)} in a probability).`,
    "This is a fault of Paddock: please report it with the log.",
    { path, gap },
  );
}

/** The largest gap between a probability by the file, from the pictures, and by the network, from what it was trained on. */
async function gapOf({ path, net, set, parts, samples, weights, signal }: PictureExport): Promise<number> {
  const part = parts.test.length ? "test" : "train";
  const count = Math.min(compared.pictures, parts[part].length);
  const batch = await samples[part].range(0, count);
  const engine = await openEngine("cpu");
  try {
    const session = await engine.load(pictureGraphs(net).answering(weights));
    try {
      const { answer } = await session.run(batch.inputs);
      const trained = classification.answers(answer!, batch.y, net.data).predicted;
      return await widest(trained);
    } finally {
      await session.dispose();
    }
  } finally {
    await engine.dispose();
  }

  async function widest(trained: ArrayLike<number>): Promise<number> {
    const { size } = net.setup;
    const width = net.data.classes.length;
    const predictor = await openPicturePredictor(path);
    try {
      let gap = 0;
      const places = parts[part].slice(0, count);
      for await (const { place, pixels } of decodeAll(set, size, { signal }, places)) {
        const { probabilities } = await predictor.score(pixels, 1, size, size);
        const at = places.indexOf(place) * width;
        for (let c = 0; c < width; c++) gap = Math.max(gap, Math.abs(probabilities[c]! - trained[at + c]!));
      }
      return gap;
    } finally {
      await predictor.dispose();
    }
  }
}
