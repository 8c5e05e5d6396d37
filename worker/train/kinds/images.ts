// Pictures: from a folder or archive to samples and a plan. With an imported network its features are computed once and a linear head learns
// from them, or its last blocks learn on; without one, a small residual network learns from the pixels.
import { AppError } from "../../../ipc/error.ts";
import type { ImagesProfile, PictureSetup, SplitBy, TrainPlan, TrainSpec } from "../../../ipc/types.ts";
import { correctedPictures } from "../../data/corrections.ts";
import { augmentationFor } from "../../data/images/augment.ts";
import { openPictures, type Pictures } from "../../data/images/pictures.ts";
import { affordableSize } from "../../data/images/pixels.ts";
import { openPixelsBeside } from "../../data/images/pixelsBeside.ts";
import { splitPictures } from "../../data/images/split.ts";
import { type Backbone, openBackbone } from "../../formats/backbone.ts";
import { chooseRange, featuresOf } from "../../run/features.ts";
import { correctionsFor } from "../corrections.ts";
import { readJson, writeJson } from "../files.ts";
import { refuseNewClasses } from "../from.ts";
import { defaults } from "../plan.ts";
import { withSplit } from "../splitOf.ts";
import { exportPictures } from "./exportPictures.ts";
import { scaleOf, type PictureNet, pictureGraphs, type PictureData, planPictures, setupFor, tunedPiece } from "./picturePlan.ts";
import { type PictureParts, featureSamples, partsOf, pixelSamples } from "./pictureSamples.ts";
import { headStart } from "./headStart.ts";
import { judgePictures } from "./judgePictures.ts";
import { classification } from "../../tasks/classification.ts";
import type { Kind, Prepared, PrepareOptions, Source } from "./kind.ts";

/** What a run keeps of how it began. */
interface Kept {
  version: 1;
  classes: string[];
  setup: PictureSetup;
  /** Mean and deviation of each feature of the backbone. Absent in older runs, whose data say the same again. */
  scale?: { mean: number[]; std: number[] };
}

/** A model is a file where its name says so; else a family. */
export const isModelFile = (model: string | undefined): model is string => model !== undefined && /[./\\]/.test(model);

async function prepare(options: PrepareOptions): Promise<Prepared> {
  const { record, paths, cache, signal, onWorking } = options;
  const { spec } = record;
  const kept = await readJson<Kept>(paths.encoding);
  const original = await open(spec, options);
  if (record.fingerprint !== undefined && record.fingerprint !== original.profile.fingerprint) throw changed(spec.data);
  const set = asKept(correctedPictures(original, await correctionsFor(spec, options.run)), kept, spec.data);
  const { pictures } = set;
  const { fingerprint } = original.profile;
  const { parts, data, by } = divided(original, spec, set);
  const backbone = isModelFile(spec.model) ? await openBackbone(spec.model) : undefined;
  if (kept?.setup.backbone && kept.setup.backbone.sha !== backbone?.sha) throw changed(spec.model ?? "");
  const decoding = { cache, signal, onProgress: (fraction: number) => onWorking?.({ what: "encoding", fraction }) };
  const setup = kept?.setup ?? (await freshSetup(set, spec, backbone, { train: parts.train, signal }));

  const seed = spec.seed ?? defaults.seed;
  const features = backbone && (await featuresOf(set, backbone, setup.backbone!.pixels, decoding));
  const scale = features && (scaleKept(kept) ?? scaleOf(features, parts.train, backbone.features));
  const said = scale && { mean: [...scale.mean], std: [...scale.std] };
  await writeJson(paths.encoding, { version: 1, classes: data.classes, setup, ...(said ? { scale: said } : {}) } satisfies Kept);
  const tuned = setup.backbone?.tuned !== undefined;
  const start =
    scale && tuned && !record.from ? await headStart(features, scale, { pictures, parts, classes: data.classes.length }) : undefined;
  const samples: PictureParts =
    features && !tuned
      ? featureSamples(features, backbone.features, pictures, parts)
      : pixelSamples(await openPixelsBeside(set, setup.size, decoding), pictures, parts, {
          seed,
          moved: setup.augmentation !== undefined,
          data,
          piece: tuned ? tunedPiece : undefined,
        });
  const net: PictureNet = { data, setup, backbone, scale, ...(start ? { start } : {}), seed };
  const planFor = (batch: number | undefined) => withSplit(planPictures(net, batch === undefined ? spec : { ...spec, batch }), by);
  const graphs = pictureGraphs(net);
  const target = { classes: data.classes };
  const prepared: Prepared = {
    spec,
    fingerprint,
    task: classification,
    target,
    data: { train: samples.learning, validation: samples.validation, test: samples.test },
    plan: planFor(record.choice?.batch),
    ...(set.corrections ? { corrections: set.corrections } : {}),
    planFor,
    training: graphs.training,
    answering: () => graphs.answering(),
    report: (run, pause) => judgePictures({ set, parts, samples, net, cache, signal, plan: prepared.plan.plan }, run, pause),
    exportModel: (path, weights, report) =>
      exportPictures({ path, net, set, samples, parts, weights, report, model: prepared.plan.plan.model.name, signal }),
    close: () => samples.close(),
  };
  return prepared;
}

const scaleKept = (kept: Kept | undefined) =>
  kept?.scale && { mean: Float32Array.from(kept.scale.mean), std: Float32Array.from(kept.scale.std) };

/** The pictures with the classes of a run that began before, in its order. Throws valueInvalid for one that it does not know. */
function asKept<T extends Pictures>(set: T, kept: Kept | undefined, file: string): T {
  const names = set.profile.classes.map(({ name }) => name);
  if (!kept || kept.classes.join("\n") === names.join("\n")) return set;
  refuseNewClasses(kept.classes, names, file);
  const labels = names.map((name) => kept.classes.indexOf(name));
  const counts = new Map(set.profile.classes.map(({ name, count }) => [name, count]));
  return {
    ...set,
    profile: { ...set.profile, classes: kept.classes.map((name) => ({ name, count: counts.get(name) ?? 0 })) },
    pictures: set.pictures.map((picture) => ({ ...picture, label: labels[picture.label]! })),
  };
}

async function freshSetup(
  set: Pictures,
  spec: TrainSpec,
  backbone: Backbone | undefined,
  { train, signal }: { train: readonly number[]; signal: AbortSignal },
): Promise<PictureSetup> {
  if (!backbone) return setupFor(set.profile, set.pictures.length);
  const seed = spec.seed ?? defaults.seed;
  const chosen = await chooseRange(set, backbone, { asked: spec.pixels, train, seed, classes: set.profile.classes.length, signal });
  return setupOn(set, spec, backbone, chosen);
}

/** How pictures are shown to an imported network. Throws `usage` where it cannot learn on these pictures. */
function setupOn(
  { profile, pictures }: Pictures,
  { method }: TrainSpec,
  { file, sha, features, size, batch }: Backbone,
  chosen: Pick<NonNullable<PictureSetup["backbone"]>, "pixels" | "chosen" | "trials">,
): PictureSetup {
  if (method === undefined || method === "head") return { size, backbone: { file, sha, features, ...chosen } };
  if (method === "lora" || method === "qlora")
    throw new AppError("usage", `A network of pictures is not fine-tuned by '${method}'.`, "Choose head, last or full.", { method });
  if (batch === 1)
    throw new AppError("usage", `'${file}' takes one picture at a time, and cannot learn.`, "Leave --method out: a head learns on it.", {
      file,
    });
  if (affordableSize(pictures.length, size) < size)
    throw new AppError(
      "usage",
      `${pictures.length} pictures of ${size} × ${size} are too many to be kept for learning on all of '${file}'.`,
      "Leave --method out: a head learns from features, which are smaller.",
      { file, rows: pictures.length },
    );
  const names = profile.classes.map(({ name }) => name);
  return { size, augmentation: augmentationFor(size, names).reason, backbone: { file, sha, features, tuned: method, ...chosen } };
}

async function plan(spec: TrainSpec, source: Source): Promise<TrainPlan> {
  const original = await open(spec, source);
  const set = correctedPictures(original, await correctionsFor(spec));
  const { data, by } = divided(original, spec, set);
  const backbone = isModelFile(spec.model) ? await openBackbone(spec.model) : undefined;
  const setup: PictureSetup = backbone
    ? setupOn(set, spec, backbone, { pixels: spec.pixels ?? backbone.told ?? "0..1", chosen: "asked" })
    : setupFor(set.profile, set.pictures.length);
  const scale = backbone && { mean: new Float32Array(backbone.features), std: new Float32Array(backbone.features).fill(1) };
  return withSplit(planPictures({ data, setup, backbone, scale, seed: spec.seed ?? defaults.seed }, spec), by).plan;
}

/** The parts follow from the pictures as they were, the classes from what is said of them now. */
function divided(
  { profile, pictures }: Pictures,
  spec: TrainSpec,
  now: Pick<Pictures, "profile">,
): { parts: ReturnType<typeof partsOf>; data: PictureData; by: SplitBy } {
  const classes = profile.classes.map(({ name }) => name);
  const dealt = splitPictures(pictures, { seed: spec.seed ?? defaults.seed, split: spec.split ?? true, by: spec.splitBy, classes });
  const parts = partsOf(dealt.parts);
  const rows = { train: parts.train.length, validation: parts.validation.length, test: parts.test.length };
  return { parts, data: { classes: now.profile.classes.map(({ name }) => name), rows }, by: dealt.by };
}

/** Throws what reading throws, and where nothing can be told apart `classesMissing` or `targetConstant`. */
async function open(spec: TrainSpec, { cache, signal, onWorking }: Source): Promise<Pictures> {
  refuse(spec);
  const set = await openPictures(spec.data, {
    cache,
    signal,
    target: spec.target,
    onProgress: (what, fraction) => onWorking?.({ what, fraction }),
  });
  const { classes, layout, file } = set.profile;
  if (layout === "flat" || classes.length === 0)
    throw new AppError(
      "classesMissing",
      `Nothing in '${file}' says what the pictures show.`,
      "Put each class into a folder of its own, or a table with the columns file and label beside the pictures.",
      { file },
    );
  if (classes.length === 1)
    throw new AppError(
      "targetConstant",
      `All pictures of '${file}' are of one class, '${classes[0]!.name}'.`,
      "Add pictures of another class.",
      {
        file,
        class: classes[0]!.name,
      },
    );
  return set;
}

function refuse(spec: TrainSpec): void {
  const { task, model, pixels, method } = spec;
  if (task !== undefined && !["auto", "images", "classification"].includes(task))
    throw new AppError(
      "usage",
      `Of pictures their classes are learned, and not the task ${task}.`,
      "Leave the task out, or choose a table.",
      { task },
    );
  if (!isModelFile(model) && model !== undefined && model !== "resnet")
    throw new AppError(
      "usage",
      `Pictures are not learned by the model '${model}'.`,
      "Name an ONNX file of a network of pictures, or resnet.",
      { model },
    );
  if (method !== undefined && !isModelFile(model))
    throw new AppError(
      "usage",
      "--method says what of an imported network learns, and there is none.",
      "Name its file with --model, or leave --method out.",
    );
  if (pixels !== undefined && !isModelFile(model))
    throw new AppError(
      "usage",
      "--pixels says what an imported network expects, and there is none.",
      "Name its file with --model, or leave --pixels out.",
    );
}

const changed = (file: string) =>
  new AppError("fileChanged", `'${file}' is not what this run began with.`, "Put the old one back to go on, or start a new run.", { file });

export const images: Kind = {
  async inspect(file, { cache, signal, onWorking }): Promise<ImagesProfile> {
    return (await openPictures(file, { cache, signal, onProgress: (what, fraction) => onWorking?.({ what, fraction }) })).profile;
  },
  plan,
  prepare,
};
