// What a table model's file says about itself, in the metadata entry `paddock`: enough to show a form, to read a file of rows and to name
// what comes out, with nothing but the file. Untrusted when read: every field is checked.
import * as v from "valibot";
import { AppError } from "../../ipc/error.ts";
import type { FormField, TableProfile, TableTask } from "../../ipc/types.ts";
import type { Graph, ValueInfo } from "../onnx/graph.ts";

/** One input of the graph and the column it takes. The names differ only where an output has the column's name (see `inputNames`). */
export interface ModelInput {
  input: string;
  column: string;
  kind: "number" | "category" | "date" | "text";
  /** How the training file wrote its numbers (worker/data/numbers.ts); for people's files and forms, the graph takes floats. */
  format?: NumberFormat;
  /** Texts among numbers that training took for missing, besides the usual marks. */
  missing?: string[];
}

type NumberFormat = (typeof numberFormats)[number];

const numberFormats = ["plain", "1,234.5", "1.234,5"] as const;

export interface ModelCard {
  version: 1;
  task: TableTask;
  target: string;
  /** Class names in the order of `probabilities`. */
  classes?: string[];
  /** In the order of the graph's inputs. */
  inputs: ModelInput[];
  fields: FormField[];
  /** A model of texts: how a text becomes the inputs ids and weights (worker/data/text/pieces.ts). Then it has one input of kind text. */
  pieces?: { bits: number; words: number; letters: [number, number] };
  /**
   * A model of texts that reads tokens in order: whose tokenizer it is, how many are read of a text, whether it takes texts of no
   * other length (`fixed`), and one at a time (`alone`). One input of kind text, too. */
  tokens?: { form: "bpe" | "file"; context: number; fixed?: boolean; alone?: boolean };
  /** All columns of the training file, in its order; whether it had a line of names (without one, columns are matched by place). */
  columns: string[];
  header: boolean;
  /** sha-256 of the training file. */
  fingerprint: string;
  /** The number that matters, on rows held out. */
  test: { metric: string; value: number } | null;
  /** Model family, where it is known, and the licence of the model it was made from. */
  model: string;
  licence: string;
}

const text = v.pipe(v.string(), v.maxLength(1_000_000));
const kind = v.picklist(["number", "category", "date", "text"]);
const small = (least: number, most: number) => v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(most));
const format = v.optional(v.picklist(numberFormats));
const schema = v.object({
  version: v.literal(1),
  task: v.picklist(["regression", "classification"]),
  target: text,
  classes: v.optional(v.pipe(v.array(text), v.minLength(1))),
  inputs: v.pipe(v.array(v.object({ input: text, column: text, kind, format, missing: v.optional(v.array(text)) })), v.minLength(1)),
  fields: v.array(
    v.object({
      name: text,
      type: kind,
      values: v.optional(v.array(text)),
      min: v.optional(v.number()),
      max: v.optional(v.number()),
      integer: v.optional(v.boolean()),
      example: text,
    }),
  ),
  pieces: v.optional(v.object({ bits: small(4, 22), words: small(1, 2), letters: v.tuple([small(0, 8), small(0, 8)]) })),
  tokens: v.optional(
    v.object({
      form: v.picklist(["bpe", "file"]),
      context: small(1, 65_535),
      fixed: v.optional(v.boolean()),
      alone: v.optional(v.boolean()),
    }),
  ),
  columns: v.array(text),
  header: v.boolean(),
  fingerprint: text,
  test: v.nullable(v.object({ metric: text, value: v.number() })),
  model: text,
  licence: text,
});

/** Whether the model reads texts. */
export const readsTexts = (card: ModelCard): boolean => card.pieces !== undefined || card.tokens !== undefined;

/** Metadata entries of the file: `paddock` for us, the rest for anyone who opens it elsewhere. */
export function writeCard(graph: Graph, card: ModelCard): void {
  graph.metadata.set("paddock", JSON.stringify(v.parse(schema, card)));
  graph.metadata.set("task", card.task);
  graph.metadata.set("target", card.target);
  if (card.classes) graph.metadata.set("classes", JSON.stringify(card.classes));
  graph.metadata.set("fingerprint", card.fingerprint);
  if (card.test) graph.metadata.set("test", JSON.stringify(card.test));
  graph.metadata.set("licence", card.licence);
}

/**
 * The card of a table model, checked against the graph it came with.
 * @param file named in errors
 * @throws AppError modelInvalid when there is no card, a field is wrong, or card and graph disagree
 */
export function readCard(graph: Graph, file: string): ModelCard {
  const json = graph.metadata.get("paddock");
  if (json === undefined) throw invalid(file, "it says nothing about its columns (no `paddock` entry in its metadata)");
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw invalid(file, "its description is not JSON", error);
  }
  const parsed = v.safeParse(schema, value);
  if (!parsed.success) {
    const issue = parsed.issues[0];
    throw invalid(file, `its description is wrong at ${v.getDotPath(issue) ?? "the top"}: ${issue.message}`);
  }
  const card: ModelCard = parsed.output;
  checkAgainstGraph(card, graph, file);
  return card;
}

function checkAgainstGraph(card: ModelCard, graph: Graph, file: string): void {
  const inputs = new Map(graph.inputs.map((info) => [info.name, info]));
  if (readsTexts(card)) checkTextInputs(card, inputs, file);
  else checkColumns(card, inputs, file);
  const outputs = new Map(graph.outputs.map((info) => [info.name, info]));
  if (card.task === "regression") {
    if (outputs.get("value")?.dtype !== "float32") throw invalid(file, "it has no output 'value' of float32");
    return;
  }
  if (!card.classes) throw invalid(file, "it names no classes");
  if (outputs.get("label")?.dtype !== "string") throw invalid(file, "it has no output 'label' of text");
  const probabilities = outputs.get("probabilities");
  if (probabilities?.dtype !== "float32" || probabilities.dims[1] !== card.classes.length)
    throw invalid(file, `it has no output 'probabilities' of float32 with ${card.classes.length} columns, one a class`);
}

function checkColumns(card: ModelCard, inputs: ReadonlyMap<string, ValueInfo>, file: string): void {
  if (inputs.size !== card.inputs.length) throw invalid(file, `it has ${inputs.size} inputs, but describes ${card.inputs.length}`);
  for (const { input, kind } of card.inputs) {
    const info = inputs.get(input);
    const dtype = kind === "number" ? "float32" : "string";
    if (info?.dtype !== dtype || info.dims.length !== 2 || info.dims[1] !== 1)
      throw invalid(file, `its input '${input}' is not ${dtype} of shape [n, 1], as described`);
  }
}

function checkTextInputs(card: ModelCard, inputs: ReadonlyMap<string, ValueInfo>, file: string): void {
  if (card.inputs.length !== 1 || card.inputs[0]!.kind !== "text") throw invalid(file, "it reads texts, but describes other columns");
  const wanted: Record<string, "int64" | "float32"> = card.tokens
    ? { input_ids: "int64", attention_mask: "int64" }
    : { ids: "int64", weights: "float32" };
  for (const [name, dtype] of Object.entries(wanted))
    // prettier-ignore
    if (inputs.get(name)?.dtype !== dtype || inputs.get(name)?.dims.length !== 2) throw invalid(file, `its input '${name}' is not ${dtype} of shape [n, L]`);
}

function invalid(file: string, why: string, cause?: unknown): AppError {
  return new AppError(
    "modelInvalid",
    `'${file}' is not a table model of Paddock: ${why}.`,
    "Choose a run, or a model.onnx that a run made.",
    { file },
    cause,
  );
}

/** The form's fields from what is known of the columns: limits and a middle value for numbers, the known values for categories. */
export function formFields(inputs: ModelInput[], profile: TableProfile): FormField[] {
  const columns = new Map(profile.columns.map((column) => [column.name, column]));
  return inputs.map(({ column: name, kind }): FormField => {
    const column = columns.get(name);
    const example = column?.examples.find((value) => value !== "") ?? "";
    if (kind === "category") {
      const values = column?.top?.map(({ value }) => value);
      return { name, type: kind, ...(values ? { values } : {}), example: values?.[0] ?? example };
    }
    if (kind === "date" || kind === "text" || !column) return { name, type: kind, example };
    const middle = column.quartiles?.[1];
    return {
      name,
      type: kind,
      ...(column.min === undefined ? {} : { min: column.min }),
      ...(column.max === undefined ? {} : { max: column.max }),
      ...(column.integer === undefined ? {} : { integer: column.integer }),
      example: middle === undefined ? example : String(column.integer ? Math.round(middle) : Number(middle.toPrecision(6))),
    };
  });
}
