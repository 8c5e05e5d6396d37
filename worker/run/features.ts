// Features of pictures by an imported network, computed once: decoding goes on in other threads while the network works, and what comes out
// is kept on disk under the contents of the pictures, the network and the range of pixels.
import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { AppError } from "../../ipc/error.ts";
import type { PictureSetup, PixelRange } from "../../ipc/types.ts";
import { type DecodeOptions, decodeAll, keptFile, readAt, writeAt } from "../data/images/pixels.ts";
import type { Pictures } from "../data/images/pictures.ts";
import type { Backbone } from "../formats/backbone.ts";
import { pixelRanges } from "../formats/pixelRange.ts";
import { Builder } from "../ops/builder.ts";
import { Random } from "../random.ts";
import { applyLinear, fitLogistic } from "../tasks/linear.ts";
import { classificationMetrics } from "../tasks/metrics.ts";
import { tensor } from "../tensor.ts";
import { openEngine } from "./engine.ts";

/** Pictures that go through the network at once. */
const piece = 16;
const version = 1;

export interface Extractor {
  /** (n, D) of uint8 [n, size, size, 3]. */
  run(pixels: Uint8Array, n: number): Promise<Float32Array>;
  dispose(): Promise<void>;
}

export async function openExtractor(backbone: Backbone, range: PixelRange): Promise<Extractor> {
  const { size, features } = backbone;
  const g = new Builder("features");
  const x = g.input("pixels", "uint8", [backbone.batch ?? "n", size, size, 3]);
  g.output(backbone.embed(g, g.transpose(g.cast(x, "float32"), [0, 3, 1, 2]), range), "features");
  const engine = await openEngine("cpu");
  const session = await engine.load(g.graph);
  return {
    async run(pixels, n) {
      const out = new Float32Array(n * features);
      const step = backbone.batch ?? n;
      for (let from = 0; from < n; from += step) {
        const part = pixels.subarray(from * size * size * 3, (from + step) * size * size * 3);
        const found = await session.run({ pixels: tensor("uint8", [step, size, size, 3], part) });
        out.set(found["features"]!.data as Float32Array, from * features);
      }
      return out;
    },
    async dispose() {
      await session.dispose();
      await engine.dispose();
    },
  };
}

/** Features of every picture, (rows, D), from the cache or computed into it. */
export async function featuresOf(
  set: Pictures,
  backbone: Backbone,
  range: PixelRange,
  options: DecodeOptions & { cache: string },
): Promise<Float32Array> {
  const { features, size } = backbone;
  const { pictures } = set;
  const bytes = pictures.length * features * 4;
  const hash = createHash("sha256").update(`${version}:${backbone.sha}:${range}:${size}\n`);
  for (const { sha } of pictures) hash.update(sha);
  const path = await keptFile(options.cache, `features-${hash.digest("hex").slice(0, 40)}.bin`, bytes, async (file) => {
    const extractor = await openExtractor(backbone, range);
    try {
      const each = size * size * 3;
      const pixels = new Uint8Array(piece * each);
      let places: number[] = [];
      const flush = async () => {
        const found = await extractor.run(pixels, places.length);
        requireFinite(found, backbone);
        for (const [i, place] of places.entries())
          await writeAt(file, new Uint8Array(found.buffer, i * features * 4, features * 4), place * features * 4);
        places = [];
      };
      for await (const one of decodeAll(set, size, options)) {
        pixels.set(one.pixels, places.length * each);
        if (places.push(one.place) === piece) await flush();
      }
      if (places.length) await flush();
    } finally {
      await extractor.dispose();
    }
  });
  const file = await open(path, "r");
  try {
    return new Float32Array((await readAt(file, 0, bytes)).buffer);
  } finally {
    await file.close();
  }
}

function requireFinite(features: Float32Array, backbone: Backbone): void {
  if (features.every((v) => Number.isFinite(v))) return;
  throw new AppError(
    "modelInvalid",
    `'${backbone.file}' gives features that are no numbers.`,
    "Choose another model, or another --pixels.",
    {
      file: backbone.file,
    },
  );
}

type Chosen = Pick<NonNullable<PictureSetup["backbone"]>, "pixels" | "chosen" | "trials">;

/** Pictures on which ranges are tried: as many for learning as for judging. */
const sample = 200;

/**
 * The range of pixels: as asked, else as the file says, else the one whose features tell the classes apart best on a sample of the pictures that
 * are learned from.
 * @param train places of those pictures
 */
export async function chooseRange(
  set: Pictures,
  backbone: Backbone,
  {
    asked,
    train,
    seed,
    classes,
    ...options
  }: DecodeOptions & { asked: PixelRange | undefined; train: readonly number[]; seed: number; classes: number },
): Promise<Chosen> {
  if (asked !== undefined) return { pixels: asked, chosen: "asked" };
  if (backbone.told !== undefined) return { pixels: backbone.told, chosen: "file" };
  const picked = new Random(seed, "pixel range").shuffle([...train]).slice(0, sample);
  const shown: { label: number; pixels: Buffer }[] = [];
  for await (const { place, pixels } of decodeAll(set, backbone.size, options, picked))
    shown.push({ label: set.pictures[place]!.label, pixels });
  const trials: NonNullable<Chosen["trials"]> = [];
  for (const range of pixelRanges) {
    options.signal?.throwIfAborted();
    trials.push({ pixels: range, ...(await tryRange(backbone, range, shown, classes, options.signal)) });
  }
  const best = trials.reduce((a, b) => (b.accuracy > a.accuracy || (b.accuracy === a.accuracy && b.logLoss < a.logLoss) ? b : a));
  return { pixels: best.pixels, chosen: "tried", trials };
}

/** Two heads, each learned on one half and judged on the other. */
async function tryRange(
  backbone: Backbone,
  range: PixelRange,
  shown: readonly { label: number; pixels: Buffer }[],
  classes: number,
  signal?: AbortSignal,
) {
  const { features } = backbone;
  const extractor = await openExtractor(backbone, range);
  const x = new Float32Array(shown.length * features);
  try {
    for (let i = 0; i < shown.length; i++) {
      signal?.throwIfAborted();
      x.set(await extractor.run(shown[i]!.pixels, 1), i * features);
    }
  } finally {
    await extractor.dispose();
  }
  if (!x.every((v) => Number.isFinite(v))) return { accuracy: 0, logLoss: Number.MAX_VALUE };
  const rowsOf = (odd: number) => {
    const chosen = [...shown.keys()].filter((i) => i % 2 === odd);
    const data = new Float32Array(chosen.length * features);
    for (const [to, i] of chosen.entries()) data.set(x.subarray(i * features, (i + 1) * features), to * features);
    const rows = { rows: chosen.length, numeric: features, x: data, ones: new Int32Array(0), perRow: 0, width: 0 };
    return { rows, labels: Int32Array.from(chosen, (i) => shown[i]!.label) };
  };
  const halves = [rowsOf(0), rowsOf(1)] as const;
  let accuracy = 0;
  let logLoss = 0;
  for (const [learn, judge] of [halves, [halves[1], halves[0]]] as const) {
    const model = await fitLogistic(learn.rows, learn.labels, classes, { maxPasses: 60 });
    const metrics = classificationMetrics(softmax(applyLinear(model, judge.rows), classes), judge.labels, classes);
    accuracy += (metrics["accuracy"]! * judge.labels.length) / shown.length;
    logLoss += (metrics["logLoss"]! * judge.labels.length) / shown.length;
  }
  return { accuracy: round(accuracy), logLoss: round(logLoss) };
}

const round = (x: number) => Number(x.toPrecision(5));

function softmax(scores: ArrayLike<number>, classes: number): Float32Array {
  const out = new Float32Array(scores.length);
  for (let from = 0; from < scores.length; from += classes) {
    let most = -Infinity;
    for (let c = 0; c < classes; c++) most = Math.max(most, scores[from + c]!);
    let sum = 0;
    for (let c = 0; c < classes; c++) sum += Math.exp(scores[from + c]! - most);
    for (let c = 0; c < classes; c++) out[from + c] = Math.exp(scores[from + c]! - most) / sum;
  }
  return out;
}
