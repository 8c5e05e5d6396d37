// Texts: a table with a column of texts, or a folder of class folders. From there to what the network reads (hashed pieces, tokens) and a plan.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { AppError } from "../../../ipc/error.ts";
import type { TableTask, TrainPlan, TrainSpec } from "../../../ipc/types.ts";
import { encodeTexts, fitTexts, type TextEncoding, trainingTexts } from "../../data/text/encodeTexts.ts";
import { openTexts } from "../../data/text/openTexts.ts";
import { pieceSettings } from "../../data/text/pieces.ts";
import { rarityOf } from "../../data/text/rarity.ts";
import { chooseText } from "../../data/text/textColumn.ts";
import { learnTokens, openTextTokens, ownTokens, type TextTokens } from "../../data/text/textTokens.ts";
import { inspectTexts } from "../../data/text/inspectText.ts";
import type { CorrectedTable } from "../../data/corrected.ts";
import { correctedTable, takenOf } from "../../data/corrections.ts";
import { targetOf } from "../../data/encoding.ts";
import type { SplitPlan } from "../../data/split.ts";
import type { Table } from "../../data/table.ts";
import { suitableNet } from "../../models/ngrams.ts";
import { tasks } from "../../tasks/index.ts";
import { splitOf, withSplit } from "../splitOf.ts";
import { correctionsFor } from "../corrections.ts";
import { readJson, writeAtomic, writeJson } from "../files.ts";
import { refuseNewClasses } from "../from.ts";
import { exportText } from "./exportText.ts";
import { judgeText } from "./judgeText.ts";
import type { Kind, PrepareOptions, Source } from "./kind.ts";
import type { PreparedText } from "./preparedText.ts";
import { chooseTarget } from "./table.ts";
import { ngramNet, piece } from "./ngramNet.ts";
import type { TextNet } from "./textNet.ts";
import { makeTextPlan } from "./textPlan.ts";
import { Lengths, suitableTokens, tokensPiece, transformerNet, transformerSettings } from "./transformerNet.ts";

const open = (path: string, { cache, signal, onWorking }: Source, part: string | undefined): Promise<Table> =>
  openTexts(path, { cache, part, signal, onProgress: (what, fraction) => onWorking?.({ what, fraction }) });

/** The texts with the corrections of a run, or of a spec, over the column that is learned. */
async function withCorrections(table: Table, spec: TrainSpec, signal: AbortSignal, run?: string): Promise<CorrectedTable> {
  const corrections = await correctionsFor(spec, run);
  if (corrections.length === 0) return table;
  const { target, task } = decide(table, spec);
  return correctedTable(table, targetOf(table, target, task), corrections, signal);
}

/** Networks that learn texts from nothing. */
const families = ["ngrams", "transformer"] as const;

/** What the run goes by: as asked, else as guessed. Throws targetMissing, columnMissing, noFeatures, usage. */
function decide(table: Table, spec: TrainSpec): Omit<TextEncoding, "classes" | "targetScale"> & { task: TableTask } {
  const { model = "ngrams" } = spec;
  if (!(families as readonly string[]).includes(model))
    throw new AppError("usage", `The model '${model}' does not read texts.`, `Leave --model out, or name one of ${families.join(", ")}.`, {
      model,
      known: [...families],
    });
  const transformer = model === "transformer" ? transformerSettings(spec) : undefined;
  const choice = chooseText(table.profile, spec);
  const { target, task } = chooseTarget(table.profile, {
    ...spec,
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
    ...(transformer ? tokensOf(transformer) : {}),
  };
}

/** What is settled of a transformer before its vocabulary is learned. */
function tokensOf({ context, vocabulary, layers, width, heads, dropout }: ReturnType<typeof transformerSettings>) {
  return {
    tokens: { form: "bpe" as const, context, vocabulary },
    transformer: { layers, width: Math.ceil(width / heads) * heads, heads, dropout },
  };
}

/** Learns the vocabulary on the training texts, and settles how many tokens are read of a text. */
async function learnedTokens(
  table: Table,
  encoding: TextEncoding,
  split: SplitPlan,
  signal: AbortSignal,
): Promise<{ tokens: TextTokens; settled: NonNullable<TextEncoding["tokens"]> }> {
  const { context: most, vocabulary: asked } = encoding.tokens!;
  const lengths = new Lengths();
  for await (const some of trainingTexts(table, encoding, split, signal)) lengths.add(some);
  const bpe = await learnTokens(trainingTexts(table, encoding, split, signal), {
    size: asked > 0 ? Math.max(asked, leastTokens) : suitableTokens(lengths.letters),
    signal,
  });
  const context = lengths.context(bpe, most);
  return { tokens: ownTokens(bpe, context), settled: { form: "bpe", context, vocabulary: bpe.size } };
}

/** Every byte has a token, and filling has one. */
const leastTokens = 257;

/** Letters of a text that takes a token, where nothing was counted yet. */
const lettersPerToken = 3;

/** Places and tokens of a text where nothing is known of the texts: an ordinary message. */
const usualLength = { places: 300, tokens: 40 };

function netOf(
  encoding: TextEncoding,
  rows: { train: number; all: number },
  spec: TrainSpec,
  known?: { rarity: Float32Array; length: number },
): TextNet {
  if (encoding.transformer) return transformerNet(encoding, { rows, length: known?.length ?? usualLength.tokens }, spec);
  const rarity = known?.rarity ?? new Float32Array(2 ** encoding.pieces.bits);
  return ngramNet(encoding, { rarity, rows, length: known?.length ?? usualLength.places }, spec);
}

const allOf = (rows: { train: number; validation: number; test: number }) => ({
  train: rows.train,
  all: rows.train + rows.validation + rows.test,
});

async function plan(spec: TrainSpec, source: Source): Promise<TrainPlan> {
  const opened = await open(spec.data, source, spec.part);
  let table: CorrectedTable = opened;
  try {
    table = await withCorrections(opened, spec, source.signal);
    const chosen = decide(table, spec);
    const { split, classes } = await fitTexts(table, { ...chosen, split: splitOf(spec, chosen.task), signal: source.signal });
    const [train, validation, test] = split.counts;
    const rows = { train, validation, test };
    const { tokens } = chosen;
    const letters = table.profile.bytes / 2;
    const encoding: TextEncoding = {
      ...chosen,
      ...(classes ? { classes } : {}),
      ...(tokens ? { tokens: { ...tokens, vocabulary: tokens.vocabulary || suitableTokens(letters) } } : {}),
    };
    const perText = Math.min(tokens?.context ?? Infinity, Math.max(8, letters / lettersPerToken / Math.max(1, allOf(rows).all)));
    const net = tokens ? transformerNet(encoding, { rows: allOf(rows), length: perText }, spec) : netOf(encoding, allOf(rows), spec);
    const made = makeTextPlan(encoding, rows, net, spec).plan;
    return { ...made, splitBy: split.by };
  } finally {
    await table.close();
  }
}

/** Throws what reading throws, `fileChanged`, and what is wrong with the target. */
export async function prepare(options: PrepareOptions): Promise<PreparedText> {
  const { record, paths, signal } = options;
  const { spec } = record;
  const opened = await open(spec.data, options, spec.part);
  let table: CorrectedTable = opened;
  try {
    const { fingerprint } = opened.profile;
    if (record.fingerprint !== undefined && record.fingerprint !== fingerprint)
      throw new AppError(
        "fileChanged",
        `'${spec.data}' is not the data this run began with.`,
        "Put the old data back to go on, or start a new run.",
        { file: spec.data, fingerprint, before: record.fingerprint },
      );
    table = await withCorrections(opened, spec, signal, options.run);
    const known = await readJson<TextEncoding>(paths.encoding);
    const chosen = known ?? decide(table, spec);
    const { split, ...fitted } = await fitTexts(table, { ...chosen, split: splitOf(spec, chosen.task), signal });
    const whole: TextEncoding = known ?? { ...chosen, ...fitted };
    refuseNewClasses(whole.classes, fitted.classes, spec.data);
    options.onWorking?.({ what: "encoding", fraction: null });
    const { encoding, tokens } = await withTokens(options, table, whole, split, known !== undefined);
    await writeJson(paths.encoding, encoding);
    const task = tasks[encoding.task];
    const encoded = await encodeTexts(table, encoding, split, {
      scratch: paths.scratch,
      piece: piece(task.outputs(encoding)),
      tokens: tokens && { by: tokens, piece: tokensPiece },
      signal,
    });
    const rarity = await rarityOf(encoded.train, encoding.pieces.bits);
    const rows = { train: encoded.train.rows, validation: encoded.validation.rows, test: encoded.test.rows };
    const data = encoded.tokens ?? encoded;
    const net = netOf(encoding, allOf(rows), spec, { rarity, length: data.train.meanLength });
    const planFor = (batch: number | undefined) =>
      withSplit(makeTextPlan(encoding, rows, net, batch === undefined ? spec : { ...spec, batch }), split.by);
    const prepared: PreparedText = {
      spec,
      fingerprint,
      table,
      encoding,
      encoded,
      rarity,
      net,
      data,
      tokens,
      task,
      target: encoding,
      plan: planFor(record.choice?.batch), // as it was settled when the run began
      ...takenOf(table),
      planFor,
      training: net.training,
      answering: net.answering,
      report: (run, pause) => judgeText(prepared, run, pause),
      exportModel: (path, weights, report) => exportText({ path, prepared, weights, report }),
      async close() {
        await encoded.close();
        await table.close();
      },
    };
    return prepared;
  } catch (thrown) {
    await table.close();
    throw thrown;
  }
}

/** The encoding with its tokens, learned or as the run began with them. */
async function withTokens(
  { run, signal }: PrepareOptions,
  table: Table,
  encoding: TextEncoding,
  split: SplitPlan,
  resumed: boolean,
): Promise<{ encoding: TextEncoding; tokens?: TextTokens }> {
  if (!encoding.tokens) return { encoding };
  const path = join(run, tokenizerFile);
  if (resumed) return { encoding, tokens: openTextTokens(await readFile(path, "utf8"), { ...encoding.tokens, name: tokenizerFile }) };
  const { tokens, settled } = await learnedTokens(table, encoding, split, signal);
  await writeAtomic(path, tokens.json);
  return { encoding: { ...encoding, tokens: settled }, tokens };
}

/** Beside model.onnx: how a text becomes the tokens that it reads. */
export const tokenizerFile = "tokenizer.json";

export const text: Kind = {
  inspect: (file, { cache, part, signal, onWorking }) =>
    inspectTexts(file, { cache, part, signal, onProgress: (what, fraction) => onWorking?.({ what, fraction }) }),
  plan,
  prepare,
};
