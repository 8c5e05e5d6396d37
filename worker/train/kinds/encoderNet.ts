// An imported encoder as the network of a run on texts: a head on its features, which are computed once; or its last blocks, or all of it, go on
// learning with a head that begins where the features alone lead. Letters: B batch, T tokens, D features, C answers.
import { AppError } from "../../../ipc/error.ts";
import type { TrainSpec } from "../../../ipc/types.ts";
import type { TextEncoding } from "../../data/text/encodeTexts.ts";
import type { TextEncoder } from "../../formats/textEncoder.ts";
import { countParameters } from "../../models/index.ts";
import { linear, type Net, openNet } from "../../models/layers.ts";
import { Builder, type Value } from "../../ops/builder.ts";
import type { FeatureParts } from "../../run/textFeatures.ts";
import { fitRidge } from "../../tasks/linear.ts";
import { tasks } from "../../tasks/index.ts";
import { float32, type Tensor } from "../../tensor.ts";
import { defaults, stepSeconds } from "../plan.ts";
import { bestHead, type LabelledRows } from "./headStart.ts";
import { baselineBytes } from "./ngramNet.ts";
import type { FeatureScale } from "./picturePlan.ts";
import type { TextNet } from "./textNet.ts";

export type Tuned = "last" | "full";

/** Seconds of training where nothing is said. */
const budget = { head: 20, tuned: 200 };
/** Part of the layers that counts as the last blocks. */
const lastShare = 1 / 3;
/** Rows whose features say how they spread. */
const looked = 100_000;

/** What of the encoder learns. Throws usage for what it cannot be. */
export function tunedOf(encoder: TextEncoder, method: TrainSpec["method"]): Tuned | undefined {
  if (method === undefined || method === "head") return undefined;
  const refuse = (why: string, hint: string) => new AppError("usage", why, hint, { method, file: encoder.file });
  if (method !== "last" && method !== "full")
    throw refuse(`An encoder of texts is not fine-tuned by '${method}'.`, "Choose head, last or full.");
  if (encoder.batch === 1)
    throw refuse(`'${encoder.file}' takes one text at a time, and cannot learn.`, "Leave --method out: a head learns on it.");
  if (encoder.layers.length === 0)
    throw refuse(
      `'${encoder.file}' has no matrices of float32 that could learn (its weights are rounded, perhaps).`,
      "Leave --method out: a head learns on it; or take the model as it was before it was made smaller.",
    );
  return method;
}

const tunedLayers = ({ layers }: TextEncoder, tuned: Tuned | undefined): TextEncoder["layers"] =>
  tuned === undefined ? [] : tuned === "full" ? layers : layers.slice(-Math.ceil(layers.length * lastShare));

/** Mean and deviation of each feature over the training part. */
export async function scaleOfTexts({ train }: FeatureParts, width: number): Promise<FeatureScale> {
  const count = Math.min(train.rows, looked);
  const [mean, square] = [new Float64Array(width), new Float64Array(width)];
  for (let i = 0; i < count; i++) {
    const row = await train.features(Uint32Array.of(Math.floor((i * train.rows) / count)));
    for (let d = 0; d < width; d++) {
      mean[d]! += row[d]! / count;
      square[d]! += (row[d]! * row[d]!) / count;
    }
  }
  // A feature that never moves says nothing, and must not be blown up.
  const std = Float32Array.from(mean, (m, d) => Math.sqrt(Math.max(0, square[d]! - m * m))).map((s) => (s > 1e-6 ? s : 1));
  return { mean: Float32Array.from(mean), std };
}

/** Rows that the head begins with. */
const mostRows = 20_000;

/** Where the head begins: fitted to the features, `head.weight` (D, C) and `head.bias` (C). @param classes 0 for a number */
export async function startOfTexts(
  parts: FeatureParts,
  { mean, std }: FeatureScale,
  classes: number,
): Promise<ReadonlyMap<string, Tensor>> {
  const width = mean.length;
  const of = async (part: FeatureParts["train"]) => {
    const rows = Math.min(part.rows, mostRows);
    const { inputs, y } = await part.read(Uint32Array.from({ length: rows }, (_, i) => Math.floor((i * part.rows) / rows)));
    const x = (inputs.features.data as Float32Array).map((v, i) => (v - mean[i % width]!) / std[i % width]!);
    return {
      rows: { rows, numeric: width, x, ones: new Int32Array(0), perRow: 0, width: 0 },
      answers: Array.from(y.data as ArrayLike<number | bigint>, Number),
    };
  };
  const [learn, judge] = [await of(parts.train), await of(parts.validation.rows ? parts.validation : parts.train)];
  if (classes > 0) {
    const labelled = ({ rows, answers }: typeof learn): LabelledRows => ({ rows, labels: Int32Array.from(answers) });
    return bestHead(labelled(learn), labelled(judge), classes);
  }
  const { weights } = await fitRidge(learn.rows, learn.answers);
  return new Map([
    ["head.weight", float32([width, 1], Float32Array.from(weights.subarray(0, width)))],
    ["head.bias", float32([1], Float32Array.from(weights.subarray(width)))],
  ]);
}

export interface EncoderFacts {
  encoder: TextEncoder;
  /** Of the features; before they are known, of mean 0 and deviation 1. */
  scale: FeatureScale;
  start?: ReadonlyMap<string, Tensor> | undefined;
  rows: { train: number; all: number };
  /** Tokens of a text, on average. */
  length: number;
}

export const blankScale = ({ features }: TextEncoder): FeatureScale => ({
  mean: new Float32Array(features),
  std: new Float32Array(features).fill(1),
});

export function encoderNet(
  encoding: Pick<TextEncoding, "task" | "classes" | "tokens" | "encoder">,
  { encoder, scale, start, rows, length }: EncoderFacts,
  spec: Pick<TrainSpec, "seed">,
): TextNet {
  const task = tasks[encoding.task];
  const outputs = task.outputs(encoding);
  const seed = spec.seed ?? defaults.seed;
  const { tuned } = encoding.encoder!;
  const layers = tunedLayers(encoder, tuned);
  const names = new Set([...(tuned === "full" ? encoder.tables : []), ...layers.flatMap(({ weights }) => weights)]);

  const head = (net: Net, features: Value): Value => {
    const { g } = net;
    const fixed = (name: string, values: Float32Array) => g.constant(float32([1, values.length], values), name);
    const even = g.div(g.sub(features, fixed("features.mean", scale.mean)), fixed("features.std", scale.std)); // (n, D)
    return linear(net, "head", even, outputs, { gain: 0.01 }); // (n, C)
  };
  const whole = (net: Net, inputs: { input_ids: Value; attention_mask: Value }): Value =>
    head(
      net,
      encoder.embed(net.g, inputs, (name, { dims, data }) =>
        names.has(name) ? net.weight(`encoder.${name}`, dims, (values) => values.set(data as Float32Array)) : undefined,
      ),
    );
  const raw = (g: Builder, training: boolean): Value => {
    const net = openNet(g, { training, seed, ...(start ? { given: start } : {}) });
    if (!tuned) return head(net, g.input("features", "float32", ["B", encoder.features]));
    const input = (name: string) => g.input(name, "int64", ["B", encoder.length ?? "T"]);
    return whole(net, { input_ids: input("input_ids"), attention_mask: input("attention_mask") });
  };
  const name = tuned === undefined ? `head on ${encoder.file}` : tuned === "last" ? `last blocks of ${encoder.file}` : encoder.file;
  const sum = (all: TextEncoder["layers"]) => all.reduce((total, { madds }) => total + madds, 0);
  return {
    training() {
      const g = new Builder("training");
      const answer = raw(g, true);
      const y = task.truth === "classes" ? g.input("y", "int64", ["B"]) : g.input("y", "float32", ["B", 1]);
      const { loss, shown } = task.losses(g, answer, y);
      g.output(loss, "loss");
      g.output(shown, "shown");
      return g.graph;
    },
    answering() {
      const g = new Builder("answering");
      g.output(task.together(g, raw(g, false)), "answer");
      return g.graph;
    },
    inference: (g, inputs, weights) =>
      task.together(g, whole(openNet(g, { training: false, given: weights }), inputs as { input_ids: Value; attention_mask: Value })),
    alone: encoder.batch === 1,
    licence: `Made from ${encoder.file}: ${encoder.licence ?? "its file tells no licence; ask where it came from."}`,
    usual: { seconds: tuned ? budget.tuned : budget.head },
    facts(training) {
      const trainable = countParameters(training);
      const few = rows.train < 500;
      const tokens = encoder.length ?? Math.ceil(1.2 * length);
      return {
        model: {
          name,
          parameters: tuned ? encoder.parameters + (encoder.features + 1) * outputs : trainable,
          ...(tuned ? { trainable } : {}),
        },
        batch: tuned || few ? 16 : 64,
        lr: tuned ? 5e-5 : 1e-3,
        stepSeconds: (batch) =>
          tuned
            ? stepSeconds(2 * batch * tokens * (sum(encoder.layers) + 2 * sum(layers)), 0) + trainable * 4e-9
            : stepSeconds(3 * batch * trainable, 0),
        dataBytes: Math.min(256e6, rows.all * (tuned ? length : encoder.features) * 4) + baselineBytes,
        ...(tuned ? { sizes: { T: Math.ceil(2 * length) }, piece: 32, evaluationsAnEpoch: 2 } : {}),
      };
    },
  };
}
