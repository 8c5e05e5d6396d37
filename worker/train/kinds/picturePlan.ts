// The plan of a run on pictures: what they are shown as, the network's two graphs, its batch and its rate. Letters: B batch, S side, D features.
import type { ImagesProfile, PictureSetup, TrainSpec } from "../../../ipc/types.ts";
import { augmentationFor } from "../../data/images/augment.ts";
import { affordableSize } from "../../data/images/pixels.ts";
import type { Backbone, Layer } from "../../formats/backbone.ts";
import { ranged } from "../../formats/pixelRange.ts";
import { countParameters } from "../../models/index.ts";
import { linear, type Net, openNet } from "../../models/layers.ts";
import { resnet, resnetFor, resnetMadds, sideFor } from "../../models/resnet.ts";
import type { Graph } from "../../onnx/graph.ts";
import { Builder, type Value } from "../../ops/builder.ts";
import { classification } from "../../tasks/classification.ts";
import { float32, type Tensor } from "../../tensor.ts";
import { type FullPlan, planCourse, stepSeconds } from "../plan.ts";

export interface PictureData {
  classes: string[];
  rows: { train: number; validation: number; test: number };
}

/** Mean and deviation of each feature over the train part. */
export interface FeatureScale {
  mean: Float32Array;
  std: Float32Array;
}

/** All that the graphs of a run on pictures are built from. */
export interface PictureNet {
  data: PictureData;
  setup: PictureSetup;
  backbone: Backbone | undefined;
  /** Where there is a backbone. */
  scale: FeatureScale | undefined;
  /** How weights begin that are not drawn; by name. */
  start?: ReadonlyMap<string, Tensor>;
  seed: number;
}

/** Seconds of training that suit, where nobody says: a head is done in a few, a network of pictures wants minutes. */
const budget = { head: 20, network: 200 };
/** Pictures of a backbone's size that are answered at once. */
export const tunedPiece = 32;
/** Convolutions get through so many times fewer multiply-adds than large matrices: few channels on small pictures, and many of a backbone. */
const slower = { own: 4, backbone: 2 };

/** How pictures are shown to a network that begins from nothing. */
export function setupFor({ sizes, classes }: ImagesProfile, rows: number): PictureSetup {
  const size = affordableSize(rows, sideFor(sizes!.median));
  return {
    size,
    augmentation: augmentationFor(
      size,
      classes.map(({ name }) => name),
    ).reason,
  };
}

export function scaleOf(features: Float32Array, train: readonly number[], width: number): FeatureScale {
  const mean = new Float64Array(width);
  const square = new Float64Array(width);
  for (const place of train)
    for (let d = 0; d < width; d++) {
      const x = features[place * width + d]!;
      mean[d]! += x / train.length;
      square[d]! += (x * x) / train.length;
    }
  const std = Float32Array.from(mean, (m, d) => Math.sqrt(Math.max(0, square[d]! - m * m)));
  // A feature that never moves says nothing, and must not be blown up.
  return { mean: Float32Array.from(mean), std: std.map((s) => (s > 1e-6 ? s : 1)) };
}

/** Whether the network of the run sees pixels; else it sees features that are computed once. */
export const seesPixels = ({ backbone }: PictureSetup): boolean => backbone === undefined || backbone.tuned !== undefined;

/** The graphs of a run: `pixels` uint8 (B, S, S, 3) or `features` float32 (B, D) → logits. */
export function pictureGraphs(net: PictureNet): {
  training: () => Graph;
  /** @param given trained weights by name; default as they begin */
  answering: (given?: ReadonlyMap<string, Tensor>) => Graph;
} {
  const { setup } = net;
  const { size } = setup;
  const raw = (g: Builder, options: LogitOptions) =>
    seesPixels(setup)
      ? logits(g, net, g.transpose(g.cast(g.input("pixels", "uint8", ["B", size, size, 3]), "float32"), [0, 3, 1, 2]), options)
      : head(netOf(g, net, options), net, g.input("features", "float32", ["B", setup.backbone!.features]));
  return {
    training() {
      const g = new Builder("training");
      const { loss, shown } = classification.losses(g, raw(g, { training: true }), g.input("y", "int64", ["B"]));
      g.output(loss, "loss");
      g.output(shown, "shown");
      return g.graph;
    },
    answering(given) {
      const g = new Builder("answering");
      g.output(raw(g, { training: false, ...(given ? { given } : {}) }), "answer");
      return g.graph;
    },
  };
}

interface LogitOptions {
  training: boolean;
  /** Trained weights by name. */
  given?: ReadonlyMap<string, Tensor>;
}

const netOf = (g: Builder, { seed, start }: PictureNet, { training, given = start }: LogitOptions): Net =>
  openNet(g, { training, seed, ...(given ? { given } : {}) });

/** Logits (n, classes) of x (n, 3, S, S), float32 of 0 … 255. */
export function logits(g: Builder, picture: PictureNet, x: Value, options: LogitOptions): Value {
  const { data, setup, backbone } = picture;
  const net = netOf(g, picture, options);
  if (!backbone) return resnet(net, resnetFor(setup.size, data.rows.train), ranged(g, x, "-1..1"), data.classes.length);
  const names = tunedNames(backbone, setup.backbone!.tuned);
  const features = backbone.embed(g, x, setup.backbone!.pixels, (name, { dims, data: values }) => {
    const as = names.get(name);
    return as === undefined ? undefined : net.weight(as, dims, (v) => v.set(values as Float32Array));
  });
  return head(net, picture, features);
}

function head(net: Net, { data, scale }: PictureNet, features: Value): Value {
  const { g } = net;
  const fixed = (name: string, values: Float32Array) => g.constant(float32([1, values.length], values), name);
  const even = g.div(g.sub(features, fixed("features.mean", scale!.mean)), fixed("features.std", scale!.std)); // (n, D)
  return linear(net, "head", even, data.classes.length, { gain: 0.01 }); // (n, classes)
}

/** Part of the layers that counts as the last blocks. */
const lastShare = 1 / 3;

function tunedLayers({ layers }: Backbone, tuned: NonNullable<PictureSetup["backbone"]>["tuned"]): Layer[] {
  return tuned === undefined ? [] : tuned === "full" ? layers : layers.slice(-Math.ceil(layers.length * lastShare));
}

/** Weights of the backbone that learn, and the names that they have in the run. */
function tunedNames(backbone: Backbone, tuned: NonNullable<PictureSetup["backbone"]>["tuned"]): Map<string, string> {
  const pairs = tunedLayers(backbone, tuned).flatMap(({ weights }) =>
    weights.map((name, i) => [name, `backbone.${name}.${i === 0 ? "weight" : "bias"}`] as const),
  );
  return new Map(pairs);
}

export function planPictures(net: PictureNet, spec: TrainSpec): FullPlan {
  const { data, setup, backbone } = net;
  const { rows, classes } = data;
  const graphs = pictureGraphs(net);
  const training = graphs.training();
  const parameters = countParameters(training);
  const all = rows.train + rows.validation + rows.test;
  const pixels = seesPixels(setup);
  const seconds =
    spec.seconds ?? (spec.epochs === undefined && spec.steps === undefined ? (pixels ? budget.network : budget.head) : undefined);
  const { batch, lr, name } = usual(net);
  return planCourse(
    {
      task: "classification",
      target: "class",
      classes: classes.length,
      inputs: 1,
      rows,
      model: { name, parameters },
      graphs: { training, answering: graphs.answering() },
      batch,
      lr,
      stepSeconds: (count) => stepSeconds(count * stepMadds(net, parameters), 0),
      dataBytes: pixels ? Math.min(512 * 2 ** 20, all * setup.size ** 2 * 3) : all * setup.backbone!.features * 4,
      ...(pixels && backbone ? { piece: tunedPiece, evaluationsAnEpoch: 2 } : {}),
    },
    { ...spec, ...(seconds === undefined ? {} : { seconds }) },
  );
}

/** Batch, rate and name where nobody says: what was learned before is moved slowly. */
function usual({ data, setup, backbone }: PictureNet): { batch: number; lr: number; name: string } {
  const few = data.rows.train < 500;
  if (!backbone) return { batch: few ? 16 : 32, lr: 0.002, name: "resnet" };
  switch (setup.backbone!.tuned) {
    case undefined:
      return { batch: few ? 16 : 64, lr: 0.001, name: `head on ${backbone.file}` };
    case "last":
      return { batch: 16, lr: 1e-4, name: `last blocks of ${backbone.file}` };
    default:
      return { batch: 16, lr: 1e-4, name: backbone.file };
  }
}

/** Multiply-adds of one picture in a step: forward all, backward twice what learns. */
function stepMadds({ data, setup, backbone }: PictureNet, parameters: number): number {
  if (!backbone) return 3 * resnetMadds(resnetFor(setup.size, data.rows.train), setup.size) * slower.own;
  if (!seesPixels(setup)) return 3 * parameters;
  const sum = (layers: readonly Layer[]) => layers.reduce((all, { madds }) => all + madds, 0);
  return (sum(backbone.layers) + 2 * sum(tunedLayers(backbone, setup.backbone!.tuned))) * slower.backbone;
}
