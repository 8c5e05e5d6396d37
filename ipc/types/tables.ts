// Tables: what was found in a file.
import type { ImagesProfile } from "./images.ts";
import type { Taken } from "./kinds.ts";
import type { LanguageProfile } from "./language.ts";
import type { RatingsProfile } from "./ratings.ts";
import type { ModelProfile } from "./shelf.ts";

/** What a column holds. `text` is free text, which a table model does not use yet; `empty` has no value at all. */
export type ColumnType = "number" | "category" | "date" | "text" | "empty";

/** Why a column is not used as an input. */
export type IgnoredBecause = "constant" | "empty" | "identifier" | "freeText" | "user";

export interface ColumnProfile {
  name: string;
  type: ColumnType;
  missing: number;
  /** Distinct values other than missing; exact up to 100,000 rows, approximate beyond. */
  distinct: number;
  /** Whole numbers only (type `number`). */
  integer?: boolean;
  min?: number;
  max?: number;
  mean?: number;
  std?: number;
  quartiles?: [number, number, number];
  /** Numbers and dates: edges.length = counts.length + 1. Dates are milliseconds since 1970. */
  histogram?: { edges: number[]; counts: number[] };
  /** Categories: the most frequent values, falling. */
  top?: { value: string; count: number }[];
  /** Dates: the format found, in strptime letters, and the first and last day as ISO text. */
  format?: string;
  first?: string;
  last?: string;
  examples: string[];
  /** Set when the column is left out of the inputs, with the reason. */
  ignored?: IgnoredBecause;
}

/** Something a person should know about the data before training; `code` picks the words on screen. */
export interface Problem {
  code:
    | "noHeader"
    | "duplicateColumnName"
    | "emptyColumnName"
    | "raggedRows"
    | "encodingGuessed"
    | "mostlyMissing"
    | "missingMarks"
    | "constantColumn"
    | "emptyColumn"
    | "identifierColumn"
    | "freeTextColumn"
    | "numbersAsText"
    | "unreadableNumbers"
    | "manyCategories"
    | "duplicateRows"
    | "answerColumn"
    | "rareClasses"
    | "unreadableTexts"
    | "brokenRows"
    | "targetMissingRows"
    | "fewRows"
    | "otherParts"
    | "columnLeftOut"
    | "cellErrors"
    | "mergedCells"
    | "rowsSkipped"
    | "changesWaiting"
    | "pairsIncomplete"
    | "ratingsOutOfRange"
    | "duplicatePairs"
    | "groupColumn"
    | "timeColumn"
    | "leakyColumn"
    | "outliers"
    | "unevenClasses"
    | "nearDuplicateRows"
    | "nearDuplicatesAcross"
    | "contradictoryRows"
    | "labelSuspects"
    | "brokenLetters"
    | "spellingVariants"
    | "corrections";
  column?: string;
  /** Line of the file or row of the table, from 1, where there is one place to look. */
  row?: number;
  data: Record<string, string | number>;
  message: string;
  hint: string;
  /** True where `problemRows` gives the rows behind it. */
  shows?: boolean;
}

/** The rows behind a problem, a page of them. */
export interface ProblemRows {
  total: number;
  /** The column that it is about, where there is one; place in the profile's columns. */
  column: number | null;
  /** `row` counts the data rows of the file from 1; cells as written, "" for missing. */
  rows: { row: number; cells: string[] }[];
}

/** A sheet of a workbook, a table of a database. */
export interface TablePart {
  name: string;
  /** Where it is known without reading it. */
  rows?: number;
}

export type TableTask = "regression" | "classification";
/** All tasks, by the kind of data: tables, then each other one. */
export type TaskName = TableTask | "recommend" | "language";

export interface TargetGuess {
  column: string;
  task: TableTask;
  /** Why this column: a well-known name, the last column, or the only one that can be. */
  reason: "name" | "last" | "only";
}

export interface TableProfile extends Taken {
  /** "text": a table of texts with a label, or a folder of class folders shown as one; then `text` names the column. */
  kind: "table" | "text";
  text?: string;
  /** Classes of the target with their rows, of texts. */
  classes?: { value: string; count: number }[];
  /** The file's own name, without its folder. */
  file: string;
  bytes: number;
  /** Which reader took it: csv, xlsx, parquet, … */
  format?: string;
  /** Of a file with several sheets or tables: which one this is, and all of them. */
  part?: string;
  parts?: TablePart[];
  rows: number;
  columns: ColumnProfile[];
  problems: Problem[];
  dialect: { delimiter: string; quote: string; header: boolean; encoding: string };
  /** Columns that can be a target, with the task each would mean. */
  targets: { column: string; task: TableTask }[];
  /** Absent when no column can be one. */
  target?: TargetGuess;
  /** The first rows as written, "" for missing; order as `columns`. */
  preview: string[][];
  /** sha-256 of the file's bytes, hexadecimal. */
  fingerprint: string;
}

/** Conversations: questions with their answers, or messages in turn. */
export interface ChatsProfile extends Taken {
  kind: "chats";
  file: string;
  bytes: number;
  rows: number;
  /** How a row holds its conversation. */
  form: "messages" | "conversations" | "prompt/completion" | "instruction/input/output" | "question/answer";
  /** Messages in all. */
  messages: number;
  problems: Problem[];
  /** The first rows: who speaks and the start of what is said. */
  preview: { role: string; content: string }[][];
  /** sha-256 of the file's bytes, hexadecimal. */
  fingerprint: string;
}

/** What `inspect` answers; later kinds of data join the union. */
export type Inspection = TableProfile | ChatsProfile | ImagesProfile | RatingsProfile | LanguageProfile | ModelProfile;
