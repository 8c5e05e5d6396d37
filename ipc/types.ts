// The values that travel between the processes. Plain data only: structured-clonable, and the same after MessagePack.
// Sizes are bytes, times are milliseconds since 1970 or durations in seconds, as each name says.
import type { ErrorRecord } from "./error.ts";

// ---------------------------------------------------------------------------------------------------------------- tables

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
    | "targetMissingRows"
    | "fewRows";
  column?: string;
  /** Line of the file or row of the table, from 1, where there is one place to look. */
  row?: number;
  data: Record<string, string | number>;
  message: string;
  hint: string;
}

export type TableTask = "regression" | "classification";

export interface TargetGuess {
  column: string;
  task: TableTask;
  /** Why this column: a well-known name, the last column, or the only one that can be. */
  reason: "name" | "last" | "only";
}

export interface TableProfile {
  kind: "table";
  /** The file's own name, without its folder. */
  file: string;
  bytes: number;
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

/** What `inspect` answers; later kinds of data join the union. */
export type Inspection = TableProfile;

// ---------------------------------------------------------------------------------------------------------------- devices

export interface Device {
  /** What `--device` takes: "cpu", "webgpu", … */
  id: string;
  kind: "cpu" | "webgpu" | "dml" | "coreml" | "cuda" | "tensorflow";
  name: string;
  memoryBytes: number | null;
  usedBytes: number | null;
  works: boolean;
  /** Why it does not work, or what it is (a software adapter, say); a sentence in English. */
  why: string;
}

/** Memory now, in bytes. The worker's own resident set, and its device's memory in use by all. */
export interface MemoryReading {
  workerBytes: number;
  deviceKind: "ram" | "vram";
  deviceUsedBytes: number;
  deviceTotalBytes: number;
}

// ---------------------------------------------------------------------------------------------------------------- training

export type OptimizerName =
  | "sgd"
  | "momentum"
  | "nesterov"
  | "rmsprop"
  | "adagrad"
  | "adadelta"
  | "adam"
  | "adamw"
  | "adamax"
  | "nadam"
  | "radam"
  | "asgd"
  | "rprop"
  | "lamb"
  | "lion"
  | "adafactor"
  | "muon"
  | "schedulefree";
export type ScheduleName = "constant" | "step" | "cosine" | "warmup" | "onecycle" | "plateau";

/** Everything that decides a run; absent fields take the default that the plan shows. */
export interface TrainSpec {
  /** Path of the data file. */
  data: string;
  target?: string;
  task?: "auto" | TableTask;
  /** Model family; the default suits the task. */
  model?: string;
  /** Family settings: width, depth, dropout… */
  config?: Record<string, number | string | boolean>;
  /** Columns not to use as inputs. */
  ignore?: string[];
  optimizer?: OptimizerName;
  lr?: number;
  schedule?: ScheduleName;
  weightDecay?: number;
  batch?: number;
  epochs?: number;
  steps?: number;
  /** Longest training time in seconds; the rest of the work (reading, testing, writing) comes on top. */
  seconds?: number;
  /** Default true: rows are shuffled each epoch. */
  shuffle?: boolean;
  /** Default true: rows are held out for validation and test. */
  split?: boolean;
  seed?: number;
  device?: string;
  logLosses?: boolean;
}

/** What will happen when Train is pressed. */
export interface TrainPlan {
  task: TableTask;
  target: string;
  classes?: number;
  inputs: number;
  rows: { train: number; validation: number; test: number };
  model: { name: string; parameters: number };
  device: string;
  batch: number;
  maxEpochs: number;
  maxSeconds: number;
  /** A forecast: how long it probably takes and the memory that the worker then needs. */
  estimatedSeconds: number;
  estimatedBytes: number;
  /** Every setting with the value in force. */
  settings: Required<Pick<TrainSpec, "optimizer" | "lr" | "schedule" | "weightDecay" | "batch" | "seed" | "shuffle" | "split">>;
}

/** The field's names: loss; accuracy, macroF1, logLoss, rocAuc (two classes); r2, rmse, mae. */
export type Metrics = Record<string, number>;

export type RunState = "queued" | "preparing" | "running" | "paused" | "finishing" | "done" | "interrupted" | "failed";

/** One point of the curves, written to metrics.jsonl and shown live. `validation` is absent between evaluations. */
export interface CurvePoint {
  step: number;
  epoch: number;
  /** Seconds of training so far, pauses not counted. */
  seconds: number;
  lr: number;
  trainLoss: number;
  validationLoss?: number;
  /** The task's metric on the validation rows: accuracy or r2. */
  metric?: number;
}

/** A plain sentence that is true now; `code` picks the words, `data` fills them. */
export interface Referee {
  code:
    | "reading"
    | "starting"
    | "learning"
    | "slowing"
    | "memorising"
    | "stuck"
    | "paused"
    | "testing"
    | "converged"
    | "budgetSpent"
    | "stoppedByUser"
    | "interrupted"
    | "failed";
  data: Record<string, string | number>;
  message: string;
}

export interface RunProgress {
  state: RunState;
  epoch: number;
  maxEpochs: number;
  step: number;
  maxSteps: number;
  metricName: "accuracy" | "r2";
  /** The newest point, where there is one. */
  point?: CurvePoint;
  /** The best point on the validation rows so far; its weights are kept. */
  best?: { step: number; epoch: number; seconds: number; validationLoss: number; metric: number };
  rowsPerSecond: number;
  stepMs: number;
  /** Forecast of the time left, in seconds; null while unknown. */
  secondsLeft: number | null;
  seconds: number;
  memory?: MemoryReading;
  referee: Referee;
}

export interface Baselines {
  /** The dumb guess: the most frequent class, or the mean. */
  constant: Metrics;
  /** A linear model on the same inputs and the same split. */
  linear: Metrics;
}

/** A row the model got most wrong. `row` counts the data rows of the file from 1. */
export interface Mistake {
  row: number;
  cells: string[];
  truth: string;
  prediction: string;
  /** Probability given to the wrong answer, or the absolute error. */
  badness: number;
}

export interface RunReport {
  task: TableTask;
  target: string;
  classes?: string[];
  rows: { train: number; validation: number; test: number };
  metrics: { train: Metrics; validation: Metrics | null; test: Metrics | null };
  /** On the test rows (the train rows when nothing was held out). */
  baseline: Baselines;
  /** Whether the network beats both baselines on the task's metric, said as data. */
  verdict: { beatsConstant: boolean; beatsLinear: boolean; metric: string; network: number; constant: number; linear: number };
  /** Classification: counts[true][predicted] on the test rows, classes in order; the 20 most frequent, the rest together as "…". */
  confusion?: { labels: string[]; counts: number[][] };
  /** Regression: up to 2,000 test rows. */
  scatter?: { truth: number[]; predicted: number[] };
  columns: string[];
  mistakes: Mistake[];
}

/** A run as run.json and `train --json` tell it. */
export interface RunResult {
  run: string;
  task: TableTask;
  model: { name: string; parameters: number; trainable: number };
  device: string;
  metrics: { train: Metrics; validation: Metrics | null; test: Metrics | null };
  baseline: Baselines;
  verdict: RunReport["verdict"];
  seconds: number;
  steps: number;
  epochs: number;
  bestStep: number;
  peakMemoryBytes: number;
  stopped: "converged" | "budget" | "interrupted";
  onnx: string;
  losses?: number[];
}

/** run.json: written when the run is created, and again at every change of state. */
export interface RunRecord {
  version: 1;
  id: string;
  created: number;
  state: RunState;
  spec: TrainSpec;
  /** What the data was when the run began; a resumed run checks it. */
  fingerprint?: string;
  plan?: TrainPlan;
  result?: RunResult;
  error?: ErrorRecord;
  /** The last progress told, so that a reopened app shows where the run stood. */
  progress?: RunProgress;
}

// ---------------------------------------------------------------------------------------------------------------- using a model

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

/** prediction: the class, or the number. probabilities: by class. row: from 1, in input order. */
export interface Prediction {
  row: number;
  prediction: string | number;
  probabilities?: Record<string, number>;
}

// ---------------------------------------------------------------------------------------------------------------- the lesson

export interface LessonSpec {
  x: number[];
  y: number[];
  optimizer: "sgd" | "momentum" | "adam";
  lr: number;
  /** Where the line starts. */
  a?: number;
  b?: number;
}

/** The line y = a·x + b after a step, the loss (mean squared gap) there, its slope, and the nudge that led here. */
export interface LessonState {
  step: number;
  a: number;
  b: number;
  loss: number;
  gradient: { a: number; b: number };
  nudge: { a: number; b: number };
  /** True when the line no longer moves, to float32 precision. */
  settled: boolean;
}

export interface LessonResult {
  a: number;
  b: number;
  loss: number;
  steps: number;
}

// ---------------------------------------------------------------------------------------------------------------- graphs

/** One input or output of a graph; a length may be a name ("batch"). */
export interface TensorInfo {
  name: string;
  dtype: string;
  shape: (number | string)[];
}

/** What to make of an ONNX file. `sizes`: numbers for named lengths ("batch", or "x.0" by place). `wrt`: names; default all float initializers. */
export interface GraphSpec {
  model: string;
  loss: string;
  wrt?: string[];
  sizes?: Record<string, number>;
  out: string;
}

/** A written graph: its inputs and outputs in order. */
export interface GraphResult {
  out: string;
  loss: string;
  inputs: TensorInfo[];
  outputs: TensorInfo[];
  /** Nodes of the graph. */
  nodes: number;
}

export interface StepSpec extends GraphSpec {
  optimizer: OptimizerName;
  lr?: number;
  /** Settings of the optimizer by their names (beta1, eps, …). */
  settings?: Record<string, number | boolean | string>;
  clipNorm?: number;
  clipValue?: number;
  accumulate?: number;
  lossScale?: number;
  seed?: number;
}

/** A state of a training step. `initial`: the number that fills it, or the name of the initializer of the model (the step file has it as training information). */
export interface StateInfo extends TensorInfo {
  next: string | null;
  initial: number | { initializer: string };
}

export interface StepResult extends GraphResult {
  optimizer: OptimizerName;
  /** Every setting in force, the learning rate among them. */
  hyperparameters: Record<string, number | boolean | string>;
  parameters: string[];
  states: StateInfo[];
}

export interface BenchResult {
  device: string;
  /** Milliseconds a step: the median, and the tenth and ninetieth of a hundred. */
  stepMs: { median: number; p10: number; p90: number };
  losses: number[];
  peakMemoryBytes: number;
}

/** One net of the suite to time. `peer`: a Python that has torch, which makes the same steps in turn. */
export interface SuiteSpec {
  name: string;
  device: string;
  /** Processors to use, here and there; default as in training. */
  threads?: number;
  steps: number;
  seed: number;
  /** At sizes for tests. */
  small: boolean;
  peer?: string;
}

/** `torch`: its version, or null where the Python cannot be used, with the reason. */
export interface SuitePeer {
  python: string;
  torch: string | null;
  why: string | null;
}

export interface SuiteTiming {
  stepMs: BenchResult["stepMs"];
  /** Processor time a step, all threads together. */
  cpuMs: number;
  /** Of a process that does this alone; null where the system does not say. */
  peakMemoryBytes: number | null;
}

export interface SuiteEntry extends SuiteTiming {
  name: string;
  title: string;
  device: string;
  threads: number;
  /** Numbers that learn. */
  parameters: number;
  nodes: number;
  /** Making the forward graph and the step out of it. */
  buildMs: number;
  losses: number[];
  /** PyTorch eager on the processor, from the same weights on the same batch; null where no Python was given. */
  peer: (SuiteTiming & { losses: number[] }) | null;
  /** Ours by theirs: below 1 is faster, smaller. */
  ratio: { time: number; cpu: number; memory: number | null } | null;
  /** Largest relative difference of a step's losses. */
  lossDifference: number | null;
}
