// Hashed pieces through an embedding layer, as the network of a run on texts.
import type { TableTask, TrainSpec } from "../../../ipc/types.ts";
import type { TextEncoding } from "../../data/text/encodeTexts.ts";
import { countParameters } from "../../models/index.ts";
import { type NgramNet, ngramAnswering, ngramInference, ngramTraining, suitableNet } from "../../models/ngrams.ts";
import { tasks } from "../../tasks/index.ts";
import { defaults } from "../plan.ts";
import type { TextNet } from "./textNet.ts";

/** Texts that are answered at once: so many that the vectors of the longest texts stay within some 64 MB. */
export const piece = (outputs: number): number => Math.max(16, Math.floor(4096 / Math.max(2, Math.min(32, outputs))));

/** What the linear baseline takes at the end (its weights in float64, with ten steps remembered), and the reader of tables beside it; measured. */
export const baselineBytes = 140e6;

/**
 * @param rarity (2^bits): what each place weighs   @param rows texts to learn from, and in all   @param length places of a text, on average
 */
export function ngramNet(
  encoding: Pick<TextEncoding, "task" | "classes" | "pieces">,
  { rarity, rows, length }: { rarity: Float32Array; rows: { train: number; all: number }; length: number },
  spec: Pick<TrainSpec, "seed" | "optimizer">,
): TextNet {
  const task = tasks[encoding.task];
  const outputs = task.outputs(encoding);
  const net: NgramNet = { ...suitableNet(outputs, spec.seed ?? defaults.seed), bits: encoding.pieces.bits };
  return {
    training: () => ngramTraining(net, task, rarity),
    answering: () => ngramAnswering(net, task, rarity),
    inference: (g, inputs, parameters) =>
      ngramInference(g, net, task, { ids: inputs["ids"]!, weights: inputs["weights"]!, rarity, parameters }),
    facts(training) {
      const parameters = countParameters(training);
      return {
        model: { name: "ngrams", parameters },
        batch: suitableBatch(rows.train),
        lr: suitableRate(spec.optimizer ?? optimizer, net, encoding.task),
        optimizer,
        stepSeconds: (batch) => stepCost(net, parameters, batch, length),
        dataBytes: Math.min(256e6, rows.all * length * 4) + baselineBytes,
        sizes: { L: Math.ceil(2 * length) },
        piece: piece(outputs),
      };
    },
  };
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
