// How the columns of a table become the numbers that a network sees, fitted on the train rows only. Plain JSON: kept beside the run and
// used again, unchanged, when it is resumed. encodeColumns is the same preprocessing as nodes of the exported model.
// Layout of x: all numbers, then the marks of missing numbers, then each date's numbers. Codes: one column a category.
import { AppError } from "../../ipc/error.ts";
import type { ColumnProfile, TableTask } from "../../ipc/types.ts";
import type { Builder, Value } from "../ops/builder.ts";
import { int64, tensor } from "../tensor.ts";
import { type CategoryEncoder, categoryOnnx, fitCategory } from "./encoders/category.ts";
import { type DateEncoder, dateEdges, dateOnnx, dateWidth, fitDate } from "./encoders/date.ts";
import { fitNumbers, meanAndStd, type NumberEncoder, numbersOnnx } from "./encoders/number.ts";
import { classText, presentSql, type Reading, typedSql } from "./readings.ts";
import { planSplit, type SplitPlan, type SplitSpec } from "./split.ts";
import type { Table } from "./table.ts";
import { maxClasses } from "./target.ts";

export type { SplitSpec } from "./split.ts";
export type Encoder = NumberEncoder | CategoryEncoder | DateEncoder;

export interface Encoding {
  version: 1;
  target: string;
  task: TableTask;
  /** The classes as written, numbers in their order, words by their letters. */
  classes?: string[];
  /** y = (value - mean) / std. */
  targetScale?: { mean: number; std: number };
  encoders: Encoder[];
  /** Width of x. */
  numeric: number;
  /** Codes of each category column, code 0 included. */
  categories: number[];
}

export interface FitOptions {
  target: string;
  task: TableTask;
  /** Columns to leave out besides those that the profile leaves out. */
  ignore?: string[];
  split: SplitSpec;
  signal?: AbortSignal;
}

/** Numbers are fitted on at most about this many train rows, picked by their hash. */
const fitRows = 200_000;

/**
 * Throws targetMissing, targetEmpty, targetConstant, targetTooManyClasses, targetNotNumeric, noFeatures, tooFewRows, columnMissing, each
 * naming file and column.
 */
export async function fitEncoding(table: Table, options: FitOptions): Promise<Encoding> {
  const { profile, database } = table;
  const { task, signal } = options;
  const target = targetOf(table, options.target, task);
  const columns = usedColumns(profile.columns, table.readings, options, profile.file);
  const classes = task === "classification" ? await classesOf(table, target, signal) : undefined;
  const split = await planSplit(table, target, options.split, task === "classification", signal);
  if (split.distinct < (options.split.split ? 3 : 2))
    throw new AppError(
      "tooFewRows",
      `${profile.file} has ${split.distinct} different row${split.distinct === 1 ? "" : "s"} with a value of "${target.name}"; three are needed to learn from one, choose by another and test with the third.`,
      "Add rows: a few hundred or more make a result that holds.",
      { file: profile.file, rows: split.distinct, column: target.name },
    );
  const every = trainRows(columns, target, split);
  const step = Math.ceil(split.counts[0] / fitRows);
  const numbers = columns.filter(({ type }) => type === "number");
  const some = step > 1 ? trainRows(columns, target, split, `k % ${step} = 0`) : every;
  const encoders: Encoder[] = await fitNumbers(database, some, numbers, signal);
  for (const reading of columns) {
    if (reading.type === "date") encoders.push(await fitDate(database, some, reading, signal));
    else if (reading.type === "text")
      encoders.push(await fitCategory(database, reading, `${split.sql} = 0 AND (${presentSql(target)})`, split.counts[0], signal));
  }
  const places = new Map(columns.map(({ name }, i) => [name, i]));
  encoders.sort((a, b) => places.get(a.column)! - places.get(b.column)!);
  const encoding: Encoding = {
    version: 1,
    target: target.name,
    task,
    encoders,
    numeric: widthOf(encoders),
    categories: cardinalities(encoders),
  };
  if (classes) return { ...encoding, classes };
  return { ...encoding, targetScale: await scaleOf(table, target, split, signal) };
}

/** The table's rows of the train part that have a target, typed. */
function trainRows(columns: readonly Reading[], target: Reading, split: SplitPlan, also = "true"): string {
  const readings = columns.includes(target) ? columns : [...columns, target];
  return `(SELECT * FROM ${typedSql(readings, { parts: true, where: also, raw: `${split.sql} = 0` })} WHERE v${target.index} IS NOT NULL)`;
}

/** The reading of the target. Throws what makes it none. */
export function targetOf(table: Table, name: string, task: TableTask): Reading {
  const { profile, readings } = table;
  const at = profile.columns.findIndex((column) => column.name === name);
  const names = profile.columns.map((column) => column.name);
  const facts = { file: profile.file, column: name };
  if (at < 0)
    throw new AppError(
      "targetMissing",
      `${profile.file} has no column "${name}".`,
      `Choose one of its columns: ${names.slice(0, 20).join(", ")}${names.length > 20 ? ", …" : ""}.`,
      { ...facts, columns: names.slice(0, 100) },
    );
  const column = profile.columns[at]!;
  if (column.type === "empty")
    throw new AppError("targetEmpty", `"${name}" in ${profile.file} has no value in any row.`, "Choose a column that has values.", facts);
  if (column.distinct < 2)
    throw new AppError(
      "targetConstant",
      `"${name}" in ${profile.file} has the same value in every row: there is nothing to learn.`,
      "Choose a column whose values differ.",
      { ...facts, value: column.examples[0] ?? "" },
    );
  if (column.type === "date" || (task === "regression" && column.type !== "number"))
    throw new AppError(
      "targetNotNumeric",
      `"${name}" in ${profile.file} holds ${column.type === "date" ? "dates" : "words"}, not numbers.`,
      column.type === "date" ? "Choose another column: dates cannot be predicted yet." : "Choose classification, or a column of numbers.",
      { ...facts, type: column.type, value: column.examples[0] ?? "" },
    );
  return readings[at]!;
}

function usedColumns(columns: readonly ColumnProfile[], readings: readonly Reading[], options: FitOptions, file: string): Reading[] {
  for (const name of options.ignore ?? [])
    if (!columns.some((column) => column.name === name))
      throw new AppError("columnMissing", `${file} has no column "${name}" to leave out.`, "Look at the spelling.", { file, column: name });
  const used = readings.filter(
    (reading, i) => !columns[i]!.ignored && reading.name !== options.target && !options.ignore?.includes(reading.name),
  );
  if (used.length > 0) return used;
  throw new AppError(
    "noFeatures",
    `${file} has no column to learn "${options.target}" from: all others are empty, constant, identifiers, free text or left out.`,
    "Add a column that may have to do with it.",
    { file, column: options.target },
  );
}

/** The class of a value of the target, as text; SQL over typedSql. */
export function classSql(target: Reading): string {
  return classText(target, `v${target.index}`);
}

/** The target's classes as written: numbers in their order, words by their letters. Throws targetTooManyClasses. */
export async function classesOf(table: Table, target: Reading, signal?: AbortSignal): Promise<string[]> {
  const v = `v${target.index}`;
  const found = await table.database.rows(
    `SELECT ${classSql(target)} FROM (SELECT ${v} FROM ${typedSql([target])} WHERE ${v} IS NOT NULL GROUP BY ${v}) ORDER BY ${v} LIMIT 100000`,
    signal,
  );
  const { file } = table.profile;
  if (found.length > maxClasses)
    throw new AppError(
      "targetTooManyClasses",
      `"${target.name}" in ${file} has ${found.length === 100_000 ? "100,000 or more" : found.length} different values; a classifier takes up to ${maxClasses}.`,
      target.type === "number" ? "Choose regression, or another column." : "Choose another column, or join values to fewer groups.",
      { file, column: target.name, classes: found.length, limit: maxClasses },
    );
  const classes = found.map(([value]) => String(value));
  // Words that are all numbers ("10", "9") come in the order of the numbers.
  return classes.every((text) => text.trim() !== "" && Number.isFinite(Number(text)))
    ? classes.sort((a, b) => Number(a) - Number(b))
    : classes;
}

/** Mean and spread of the target on the train rows. */
export async function scaleOf(
  table: Table,
  target: Reading,
  split: SplitPlan,
  signal?: AbortSignal,
): Promise<{ mean: number; std: number }> {
  const source = trainRows([target], target, split);
  const v = `v${target.index}`;
  const [range] = await table.database.rows(`SELECT min(${v}), max(${v}) FROM ${source}`, signal);
  const { mean, std } = await meanAndStd(table.database, source, v, Number(range![0]), Number(range![1]), signal);
  return { mean: Math.fround(mean), std: Math.fround(std) > 0 ? Math.fround(std) : 1 };
}

function widthOf(encoders: readonly Encoder[]): number {
  let width = 0;
  for (const encoder of encoders) {
    if (encoder.kind === "number") width += encoder.hasMissing ? 2 : 1;
    else if (encoder.kind === "date") width += dateWidth(encoder);
  }
  return width;
}

/** Edges of the bins of each column of x, in its order; none where an input has no bins. */
export function edgesOf({ encoders }: Pick<Encoding, "encoders">): number[][] {
  const numbers = encoders.filter((encoder) => encoder.kind === "number");
  return [
    ...numbers.map(({ edges }) => edges ?? []),
    ...numbers.filter(({ hasMissing }) => hasMissing).map(() => []),
    ...encoders.flatMap((encoder) => (encoder.kind === "date" ? dateEdges(encoder) : [])),
  ];
}

function cardinalities(encoders: readonly Encoder[]): number[] {
  return encoders.flatMap((encoder) => (encoder.kind === "category" ? [encoder.values.length + 1] : []));
}

/**
 * One input per encoder, in order, named as its column: [n, 1] float32 (numbers, NaN for missing) or string (raw text) → x (n, numeric)
 * float32 and codes (n, categories) int64, the same as encodeTable gives.
 */
export function encodeColumns(g: Builder, encoding: Pick<Encoding, "encoders">): { x: Value; codes: Value } {
  const inputs = new Map(
    encoding.encoders.map((encoder) => [encoder, g.input(encoder.column, encoder.kind === "number" ? "float32" : "string", ["n", 1])]),
  );
  const of = <K extends Encoder["kind"]>(kind: K) =>
    encoding.encoders.filter((encoder): encoder is Encoder & { kind: K } => encoder.kind === kind);
  const numbers = of("number");
  const features = numbersOnnx(
    g,
    numbers,
    numbers.map((encoder) => inputs.get(encoder)!),
  );
  for (const encoder of of("date")) features.push(dateOnnx(g, encoder, inputs.get(encoder)!));
  const codes = of("category").map((encoder) => categoryOnnx(g, encoder, inputs.get(encoder)!));
  const join = (all: Value[]): Value | undefined => (all.length > 1 ? g.op("Concat", all, { axis: 1 }) : all[0]);
  const x = join(features);
  const c = join(codes);
  const none = (like: Value): Value =>
    g.op("Slice", [like, g.constant(int64([1], [0])), g.constant(int64([1], [0])), g.constant(int64([1], [1]))]); // (n, 0)
  if (!x && !c) return { x: g.constant(tensor("float32", [0, 0], new Float32Array())), codes: g.constant(int64([0, 0], [])) };
  return { x: x ?? g.cast(none(c!), "float32"), codes: c ?? g.cast(none(x!), "int64") };
}
