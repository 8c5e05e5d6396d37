// The plan of a run on texts: its network, its batch and its rate.
import type { TableTask, TrainSpec } from "../../../ipc/types.ts";
import type { TextEncoding } from "../../data/text/encodeTexts.ts";
import { type NgramNet, ngramAnswering, ngramTraining, suitableNet } from "../../models/ngrams.ts";
import { countParameters } from "../../models/index.ts";
import { tasks } from "../../tasks/index.ts";
import { defaults, type FullPlan, planCourse } from "../plan.ts";

export interface TextPlan extends FullPlan {
  net: NgramNet;
}

/** Texts that are answered at once: so many that the vectors of the longest texts stay within some 64 MB. */
export const piece = (outputs: number): number => Math.max(16, Math.floor(4096 / Math.max(2, Math.min(32, outputs))));

/** What the linear baseline takes at the end (its weights in float64, with ten steps remembered), and the reader of tables beside it; measured. */
const baselineBytes = 140e6;

/** Places of a text where nothing is known of the texts: an ordinary message. */
const usualLength = 300;

export function makeTextPlan(
  encoding: Pick<TextEncoding, "task" | "target" | "classes" | "pieces" | "text" | "leftOut">,
  rows: { train: number; validation: number; test: number },
  rarity: Float32Array,
  spec: TrainSpec,
  length = usualLength,
): TextPlan {
  const task = tasks[encoding.task];
  const outputs = task.outputs(encoding);
  const net = { ...suitableNet(outputs, spec.seed ?? defaults.seed), bits: encoding.pieces.bits };
  const training = ngramTraining(net, task, rarity);
  const parameters = countParameters(training);
  const full = planCourse(
    {
      task: encoding.task,
      target: encoding.target,
      ...(encoding.classes ? { classes: encoding.classes.length } : {}),
      inputs: 1,
      rows,
      model: { name: "ngrams", parameters },
      graphs: { training, answering: ngramAnswering(net, task, rarity) },
      batch: suitableBatch(rows.train),
      lr: suitableRate(spec.optimizer ?? optimizer, net, encoding.task),
      optimizer,
      stepSeconds: (batch) => stepCost(net, parameters, batch, length),
      dataBytes: Math.min(256e6, (rows.train + rows.validation + rows.test) * length * 4) + baselineBytes,
      sizes: { L: Math.ceil(2 * length) },
      piece: piece(outputs),
    },
    spec,
  );
  const { text, leftOut } = encoding;
  return { ...full, net, plan: { ...full.plan, text: { column: text, leftOut } } };
}

/** A power of two near rows / 100, from 64 (fewer where texts are few) to 512. */
function suitableBatch(rows: number): number {
  return 2 ** Math.round(Math.log2(Math.max(1, Math.min(64, rows / 8), Math.min(512, rows / 100))));
}

/**
 * Stochastic gradient descent with momentum, stopped early, weighs a piece by what it was seen to say, as a penalty does; Adam moves rare pieces
 * as far as frequent ones, which learns them by heart. On waimai_10k, validation accuracy: AdamW 0.891, momentum 0.900; logLoss 0.278 and 0.258.
 */
const optimizer = "momentum";

/** Squares curve four times as much at most, on texts of length 1 with a bias: momentum 0.9 is stable below 0.95 there. */
const steepest = 0.4;

function suitableRate(name: string, net: NgramNet, task: TableTask): number {
  if (task === "regression" && ["momentum", "nesterov", "sgd"].includes(name)) return steepest;
  if (name === "momentum" || name === "nesterov") return net.width ? 0.5 : 3;
  return name === "sgd" ? 10 : 0.01;
}

/** Seconds of one step, as measured: the optimizer goes over the whole table, each place of the batch is gathered and added back. */
function stepCost(net: NgramNet, parameters: number, batch: number, length: number): number {
  return 1e-3 + parameters * 6e-9 + batch * length * (2e-8 + 4e-9 * (net.width || net.outputs));
}
