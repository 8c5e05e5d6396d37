// The small transformer as the network of a run on texts: its vocabulary, its size, its course.
import type { TrainSpec } from "../../../ipc/types.ts";
import type { TextEncoding } from "../../data/text/encodeTexts.ts";
import { ownTokens } from "../../data/text/textTokens.ts";
import type { Bpe } from "../../data/text/bpe.ts";
import { countParameters } from "../../models/index.ts";
import { resolveConfig } from "../../models/model.ts";
import {
  textTransformerAnswering,
  textTransformerInference,
  textTransformerMadds,
  type TextTransformerNet,
  textTransformerSettings,
  textTransformerTraining,
  type TokenInputs,
} from "../../models/textTransformer.ts";
import { tasks } from "../../tasks/index.ts";
import { defaults } from "../plan.ts";
import { baselineBytes } from "./ngramNet.ts";
import type { TextNet } from "./textNet.ts";

type Settings = Record<keyof typeof textTransformerSettings, number>;

/** Seconds of training where nothing is said. */
const usualSeconds = 120;
/** Multiply-adds a second of a step's three products, on two ordinary cores; measured with width 128. */
const speed = 25e9;
/** Texts that are answered at once: their scores of 256 tokens stay within some 64 MB. */
export const tokensPiece = 64;

/** The settings in force. Throws usage for one that is out of bounds, or unknown. */
export const transformerSettings = (spec: Pick<TrainSpec, "config">): Settings =>
  resolveConfig({ id: "transformer", config: textTransformerSettings }, spec.config) as Settings;

/** Different tokens for texts of so many letters: a word that is seen a few times gets one of its own. */
export const suitableTokens = (letters: number): number => 2 ** Math.max(9, Math.min(13, Math.round(Math.log2(Math.max(1, letters) / 80))));

/** Texts by whose length it is settled how many tokens are read, and the share of them that is read whole. */
const measured = { texts: 4000, whole: 0.98 };

export class Lengths {
  readonly #texts: string[] = [];
  letters = 0;

  add(texts: readonly string[]): void {
    for (const text of texts) {
      this.letters += text.length;
      if (this.#texts.length < measured.texts) this.#texts.push(text);
    }
  }

  /** Tokens that are read of a text: nearly all texts whole, up to the setting. */
  context(bpe: Bpe, most: number): number {
    const tokens = ownTokens(bpe, most);
    const sorted = this.#texts.map((text) => tokens.encode(text).length).sort((a, b) => a - b);
    const wanted = sorted[Math.floor(measured.whole * (sorted.length - 1))] ?? most;
    return Math.min(most, Math.max(8, Math.ceil(wanted / 8) * 8));
  }
}

/** @param length tokens of a text, on average */
export function transformerNet(
  encoding: Pick<TextEncoding, "task" | "classes" | "tokens" | "transformer">,
  { rows, length }: { rows: { train: number; all: number }; length: number },
  spec: Pick<TrainSpec, "seed">,
): TextNet {
  const task = tasks[encoding.task];
  const { context, vocabulary } = encoding.tokens!;
  const net: TextTransformerNet = {
    ...encoding.transformer!,
    tokens: vocabulary,
    context,
    outputs: task.outputs(encoding),
    seed: spec.seed ?? defaults.seed,
  };
  return {
    training: () => textTransformerTraining(net, task),
    answering: () => textTransformerAnswering(net, task),
    inference: (g, inputs, weights) => textTransformerInference(g, net, task, inputs as unknown as TokenInputs, weights),
    usual: { weightDecay: 0.05, seconds: usualSeconds },
    facts(training) {
      const parameters = countParameters(training);
      return {
        model: { name: "transformer", parameters },
        batch: rows.train < 1000 ? 16 : 32,
        lr: 1e-3 * Math.min(1, 128 / net.width),
        mostEpochs: 30,
        stepSeconds: (batch) => 3e-3 + (3 * batch * textTransformerMadds(net, 1.2 * length)) / speed + parameters * 4e-9,
        dataBytes: Math.min(256e6, rows.all * length * 4) + baselineBytes,
        sizes: { T: Math.min(context, Math.ceil(2 * length)) },
        piece: tokensPiece,
      };
    },
  };
}
