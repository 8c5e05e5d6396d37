// Imported models: what a model file says of itself, what is known of it without training anything, and how it is asked.
import type { PixelRange } from "./images.ts";

/** File formats of models; others join as they are read. */
export type ModelFormat = "onnx" | "gguf" | "huggingface";

/**
 * What an input or output is taken for. picture: [n, C, height, width] or [n, height, width, C] of 1 or 3 channels; column: [n] or [n, 1], a
 * value a row; numbers: [n, F]; text: strings; tensor: anything else.
 */
export type PortUse = "picture" | "column" | "numbers" | "text" | "tensor";

export interface ModelPort {
  name: string;
  dtype: string;
  /** A length, or the name of one that is open; of an open one without a name "?". */
  dims: (number | string)[];
  use: PortUse;
}

export interface ModelOperator {
  /** With its domain where that is not ONNX's own: "ai.onnx.ml.Scaler". */
  name: string;
  count: number;
  /** "rule": a gradient goes through; "flat": its result is flat or whole-numbered, so nothing is learned before it; "none": it has no gradient. */
  gradient: "rule" | "flat" | "none";
  /** Why it has none. */
  why?: string;
}

/** Whether a way of fine-tuning fits the model; where not, the sentence that says why. */
export type Fits = { fits: true } | { fits: false; why: string };

/** What is known of a language model beside what every model has. */
export interface LanguageFacts {
  /** As the file names it: "llama", "qwen2", … */
  architecture: string;
  /** Whether the family is one of those that Paddock builds itself, so that it can be taught. */
  known: boolean;
  layers: number;
  width: number;
  heads: number;
  kvHeads: number;
  vocabulary: number;
  /** Bytes of keys and values for one token of the context, in float16. */
  cachePerToken: number;
  /** Tokens of context that `memory` is reckoned for. */
  reckonedContext: number;
}

/** What is known of a model file. */
export interface ModelProfile {
  kind: "model";
  /** Name of the file, without its folder. */
  file: string;
  format: ModelFormat;
  /** What sort of network it is: as its metadata say, else by its operators. */
  family: string;
  /** Made by Paddock: what of it stands in its card. */
  own?: { task: string; target: string; model: string; test: { metric: string; value: number } | null };
  /** Bytes of the file and of the data that it keeps in others. */
  bytes: number;
  /** Names of those others, beside the file. */
  files: string[];
  /** sha-256 over the bytes of all of them, hexadecimal. */
  fingerprint: string;
  /** Version of each operator set, by domain ("ai.onnx" is ONNX's own). */
  opsets: Record<string, number>;
  /** Numbers in the weights, and bits of most of them. */
  parameters: number;
  bits: number;
  weights: { dtype: string; count: number; bytes: number }[];
  inputs: ModelPort[];
  outputs: ModelPort[];
  operators: ModelOperator[];
  nodes: number;
  /** Class names where the file has them (or a file of labels beside it). */
  labels?: string[];
  /** Range of pixels, where the file says it. */
  pixels?: PixelRange;
  /** Licence, author, description and whatever else the file says of itself, as written; long values are cut. */
  about: Record<string, string>;
  /** Bytes to run one sample: the weights, and the most that is alive at once (null where that cannot be reckoned). */
  memory: { weights: number; activations: number | null; total: number };
  /** Milliseconds of a run on one sample of chance numbers, the second one of the session; null with the reason where it was not run. */
  measured: { ms: number } | { why: string };
  training: { full: Fits; head: Fits };
  /** Language models: tokens that it was made for, whether it says how a conversation is laid out, its licence as the file tells it. */
  context?: number;
  template?: boolean;
  licence?: string | null;
  language?: LanguageFacts;
  /** As a source of features of pictures: its side and how many; as a network of a table's numbers: how many columns it takes. */
  backbone?: { size: number; channels: 1 | 3; features: number; tunable: boolean };
  columns?: number;
  /** As a source of features of texts, where its tokenizer came with it: how many. */
  encoder?: { features: number; tunable: boolean };
  problems: { code: "noLicence" | "noWeights"; message: string; hint: string }[];
}

/** What one input is given. Numbers as JSON (nested lists or flat), or separated by commas, spaces or lines. */
export type ModelFeed = { fill: "zeros" | "ones" | "random" } | { numbers: string } | { texts: string[] };

export interface ModelQuestion {
  /** By input; one that is absent is filled with zeros. */
  feeds: Record<string, ModelFeed>;
  /** Lengths for open dimensions, by name or "input.axis"; default 1, of a picture its own or 224. */
  sizes?: Record<string, number>;
  pixels?: PixelRange;
}

export interface ModelOutput {
  name: string;
  dtype: string;
  dims: number[];
  /** classes: a probability or a score each; picture: drawn into a file; values: few enough to be listed; tensor: told in summary. */
  shown: "classes" | "values" | "picture" | "tensor";
  /** The best five. `probability`: they are shares of 1 (by softmax where the file gives logits: `scores` then). */
  top?: { index: number; label: string; value: number }[];
  probabilities?: boolean;
  /** The first values. */
  values?: (number | string)[];
  summary?: { min: number; max: number; mean: number; count: number };
  /** A small PNG as a data address. */
  thumbnail?: string;
}

export interface ModelAnswer {
  ms: number;
  outputs: ModelOutput[];
  /** How a picture was shown to it. assumed: nothing says, so 0..1 was taken; tried: the answer's range told. */
  pixels?: { range: PixelRange; chosen: "asked" | "file" | "tried" | "assumed"; width: number; height: number };
}
