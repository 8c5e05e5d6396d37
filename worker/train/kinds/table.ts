// Tables: from a file and a spec to encoded rows and a plan. A run that is resumed takes the encoding it began with, and refuses data that have
// changed since.
import { AppError } from "../../../ipc/error.ts";
import type { TableProfile, TableTask, TrainPlan, TrainSpec } from "../../../ipc/types.ts";
import { type Batch, type EncodedSplit, encodeTable } from "../../data/encode.ts";
import { answersBefore, type CorrectedTable } from "../../data/corrected.ts";
import { correctedTable, takenOf } from "../../data/corrections.ts";
import { classesOf, edgesOf, type Encoding, fitEncoding, targetOf } from "../../data/encoding.ts";
import { type Folds, noTurns, turnsOf } from "../../data/folds.ts";
import type { Reading } from "../../data/readings.ts";
import type { SampleBatch, Samples } from "../../data/samples.ts";
import { planSplit } from "../../data/split.ts";
import { openTable, type Table } from "../../data/table.ts";
import { tasks } from "../../tasks/index.ts";
import type { Target } from "../../tasks/task.ts";
import type { Tensor } from "../../tensor.ts";
import { correctionsFor } from "../corrections.ts";
import { readJson, writeJson } from "../files.ts";
import { refuseNewClasses } from "../from.ts";
import { answeringGraph, trainingGraph } from "../../models/index.ts";
import { splitOf, withSplit } from "../splitOf.ts";
import { judgeTable } from "./judgeTable.ts";
import { exportTable } from "./exportTable.ts";
import type { Kind, PrepareOptions, Source } from "./kind.ts";
import type { PreparedTable } from "./preparedTable.ts";
import { type Facts, foldsFor, makePlan } from "./tablePlan.ts";

/** Throws what reading throws, `fileChanged`, and what is wrong with the target. */
export async function prepare(options: PrepareOptions): Promise<PreparedTable> {
  const { record, paths, signal } = options;
  const opened = await open(record.spec, options);
  let table: CorrectedTable = opened;
  try {
    const { profile } = opened;
    if (record.fingerprint !== undefined && record.fingerprint !== profile.fingerprint)
      throw new AppError(
        "fileChanged",
        `'${record.spec.data}' is not the file this run began with.`,
        "Put the old file back to go on, or start a new run.",
        { file: record.spec.data, fingerprint: profile.fingerprint, before: record.fingerprint },
      );
    const known = await readJson<Encoding>(paths.encoding);
    table = await withCorrections(opened, record.spec, { known, run: options.run, signal });
    const { encoding, split } = await encode(table, record.spec, known);
    const reading = targetOf(table, encoding.target, encoding.task);
    if (record.from && encoding.classes) refuseNewClasses(encoding.classes, await classesOf(table, reading, signal), record.spec.data);
    await writeJson(paths.encoding, encoding);
    options.onWorking?.({ what: "encoding", fraction: null });
    let counts: readonly [number, number, number] = [0, 0, 0];
    let folds = 0;
    const join = (planned: readonly [number, number, number]): boolean => {
      counts = planned;
      folds = foldsFor(planned, record.spec);
      return folds > 0;
    };
    const encoded = await encodeTable(table, encoding, { split, scratch: paths.scratch, signal, join });
    const task = tasks[encoding.task];
    const facts = factsOf(encoding, counts, folds);
    const planFor = (batch: number | undefined) =>
      withSplit(makePlan(facts, batch === undefined ? record.spec : { ...record.spec, batch }), encoded.by);
    const plan = planFor(record.choice?.batch); // as it was settled when the run began
    const turns = folds ? { folds, rounds: Number(plan.net.config["members"]) / folds, seed: plan.net.seed } : undefined;
    const before = turns && (await labelsBefore(table, reading, encoding, signal));
    const classWeights =
      encoding.classes && record.spec.classWeight === "balanced" ? await balanced(encoded.train, encoding.classes.length) : undefined;
    const target: Encoding & Target = classWeights ? { ...encoding, classWeights } : encoding;
    const prepared: PreparedTable = {
      spec: record.spec,
      fingerprint: profile.fingerprint,
      table,
      profile,
      encoding,
      encoded,
      data: {
        train: samples(encoded.train, turns && ((batch) => turnsOf(batch, turns, before))),
        validation: turns ? samples(encoded.train, (batch) => turnsOf(batch, turns, before)) : samples(encoded.validation),
        test: samples(encoded.test, turns && unseen(turns)),
      },
      learned: samples(encoded.train, turns && unseen(turns)),
      task,
      target,
      plan,
      ...takenOf(table),
      planFor,
      training: () => trainingGraph(prepared.plan.net, task, target),
      answering: () => answeringGraph(prepared.plan.net, task),
      report: (run, pause) => judgeTable(prepared, run, pause),
      exportModel: (path, weights, report) => exportTable({ path, prepared, weights, report }),
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

/** The labels that corrected rows had, as they are encoded: a row stays in its fold. */
async function labelsBefore(table: CorrectedTable, target: Reading, { classes, targetScale }: Encoding, signal: AbortSignal) {
  const { mean, std } = targetScale ?? { mean: 0, std: 1 };
  const encoded = (value: string | number | null) =>
    classes ? classes.indexOf(String(value)) : value === null ? 0 : (Number(value) - mean) / std;
  const found = await answersBefore(table, target, classes !== undefined, signal);
  return new Map([...found].map(([row, value]) => [row, encoded(value)]));
}

/** The table with the corrections of a run, or of a spec, over the column that is learned. */
async function withCorrections(
  table: Table,
  spec: TrainSpec,
  { known, run, signal }: { known?: Encoding | undefined; run?: string; signal: AbortSignal },
): Promise<CorrectedTable> {
  const corrections = await correctionsFor(spec, run);
  if (corrections.length === 0) return table;
  const { target, task } = known ?? chooseTarget(table.profile, spec);
  return correctedTable(table, targetOf(table, target, task), corrections, signal);
}

/** What is said of each row of a batch besides its numbers. */
type Turns = (batch: Batch) => Tensor<"int64">;

const unseen =
  (folds: Folds): Turns =>
  ({ x }) =>
    noTurns(x.dims[0]!, folds);

/** Inputs x and codes, where there are such columns, and turns, where there are folds. */
const asSamples = (batch: Batch, turns?: Turns): SampleBatch => ({
  inputs: {
    ...(batch.x.dims[1] ? { x: batch.x } : {}),
    ...(batch.codes.dims[1] ? { codes: batch.codes } : {}),
    ...(turns ? { turns: turns(batch) } : {}),
  },
  y: batch.y,
  rowNumbers: batch.rowNumbers,
});

export const samples = (split: EncodedSplit, turns?: Turns): Samples => ({
  rows: split.rows,
  read: async (positions) => asSamples(await split.read(positions), turns),
  range: async (from, to) => asSamples(await split.range(from, to), turns),
});

/** n / (classes · rows of the class), so that every class counts the same and the mean over the rows is 1; of classes that have rows. */
async function balanced(split: EncodedSplit, classes: number): Promise<number[]> {
  const counts = new Array<number>(classes).fill(0);
  for (let from = 0; from < split.rows; from += 65_536) {
    const { y } = await split.range(from, from + 65_536);
    for (const label of y.data) if (Number(label) >= 0) counts[Number(label)]!++;
  }
  const present = counts.filter((count) => count > 0).length;
  const rows = counts.reduce((sum, count) => sum + count, 0);
  return counts.map((count) => (count > 0 ? rows / (present * count) : 0));
}

/** What a run with this spec would do; reads the table, trains nothing. */
async function plan(spec: TrainSpec, source: Source): Promise<TrainPlan> {
  const opened = await open(spec, source);
  let table: CorrectedTable = opened;
  try {
    table = await withCorrections(opened, spec, source);
    const { encoding, split } = await encode(table, spec, undefined);
    const target = targetOf(table, encoding.target, encoding.task);
    const { counts, by } = await planSplit(table, target, split, encoding.task === "classification", source.signal);
    return withSplit(makePlan(factsOf(encoding, counts, foldsFor(counts, spec)), spec), by).plan;
  } finally {
    await table.close();
  }
}

async function open(spec: TrainSpec, { cache, signal, onWorking }: Source): Promise<Table> {
  return openTable(spec.data, { cache, part: spec.part, signal, onProgress: (what, fraction) => onWorking?.({ what, fraction }) });
}

async function encode(table: Table, spec: TrainSpec, known: Encoding | undefined) {
  if (known) return { encoding: known, split: splitOf(spec, known.task) };
  const { target, task } = chooseTarget(table.profile, spec);
  const split = splitOf(spec, task);
  const encoding = await fitEncoding(table, { target, task, ignore: spec.ignore ?? [], split });
  return { encoding, split };
}

/** The target and the task: as asked, else as guessed. Throws `targetMissing`, `columnMissing`. */
export function chooseTarget(profile: TableProfile, spec: TrainSpec): { target: string; task: TableTask } {
  const names = profile.columns.map((column) => column.name);
  const target = spec.target ?? profile.target?.column;
  if (target === undefined)
    throw new AppError("targetMissing", `No column of '${profile.file}' can be predicted.`, "Name the column with --target.", {
      file: profile.file,
      columns: names,
    });
  if (!names.includes(target))
    throw new AppError("targetMissing", `'${profile.file}' has no column '${target}'.`, `Its columns: ${names.slice(0, 50).join(", ")}.`, {
      file: profile.file,
      column: target,
      columns: names.slice(0, 50),
    });
  for (const name of spec.ignore ?? [])
    if (!names.includes(name))
      throw new AppError(
        "columnMissing",
        `'${profile.file}' has no column '${name}' to leave out.`,
        `Its columns: ${names.slice(0, 50).join(", ")}.`,
        {
          file: profile.file,
          column: name,
        },
      );
  if (spec.task === "images")
    throw new AppError(
      "usage",
      `'${profile.file}' is a table, and the task images is for pictures.`,
      "Leave the task out, or choose a folder of pictures.",
    );
  if (spec.pixels !== undefined || spec.method !== undefined)
    throw new AppError("usage", "--pixels and --method are for imported networks of pictures, and this is a table.", "Leave them out.");
  const asked = spec.task === "regression" || spec.task === "classification" ? spec.task : undefined;
  const guessed = profile.targets.find((t) => t.column === target)?.task;
  const numeric = profile.columns.find((c) => c.name === target)?.type === "number";
  return { target, task: asked ?? guessed ?? (numeric ? "regression" : "classification") };
}

function factsOf(encoding: Encoding, [train, validation, test]: readonly [number, number, number], folds: number): Facts {
  return {
    task: encoding.task,
    target: encoding.target,
    ...(encoding.classes ? { classes: encoding.classes } : {}),
    numeric: encoding.numeric,
    categories: encoding.categories,
    edges: edgesOf(encoding),
    inputs: encoding.encoders.length,
    rows: { train, validation, test },
    folds,
  };
}

export const table: Kind = {
  async inspect(file, source) {
    const opened = await open({ data: file, part: source.part }, source);
    await opened.close();
    return opened.profile;
  },
  plan,
  prepare,
};
