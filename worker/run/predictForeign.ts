// Anybody's network asked about data: pictures, the rows of a table, tensors in JSON or .npy, lines of text. Answers in the order of the data.
import { randomBytes } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import { AppError } from "../../ipc/error.ts";
import type { ModelAnswer, ModelOutput, PictureProblem, PixelRange, Prediction } from "../../ipc/types.ts";
import { maybePicture } from "../data/images/layout.ts";
import { openSource } from "../data/images/source.ts";
import { openTable, type Table } from "../data/table.ts";
import { pictureAxes, useOf } from "../formats/onnxCard.ts";
import type { ValueInfo } from "../onnx/graph.ts";
import { isFloat, strings, type Tensor, toNumbers } from "../tensor.ts";
import { askModel, draws, looksLikeShares, outputOf, type Question } from "./askModel.ts";
import { type Foreign, openForeign } from "./foreign.ts";
import { labelsBeside } from "./labelsBeside.ts";
import { breathe } from "./predict.ts";
import { singlePicture } from "./predictPictures.ts";
import { readCell } from "./readForeignCells.ts";
import { nested, readNpy, tensorFor } from "./readNumbers.ts";
import { openWriter, type RowWriter, type Scored, shortest } from "./writers.ts";

export interface PredictForeign {
  file: string;
  part?: string | undefined;
  /** .csv, .jsonl (or .parquet where answers are classes or numbers); of answers that are pictures a .png, or a folder of them. */
  out?: string | undefined;
  cache: string;
  pixels?: PixelRange | undefined;
  sizes?: Record<string, number> | undefined;
  /** A file of class names; else one that lies beside the model. */
  labels?: string | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: ((what: "predicting" | "reading" | "profiling", fraction: number | null) => void) | undefined;
}

export interface ForeignPredictions {
  rows: number;
  predictions: Prediction[];
  problems?: PictureProblem[];
}

/** Rows that go through the network at once, where it takes any number. */
const rowsAtOnce = 1024;
const mostText = 256 * 2 ** 20;

/**
 * @throws what opening and running throw; usage for data that the model does not take, naming its inputs
 */
export async function predictForeign(path: string, options: PredictForeign): Promise<ForeignPredictions> {
  const model = await openForeign(path);
  try {
    const labels = await labelsBeside(path, options.labels);
    const asked = { ...options, labels: labels ?? model.labels };
    const picture = model.inputs.find(pictureAxes);
    if (picture && (await isPictures(options.file))) return await predictPictures(model, picture, asked);
    const tensors = await tensorsOf(model, options.file, options.sizes ?? {});
    if (tensors) return await predictTensors(model, tensors, asked);
    if (model.inputs.length === 1 && model.inputs[0]!.dtype === "string" && /\.(txt|md)$/i.test(options.file))
      return await predictLines(model, asked);
    if (model.inputs.every((info) => ["column", "numbers", "text"].includes(useOf(info, model.inputs.length === 1))))
      return await predictRows(model, asked);
    throw misfit(model, options.file);
  } finally {
    await model.dispose();
  }
}

type Asked = Omit<PredictForeign, "labels"> & { labels: string[] | undefined };

async function isPictures(path: string): Promise<boolean> {
  if (await singlePicture(path)) return true;
  const facts = await stat(path).catch(() => undefined);
  return facts?.isDirectory() === true || /\.(zip|tar|tgz|tar\.gz)$/i.test(path);
}

// ------------------------------------------------------------------------------------------------------------- pictures

async function predictPictures(model: Foreign, info: ValueInfo, options: Asked): Promise<ForeignPredictions> {
  const { file, out, signal } = options;
  const drawing = draws(model) && out !== undefined && !/\.(csv|jsonl|parquet)$/i.test(out);
  const single = await singlePicture(file);
  const lines = out !== undefined && !drawing ? await openLines(out) : undefined;
  const problems: PictureProblem[] = [];
  const predictions: Prediction[] = [];
  let rows = 0;
  try {
    for await (const { name, bytes } of single ? one(basename(file), single) : all(file, signal)) {
      signal?.throwIfAborted();
      const at = out === undefined ? "" : single ? out : join(out, `${name.replace(/\.[^.]+$/, "").replaceAll("/", "_")}.png`);
      try {
        const question = asQuestion(info, bytes, name, options);
        const answer = await askModel(model, question, {
          labels: options.labels,
          signal,
          ...(drawing ? { onPicture: async (_: string, png: Buffer) => writePicture(at, png) } : {}),
        });
        const told = { row: rows + 1, file: name, ...predictionOf(answer, drawing ? at : undefined) };
        rows++;
        predictions.push(told);
        await lines?.write(told);
      } catch (thrown) {
        const error = AppError.from(thrown);
        if (single || error.code !== "pictureInvalid") throw thrown;
        problems.push({ code: "pictureInvalid", file: name, data: { file: name }, message: error.message, hint: error.hint });
      }
      options.onProgress?.("predicting", null);
      await breathe();
    }
    if (rows === 0)
      throw new AppError(
        "picturesMissing",
        `'${basename(file)}' holds no picture that can be read.`,
        "Choose a picture, or a folder with pictures.",
        {
          file,
        },
      );
    await lines?.finish();
  } catch (thrown) {
    await lines?.abandon();
    throw thrown;
  }
  return { rows, predictions, ...(problems.length ? { problems } : {}) };
}

/** Pictures that are in memory are asked for as such: askModel reads paths. */
function asQuestion(info: ValueInfo, bytes: Buffer, name: string, { pixels, sizes }: Asked): Question {
  return { feeds: { [info.name]: { picture: name, bytes } }, ...(pixels ? { pixels } : {}), ...(sizes ? { sizes } : {}) };
}

async function* one(name: string, bytes: Buffer): AsyncGenerator<{ name: string; bytes: Buffer }> {
  yield await Promise.resolve({ name, bytes });
}

async function* all(path: string, signal?: AbortSignal): AsyncGenerator<{ name: string; bytes: Buffer }> {
  const source = await openSource(path);
  for await (const { name, read } of source.entries({ wanted: maybePicture, signal })) yield { name, bytes: await read() };
}

async function writePicture(path: string, png: Buffer): Promise<void> {
  if (extname(path).toLowerCase() !== ".png")
    throw new AppError("usage", `'${basename(path)}' is no name for a picture.`, "Give a name that ends in .png.", { file: path });
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.${randomBytes(4).toString("hex")}.part`;
  try {
    await writeFile(draft, png);
    await rename(draft, path);
  } catch (thrown) {
    await rm(draft, { force: true });
    throw new AppError("folderNotWritable", `'${path}' could not be written.`, "Choose another folder.", { path }, thrown);
  }
}

/** The answer to one sample: its class, its number, the picture it was drawn into, or all outputs. */
export function predictionOf(answer: ModelAnswer, drawn?: string): Omit<Prediction, "row"> {
  const { outputs, pixels } = answer;
  const shown = pixels ? { pixels } : {};
  if (drawn !== undefined) return { prediction: drawn, outputs, ...shown };
  const classes = outputs.find((output) => output.shown === "classes");
  if (classes) {
    const probabilities = Object.fromEntries(classes.top!.map(({ label, value }) => [label, shortest(value)]));
    return { prediction: classes.top![0]!.label, probabilities, ...shown };
  }
  const [first] = outputs;
  if (outputs.length === 1 && first?.shown === "values" && first.values?.length === 1) return { prediction: first.values[0]!, ...shown };
  return { prediction: outputs.map(summaryOf).join("; "), outputs, ...shown };
}

/** One line of an output, for people. */
export function summaryOf({ name, dims, shown, values, summary }: ModelOutput): string {
  const shape = `${name} [${dims.join(", ")}]`;
  if (shown === "values") return `${shape} ${values!.join(", ")}`;
  const { min, max, mean } = summary!;
  return `${shape} from ${short(min)} to ${short(max)}, mean ${short(mean)}`;
}

const short = (v: number) => String(Number(v.toPrecision(4)));

// ------------------------------------------------------------------------------------------------------------ tensors

/** Feeds from a .npy or .json file; undefined where the file holds rows of a table. Throws valueInvalid, shapeMismatch, fileBroken. */
async function tensorsOf(model: Foreign, file: string, sizes: Record<string, number>): Promise<Record<string, Tensor> | undefined> {
  const [first] = model.inputs;
  const facts = await stat(file).catch(() => undefined);
  if (!facts?.isFile() || facts.size > mostText) return undefined;
  if (/\.npy$/i.test(file))
    return { ...alone(model, first!.name), [first!.name]: tensorFor(first!, readNpy(await readFile(file), basename(file)), sizes) };
  const stdin = basename(file).startsWith("stdin.");
  if (!/\.json$/i.test(file) && !stdin) return undefined;
  const text = (await readFile(file, "utf8")).trim();
  if (!/^[[{]/.test(text)) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (Array.isArray(value)) {
    if (typeof value[0] === "object" && !Array.isArray(value[0])) return undefined; // rows by name
    return { ...alone(model, first!.name), [first!.name]: tensorFor(first!, nested(value, first!.name), sizes) };
  }
  const given = value as Record<string, unknown>;
  const known = new Set(model.inputs.map(({ name }) => name));
  const unknown = Object.keys(given).find((name) => !known.has(name));
  if (unknown !== undefined)
    throw new AppError("usage", `'${model.file}' has no input '${unknown}'.`, `Its inputs: ${[...known].join(", ")}.`, { name: unknown });
  return Object.fromEntries(
    model.inputs.map((info) => {
      if (Object.hasOwn(given, info.name)) return [info.name, tensorFor(info, nested(given[info.name], info.name), sizes)];
      throw new AppError("shapeMismatch", `The input '${info.name}' is missing.`, "Give every input of the model.", { value: info.name });
    }),
  );
}

/** Nothing, for a model of one input. Throws usage for one that has more. */
function alone(model: Foreign, given: string): Record<string, Tensor> {
  const other = model.inputs.find(({ name }) => name !== given);
  if (!other) return {};
  throw new AppError(
    "usage",
    `'${model.file}' has ${model.inputs.length} inputs (${model.inputs.map(({ name }) => name).join(", ")}).`,
    "Give a JSON object with each input by its name.",
    { name: other.name },
  );
}

async function predictTensors(model: Foreign, feeds: Record<string, Tensor>, { labels, out }: Asked): Promise<ForeignPredictions> {
  const { outputs } = await model.run(feeds);
  const told = model.outputs.flatMap(({ name }) => (outputs[name] ? [outputOf(name, outputs[name], labels)] : []));
  const prediction: Prediction = { row: 1, ...predictionOf({ ms: 0, outputs: told }) };
  if (out !== undefined) {
    const lines = await openLines(out);
    await lines.write(prediction);
    await lines.finish();
  }
  return { rows: 1, predictions: [{ ...prediction, outputs: told }] };
}

// --------------------------------------------------------------------------------------------------------------- rows

async function predictLines(model: Foreign, options: Asked): Promise<ForeignPredictions> {
  const text = await readFile(options.file, "utf8");
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== "");
  const [info] = model.inputs;
  return answerRows(model, options, {
    columns: ["text"],
    rows: lines.length,
    read: async (from, count) => lines.slice(from, from + count).map((line) => [line]),
    feeds: (cells) => ({
      [info!.name]: strings(
        info!.dims.length === 2 ? [cells.length, 1] : [cells.length],
        cells.map((row) => row[0]!),
      ),
    }),
  });
}

async function predictRows(model: Foreign, options: Asked): Promise<ForeignPredictions> {
  const { file, part, cache, signal, onProgress } = options;
  const table = await openTable(file, { cache, part, signal, onProgress });
  try {
    const places = placesOf(model, table);
    return await answerRows(model, options, {
      columns: table.profile.columns.map(({ name }) => name),
      rows: table.profile.rows,
      read: (from, count) => table.rows(from, count),
      feeds: (cells, firstRow) => feedsOf(model, table, places, cells, firstRow),
    });
  } finally {
    await table.close();
  }
}

/** For each input the places of its columns in the table. */
function placesOf(model: Foreign, { profile }: Table): Map<string, number[]> {
  const { columns, file } = profile;
  const [first] = model.inputs;
  const names = columns.map(({ name }) => name);
  if (model.inputs.length === 1 && useOf(first!, true) === "numbers") {
    const width = first!.dims[1] as number;
    const numeric = columns.flatMap(({ type }, i) => (type === "number" ? [i] : []));
    if (numeric.length === width) return new Map([[first!.name, numeric]]);
    throw new AppError(
      "shapeMismatch",
      `'${model.file}' takes ${width} numbers a row, and '${file}' has ${numeric.length} columns of numbers: ${numeric
        .map((i) => names[i])
        .slice(0, 20)
        .join(", ")}.`,
      "Give a file with those columns alone, in the order that the model was made with.",
      { file, columns: names.slice(0, 100) },
    );
  }
  if (model.inputs.length === 1 && columns.length === 1) return new Map([[first!.name, [0]]]);
  const missing = model.inputs.filter(({ name }) => !names.includes(name)).map(({ name }) => name);
  if (missing.length)
    throw new AppError(
      "columnMissing",
      `'${file}' lacks ${missing.length === 1 ? "the column" : "the columns"} ${missing
        .slice(0, 10)
        .map((name) => `'${name}'`)
        .join(", ")} that '${model.file}' takes.`,
      "Name the columns as the model's inputs are named.",
      { file, column: missing[0]!, columns: missing, found: names.slice(0, 100) },
    );
  return new Map(model.inputs.map(({ name }) => [name, [names.indexOf(name)]]));
}

function feedsOf(
  model: Foreign,
  table: Table,
  places: ReadonlyMap<string, number[]>,
  cells: string[][],
  firstRow: number,
): Record<string, Tensor> {
  return Object.fromEntries(
    model.inputs.map((info): [string, Tensor] => {
      const at = places.get(info.name)!;
      const dims = info.dims.length === 1 ? [cells.length] : [cells.length, at.length];
      if (info.dtype === "string") return [info.name, strings(dims, cells.map((row) => row[at[0]!]!))]; // prettier-ignore
      const values = cells.flatMap((row, i) => at.map((place) => readCell(row[place]!, table, place, { row: firstRow + i, info })));
      return [info.name, tensorFor({ ...info, dims }, { dims, values }, {})];
    }),
  );
}

interface Rows {
  columns: string[];
  rows: number;
  read(from: number, count: number): Promise<string[][]>;
  feeds(cells: string[][], firstRow: number): Record<string, Tensor>;
}

async function answerRows(model: Foreign, options: Asked, { columns, rows, read, feeds }: Rows): Promise<ForeignPredictions> {
  const { out, signal } = options;
  const fixed = model.inputs.map(({ dims }) => dims[0]).find((d): d is number => typeof d === "number");
  const step = fixed ?? rowsAtOnce;
  const keep = out === undefined ? Infinity : 20;
  const predictions: Prediction[] = [];
  let writer: RowWriter | undefined;
  let lines: Awaited<ReturnType<typeof openLines>> | undefined;
  try {
    for (let from = 0; from < rows; from += step) {
      signal?.throwIfAborted();
      const cells = await read(from, Math.min(step, rows - from));
      // A network of a fixed number of rows is given empty ones at the end.
      const filledUp =
        fixed === undefined || cells.length === fixed
          ? cells
          : [...cells, ...new Array<string[]>(fixed - cells.length).fill(cells.at(-1)!)];
      const { outputs } = await model.run(feeds(filledUp, from + 1));
      const { told, scored, classes } = rowAnswers(model, outputs, filledUp.length, cells.length, {
        labels: options.labels,
        first: from + 1,
      });
      if (out !== undefined && scored) {
        writer ??= await openWriter(out, { columns, ...(classes ? { classes } : {}) });
        await writer.write(cells, scored);
      } else if (out !== undefined) {
        lines ??= await openLines(out);
        for (const one of told) await lines.write(one);
      }
      if (predictions.length < keep) predictions.push(...told.slice(0, keep - predictions.length));
      options.onProgress?.("predicting", Math.min(1, (from + step) / rows));
      await breathe();
    }
    await (writer ?? lines)?.finish();
  } catch (thrown) {
    await (writer ?? lines)?.abandon();
    throw thrown;
  }
  return { rows, predictions };
}

interface RowAnswers {
  told: Prediction[];
  /** Where every row is a class, or a number. */
  scored?: Scored;
  classes?: string[];
}

/** @param n rows that went in, of which the first `wanted` count */
function rowAnswers(
  model: Foreign,
  outputs: Record<string, Tensor>,
  n: number,
  wanted: number,
  { labels, first }: { labels: readonly string[] | undefined; first: number },
): RowAnswers {
  const byRow = model.outputs.flatMap(({ name }) => {
    const value = outputs[name];
    return value && value.dims[0] === n && value.dims.length <= 2 ? [{ name, value, width: value.dims[1] ?? 1 }] : [];
  });
  const scores = byRow.find(({ value, width }) => isFloat(value.dtype) && width > 1);
  const names = byRow.find(({ value, width }) => !isFloat(value.dtype) && width === 1);
  const numbers = byRow.find(({ value, width }) => isFloat(value.dtype) && width === 1);
  if (scores) {
    const all = toNumbers(scores.value);
    const { width } = scores;
    const row = (i: number) => all.slice(i * width, (i + 1) * width);
    const shares = Array.from({ length: wanted }, (_, i) => looksLikeShares(row(i))).every(Boolean);
    const classes =
      labels?.length === width ? [...labels] : names || shares ? Array.from({ length: width }, (_, c) => String(c)) : undefined;
    if (classes && shares) {
      const best = Int32Array.from({ length: wanted }, (_, i) => row(i).reduce((b, v, c, r) => (v > r[b]! ? c : b), 0));
      const probabilities = Float32Array.from(all.slice(0, wanted * width));
      const told = Array.from(best, (b, i): Prediction => ({
        row: first + i,
        prediction: names ? word(names.value, i) : classes[b]!,
        probabilities: Object.fromEntries(classes.map((name, c) => [name, shortest(row(i)[c]!)])),
      }));
      return { told, scored: { classes: best, probabilities }, classes };
    }
  }
  if (!scores && !names && numbers) {
    const values = Float32Array.from(toNumbers(numbers.value).slice(0, wanted));
    return { told: Array.from(values, (v, i) => ({ row: first + i, prediction: shortest(v) })), scored: { values } };
  }
  const told = Array.from({ length: wanted }, (_, i): Prediction => {
    const parts = byRow.map(({ name, value, width }) => rowOf(name, value, width, i));
    const prediction = names ? word(names.value, i) : parts.map(summaryOf).join("; ");
    return { row: first + i, prediction, outputs: parts };
  });
  return { told };
}

const word = (value: Tensor, i: number): string | number => (value.dtype === "string" ? value.data[i]! : toNumbers(value)[i]!);

function rowOf(name: string, value: Tensor, width: number, i: number): ModelOutput {
  const part = value.dtype === "string" ? strings([width], value.data.slice(i * width, (i + 1) * width)) : { ...value, dims: [width], data: value.data.slice(i * width, (i + 1) * width) }; // prettier-ignore
  return outputOf(name, part as Tensor, undefined);
}

// ------------------------------------------------------------------------------------------------------------ writing

/** Predictions one a line: JSON Lines as they are, or CSV with their number and answer. Appears under its name when it is whole. */
async function openLines(out: string) {
  const csv = /\.csv$/i.test(out);
  if (!csv && !/\.jsonl$/i.test(out))
    throw new AppError("usage", `These answers cannot be written to '${basename(out)}'.`, "Give a name that ends in .csv or .jsonl.", {
      file: out,
    });
  const draft = join(dirname(out), `.${basename(out)}.${randomBytes(6).toString("hex")}.part`);
  const stream = createWriteStream(draft, { flags: "wx" });
  let failure: Error | undefined;
  stream.on("error", (error) => (failure = error));
  const cell = (text: string | number) => (/[",\r\n]/.test(String(text)) ? `"${String(text).replaceAll('"', '""')}"` : String(text));
  const put = (text: string) => new Promise<void>((done) => stream.write(text, () => done()));
  const check = () => {
    if (failure)
      throw new AppError("folderNotWritable", `'${out}' could not be written.`, "Choose another folder.", { file: out }, failure);
  };
  if (csv) await put("row,file,prediction\r\n");
  return {
    async write(one: Prediction): Promise<void> {
      await put(csv ? `${one.row},${cell(one.file ?? "")},${cell(one.prediction)}\r\n` : `${JSON.stringify(one)}\n`);
      check();
    },
    async finish(): Promise<void> {
      await new Promise<void>((done) => stream.end(() => done()));
      check();
      await rename(draft, out);
    },
    async abandon(): Promise<void> {
      await new Promise<void>((done) => stream.end(() => done()));
      await rm(draft, { force: true });
    },
  };
}

function misfit(model: Foreign, file: string): AppError {
  const inputs = model.inputs.map(({ name, dtype, dims }) => `${name}: ${dtype}[${dims.join(", ")}]`);
  return new AppError(
    "usage",
    `'${model.file}' does not take what is in '${basename(file)}': it wants ${inputs.join("; ")}.`,
    "Give tensors as JSON, an object with each input by its name, or a .npy file.",
    { file, inputs },
  );
}
