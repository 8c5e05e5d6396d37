// The plan of a language model: its size by the text and the time, its batch and its rate.
import type { LanguagePlan, TrainSpec } from "../../../ipc/types.ts";
import { countParameters } from "../../models/index.ts";
import { gptAnswering, type GptNet, gptSettings, gptTraining } from "../../models/gpt.ts";
import { resolveConfig } from "../../models/model.ts";
import { defaults, type FullPlan, planCourse } from "../plan.ts";

export interface LanguageFullPlan extends FullPlan {
  net: GptNet;
}

export interface LanguageFacts {
  /** Tokens by part, and the size of the vocabulary. */
  tokens: LanguagePlan["tokens"];
  vocabulary: number;
  /** Multiply-adds a second of a step's three products, as a first step measured; absent: those of two ordinary cores. */
  speed?: number;
}

/** Seconds of training where nothing is said: less writes no words. */
export const languageSeconds = 180;
/** Measured on two ordinary cores with 4 layers of 128. */
const usualSpeed = 60e9;
/** Bounds of what a measurement is believed. */
const speeds = { least: 1e9, most: 2e12 };
/** Part of the time that the steps may fill; judging, samples and what else the machine does take the rest. */
const share = 0.85;

/** Passes over a text, at most. */
const mostEpochs = 30;
/**
 * Learning rates at a width of 128. On a megabyte of plays 400 steps of Muon reach 2.25 bits a byte at 6e-3 and 2.32 at 3e-3, where AdamW stands
 * at 2.60 and pairs of tokens, counted, at 2.32.
 */
const rates = { muon: 1e-2, others: 3e-3 };

interface Size {
  layers: number;
  width: number;
  heads: number;
}

/** From small to large. */
const sizes: readonly Size[] = [
  { layers: 2, width: 64, heads: 2 },
  { layers: 3, width: 96, heads: 3 },
  { layers: 4, width: 128, heads: 4 },
  { layers: 4, width: 192, heads: 6 },
  { layers: 6, width: 256, heads: 8 },
  { layers: 6, width: 384, heads: 6 },
];

const inner = ({ layers, width }: Size): number => 12 * layers * width * width;

/** Multiply-adds of a token on its way forward: the blocks, the scores of all tokens, attention. */
const perToken = (size: Size, vocabulary: number, context: number): number =>
  inner(size) + vocabulary * size.width + 2 * size.layers * context * size.width;

const suitableContext = (tokens: number): number => (tokens < 50_000 ? 64 : tokens < 20e6 ? 128 : 256);

/** Tokens that are seen in the time. */
function tokensSeen(size: Size, { vocabulary, tokens, speed = usualSpeed }: LanguageFacts, seconds: number): number {
  return (seconds * share * speed) / (3 * perToken(size, vocabulary, suitableContext(tokens.train)));
}

/** The network that is timed to learn how fast the machine is, and its windows a step. */
export const timedNet = { size: sizes[2]!, context: 128, batch: 12 };

/** @param seconds of a step of `timedNet` → multiply-adds a second */
export function speedOf(seconds: number, vocabulary: number): number {
  const { size, context, batch } = timedNet;
  return Math.min(speeds.most, Math.max(speeds.least, (3 * batch * context * perToken(size, vocabulary, context)) / seconds));
}

/**
 * The largest size that sees three and a half tokens a weight of its blocks in the time (smaller ones learn less in it, larger ones too), and for which the text has a token for four of them: beyond,
 * it learns less by the end of the time, or learns the text by heart.
 */
function suitableSize(facts: LanguageFacts, seconds: number): Size {
  const suits = (size: Size): boolean => tokensSeen(size, facts, seconds) >= 3.5 * inner(size) && facts.tokens.train * 4 >= inner(size);
  return sizes.filter(suits).at(-1) ?? sizes[0]!;
}

/** The network for so many tokens. Throws usage for a setting that is out of bounds. */
export function languageNet(facts: LanguageFacts, spec: TrainSpec): GptNet {
  const seconds = spec.seconds ?? languageSeconds;
  const size = suitableSize(facts, seconds);
  const context = suitableContext(facts.tokens.train);
  const config = resolveConfig(
    { id: "gpt", config: gptSettings, suit: () => ({ ...size, context, dropout: suitableDropout(facts, size, seconds) }) },
    spec.config,
    { task: "classification", rows: 0, numeric: 0, categories: [], outputs: 0 },
  ) as Record<keyof typeof gptSettings, number>;
  const { layers, width, heads, dropout } = config;
  return {
    tokens: facts.vocabulary,
    context: config.context,
    width: Math.ceil(width / heads) * heads,
    layers,
    heads,
    dropout,
    seed: spec.seed ?? defaults.seed,
  };
}

/** Text that is gone through many times is else learned by heart. */
function suitableDropout(facts: LanguageFacts, size: Size, seconds: number): number {
  const epochs = tokensSeen(size, facts, seconds) / Math.max(1, facts.tokens.train);
  return epochs < 8 ? 0 : epochs < 30 ? 0.1 : 0.2;
}

/** @param rows windows by part */
export function makeLanguagePlan(
  facts: LanguageFacts,
  net: GptNet,
  rows: { train: number; validation: number; test: number },
  spec: TrainSpec,
): LanguageFullPlan {
  const training = gptTraining(net);
  const { context, tokens: vocabulary } = net;
  const { speed = usualSpeed } = facts;
  const each = 3 * perToken(net, vocabulary, context) * context;
  const stepSeconds = (batch: number): number => (batch * each) / speed + 3e-3;
  const open = spec.epochs === undefined && spec.steps === undefined;
  const seconds = spec.seconds ?? (open ? languageSeconds : undefined);
  const batch = Math.max(
    1,
    Math.min(
      rows.train,
      spec.batch ?? suitableBatch(net, Math.min(((spec.seconds ?? languageSeconds) * share * speed) / each, mostEpochs * rows.train)),
    ),
  );
  // As many steps as the time does for, and as a text is gone through without being learned by heart.
  const affordable = Math.floor(((seconds ?? languageSeconds) * share) / stepSeconds(batch));
  const steps = Math.max(1, Math.min(affordable, mostEpochs * Math.ceil(rows.train / batch)));
  const optimizer = spec.optimizer ?? "muon";
  const full = planCourse(
    {
      task: "language",
      target: "",
      inputs: 1,
      rows,
      model: { name: "gpt", parameters: countParameters(training) },
      graphs: { training, answering: gptAnswering(net) },
      batch,
      steps,
      optimizer: "muon",
      lr: rates[optimizer === "muon" ? "muon" : "others"] * Math.min(1, 128 / net.width),
      stepSeconds,
      dataBytes: 2 * (facts.tokens.train + facts.tokens.validation + facts.tokens.test) + vocabularyBytes,
      piece: languagePiece(net),
    },
    {
      ...spec,
      ...(optimizer === "muon" || optimizer === "adamw" ? { weightDecay: spec.weightDecay ?? 0.1 } : {}),
      ...(seconds === undefined ? {} : { seconds }),
    },
  );
  const { layers, width, heads } = net;
  return {
    ...full,
    net,
    step: { clipNorm: 1, beta2: 0.99 }, // as nanoGPT has it for small models
    plan: { ...full.plan, language: { vocabulary, context, layers, width, heads, tokens: facts.tokens } },
  };
}

/** Words counted for the vocabulary, with their pairs: let go before training, but not given back. */
const vocabularyBytes = 120e6;

/**
 * Windows of some 1,500 tokens; more where there are many, so that there are two thousand steps and steadier ones.
 * @param windows that are seen in the whole course
 */
function suitableBatch({ context }: GptNet, windows: number): number {
  return Math.max(Math.round(1536 / context), Math.min(Math.round(16_384 / context), Math.round(windows / 2000)));
}

/** Windows that are answered at once: so many that their logits stay within some 32 MB. */
export const languagePiece = ({ context, tokens }: Pick<GptNet, "context" | "tokens">): number =>
  Math.max(1, Math.min(64, Math.floor(8e6 / (context * tokens))));
