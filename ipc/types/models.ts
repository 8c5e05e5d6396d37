// Using a model: its form and its answers.
import type { ModelAnswer, ModelOutput } from "./shelf.ts";
import type { TableTask } from "./tables.ts";

/** One input of a trained table model, as a form shows it. */
export interface FormField {
  name: string;
  type: "number" | "category" | "date" | "text";
  /** Known values, most frequent first (categories). */
  values?: string[];
  min?: number;
  max?: number;
  integer?: boolean;
  /** A typical value to begin with, as text. */
  example: string;
}

export interface ModelForm {
  task: TableTask;
  target: string;
  classes?: string[];
  fields: FormField[];
}

/** prediction: the class, or the number. probabilities: by class. row: from 1, in input order; of pictures, file: which one. */
export interface Prediction {
  row: number;
  file?: string;
  prediction: string | number;
  probabilities?: Record<string, number>;
  /** Where a model looked at a picture: what its answer loses when a cell is covered, from the upper left by rows. */
  map?: { rows: number; columns: number; values: number[] };
  /** Of an imported model whose answer is no class and no single number: its outputs, and how a picture was shown to it. */
  outputs?: ModelOutput[];
  pixels?: NonNullable<ModelAnswer["pixels"]>;
  /** How the text became numbers, where that was asked for. */
  tokens?: TextToken[];
}

/** How a text became numbers: pieces in any order that are hashed and weighed, or tokens of a vocabulary in their order. */
export interface TextReading {
  form: "pieces" | "tokens";
  tokens: TextToken[];
}

/** A piece of a text: a word, two neighbours or a run of letters within a word ("<" and ">" are its ends); or a token. */
export interface TextToken {
  piece: string;
  /** The place of the table that it is hashed to; a token's number. */
  id: number;
  /** How often the text fills that place, and what it then weighs of the text's length 1: damped count times rarity. */
  count: number;
  weight: number;
  /** How much it speaks for the answer given: for a class, its share of the logit above the mean of all classes'. Where that can be said. */
  effect?: number;
}
