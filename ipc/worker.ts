// What a worker answers to main. One worker process serves one job at a time (a run, the lesson, a model being tried).
import type {
  BenchResult,
  CurvePoint,
  DataKind,
  Device,
  ExportForm,
  TunedForm,
  ExportResult,
  FoundId,
  FoundSample,
  Generated,
  GenerateSpec,
  GraphResult,
  GraphSpec,
  Importance,
  Inspection,
  LessonResult,
  LessonSpec,
  LessonState,
  MemoryForecast,
  MemoryNeed,
  MemorySettings,
  Metrics,
  ModelAnswer,
  ModelFeed,
  ModelForm,
  PictureEntry,
  ModelQuestion,
  PictureProblem,
  PixelRange,
  Prediction,
  RatingsColumns,
  Problem,
  ProblemRows,
  RecommendResult,
  RunMistakes,
  RunProgress,
  RunReport,
  RunResult,
  SimilarResult,
  StepResult,
  StepSpec,
  SuiteEntry,
  SuitePeer,
  SuiteSpec,
  TalkFacts,
  TalkModel,
  TalkSpec,
  Talked,
  TextSample,
  TrainPlan,
  TrainSpec,
  TextReading,
} from "./types.ts";

/** Where the worker keeps what can be made again from the data (imported tables). */
interface WithCache {
  cache: string;
}

/** A data file, and what it is taken as where that was chosen. */
export interface TakenFile {
  file: string;
  kind?: DataKind;
  /** The sheet or table of a file that holds several. */
  part?: string;
  /** Ratings: which columns hold what. */
  columns?: RatingsColumns;
}

export interface WorkerApi {
  /**
   * Reads a data file and says what is in it: taken as `kind` where that is given, else as its content says (`taken` tells why, and what
   * else it could be). Cancelling leaves nothing behind. \`inPlace\`: a language model that stays where it lies is told by its header alone.
   */
  inspect(input: TakenFile & WithCache & { inPlace?: boolean }, signal?: AbortSignal): Promise<Inspection>;
  /**
   * Copies the model at `source` (a file, or a folder or archive with one) into the folder `into`, with the data it keeps beside it, through
   * the gate. `scratch` is a folder for what is unpacked; both are the caller's to remove.
   */
  importModel(input: { source: string; into: string; scratch: string }, signal?: AbortSignal): Promise<{ file: string }>;
  /** Runs anybody's ONNX file once. Pictures in `feeds` are paths; outputs that are pictures are written into the folder `out`, <output>.png. */
  askModel(
    input: {
      file: string;
      question: Omit<ModelQuestion, "feeds"> & { feeds: Record<string, ModelFeed | { picture: string }> };
      out?: string;
    },
    signal?: AbortSignal,
  ): Promise<ModelAnswer & { files: { output: string; path: string }[] }>;
  /** Rows of the table as written, "" for missing, from row `offset` (0 is the first). */
  rows(input: TakenFile & { offset: number; limit: number } & WithCache, signal?: AbortSignal): Promise<string[][]>;
  /** Pictures of a set from place `offset`: of a class in the order of their names; where none is named, one of each class in turn. */
  pictures(
    input: { file: string; class?: string; offset: number; limit: number } & WithCache,
    signal?: AbortSignal,
  ): Promise<{ total: number; pictures: PictureEntry[] }>;
  /** Small drawings of pictures of a set, by their names, at most so many pixels to each side; null where one cannot be read. */
  thumbnails(input: { file: string; names: string[]; pixels: number } & WithCache, signal?: AbortSignal): Promise<(Uint8Array | null)[]>;
  /**
   * What a person should know of the data for this target, with what takes longer than a first look: copies, leaks, outliers, doubtful
   * answers, broken letters. It holds all that `inspect` tells, too. Bounded by samples, which are named.
   */
  health(input: { spec: TrainSpec } & WithCache, signal?: AbortSignal): Promise<Problem[]>;
  /** The rows behind one of these problems, from place `offset` among them. Throws usage where it has none. */
  problemRows(
    input: { spec: TrainSpec; code: Problem["code"]; column?: string; offset: number; limit: number } & WithCache,
    signal?: AbortSignal,
  ): Promise<ProblemRows>;
  /**
   * Samples by their places (from 1) or by what they are, with the answers that the data give them; what is not there is left out. Throws usage
   * for data without answers to correct.
   */
  findSamples(input: { spec: TrainSpec; rows?: number[]; hashes?: string[] } & WithCache, signal?: AbortSignal): Promise<FoundSample[]>;
  /** What a run with this spec would do; trains nothing. */
  plan(input: { spec: TrainSpec } & WithCache, signal?: AbortSignal): Promise<TrainPlan>;
  /**
   * Trains in the folder `run` (created, or resumed when it holds a run; then `spec` is absent). `progress` and `point` events
   * tell how it goes. Resolves when the run is done or interrupted; a cancelled call interrupts with a checkpoint kept.
   */
  train(input: { run: string; spec?: TrainSpec } & WithCache, signal?: AbortSignal): Promise<RunResult>;
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Ends training at once, keeps the best point and goes on to test it: the run ends as `done` (stopped: "interrupted"). */
  stop(): Promise<void>;

  form(input: { run: string }, signal?: AbortSignal): Promise<ModelForm>;
  /** Rows by column name; "" or an absent field is missing. `run` is a run folder or a model.onnx made by Paddock. */
  predict(input: { run: string; rows: Record<string, string>[] }, signal?: AbortSignal): Promise<Prediction[]>;
  /** How a text becomes numbers. Throws usage where the model reads no texts. */
  readText(input: { run: string; text: string }, signal?: AbortSignal): Promise<TextReading>;
  /**
   * A file of rows, or a picture, folder or archive of pictures, to a file of predictions (.csv, .jsonl or .parquet by its ending), written
   * whole or not at all. `run` may be anybody's ONNX file too; `foreign` then says what the file does not, and answers that are pictures go
   * to a .png or a folder of them.
   */
  predictFile(
    input: {
      run: string;
      file: string;
      part?: string;
      out: string;
      foreign?: { pixels?: PixelRange; sizes?: Record<string, number>; labels?: string };
    } & WithCache,
    signal?: AbortSignal,
  ): Promise<{ out: string; rows: number; predictions: Prediction[]; problems?: PictureProblem[] }>;
  /** The first texts of a file with their predictions and how each became numbers (`tokens`). Throws usage where the model reads no texts. */
  explain(input: { run: string; file: string; part?: string } & WithCache, signal?: AbortSignal): Promise<Prediction[]>;
  /**
   * One picture: its prediction with a map of where the model looked, drawn over the picture into `out` (.png) where that is given. `pixels`:
   * the picture itself comes along, upright, at most so many to each side.
   */
  wherePicture(
    input: { run: string; file: string; out?: string; pixels?: number },
    signal?: AbortSignal,
  ): Promise<Prediction & { picture?: Uint8Array }>;
  /** What else fits a user of a recommender, best first; by what most people have where the user is not known. */
  recommend(input: { run: string; user: string; top: number }, signal?: AbortSignal): Promise<RecommendResult>;
  /** Goes on with a text; `token` events with this id tell it as it is written. A cancelled call ends after the token under way. */
  generate(input: { run: string; id: string } & GenerateSpec, signal?: AbortSignal): Promise<Generated>;
  /** Opens a language model of any form to be talked with, and says what it is then. It stays open until another one is asked for. */
  talkFacts(input: TalkModel, signal?: AbortSignal): Promise<TalkFacts>;
  /**
   * An answer in a conversation, or a text gone on with; `token` events with this id tell it as it is written. A cancelled call ends after the
   * token under way, and answers what was written.
   */
  talk(input: TalkModel & { id: string } & TalkSpec, signal?: AbortSignal): Promise<Talked>;
  /** One vector of length 1 a text. Throws `usage` where the model gives none. */
  embed(input: { model: string; texts: string[] }, signal?: AbortSignal): Promise<{ vectors: number[][]; tokens: number }>;
  /** Items that those who have this one have too. */
  similar(input: { run: string; item: string; top: number }, signal?: AbortSignal): Promise<SimilarResult>;
  /** Users or items of a recommender whose id or title holds the text, those with most pairs first. */
  findIds(input: { run: string; of: "users" | "items"; text: string; limit: number }, signal?: AbortSignal): Promise<FoundId[]>;
  evaluate(
    input: { run: string; file: string; part?: string; corrections?: string } & WithCache,
    signal?: AbortSignal,
  ): Promise<{ metrics: Metrics; report: RunReport; mistakes: RunMistakes }>;

  /** How much a trained table model leans on each column; written to importance.json in the run's folder. `working` tells how far it is. */
  importance(input: { run: string } & WithCache, signal?: AbortSignal): Promise<Importance>;

  /**
   * A run's model in another form, read back and compared before it counts. `out` is a file, or a new folder for a form that is one.
   * Nothing is left behind where it fails: exportUnsupported, exportDiffers, usage.
   */
  exportRun(input: { run: string; to: ExportForm | TunedForm; out: string } & WithCache, signal?: AbortSignal): Promise<ExportResult>;

  /** Opens the line on the real engine: the step graph of DESIGN.md section 1, one session run a step. */
  lessonOpen(input: LessonSpec, signal?: AbortSignal): Promise<LessonState>;
  /** Steps `count` times and answers every state on the way (the last 500 of them). */
  lessonStep(input: { count: number }, signal?: AbortSignal): Promise<LessonState[]>;
  /** Fits the line until it no longer moves. */
  lessonFit(input: LessonSpec, signal?: AbortSignal): Promise<LessonResult>;

  /** Writes an ONNX model with its gradients beside its outputs. */
  grad(spec: GraphSpec, signal?: AbortSignal): Promise<GraphResult>;
  /** Writes the training step of an ONNX model. */
  trainStep(spec: StepSpec, signal?: AbortSignal): Promise<StepResult>;
  /** Runs a training step on seeded inputs: how long it takes and what it loses. */
  bench(
    input: { file: string; device: string; steps: number; seed: number; sizes?: Record<string, number> },
    signal?: AbortSignal,
  ): Promise<BenchResult>;
  /** Names of the suite's nets, and whether the Python has torch. */
  suite(input: { python?: string }, signal?: AbortSignal): Promise<{ names: string[]; peer: SuitePeer | null }>;
  /** Times one net of the suite; the peak of memory is that of this process. */
  benchSuite(spec: SuiteSpec, signal?: AbortSignal): Promise<SuiteEntry>;

  /** What a language model (a GGUF file or a Hugging Face folder) says after the last of these tokens: one number a token of its vocabulary. */
  logits(input: { model: string; tokens: number[]; device: string }, signal?: AbortSignal): Promise<{ shape: number[]; logits: number[] }>;

  /** Tries one device in this process; main starts a worker a device, as a failed provider can spoil its process. */
  probe(input: { device: string }, signal?: AbortSignal): Promise<Device>;

  /** What a model (a path, or a size such as "6B") needs in memory, reckoned; with less of each setting, too. */
  forecastMemory(input: { of: string } & MemorySettings & WithCache, signal?: AbortSignal): Promise<MemoryForecast>;
  /** Does once what was planned (an answer, or a training step over made-up rows); `peak` then tells what it took. Throws usage for a mere size. */
  tryMemory(input: { of: string; settings: MemoryNeed["settings"]; device: string }, signal?: AbortSignal): Promise<void>;
  /** The most bytes that this process has held so far. */
  peak(): Promise<number>;
}

export interface WorkerEvents {
  progress: RunProgress;
  point: CurvePoint;
  /** What a language model wrote while it learned. */
  sample: TextSample;
  /** More of the text that `generate` or `talk` writes. */
  token: { id: string; text: string };
  /** A call that takes a while says how far it is: 0…1, or null where that is unknown. */
  working: { what: "reading" | "profiling" | "encoding" | "predicting"; fraction: number | null };
  /** Attempts to reach the network that this process has refused since it started, told when the count grows. */
  refused: number;
}
