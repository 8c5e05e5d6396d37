// The plan of a run on pictures: what they are shown as, the network's two graphs, its batch and its rate. Letters: B batch, S side, D features.
import type { ImagesProfile, PictureSetup, TrainSpec } from "../../../ipc/types.ts";
import { augmentationFor } from "../../data/images/augment.ts";
import { affordableSize } from "../../data/images/pixels.ts";
import type { Backbone } from "../../formats/backbone.ts";
import { ranged } from "../../formats/pixelRange.ts";
import { countParameters } from "../../models/index.ts";
import { linear, openNet } from "../../models/layers.ts";
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
  seed: number;
}

/** Seconds of training that suit, where nobody says: a head is done in a few, a network of pictures wants minutes. */
const budget = { head: 20, network: 200 };
/** Convolutions of small pictures get through so many times fewer multiply-adds than large matrices. */
const slower = 4;

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

/** The graphs of a run: `pixels` uint8 (B, S, S, 3) or `features` float32 (B, D) → logits. */
export function pictureGraphs(net: PictureNet): {
  training: () => Graph;
  /** @param given trained weights by name, as constants of the graph; default parameters */
  answering: (given?: ReadonlyMap<string, Tensor>) => Graph;
} {
  const { setup, backbone } = net;
  const { size } = setup;
  const input = (g: Builder) =>
    backbone ? g.input("features", "float32", ["B", backbone.features]) : g.input("pixels", "uint8", ["B", size, size, 3]);
  const upright = (g: Builder, x: Value) => (backbone ? x : g.transpose(g.cast(x, "float32"), [0, 3, 1, 2])); // (B, 3, S, S)
  return {
    training() {
      const g = new Builder("training");
      const raw = logits(g, net, upright(g, input(g)), { training: true });
      const { loss, shown } = classification.losses(g, raw, g.input("y", "int64", ["B"]));
      g.output(loss, "loss");
      g.output(shown, "shown");
      return g.graph;
    },
    answering(given) {
      const g = new Builder("answering");
      g.output(logits(g, net, upright(g, input(g)), { training: false, ...(given ? { given } : {}) }), "answer");
      return g.graph;
    },
  };
}

/**
 * Logits (B, classes) of features (B, D) where there is a backbone, else of x (B, 3, S, S), float32 of 0 … 255.
 * @param options.given trained weights by name
 */
export function logits(
  g: Builder,
  { data, setup, scale, seed }: PictureNet,
  x: Value,
  options: { training: boolean; given?: ReadonlyMap<string, Tensor> },
): Value {
  const net = openNet(g, { ...options, seed });
  const classes = data.classes.length;
  if (scale) {
    const fixed = (values: Float32Array) => g.constant(float32([1, values.length], values));
    return linear(net, "head", g.div(g.sub(x, fixed(scale.mean)), fixed(scale.std)), classes, { gain: 0.01 }); // (B, classes)
  }
  return resnet(net, resnetFor(setup.size, data.rows.train), ranged(g, x, "-1..1"), classes);
}

export function planPictures(net: PictureNet, spec: TrainSpec): FullPlan {
  const { data, setup, backbone } = net;
  const { rows, classes } = data;
  const graphs = pictureGraphs(net);
  const training = graphs.training();
  const parameters = countParameters(training);
  const all = rows.train + rows.validation + rows.test;
  const seconds =
    spec.seconds ?? (spec.epochs === undefined && spec.steps === undefined ? (backbone ? budget.head : budget.network) : undefined);
  const madds = backbone ? parameters : resnetMadds(resnetFor(setup.size, rows.train), setup.size) * slower;
  return planCourse(
    {
      task: "classification",
      target: "class",
      classes: classes.length,
      inputs: 1,
      rows,
      model: { name: backbone ? `head on ${backbone.file}` : "resnet", parameters },
      graphs: { training, answering: graphs.answering() },
      batch: rows.train < 500 ? 16 : backbone ? 64 : 32,
      lr: backbone ? 0.001 : 0.002,
      stepSeconds: (batch) => stepSeconds(3 * batch * madds, 0),
      dataBytes: backbone ? all * backbone.features * 4 : Math.min(512 * 2 ** 20, all * setup.size ** 2 * 3),
    },
    { ...spec, ...(seconds === undefined ? {} : { seconds }) },
  );
}
