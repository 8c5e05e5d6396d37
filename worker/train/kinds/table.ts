// Tables: from a file and a spec to encoded rows and a plan. A run that is resumed takes the encoding it began with, and refuses data that have
// changed since.
import { AppError } from "../../../ipc/error.ts";
import type { TableProfile, TableTask, TrainPlan, TrainSpec } from "../../../ipc/types.ts";
import { type Batch, type EncodedSplit, encodeTable } from "../../data/encode.ts";
import { type Encoding, fitEncoding, targetOf } from "../../data/encoding.ts";
import type { SampleBatch, Samples } from "../../data/samples.ts";
import { planSplit } from "../../data/split.ts";
import { openTable, type Table } from "../../data/table.ts";
import { tasks } from "../../tasks/index.ts";
import { readJson, writeJson } from "../files.ts";
import { answeringGraph, trainingGraph } from "../../models/index.ts";
import { defaults } from "../plan.ts";
import { judgeTable } from "./judgeTable.ts";
import { exportTable } from "./exportTable.ts";
import type { Kind, PrepareOptions, Source } from "./kind.ts";
import type { PreparedTable } from "./preparedTable.ts";
import { type Facts, makePlan } from "./tablePlan.ts";

/** Throws what reading throws, `fileChanged`, and what is wrong with the target. */
export async function prepare(options: PrepareOptions): Promise<PreparedTable> {
  const { record, paths, signal } = options;
  const table = await open(record.spec, options);
  try {
    const { profile } = table;
    if (record.fingerprint !== undefined && record.fingerprint !== profile.fingerprint)
      throw new AppError(
        "fileChanged",
        `'${record.spec.data}' is not the file this run began with.`,
        "Put the old file back to go on, or start a new run.",
        { file: record.spec.data, fingerprint: profile.fingerprint, before: record.fingerprint },
      );
    const { encoding, split } = await encode(table, record.spec, await readJson<Encoding>(paths.encoding));
    await writeJson(paths.encoding, encoding);
    options.onWorking?.({ what: "encoding", fraction: null });
    const encoded = await encodeTable(table, encoding, { split, scratch: paths.scratch, signal });
    const task = tasks[encoding.task];
    const rows = { train: encoded.train.rows, validation: encoded.validation.rows, test: encoded.test.rows };
    const facts = factsOf(encoding, rows);
    const planFor = (batch: number | undefined) => makePlan(facts, batch === undefined ? record.spec : { ...record.spec, batch });
    const prepared: PreparedTable = {
      spec: record.spec,
      fingerprint: profile.fingerprint,
      table,
      profile,
      encoding,
      encoded,
      data: { train: samples(encoded.train), validation: samples(encoded.validation), test: samples(encoded.test) },
      task,
      target: encoding,
      plan: planFor(record.choice?.batch), // as it was settled when the run began
      planFor,
      training: () => trainingGraph(prepared.plan.net, task),
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

/** Inputs x and codes, where there are such columns. */
const asSamples = ({ x, codes, y, rowNumbers }: Batch): SampleBatch => ({
  inputs: { ...(x.dims[1] ? { x } : {}), ...(codes.dims[1] ? { codes } : {}) },
  y,
  rowNumbers,
});

export const samples = (split: EncodedSplit): Samples => ({
  rows: split.rows,
  read: async (positions) => asSamples(await split.read(positions)),
  range: async (from, to) => asSamples(await split.range(from, to)),
});

/** What a run with this spec would do; reads the table, trains nothing. */
async function plan(spec: TrainSpec, source: Source): Promise<TrainPlan> {
  const table = await open(spec, source);
  try {
    const { encoding, split } = await encode(table, spec, undefined);
    const target = targetOf(table, encoding.target, encoding.task);
    const { counts } = await planSplit(table.database, target, split, encoding.task === "classification", source.signal);
    return makePlan(factsOf(encoding, { train: counts[0], validation: counts[1], test: counts[2] }), spec).plan;
  } finally {
    await table.close();
  }
}

async function open(spec: TrainSpec, { cache, signal, onWorking }: Source): Promise<Table> {
  return openTable(spec.data, { cache, part: spec.part, signal, onProgress: (what, fraction) => onWorking?.({ what, fraction }) });
}

async function encode(table: Table, spec: TrainSpec, known: Encoding | undefined) {
  const split = { seed: spec.seed ?? defaults.seed, split: spec.split ?? true };
  if (known) return { encoding: known, split };
  const { target, task } = chooseTarget(table.profile, spec);
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

function factsOf(encoding: Encoding, rows: Facts["rows"]): Facts {
  return {
    task: encoding.task,
    target: encoding.target,
    ...(encoding.classes ? { classes: encoding.classes } : {}),
    numeric: encoding.numeric,
    categories: encoding.categories,
    inputs: encoding.encoders.length,
    rows,
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
