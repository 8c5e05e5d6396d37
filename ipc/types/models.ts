// Using a model: its form and its answers.
import type { TableTask } from "./tables.ts";

/** One input of a trained table model, as a form shows it. */
export interface FormField {
  name: string;
  type: "number" | "category" | "date";
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
}
