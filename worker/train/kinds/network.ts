// A table of numbers on an imported network: its float32 weights learn on ("full"), or a new last layer learns on what goes into its own
// ("head"). The network is given the numbers as they are written; missing ones are the column's mean. Letters: B rows, F columns, D features.
import { createHash } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { AppError } from "../../../ipc/error.ts";
import type { RunReport, TrainPlan, TrainSpec } from "../../../ipc/types.ts";
import type { CorrectedTable } from "../../data/corrected.ts";
import { correctedTable, takenOf } from "../../data/corrections.ts";
import { type Encoding, classesOf, classSql, scaleOf, targetOf } from "../../data/encoding.ts";
import type { EncodedTable } from "../../data/encode.ts";
import { literal } from "../../data/duckdb.ts";
import { typedSql } from "../../data/readings.ts";
import { fileStore, memoryStore, type RowStore, wordsOf } from "../../data/rowStore.ts";
import { planSplit } from "../../data/split.ts";
import { openTable, type Table } from "../../data/table.ts";
import { type NumbersNet, openNumbers } from "../../formats/numbersNet.ts";
import { named, readGraph } from "../../formats/onnx.ts";
import { exportTableModel } from "../../formats/onnxModel.ts";
import { countParameters } from "../../models/index.ts";
import { splitOf } from "../splitOf.ts";
import { linear, openNet } from "../../models/layers.ts";
import type { Graph } from "../../onnx/graph.ts";
import { Builder, type Value } from "../../ops/builder.ts";
import { openEngine } from "../../run/engine.ts";
import { tasks } from "../../tasks/index.ts";
import { float32, type Tensor } from "../../tensor.ts";
import { correctionsFor } from "../corrections.ts";
import { readJson, writeAtomic, writeJson } from "../files.ts";
import { refuseNewClasses } from "../from.ts";
import { stoppedBefore } from "../inspectModel.ts";
import { defaults, planCourse, stepSeconds } from "../plan.ts";
import { isModelFile } from "./images.ts";
import { judgeTable } from "./judgeTable.ts";
import type { Kind, PrepareOptions, Source } from "./kind.ts";
import type { PreparedTable } from "./preparedTable.ts";
import { chooseTarget, samples } from "./table.ts";
import type { TablePlan } from "./tablePlan.ts";

interface Scale {
  mean: number[];
  std: number[];
}

/** What a run keeps of how it began. */
interface Kept {
  version: 1;
  /** sha-256 of the model's file. */
  sha: string;
  encoding: Encoding;
  columns: string[];
  scale: Scale;
  /** Of the features, where a head learns. */
  features?: Scale;
}

/** All that the graphs are built from. */
interface Net {
  net: NumbersNet;
  method: "head" | "full";
  encoding: Encoding;
  scale: Scale;
  features: Scale | undefined;
  seed: number;
}

type Given = ReadonlyMap<string, Tensor> | undefined;

/** Logits (B, C), or the standardised value (B, 1), of x (B, F), each column with mean 0 and deviation 1. */
function rawAnswer(g: Builder, one: Net, x: Value, options: { training: boolean; given?: Given }): Value {
  const { net, method, encoding, scale, features, seed } = one;
  const { given } = options;
  const weights = openNet(g, { training: options.training, seed, ...(given ? { given } : {}) });
  const written = g.add(g.mul(x, row(g, scale.std)), row(g, scale.mean));
  const classes = encoding.classes;
  if (method === "head") {
    const found = net.embed(g, written); // (B, D)
    const even = features ? g.div(g.sub(found, row(g, features.mean)), row(g, features.std)) : found;
    return linear(weights, "head", even, classes?.length ?? 1, { gain: 0.01 });
  }
  const answer = net.answer(g, written, {
    logits: classes !== undefined,
    weight: (name, { dims, data }) =>
      net.weights.has(name) ? weights.weight(`net.${name}`, dims, (v) => v.set(data as Float32Array)) : undefined,
  });
  if (!classes) {
    const { mean, std } = encoding.targetScale!;
    return g.div(g.sub(answer, mean), std);
  }
  if (net.outputs === 1) return g.concat([g.sub(answer, answer), answer], { axis: 1 }); // one score: that of the second class
  const order = classOrder(net, classes);
  return order ? g.gather(answer, g.list(order), { axis: 1 }) : answer;
}

const row = (g: Builder, values: readonly number[]): Value => g.constant(float32([1, values.length], Float32Array.from(values)));

/** Where the network has each class, by its own names for them; in the table's order where it has none, or others. */
function classOrder({ labels }: NumbersNet, classes: readonly string[]): number[] | undefined {
  const places = classes.map((name) => labels?.indexOf(name) ?? -1);
  return places.every((place) => place >= 0) && places.some((place, i) => place !== i) ? places : undefined;
}

function graphsOf(one: Net): { training: () => Graph; answering: () => Graph } {
  const task = tasks[one.encoding.task];
  const input = (g: Builder) => g.input("x", "float32", ["B", one.net.columns]);
  return {
    training() {
      const g = new Builder("training");
      const y = task.truth === "classes" ? g.input("y", "int64", ["B"]) : g.input("y", "float32", ["B", 1]);
      const { loss, shown } = task.losses(g, rawAnswer(g, one, input(g), { training: true }), y);
      g.output(loss, "loss");
      g.output(shown, "shown");
      return g.graph;
    },
    answering() {
      const g = new Builder("answering");
      g.output(rawAnswer(g, one, input(g), { training: false }), "answer");
      return g.graph;
    },
  };
}

/** Rows a step and the rate: what was learned before is moved slowly, a new layer fast. */
function planOf(one: Net, rows: TrainPlan["rows"], spec: TrainSpec): TablePlan {
  const { net, method, encoding, seed } = one;
  const graphs = graphsOf(one);
  const training = graphs.training();
  const stopped = method === "full" ? stoppedBefore(training, "loss") : undefined;
  if (stopped !== undefined)
    throw new AppError(
      "gradientMissing",
      `No gradient reaches the weights of '${net.file}': it stops at ${stopped}.`,
      "Use --method head.",
      {
        operator: stopped,
      },
    );
  const parameters = countParameters(training);
  const all = rows.train + rows.validation + rows.test;
  const outputs = encoding.classes?.length ?? 1;
  const weights = [...net.weights.values()].reduce((sum, { data }) => sum + data.length, 0);
  const full = planCourse(
    {
      task: encoding.task,
      target: encoding.target,
      ...(encoding.classes ? { classes: outputs } : {}),
      inputs: net.columns,
      rows,
      model: { name: method === "head" ? `head on ${net.file}` : net.file, parameters },
      graphs: { training, answering: graphs.answering() },
      batch: 2 ** Math.round(Math.log2(Math.max(16, Math.min(256, rows.train / 8)))),
      lr: method === "head" ? 0.01 : 0.002,
      stepSeconds: (batch) => stepSeconds(3 * batch * (weights + parameters), 0),
      dataBytes: Math.min(512 * 2 ** 20, all * (4 * net.columns + 8)),
    },
    spec,
  );
  return { ...full, net: { model: "imported", config: {}, numeric: net.columns, categories: [], outputs, seed } };
}

interface Begun {
  table: CorrectedTable;
  one: Net;
  columns: string[];
  sha: string;
}

/** The table, the network and how they meet. Throws what reading throws; shapeMismatch, usage where they do not fit. */
async function begin(spec: TrainSpec, { cache, signal, onWorking }: Source, kept?: Kept, run?: string): Promise<Begun> {
  const path = spec.model!;
  const net = openNumbers(
    named(path, () => readGraph(path)),
    path,
  );
  const sha = createHash("sha256").update(await readFile(path)).digest("hex"); // prettier-ignore
  if (kept && kept.sha !== sha) throw changed(path);
  const opened = await openTable(spec.data, {
    cache,
    part: spec.part,
    signal,
    onProgress: (what, fraction) => onWorking?.({ what, fraction }),
  });
  let table: CorrectedTable = opened;
  try {
    if (spec.classWeight === "balanced")
      throw new AppError("usage", "Classes are not weighed on an imported network.", "Leave the weighing of classes out.");
    const method = methodOf(spec, net);
    const seed = spec.seed ?? defaults.seed;
    const { method: _, pixels: __, model: ___, ...rest } = spec;
    const { target, task } = kept?.encoding ?? chooseTarget(opened.profile, rest);
    const reading = targetOf(opened, target, task);
    table = await correctedTable(opened, reading, await correctionsFor(spec, run), signal);
    const classes = task === "classification" ? await classesOf(table, reading, signal) : undefined;
    if (kept) refuseNewClasses(kept.encoding.classes, classes, spec.data);
    if (kept)
      return {
        table,
        sha,
        columns: kept.columns,
        one: { net, method, seed, encoding: kept.encoding, scale: kept.scale, features: kept.features },
      };
    fits(net, method, classes);
    const columns = columnsOf(table, net, target, spec.ignore ?? []);
    const split = await planSplit(table, reading, splitOf(spec, task), task === "classification", signal);
    const encoding: Encoding = {
      version: 1,
      target,
      task,
      ...(classes ? { classes } : { targetScale: await scaleOf(table, reading, split, signal) }),
      encoders: [],
      numeric: net.columns,
      categories: [],
    };
    const readings = columns.map((name) => table.readings.find((one) => one.name === name)!);
    const source = `(SELECT * FROM ${typedSql([...readings, reading], { where: `${split.sql} = 0` })} WHERE v${reading.index} IS NOT NULL)`;
    const [facts] = await table.database.rows(
      `SELECT ${readings.map(({ index }) => `avg(v${index}), stddev_pop(v${index})`).join(", ")} FROM ${source}`,
      signal,
    );
    const numbers = facts!.map((value) => Math.fround(Number(value ?? 0)));
    const scale: Scale = {
      mean: readings.map((_, i) => numbers[2 * i]!),
      std: readings.map((_, i) => (numbers[2 * i + 1]! > 1e-12 ? numbers[2 * i + 1]! : 1)),
    };
    return { table, sha, columns, one: { net, method, seed, encoding, scale, features: undefined } };
  } catch (thrown) {
    await table.close();
    throw thrown;
  }
}

function methodOf({ method = "head" }: TrainSpec, { file }: NumbersNet): "head" | "full" {
  if (method === "head" || method === "full") return method;
  throw new AppError(
    "usage",
    `--method ${method} is for networks of pictures or language models, and '${file}' takes a row of numbers.`,
    "Choose head or full.",
  );
}

/** Throws usage or gradientMissing where the network as it is cannot learn this target. */
function fits({ file, outputs, weights }: NumbersNet, method: "head" | "full", classes: readonly string[] | undefined): void {
  if (method === "head") return;
  if (!weights.size)
    throw new AppError("gradientMissing", `'${file}' has no float32 weight that could learn.`, "Use --method head, or another model.", {
      file,
    });
  const wanted = classes ? classes.length : 1;
  if (outputs === wanted || (outputs === 1 && wanted === 2)) return;
  throw new AppError(
    "usage",
    `'${file}' gives ${outputs} ${outputs === 1 ? "number" : "numbers"} a row, and the target needs ${wanted}${classes ? ", one a class" : ""}.`,
    "Use --method head: it puts a new last layer on the network.",
    { file, outputs, wanted },
  );
}

/** The columns that go in, in the network's order. Throws columnMissing, shapeMismatch. */
function columnsOf({ profile }: Table, { file, columns, names }: NumbersNet, target: string, ignore: readonly string[]): string[] {
  const numeric = profile.columns.filter(({ name, type }) => type === "number" && name !== target && !ignore.includes(name));
  if (names) {
    const missing = names.filter((name) => !numeric.some((one) => one.name === name));
    if (!missing.length) return names;
    throw new AppError(
      "columnMissing",
      `'${profile.file}' has no column of numbers '${missing[0]}', which '${file}' takes.`,
      "Name the columns as the model's inputs are named.",
      {
        file: profile.file,
        column: missing[0]!,
        columns: missing,
      },
    );
  }
  for (const found of [numeric, numeric.filter((one) => !one.ignored)]) if (found.length === columns) return found.map(({ name }) => name);
  throw new AppError(
    "shapeMismatch",
    `'${file}' takes ${columns} numbers a row, and '${profile.file}' has ${numeric.length} columns of numbers beside "${target}": ${numeric
      .slice(0, 20)
      .map(({ name }) => name)
      .join(", ")}.`,
    "Give a table with those columns alone, in the order that the model was made with.",
    { file: profile.file, columns: numeric.slice(0, 100).map(({ name }) => name) },
  );
}

const budget = 256e6;

/** All rows that have a target: x standardised, missing ones 0. */
async function encode({ table, one, columns }: Begun, spec: TrainSpec, scratch: string, signal: AbortSignal): Promise<EncodedTable> {
  const { encoding, scale } = one;
  const { classes } = encoding;
  const target = targetOf(table, encoding.target, encoding.task);
  const split = await planSplit(table, target, splitOf(spec, encoding.task), classes !== undefined, signal);
  const layout = { numeric: columns.length, categories: 0, classes: classes !== undefined };
  const width = wordsOf(layout);
  const inFile = split.counts.reduce((a, b) => a + b, 0) * width * 4 > budget;
  if (inFile) await mkdir(scratch, { recursive: true });
  const stores: RowStore[] = [];
  const close = async () => {
    for (const store of stores) await store.close();
  };
  try {
    for (const [i, rows] of split.counts.entries())
      stores.push(inFile ? await fileStore(layout, rows, join(scratch, `rows-${i}.bin`)) : memoryStore(layout, rows));
    const readings = columns.map((name) => table.readings.find((reading) => reading.name === name)!);
    const x = readings.map(({ index }, i) => `coalesce((v${index} - (${scale.mean[i]})::DOUBLE) / (${scale.std[i]})::DOUBLE, 0)::FLOAT`);
    const { mean, std } = encoding.targetScale ?? { mean: 0, std: 1 };
    const y = classes
      ? `enum_code(TRY_CAST(${classSql(target)} AS ENUM(${classes.map(literal).join(", ")})))::INTEGER`
      : `((v${target.index} - (${mean})::DOUBLE) / (${std})::DOUBLE)::FLOAT`;
    const sql = `SELECT ${[split.sql, ...x, y, "(r + 1)::INTEGER"].join(", ")} FROM (SELECT * FROM ${typedSql([target, ...readings], { parts: true })} WHERE v${target.index} IS NOT NULL)`;
    const buffers = stores.map(() => new Int32Array(width * 2048));
    for await (const chunk of table.database.chunks(sql, signal)) {
      const values = Array.from({ length: chunk.columnCount }, (_, i) => chunk.getColumnVector(i));
      const filled = [0, 0, 0];
      for (let r = 0; r < chunk.rowCount; r++) {
        const part = Number(values[0]!.getItem(r));
        const words = buffers[part]!;
        const floats = new Float32Array(words.buffer);
        const at = filled[part]!++ * width;
        for (let c = 0; c < width; c++) {
          const value = Number(values[c + 1]!.getItem(r));
          if (c < layout.numeric || (c === width - 2 && !layout.classes)) floats[at + c] = value;
          else words[at + c] = value;
        }
      }
      for (const [part, store] of stores.entries()) if (filled[part]! > 0) await store.append(buffers[part]!, filled[part]!);
    }
    for (const store of stores) await store.finish();
  } catch (thrown) {
    await close();
    throw thrown;
  }
  const [train, validation, test] = stores as [RowStore, RowStore, RowStore];
  return { train, validation, test, by: split.by, close };
}

/** Rows on which the features are measured. */
const measured = 4096;

/** Mean and deviation of each feature over the train rows. */
async function featureScale(one: Net, train: EncodedTable["train"]): Promise<Scale> {
  const g = new Builder("features");
  const x = g.input("x", "float32", ["B", one.net.columns]);
  g.output(one.net.embed(g, g.add(g.mul(x, row(g, one.scale.std)), row(g, one.scale.mean))), "features");
  const engine = await openEngine("cpu");
  try {
    const session = await engine.load(g.graph);
    const batch = await train.range(0, Math.min(train.rows, measured));
    const { features } = await session.run({ x: batch.x });
    const values = features!.data as Float32Array;
    const [n, width] = [batch.x.dims[0]!, one.net.features];
    const mean = Array.from({ length: width }, (_, d) => sum(n, (i) => values[i * width + d]!) / n);
    const std = mean.map((m, d) => Math.sqrt(sum(n, (i) => (values[i * width + d]! - m) ** 2) / n));
    if (![...mean, ...std].every(Number.isFinite))
      throw new AppError("modelInvalid", `'${one.net.file}' gives features that are no numbers.`, "Choose another model.", {
        file: one.net.file,
      });
    return { mean: mean.map(Math.fround), std: std.map((s) => (s > 1e-6 ? Math.fround(s) : 1)) };
  } finally {
    await engine.dispose();
  }
}

function sum(n: number, of: (i: number) => number): number {
  let all = 0;
  for (let i = 0; i < n; i++) all += of(i);
  return all;
}

async function prepare(options: PrepareOptions): Promise<PreparedTable> {
  const { record, paths, signal } = options;
  const { spec } = record;
  const kept = await readJson<Kept>(paths.encoding);
  const begun = await begin(spec, options, kept, options.run);
  const { table } = begun;
  try {
    const { profile } = table;
    if (record.fingerprint !== undefined && record.fingerprint !== profile.fingerprint) throw changed(spec.data);
    options.onWorking?.({ what: "encoding", fraction: null });
    const encoded = await encode(begun, spec, paths.scratch, signal);
    const features = begun.one.method === "head" ? (kept?.features ?? (await featureScale(begun.one, encoded.train))) : undefined;
    const one: Net = { ...begun.one, features };
    const { encoding, scale } = one;
    const { sha, columns } = begun;
    await writeJson(paths.encoding, { version: 1, sha, encoding, columns, scale, ...(features ? { features } : {}) } satisfies Kept);
    const task = tasks[encoding.task];
    const graphs = graphsOf(one);
    const rows = { train: encoded.train.rows, validation: encoded.validation.rows, test: encoded.test.rows };
    const planFor = (batch: number | undefined) => planOf(one, rows, batch === undefined ? spec : { ...spec, batch });
    const prepared: PreparedTable = {
      spec,
      fingerprint: profile.fingerprint,
      table,
      profile,
      encoding,
      encoded,
      data: { train: samples(encoded.train), validation: samples(encoded.validation), test: samples(encoded.test) },
      learned: samples(encoded.train),
      task,
      target: encoding,
      plan: planFor(record.choice?.batch),
      ...takenOf(table),
      planFor,
      training: graphs.training,
      answering: graphs.answering,
      report: (run, pause) => judgeTable(prepared, run, pause),
      exportModel: (path, weights, report) => writeModel(path, { one, columns, weights, report, prepared }),
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

/** One input a column, as every table model of ours has; the network inside. */
async function writeModel(
  path: string,
  { one, columns, weights, report, prepared }: { one: Net; columns: string[]; weights: Given; report: RunReport; prepared: PreparedTable },
): Promise<void> {
  const { metric } = report.verdict;
  const value = report.metrics.test?.[metric];
  const { temperature = 1 } = report.calibration ?? {};
  const { net, scale, encoding } = one;
  const bytes = exportTableModel({
    encoding: { ...encoding, encoders: columns.map((column) => ({ kind: "number" as const, column })) },
    encode(g, { encoders }) {
      const all = g.concat(encoders.map(({ column }) => g.input(column, "float32", ["n", 1])), { axis: 1 }); // prettier-ignore
      const even = g.div(g.sub(all, row(g, scale.mean)), row(g, scale.std));
      return { x: g.where(g.isNaN(even), 0, even), codes: all };
    },
    net(g, { x }) {
      const raw = rawAnswer(g, one, x, { training: false, given: weights });
      return temperature === 1 ? raw : g.div(raw, temperature);
    },
    profile: prepared.profile,
    test: value === undefined ? null : { metric, value },
    model: prepared.plan.plan.model.name,
    licence: `Made from ${net.file}: ${net.licence ?? "its file tells no licence; ask where it came from."}`,
  });
  await writeAtomic(path, bytes);
}

async function plan(spec: TrainSpec, source: Source): Promise<TrainPlan> {
  const { table, one } = await begin(spec, source);
  try {
    const target = targetOf(table, one.encoding.target, one.encoding.task);
    const { counts } = await planSplit(
      table,
      target,
      splitOf(spec, one.encoding.task),
      one.encoding.task === "classification",
      source.signal,
    );
    return planOf(one, { train: counts[0], validation: counts[1], test: counts[2] }, spec).plan;
  } finally {
    await table.close();
  }
}

const changed = (file: string) =>
  new AppError("fileChanged", `'${file}' is not what this run began with.`, "Put the old one back to go on, or start a new run.", { file });

/** A kind of tables that also learns on an imported network, where the spec names its file. */
export const orOnNetwork = (own: Kind): Kind => ({
  ...own,
  plan: (spec, source) => (isModelFile(spec.model) ? plan(spec, source) : own.plan(spec, source)),
  prepare: (options) => (isModelFile(options.record.spec.model) ? prepare(options) : own.prepare(options)),
});
