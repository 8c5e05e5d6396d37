// An imported encoder of texts (BERT and its kin) as a source of features: the sentence's own vector where the file gives one, else the mean of
// its last states over the tokens that are there. Letters: n texts, T tokens, D features, V tokens of the vocabulary.
// Handled: inputs input_ids, attention_mask, token_type_ids and position_ids, whole numbers (n, T); the tokenizer.json beside the file.
import { createHash } from "node:crypto";
import { createReadStream, existsSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { AppError } from "../../ipc/error.ts";
import type { Graph, ValueInfo } from "../onnx/graph.ts";
import { Builder, type Value } from "../ops/builder.ts";
import type { Tensor } from "../tensor.ts";
import { copy, lastFeatures, partOf } from "./backbone.ts";
import { openModel, readGraph } from "./onnx.ts";

export interface TextEncoder {
  /** Name of the file. */
  file: string;
  /** sha-256 of the file and its tokenizer, hexadecimal. */
  sha: string;
  /** D */
  features: number;
  /** V, where the file has its table of tokens in sight. */
  vocabulary: number | undefined;
  /** Rows of a table of places, where one is named so: T is at most that. */
  places: number | undefined;
  /** T where the file takes so many tokens and no others. */
  length: number | undefined;
  /** 1 where it takes one text at a time; else any number. */
  batch: 1 | undefined;
  /** tokenizer.json. */
  tokenizer: string;
  licence: string | undefined;
  parameters: number;
  /** Multiply-adds of a token on its way through the matrices whose weights are in the file, in order, and the weights that come with each. */
  layers: { weights: string[]; madds: number }[];
  /** The rest of its weights, before the first matrix: the tables of tokens and of places. */
  tables: string[];
  /**
   * The features (n, D), as nodes of the caller's graph.
   * @param weight what stands for a weight of the file; the weight itself where it answers undefined
   */
  embed(
    g: Builder,
    inputs: { input_ids: Value; attention_mask: Value },
    weight?: (name: string, values: Tensor) => Value | undefined,
  ): Value;
}

export const tokenizerName = "tokenizer.json";
const known = ["input_ids", "attention_mask", "token_type_ids", "position_ids"];

/** Whether a file takes tokens as an encoder does. Never throws: what is wrong with a file is said where it is opened. */
export function takesTokens(inputs: readonly Pick<ValueInfo, "name">[]): boolean {
  return inputs.some(({ name }) => name === "input_ids") && inputs.every(({ name }) => known.includes(name));
}

/** The same of a path. */
export function isEncoderFile(path: string): boolean {
  try {
    return /\.onnx$/i.test(path) && takesTokens(readGraph(path).inputs);
  } catch {
    return false;
  }
}

/** Outputs that tell of a text, the best first. */
const preferred = ["sentence_embedding", "last_hidden_state", "token_embeddings", "pooler_output"];

/** A tokenizer larger than this is none. */
const mostBytes = 64 * 2 ** 20;

/**
 * @throws what reading a model throws; modelInvalid for one that takes no texts, naming its inputs; fileMissing where no tokenizer stands beside it
 */
export async function openTextEncoder(path: string): Promise<TextEncoder> {
  const { graph, file } = openModel(path);
  const odd = graph.inputs.filter(
    ({ name, dtype, dims }) => !known.includes(name) || !["int64", "int32"].includes(dtype) || dims.length !== 2,
  );
  if (odd.length || !takesTokens(graph.inputs))
    throw noEncoder(path, graph, odd.length ? `it wants ${odd.map(told).join(", ")}` : "it takes no input_ids");
  const tokenizer = tokenizerBeside(path);
  const wanted = output(graph);
  const dims = graph.inputs.find(({ name }) => name === "input_ids")!.dims;
  const length = typeof dims[1] === "number" ? dims[1] : undefined;
  const batch = dims[0] === 1 ? 1 : undefined;
  const embed: TextEncoder["embed"] = (g, inputs, weight) => {
    const given = new Map(graph.inputs.map((info) => [info.name, feed(g, info, inputs)]));
    return meanOfTokens(g, copy(g, graph, { given, wanted, weight }), inputs.attention_mask, () =>
      noEncoder(path, graph, "its answer is no vector"),
    );
  };
  const g = new Builder("trial");
  const trial = (name: string) => g.input(name, "int64", [batch ?? "B", length ?? "T"]);
  const features = embed(g, { input_ids: trial("input_ids"), attention_mask: trial("attention_mask") }).dims[1];
  if (typeof features !== "number") throw noEncoder(path, graph, "the number of its features is not known");
  return {
    file: basename(path),
    sha: await shaOf(path, tokenizer),
    features,
    vocabulary: vocabularyOf(graph),
    places: placesOf(graph),
    length,
    batch,
    tokenizer,
    licence: file.metadata.get("licence") ?? file.metadata.get("license"),
    parameters: [...graph.initializers.values()].reduce((sum, t) => sum + (t.dtype === "float32" || t.dtype === "int8" || t.dtype === "uint8" ? t.data.length : 0), 0), // prettier-ignore
    ...weightsOf(graph, wanted),
    embed,
  };
}

const told = ({ name, dtype, dims }: ValueInfo): string => `${name}: ${dtype}[${dims.join(", ")}]`;

function noEncoder(path: string, graph: Graph, why: string): AppError {
  const inputs = graph.inputs.map(told);
  return new AppError(
    "modelInvalid",
    `'${basename(path)}' cannot give features of texts: ${why} (${inputs.join("; ")}).`,
    "Choose an ONNX encoder with the inputs input_ids, attention_mask and, where it wants them, token_type_ids and position_ids.",
    { file: path, inputs },
  );
}

/** The tokenizer.json that belongs to a model: beside it, or, as models are published with a folder `onnx`, beside that. */
export function tokenizerPath(path: string): string | undefined {
  const folder = dirname(path);
  const places = [folder, ...(basename(folder) === "onnx" ? [dirname(folder)] : [])].map((place) => join(place, tokenizerName));
  return places.find((place) => existsSync(place) && statSync(place).isFile());
}

/** Throws fileMissing, fileTooLarge. */
function tokenizerBeside(path: string): string {
  const beside = tokenizerPath(path);
  if (beside === undefined)
    throw new AppError(
      "fileMissing",
      `'${basename(path)}' reads tokens, and no ${tokenizerName} stands beside it.`,
      `Put the model's own ${tokenizerName} into the same folder.`,
      { file: join(dirname(path), tokenizerName) },
    );
  if (statSync(beside).size > mostBytes)
    throw new AppError("fileTooLarge", `'${beside}' is larger than a tokenizer can be.`, "Put the model's own tokenizer.json there.", {
      file: beside,
    });
  return readFileSync(beside, "utf8");
}

/** What tells of a text: an output by its name, else what goes into the last matrix before the first. */
function output(graph: Graph): string {
  const named = preferred.find((name) => graph.outputs.some((one) => one.name === name && one.dtype === "float32"));
  return named ?? lastFeatures(graph);
}

/** An input of the file by ours: all tokens are of the first segment, and stand where they stand. */
function feed(
  g: Builder,
  { name, dtype }: ValueInfo,
  { input_ids: ids, attention_mask: mask }: { input_ids: Value; attention_mask: Value },
): Value {
  const as = (value: Value) => (dtype === "int64" ? value : g.cast(value, "int32"));
  if (name === "input_ids") return as(ids);
  if (name === "attention_mask") return as(mask);
  const none = g.mul(ids, g.scalar(0, "int64"));
  if (name === "token_type_ids") return as(none);
  const ones = g.add(none, g.scalar(1, "int64"));
  return as(g.sub(g.assume(g.op("CumSum", [ones, g.scalar(1, "int64")]), ids.dims), g.scalar(1, "int64")));
}

/** (n, D) as it is; of (n, T, D) the mean over the tokens that are there. */
function meanOfTokens(g: Builder, x: Value, mask: Value, refuse: () => AppError): Value {
  if (x.dims.length === 2) return x;
  if (x.dims.length !== 3) throw refuse();
  const there = g.cast(mask, "float32"); // (n, T)
  const sum = g.reduceSum(g.mul(x, g.unsqueeze(there, [2])), { axes: [1], keepdims: false }); // (n, D)
  return g.div(sum, g.max(g.reduceSum(there, { axes: [1], keepdims: true }), 1));
}

/** Through which ids go unchanged on their way to the table. */
const plain = new Set("Identity Cast Reshape Unsqueeze Squeeze Flatten".split(" "));

/** Rows of the table that the ids look into. */
function vocabularyOf(graph: Graph): number | undefined {
  const reached = new Set(["input_ids"]);
  for (const node of graph.nodes) {
    if (plain.has(node.type) && reached.has(node.inputs[0]!)) reached.add(node.outputs[0]!);
    if (node.type !== "Gather" || !reached.has(node.inputs[1]!)) continue;
    const rows = graph.info(node.inputs[0]!)?.dims[0];
    if (typeof rows === "number") return rows;
  }
  return undefined;
}

function placesOf(graph: Graph): number | undefined {
  const rows = [...graph.initializers].filter(
    ([name, { dims, dtype }]) => /position/i.test(name) && dims.length === 2 && dtype.startsWith("float"),
  );
  return rows.length === 1 ? rows[0]![1].dims[0] : undefined;
}

/** Weights in the order in which they are used, each with the matrix that it follows. */
function weightsOf(graph: Graph, wanted: string): Pick<TextEncoder, "layers" | "tables"> {
  const part = partOf(graph, wanted);
  const seen = new Set<string>();
  const layers: TextEncoder["layers"] = [];
  const tables: string[] = [];
  const learns = (name: string): boolean => part.initializers.get(name)?.dtype === "float32" && part.isParameter(name) && !seen.has(name);
  for (const node of part.nodes) {
    const matrix = part.initializers.get(node.inputs[1] ?? "");
    const found = node.inputs.filter(learns);
    found.forEach((name) => seen.add(name));
    if (["MatMul", "Gemm"].includes(node.type) && matrix?.dtype === "float32" && matrix.dims.length === 2)
      layers.push({ weights: [...found], madds: matrix.data.length });
    else (layers.at(-1)?.weights ?? tables).push(...found);
  }
  return { layers, tables };
}

async function shaOf(path: string, tokenizer: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.update(tokenizer).digest("hex");
}
