// Training: what is asked for, planned, told on the way and kept.
import type { ErrorRecord } from "../error.ts";
import type { DataKind } from "./kinds.ts";
import type { TaskName } from "./tables.ts";
import type { RatingsColumns } from "./ratings.ts";
import type { PictureSetup, PixelRange } from "./images.ts";
import type { PartReport, SampleKind, SplitName } from "./report.ts";
import type { MemoryReading } from "./devices.ts";
import type { MemoryBytes } from "./memory.ts";
import type { LanguagePlan, LanguageReport, TunePlanFacts, TuneReport } from "./language.ts";
import type { CorrectionsTaken } from "./corrections.ts";

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
export type Precision = "full" | "mixed";
/** "balanced": every class counts the same in the loss, however few its rows (as scikit-learn has it). */
export type ClassWeight = "none" | "balanced";
export type ScheduleName = "constant" | "step" | "cosine" | "warmup" | "onecycle" | "plateau";

/**
 * How rows are parted into train, validation and test; absent: at random. What is settled once (`kept`) comes back in the plan and goes into
 * the project, so that rows added later move none.
 */
export type SplitBy =
  | { by: "random" }
  /** Every class by its share. `kept`: by class, the hashes at which validation and test begin. */
  | { by: "stratified"; kept?: Record<string, [number, number]> }
  /** Rows with the same value of the column lie in the same part. */
  | { by: "group"; column: string }
  /** The latest rows test. `kept`: where validation and test begin, as ISO time (UTC) or as a number. */
  | { by: "time"; column: string; kept?: [string, string] };

/** Everything that decides a run; absent fields take the default that the plan shows. */
export interface TrainSpec {
  /** Path of the data file. */
  data: string;
  /** What the data are taken as; guessed from them where absent. */
  kind?: DataKind;
  /** The sheet or table of a file that holds several; the first that has rows where absent. */
  part?: string;
  /**
   * Folder of a run to begin from (on the host its id): its weights, its preprocessing and its split. What decides these is taken from it; a
   * setting that says otherwise is refused.
   */
  from?: string;
  /** A file of corrections (corrections.jsonl) that are laid over the data. */
  corrections?: string;
  /** Ratings: which columns hold what; found by their names or shape where absent. */
  columns?: RatingsColumns;
  target?: string;
  /** "images": the data are pictures, "text": they are texts; what is learned is a classification, or of texts a number. */
  task?: "auto" | TaskName | "images" | "text";
  /** Model family, or the path of an ONNX file to build on; the default suits the task. */
  model?: string;
  /** Id of an imported model to start from, in the place of `model`; the host puts its file there. "": none, though one would suit. */
  shelf?: string;
  /** Pictures with an imported network: the range of pixels that it expects. */
  pixels?: PixelRange;
  /**
   * What of an imported network learns: a head on it (the default of pictures), its last blocks too, or all of it; of a language model adapters beside its
   * weights (lora, or qlora where these are kept in 4 or 8 bits).
   */
  method?: "head" | "last" | "full" | "lora" | "qlora";
  /** Adapters: their rank; default 8. What they add is multiplied by alpha / rank; default twice the rank. */
  rank?: number;
  alpha?: number;
  /** Fine-tuning: a batch is taken in so many parts, whose gradients are added up; default 1. The step is the same but for rounding. */
  accumulate?: number;
  /** A language model that is fine-tuned: what the user wants answered before and after, five at most. */
  prompts?: string[];
  /** Adapters: the folder of a PEFT adapter to begin with; its settings count. */
  initAdapter?: string;
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
  /** Classification of tables: what the classes count in the loss; default "none", each as many as its rows. */
  classWeight?: ClassWeight;
  /** Default true: rows are shuffled each epoch. */
  shuffle?: boolean;
  /** Default true: rows are held out for validation and test. */
  split?: boolean;
  splitBy?: SplitBy;
  seed?: number;
  device?: string;
  /** "mixed": products in float16 where the device has it, parameters in float32; default "full". */
  precision?: Precision;
  logLosses?: boolean;
}

/** What will happen when Train is pressed. */
export interface TrainPlan {
  task: TaskName;
  target: string;
  classes?: number;
  inputs: number;
  rows: { train: number; validation: number; test: number };
  /** Few rows: those of train and validation learn together, each held out from one network in so many. */
  folds?: number;
  model: { name: string; parameters: number; trainable?: number };
  /** The imported model that it starts from, by its id and name; `chosen` by itself, as the one on the shelf that suits best. */
  start?: { shelf: string; name: string; chosen: "asked" | "suits" };
  device: string;
  batch: number;
  maxEpochs: number;
  maxSeconds: number;
  /** A forecast: how long it probably takes and the memory that the worker then needs. */
  estimatedSeconds: number;
  estimatedBytes: number;
  /** The same by parts. */
  bytes?: MemoryBytes;
  /** Where texts are learned from: their column, and the columns beside it that are not. */
  text?: { column: string; leftOut: string[] };
  /** How rows are parted; absent where there is but one way. */
  splitBy?: SplitBy;
  /** A language model that learns from nothing. */
  language?: LanguagePlan;
  /** An imported language model that is fine-tuned. */
  tune?: TunePlanFacts;
  /** Recommending: by weights between items in closed form, or beside them by two towers, as there are more items than get weights. */
  ranking?: { by: "weights" | "blend"; items: number };
  /** Every setting with the value in force. */
  settings: Required<Pick<TrainSpec, "optimizer" | "lr" | "schedule" | "weightDecay" | "batch" | "seed" | "shuffle" | "split">> &
    Pick<TrainSpec, "classWeight">;
}

/** A device tried before a run: milliseconds of a step, or why it gave none. */
export interface DeviceTrial {
  device: string;
  threads: number;
  stepMs: number | null;
  why?: string;
}

/** An operator that the device cannot run, and how many of its nodes run on the processor instead. */
export interface Fallback {
  operator: string;
  count: number;
}

/** What was settled when a run began. A resumed run goes by it, so that it gives the same numbers. */
export interface RunChoice {
  device: string;
  /** Processors at work, also beside a device. */
  threads: number;
  /** Why this device: it was asked for; the fastest of those tried; or a trial would have cost more than it gives. */
  why: "asked" | "fastest" | "short";
  trials: DeviceTrial[];
  /** Rows a step, and how many were planned where so many did not fit the memory. */
  batch: number;
  shrunkFrom?: number;
  /** Most bytes that the worker holds, as reckoned before and as measured in the end (so far). */
  memory: { forecastBytes: number; measuredBytes?: number };
  fallbacks?: Fallback[];
}

/** A metric that decides a run. Higher is better for all but rmse and perplexity. */
export type MetricName = "accuracy" | "r2" | "rmse" | "perplexity";

/**
 * The field's names: loss; accuracy, macroF1, logLoss; rocAuc, averagePrecision (of the second of two classes, else the mean of all against the
 * rest), brier, ece; r2, rmse, mae; ndcg@10, recall@10; perplexity, bitsPerByte.
 */
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

/** The loss left the numbers at `step`; training went on from step `to` with rates this part of what they were. */
export interface Setback {
  step: number;
  to: number;
  part: number;
}

/**
 * The memory ran short at `step`; training went on from step `to` with at most `rows` rows of a batch of `of` at once. The gradients of the parts are
 * added up, so that the result is the same but for rounding; not where statistics are taken of the rows that go through together (`same` false).
 * `why`: an allocation failed, or the system ended the process.
 */
export interface Shrink {
  step: number;
  to: number;
  rows: number;
  of: number;
  same: boolean;
  why: "allocation" | "killed";
}

/** A plain sentence that is true now; `code` picks the words, `data` fills them. */
export interface Referee {
  code:
    | "reading"
    | "starting"
    | "setBack"
    | "shrunk"
    | "shrunkRoughly"
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
  metricName: MetricName;
  /** The newest point, where there is one. */
  point?: CurvePoint;
  /** The best point on the validation rows so far; its weights are kept. */
  best?: { step: number; epoch: number; seconds: number; validationLoss: number; metric: number };
  rowsPerSecond: number;
  /** Language models: tokens that are read a second, by the mean length of their rows. */
  tokensPerSecond?: number;
  stepMs: number;
  /** Forecast of the time left, in seconds; null while unknown. */
  secondsLeft: number | null;
  seconds: number;
  memory?: MemoryReading;
  /** Once it is settled. */
  choice?: RunChoice;
  referee: Referee;
  /** Where there were any. */
  setbacks?: Setback[];
  shrunk?: Shrink[];
}

export interface Baselines {
  /** The dumb guess: the most frequent class, or the mean. */
  constant: Metrics;
  /** A linear model on the same inputs and the same split. */
  linear: Metrics;
  /** Recommending: what most people have, judged as the model's ranking is. */
  popularity?: Metrics;
}

/** report.json. Version 1 had no `version`: one split's confusion, scatter and worst rows stood beside the metrics. */
export interface RunReport {
  version: 2;
  kind: SampleKind;
  task: TaskName;
  target: string;
  classes?: string[];
  rows: { train: number; validation: number; test: number };
  metrics: { train: Metrics; validation: Metrics | null; test: Metrics | null };
  /** On the test rows (the train rows when nothing was held out). */
  baseline: Baselines;
  /** Whether the network beats both baselines on the task's metric, said as data. */
  verdict: { beatsConstant: boolean; beatsLinear: boolean; metric: string; network: number; constant: number; linear: number };
  /** Split by split; null where there is no such split, or an older report did not judge it. */
  parts: Record<SplitName, PartReport | null>;
  /**
   * Classification: probabilities are those of softmax(logits / temperature), fitted on the validation rows; 1 where none fits better than
   * chance would. Log loss and expected calibration error of the judged rows, before and with it.
   */
  calibration?: { temperature: number; before: { logLoss: number; ece: number }; after: { logLoss: number; ece: number } };
  /** Pictures: how they are shown to the network. */
  pictures?: PictureSetup;
  /** Language models; then `constant` is what each token's own frequency says, `linear` what the token before it says too. */
  language?: LanguageReport;
  /** A fine-tuned language model; then `constant` and `linear` are the model as it was. */
  tune?: TuneReport;
  /** Recommending: what ranks, how many items can be recommended, and how many of them have weights between them. Absent in older reports. */
  ranking?: { by: "weights" | "blend" | "towers"; items: number; weights: number };
}

/** The run that a run began from. */
export interface BegunFrom {
  /** Its folder, and its name. */
  folder: string;
  run: string;
  /** The metric that decides, of the weights as they came: on the test rows of this run, with its corrections. Absent where there are none. */
  before?: { metric: MetricName; value: number };
}

/** A run as run.json and `train --json` tell it. */
export interface RunResult {
  run: string;
  task: TaskName;
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
  pictures?: PictureSetup;
  choice?: RunChoice;
  from?: BegunFrom;
  corrections?: CorrectionsTaken;
  losses?: number[];
  /** Where the memory ran short on the way. */
  shrunk?: Shrink[];
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
  choice?: RunChoice;
  from?: BegunFrom;
  /** How often the system ended the worker for want of memory: each time the run goes on with half as many rows at once. */
  memoryDeaths?: number;
  /** The device that is being tried: a worker that dies of it leaves it here, and it is not tried again. */
  trying?: string;
  result?: RunResult;
  error?: ErrorRecord;
  /** The last progress told, so that a reopened app shows where the run stood. */
  progress?: RunProgress;
}
