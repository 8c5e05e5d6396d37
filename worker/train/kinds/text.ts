// Texts: a table with a column of texts, or a folder of class folders. From there to what the network reads (hashed pieces, tokens, an encoder's
// features) and a plan.
import { AppError } from "../../../ipc/error.ts";
import type { TrainPlan, TrainSpec } from "../../../ipc/types.ts";
import { encodeTexts, fitTexts, type TextEncoding } from "../../data/text/encodeTexts.ts";
import { openTexts } from "../../data/text/openTexts.ts";
import { rarityOf } from "../../data/text/rarity.ts";
import { inspectTexts } from "../../data/text/inspectText.ts";
import type { CorrectedTable } from "../../data/corrected.ts";
import { correctedTable, takenOf } from "../../data/corrections.ts";
import { targetOf } from "../../data/encoding.ts";
import type { Table } from "../../data/table.ts";
import type { TextEncoder } from "../../formats/textEncoder.ts";
import { textFeatures } from "../../run/textFeatures.ts";
import { tasks } from "../../tasks/index.ts";
import { splitOf, withSplit } from "../splitOf.ts";
import { correctionsFor } from "../corrections.ts";
import { readJson, writeJson } from "../files.ts";
import { refuseNewClasses } from "../from.ts";
import { scaleOfTexts, startOfTexts } from "./encoderNet.ts";
import { exportText } from "./exportText.ts";
import { judgeText } from "./judgeText.ts";
import type { Kind, PrepareOptions, Source } from "./kind.ts";
import { piece } from "./ngramNet.ts";
import type { FeatureScale } from "./picturePlan.ts";
import type { PreparedText } from "./preparedText.ts";
import { decide, encoderOf, expected, netOf, type NetFacts, withTokens } from "./textReading.ts";
import { makeTextPlan } from "./textPlan.ts";
import { tokensPiece } from "./transformerNet.ts";

const open = (path: string, { cache, signal, onWorking }: Source, part: string | undefined): Promise<Table> =>
  openTexts(path, { cache, part, signal, onProgress: (what, fraction) => onWorking?.({ what, fraction }) });

/** The texts with the corrections of a run, or of a spec, over the column that is learned. */
async function withCorrections(
  table: Table,
  spec: TrainSpec,
  { encoder, signal, run }: { encoder: TextEncoder | undefined; signal: AbortSignal; run?: string },
): Promise<CorrectedTable> {
  const corrections = await correctionsFor(spec, run);
  if (corrections.length === 0) return table;
  const { target, task } = decide(table, spec, encoder);
  return correctedTable(table, targetOf(table, target, task), corrections, signal);
}

async function plan(spec: TrainSpec, source: Source): Promise<TrainPlan> {
  const encoder = await encoderOf(spec);
  const opened = await open(spec.data, source, spec.part);
  let table: CorrectedTable = opened;
  try {
    table = await withCorrections(opened, spec, { encoder, signal: source.signal });
    const chosen = decide(table, spec, encoder);
    const { split, classes } = await fitTexts(table, { ...chosen, split: splitOf(spec, chosen.task), signal: source.signal });
    const [train, validation, test] = split.counts;
    const { length, vocabulary } = expected(chosen, { bytes: table.profile.bytes, texts: train + validation + test });
    const { tokens } = chosen;
    const encoding: TextEncoding = { ...chosen, ...(classes ? { classes } : {}), ...(tokens ? { tokens: { ...tokens, vocabulary } } : {}) };
    const rows = { train, validation, test };
    const net = netOf(encoding, { rows, ...(tokens ? { length } : {}), ...(encoder ? { encoder: { encoder } } : {}) }, spec);
    return { ...makeTextPlan(encoding, rows, net, spec).plan, splitBy: split.by };
  } finally {
    await table.close();
  }
}

const changed = (spec: TrainSpec, what: string, facts: Record<string, string>) =>
  new AppError(
    "fileChanged",
    `'${what}' is not the ${what === spec.data ? "data" : "model"} this run began with.`,
    `Put the old ${what === spec.data ? "data" : "one"} back to go on, or start a new run.`,
    { file: what, ...facts },
  );

/** Throws what reading throws, `fileChanged`, and what is wrong with the target. */
export async function prepare(options: PrepareOptions): Promise<PreparedText> {
  const { record, paths, signal } = options;
  const { spec } = record;
  const encoder = await encoderOf(spec);
  const opened = await open(spec.data, options, spec.part);
  let table: CorrectedTable = opened;
  try {
    const { fingerprint } = opened.profile;
    if (record.fingerprint !== undefined && record.fingerprint !== fingerprint)
      throw changed(spec, spec.data, { fingerprint, before: record.fingerprint });
    table = await withCorrections(opened, spec, { encoder, signal, run: options.run });
    const known = await readJson<TextEncoding>(paths.encoding);
    if (known?.encoder && known.encoder.sha !== encoder?.sha) throw changed(spec, spec.model ?? known.encoder.file, {});
    const chosen = known ?? decide(table, spec, encoder);
    const { split, ...fitted } = await fitTexts(table, { ...chosen, split: splitOf(spec, chosen.task), signal });
    const whole: TextEncoding = known ?? { ...chosen, ...fitted };
    refuseNewClasses(whole.classes, fitted.classes, spec.data);
    options.onWorking?.({ what: "encoding", fraction: null });
    const { encoding, tokens } = await withTokens(options, table, whole, { split, encoder, resumed: known !== undefined });
    if (!encoding.encoder) await writeJson(paths.encoding, encoding);
    const task = tasks[encoding.task];
    const encoded = await encodeTexts(table, encoding, split, {
      scratch: paths.scratch,
      piece: piece(task.outputs(encoding)),
      tokens: tokens && { by: tokens, piece: tokensPiece },
      signal,
    });
    const rarity = await rarityOf(encoded.train, encoding.pieces.bits);
    const rows = { train: encoded.train.rows, validation: encoded.validation.rows, test: encoded.test.rows };
    const read = encoded.tokens ?? encoded;
    const features = encoder && (await featuresOf(encoder, encoded.tokens!, encoding, options));
    if (features)
      await writeJson(paths.encoding, { ...encoding, encoder: { ...encoding.encoder!, scale: plainScale(features.facts.scale) } });
    const facts: NetFacts = { rows, length: read.train.meanLength, rarity, ...(features ? { encoder: features.facts } : {}) };
    const net = netOf(encoding, facts, spec);
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
      data: features && !encoding.encoder?.tuned ? features.parts : read,
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
        await features?.parts.close();
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

const plainScale = ({ mean, std }: FeatureScale) => ({ mean: Array.from(mean), std: Array.from(std) });

/** The features of all texts, how they spread, and where a head on them begins. */
async function featuresOf(
  encoder: TextEncoder,
  tokens: Parameters<typeof textFeatures>[0],
  encoding: TextEncoding,
  { cache, signal, onWorking }: PrepareOptions,
) {
  const parts = await textFeatures(tokens, encoder, {
    cache,
    signal,
    onProgress: (fraction) => onWorking?.({ what: "encoding", fraction }),
  });
  const kept = encoding.encoder!.scale;
  const scale = kept
    ? { mean: Float32Array.from(kept.mean), std: Float32Array.from(kept.std) }
    : await scaleOfTexts(parts, encoder.features);
  const start = await startOfTexts(parts, scale, encoding.classes?.length ?? 0);
  return { parts, facts: { encoder, scale, start } };
}

export const text: Kind = {
  inspect: (file, { cache, part, signal, onWorking }) =>
    inspectTexts(file, { cache, part, signal, onProgress: (what, fraction) => onWorking?.({ what, fraction }) }),
  plan,
  prepare,
};
