// Texts: a table with a column of texts, or a folder of class folders. From there to hashed pieces (data/text/pieces.ts) and a plan.
import { AppError } from "../../../ipc/error.ts";
import type { TableTask, TrainPlan, TrainSpec } from "../../../ipc/types.ts";
import { encodeTexts, fitTexts, type TextEncoding } from "../../data/text/encodeTexts.ts";
import { openTexts } from "../../data/text/openTexts.ts";
import { pieceSettings } from "../../data/text/pieces.ts";
import { rarityOf } from "../../data/text/rarity.ts";
import { chooseText } from "../../data/text/textColumn.ts";
import { inspectTexts } from "../../data/text/inspectText.ts";
import type { CorrectedTable } from "../../data/corrected.ts";
import { correctedTable, takenOf } from "../../data/corrections.ts";
import { targetOf } from "../../data/encoding.ts";
import type { Table } from "../../data/table.ts";
import { ngramAnswering, ngramTraining, suitableNet } from "../../models/ngrams.ts";
import { tasks } from "../../tasks/index.ts";
import { splitOf, withSplit } from "../splitOf.ts";
import { correctionsFor } from "../corrections.ts";
import { readJson, writeJson } from "../files.ts";
import { refuseNewClasses } from "../from.ts";
import { exportText } from "./exportText.ts";
import { judgeText } from "./judgeText.ts";
import type { Kind, PrepareOptions, Source } from "./kind.ts";
import type { PreparedText } from "./preparedText.ts";
import { chooseTarget } from "./table.ts";
import { makeTextPlan, piece } from "./textPlan.ts";

const open = (path: string, { cache, signal, onWorking }: Source, part: string | undefined): Promise<Table> =>
  openTexts(path, { cache, part, signal, onProgress: (what, fraction) => onWorking?.({ what, fraction }) });

/** The texts with the corrections of a run, or of a spec, over the column that is learned. */
async function withCorrections(table: Table, spec: TrainSpec, signal: AbortSignal, run?: string): Promise<CorrectedTable> {
  const corrections = await correctionsFor(spec, run);
  if (corrections.length === 0) return table;
  const { target, task } = decide(table, spec);
  return correctedTable(table, targetOf(table, target, task), corrections, signal);
}

/** What the run goes by: as asked, else as guessed. Throws targetMissing, columnMissing, noFeatures, usage. */
function decide(table: Table, spec: TrainSpec): Omit<TextEncoding, "classes" | "targetScale"> & { task: TableTask } {
  if (spec.model !== undefined && spec.model !== "ngrams")
    throw new AppError("usage", `The model '${spec.model}' does not read texts.`, "Leave --model out, or name ngrams.", {
      model: spec.model,
    });
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
  };
}

async function plan(spec: TrainSpec, source: Source): Promise<TrainPlan> {
  const opened = await open(spec.data, source, spec.part);
  let table: CorrectedTable = opened;
  try {
    table = await withCorrections(opened, spec, source.signal);
    const chosen = decide(table, spec);
    const { split, classes } = await fitTexts(table, { ...chosen, split: splitOf(spec, chosen.task), signal: source.signal });
    const [train, validation, test] = split.counts;
    const encoding = { ...chosen, ...(classes ? { classes } : {}) };
    const made = makeTextPlan(encoding, { train, validation, test }, new Float32Array(2 ** chosen.pieces.bits), spec).plan;
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
    const encoding: TextEncoding = known ?? { ...chosen, ...fitted };
    refuseNewClasses(encoding.classes, fitted.classes, spec.data);
    await writeJson(paths.encoding, encoding);
    options.onWorking?.({ what: "encoding", fraction: null });
    const task = tasks[encoding.task];
    const encoded = await encodeTexts(table, encoding, split, { scratch: paths.scratch, piece: piece(task.outputs(encoding)), signal });
    const rarity = await rarityOf(encoded.train, encoding.pieces.bits);
    const rows = { train: encoded.train.rows, validation: encoded.validation.rows, test: encoded.test.rows };
    const planFor = (batch: number | undefined) =>
      withSplit(makeTextPlan(encoding, rows, rarity, batch === undefined ? spec : { ...spec, batch }, encoded.train.meanLength), split.by);
    const prepared: PreparedText = {
      spec,
      fingerprint,
      table,
      encoding,
      encoded,
      rarity,
      data: encoded,
      task,
      target: encoding,
      plan: planFor(record.choice?.batch), // as it was settled when the run began
      ...takenOf(table),
      planFor,
      training: () => ngramTraining(prepared.plan.net, task, rarity),
      answering: () => ngramAnswering(prepared.plan.net, task, rarity),
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

export const text: Kind = {
  inspect: (file, { cache, part, signal, onWorking }) =>
    inspectTexts(file, { cache, part, signal, onProgress: (what, fraction) => onWorking?.({ what, fraction }) }),
  plan,
  prepare,
};
