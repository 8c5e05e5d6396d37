// How a run reads its texts: as hashed pieces, as tokens of a vocabulary of its own, or as those of an imported encoder. Settled when the run
// begins, and gone by when it is resumed.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { AppError } from "../../../ipc/error.ts";
import type { TableTask, TrainSpec } from "../../../ipc/types.ts";
import { type TextEncoding, trainingTexts } from "../../data/text/encodeTexts.ts";
import { pieceSettings } from "../../data/text/pieces.ts";
import { chooseText } from "../../data/text/textColumn.ts";
import { fileTokens, learnTokens, openTextTokens, ownTokens, type TextTokens } from "../../data/text/textTokens.ts";
import type { SplitPlan } from "../../data/split.ts";
import type { Table } from "../../data/table.ts";
import { openTextEncoder, type TextEncoder, tokenizerName } from "../../formats/textEncoder.ts";
import { suitableNet } from "../../models/ngrams.ts";
import { contextOf } from "../../run/textFeatures.ts";
import { writeAtomic } from "../files.ts";
import { blankScale, encoderNet, type EncoderFacts, tunedOf } from "./encoderNet.ts";
import { isModelFile } from "./images.ts";
import type { PrepareOptions } from "./kind.ts";
import { ngramNet } from "./ngramNet.ts";
import { chooseTarget } from "./table.ts";
import type { TextNet } from "./textNet.ts";
import { Lengths, suitableTokens, transformerNet, transformerSettings } from "./transformerNet.ts";

/** Networks that learn texts from nothing. */
const families = ["ngrams", "transformer"] as const;

export type Decided = Omit<TextEncoding, "classes" | "targetScale"> & { task: TableTask };

/** The encoder that the spec names; undefined where it names none. Throws what opening it throws; usage for a family that is none. */
export async function encoderOf({ model, method }: Pick<TrainSpec, "model" | "method">): Promise<TextEncoder | undefined> {
  if (isModelFile(model)) return openTextEncoder(model);
  if (model !== undefined && !(families as readonly string[]).includes(model))
    throw new AppError(
      "usage",
      `The model '${model}' does not read texts.`,
      `Leave --model out, or name one of ${families.join(", ")}, or the ONNX file of an encoder of texts.`,
      { model, known: [...families] },
    );
  if (method !== undefined)
    throw new AppError(
      "usage",
      "--method says what of an imported network learns, and there is none.",
      "Name its file with --model, or leave --method out.",
      { method },
    );
  return undefined;
}

/** What the run goes by: as asked, else as guessed. Throws targetMissing, columnMissing, noFeatures, usage. */
export function decide(table: Table, spec: TrainSpec, encoder: TextEncoder | undefined): Decided {
  const choice = chooseText(table.profile, spec);
  const { method: _, ...rest } = spec; // what it says was heard where the encoder was opened
  const { target, task } = chooseTarget(table.profile, {
    ...rest,
    ...(choice.target === undefined ? {} : { target: choice.target }),
  });
  if (target === choice.text)
    throw new AppError("usage", `"${target}" holds the texts; it cannot be predicted from itself.`, "Name another column with --target.", {
      column: target,
    });
  const outputs = table.profile.columns.find(({ name }) => name === target)?.distinct ?? 2;
  const { bits } = suitableNet(task === "classification" ? outputs : 1, 0);
  return {
    version: 1,
    kind: "text",
    text: choice.text,
    target,
    task,
    pieces: { ...pieceSettings, bits },
    splitKey: "text",
    leftOut: choice.leftOut,
    ...(encoder ? ofEncoder(encoder, spec) : spec.model === "transformer" ? ofTransformer(spec) : {}),
  };
}

/** What is settled of a transformer before its vocabulary is learned. */
function ofTransformer(spec: TrainSpec): Pick<TextEncoding, "tokens" | "transformer"> {
  const { context, vocabulary, layers, width, heads, dropout } = transformerSettings(spec);
  return {
    tokens: { form: "bpe", context, vocabulary },
    transformer: { layers, width: Math.ceil(width / heads) * heads, heads, dropout },
  };
}

/** What is settled of an encoder before it is tried how many tokens it takes. */
function ofEncoder(encoder: TextEncoder, spec: TrainSpec): Pick<TextEncoding, "tokens" | "encoder"> {
  const tuned = tunedOf(encoder, spec.method);
  const { file, sha, length, vocabulary = 0 } = encoder;
  return {
    tokens: { form: "file", context: length ?? usualContext, vocabulary, ...(length === undefined ? {} : { fixed: true }) },
    encoder: { file, sha, ...(tuned ? { tuned } : {}) },
  };
}

/** Tokens that an encoder reads of a text, where it was not tried yet. */
const usualContext = 256;
/** Every byte has a token, and filling has one. */
const leastTokens = 257;
/** Letters of a text that take a token, where nothing was counted yet. */
const lettersPerToken = 3;

/** Tokens of a text, and of all texts those that get a place in the vocabulary, before anything was counted. */
export function expected({ tokens }: Decided, { bytes, texts }: { bytes: number; texts: number }): { length: number; vocabulary: number } {
  const letters = bytes / 2;
  const length = Math.max(8, letters / lettersPerToken / Math.max(1, texts));
  return { length: Math.min(tokens?.context ?? Infinity, length), vocabulary: tokens?.vocabulary || suitableTokens(letters) };
}

/** The encoding with its tokens, learned, those of the encoder, or as the run began with them. */
export async function withTokens(
  { run, signal }: Pick<PrepareOptions, "run" | "signal">,
  table: Table,
  encoding: TextEncoding,
  { split, encoder, resumed }: { split: SplitPlan; encoder: TextEncoder | undefined; resumed: boolean },
): Promise<{ encoding: TextEncoding; tokens?: TextTokens }> {
  if (!encoding.tokens) return { encoding };
  if (encoder) {
    const context = resumed ? encoding.tokens.context : await contextOf(encoder);
    return { encoding: { ...encoding, tokens: { ...encoding.tokens, context } }, tokens: withinTable(encoder, context) };
  }
  const path = join(run, tokenizerName);
  if (resumed) return { encoding, tokens: openTextTokens(await readFile(path, "utf8"), { ...encoding.tokens, name: tokenizerName }) };
  const { context: most, vocabulary: asked } = encoding.tokens;
  const lengths = new Lengths();
  for await (const some of trainingTexts(table, encoding, split, signal)) lengths.add(some);
  const bpe = await learnTokens(trainingTexts(table, encoding, split, signal), {
    size: asked > 0 ? Math.max(asked, leastTokens) : suitableTokens(lengths.letters),
    signal,
  });
  const tokens = ownTokens(bpe, lengths.context(bpe, most));
  await writeAtomic(path, tokens.json);
  return { encoding: { ...encoding, tokens: { form: "bpe", context: lengths.context(bpe, most), vocabulary: bpe.size } }, tokens };
}

/** The encoder's tokens, each of which its table must have a row for. */
function withinTable({ tokenizer, vocabulary = Infinity, file }: TextEncoder, context: number): TextTokens {
  const tokens = fileTokens(tokenizer, context, tokenizerName);
  return {
    ...tokens,
    encode(text) {
      const ids = tokens.encode(text);
      const beyond = ids.find((id) => !(id >= 0 && id < vocabulary));
      if (beyond === undefined) return ids;
      throw new AppError(
        "modelInvalid",
        `The ${tokenizerName} beside '${file}' gives the token ${beyond}, but the model's table ends at ${vocabulary - 1}: they belong to different models.`,
        `Put the ${tokenizerName} that came with '${file}' beside it.`,
        { file, token: beyond, rows: vocabulary },
      );
    },
  };
}

/** What is known when the network of a run is made. */
export interface NetFacts {
  rows: { train: number; validation: number; test: number };
  /** Places or tokens of a text, on average. */
  length?: number;
  rarity?: Float32Array;
  encoder?: Pick<EncoderFacts, "encoder"> & Partial<Pick<EncoderFacts, "scale" | "start">>;
}

/** Places of a text where nothing is known of the texts: an ordinary message. */
const usualPlaces = 300;

export function netOf(encoding: TextEncoding, facts: NetFacts, spec: TrainSpec): TextNet {
  const { train, validation, test } = facts.rows;
  const rows = { train, all: train + validation + test };
  const { length = usualPlaces, encoder } = facts;
  if (encoder) return encoderNet(encoding, { scale: blankScale(encoder.encoder), ...encoder, rows, length }, spec);
  if (encoding.transformer) return transformerNet(encoding, { rows, length }, spec);
  return ngramNet(encoding, { rarity: facts.rarity ?? new Float32Array(2 ** encoding.pieces.bits), rows, length }, spec);
}
