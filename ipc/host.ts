// What main answers to the renderer (and what the command line calls in the same process). It knows no door: a file to take in is a
// Source, a file to hand out is a Handout, and each door turns these into paths, uploads and downloads.
import type { ErrorRecord } from "./error.ts";
import type {
  ChatTurn,
  Correction,
  CurvePoint,
  Device,
  ExportForm,
  TunedForm,
  ExportResult,
  FoundId,
  Generated,
  GenerateSpec,
  ImagesProfile,
  Importance,
  LanguageProfile,
  LessonSpec,
  LessonState,
  ListedCorrection,
  MemoryPlan,
  MemoryReading,
  MemorySettings,
  Mistake,
  ModelAnswer,
  ModelFeed,
  ModelForm,
  PictureEntry,
  ModelFormat,
  ModelProfile,
  ModelQuestion,
  Prediction,
  RatingsProfile,
  RecommendResult,
  Problem,
  ProblemRows,
  RunProgress,
  RunReport,
  RunResult,
  RunState,
  SamplingSettings,
  SimilarResult,
  SplitName,
  TableProfile,
  Talked,
  TalkFacts,
  TalkSpec,
  TextSample,
  TrainPlan,
  TrainSpec,
  TextReading,
} from "./types.ts";

/** A dropped file: its path (Electron) or the id that the upload answered (browser). */
export type Source = { kind: "path"; path: string } | { kind: "upload"; id: string };

/** A file for the user: where it lies, and, in the browser door, the address to fetch it from. */
export interface Handout {
  name: string;
  path: string;
  bytes: number;
  url?: string;
}

/** What a file is taken as, where that is chosen and not guessed. */
export type TakenAs = Pick<TrainSpec, "kind" | "part" | "columns">;

export interface AppInfo {
  version: string;
  door: "electron" | "browser" | "cli";
  platform: string;
  workspace: string;
  cores: number;
  memoryBytes: number;
  /** Whether this build has a key to check updates by; without one it takes none. */
  updates: boolean;
}

/** A new version that was found to be signed, newer and for this machine. */
export interface UpdateInfo {
  version: string;
  platform: string;
  arch: string;
  /** The installer's name. */
  file: string;
  bytes: number;
  /** What kind of installer it is. */
  install: "appimage" | "deb" | "dmg" | "exe" | "zip";
}

export interface Settings {
  version: 1;
  language: "auto" | "en" | "zh";
  theme: "auto" | "light" | "dark";
  device: string;
  /** Longest training time of a run, in seconds. */
  maxSeconds: number;
  /** The local API: whether it listens, where, and the key that it asks for (made when it is first switched on). */
  api: { on: boolean; port: number; key: string };
}

/** What is in force until the user changes it; the settings screen names each of these as the usual value. */
export const defaultSettings: Settings = {
  version: 1,
  language: "auto",
  theme: "auto",
  device: "cpu",
  maxSeconds: 45,
  api: { on: false, port: 8642, key: "" },
};

export interface ProjectSummary {
  id: string;
  name: string;
  created: number;
  updated: number;
  file: string;
  rows: number | null;
  target: string | null;
  /** The newest finished run's number that matters, where there is one. */
  score: { metric: string; value: number } | null;
  running: boolean;
}

/** A model on the shelf, as models/<id>/model.json keeps it. */
export interface ImportedModel {
  id: string;
  name: string;
  format: ModelFormat;
  /** The model's file in its folder; of a Hugging Face model, its folder there. */
  file: string;
  /** The name it came by. */
  origin: string;
  imported: number;
  profile: ModelProfile;
  /** A model of another program, used where it lies: it is not ours to rename or remove. */
  place?: { app: FoundModel["app"]; path: string };
}

/** A language model of another program of the user's, used where it lies. */
export interface FoundModel {
  id: string;
  app: "LM Studio" | "Ollama" | "Jan" | "Hugging Face";
  name: string;
  path: string;
  format: Exclude<ModelFormat, "onnx">;
  bytes: number;
}

/** Something to talk with: on the shelf, of another program, or a run that learned to write. */
export interface TalkChoice {
  id: string;
  name: string;
  from: "shelf" | "run" | FoundModel["app"];
  takesAdapter: boolean;
}

/** What a run learned beside a model. */
export interface TalkAdapter {
  id: string;
  name: string;
  /** Name of the model's file or folder. */
  base: string;
}

export interface TalkChoices {
  models: TalkChoice[];
  adapters: TalkAdapter[];
}

/** The local API as it is now. */
export interface Serving {
  on: boolean;
  /** Where clients are pointed to, while it listens. */
  url: string | null;
  /** Why it does not, where it should. */
  error: ErrorRecord | null;
}

/** A turn of a conversation as it is kept. */
export interface ChatTurnRecord extends ChatTurn {
  /** A text that was asked about. */
  file?: { name: string; text: string };
  /** Of an answer: tokens, speed, and why it ended. */
  told?: Pick<Talked, "tokens" | "tokensPerSecond" | "ended" | "dropped">;
}

export interface Chat {
  id: string;
  title: string;
  created: number;
  updated: number;
  model: string;
  adapter?: string;
  system: string;
  maxTokens: number;
  sampling: SamplingSettings;
  turns: ChatTurnRecord[];
}

export type ChatSummary = Pick<Chat, "id" | "title" | "updated" | "model">;

export interface RunSummary {
  id: string;
  project: string;
  created: number;
  state: RunState;
  model: string;
  target: string;
  score: { metric: string; value: number } | null;
  /** It fine-tuned an imported language model. */
  tuned?: true;
  error?: ErrorRecord;
}

export interface Project extends ProjectSummary {
  profile: TableProfile | ImagesProfile | RatingsProfile | LanguageProfile;
  /** What the user chose, or the guess. */
  spec: Omit<TrainSpec, "data">;
  /** Newest first. */
  runs: RunSummary[];
}

export interface Run extends RunSummary {
  progress: RunProgress | null;
  plan: TrainPlan | null;
  result: RunResult | null;
  /** The curve so far, thinned to at most 2,000 points, first and last kept. */
  curve: CurvePoint[];
  /** What a language model wrote so far, by its steps. */
  samples?: TextSample[];
}

/** The line at the bottom. */
export interface Status {
  device: string;
  memory: MemoryReading;
  /** Runs that are under way now. */
  running: { project: string; run: string; name: string; state: RunState }[];
  /** Attempts to reach the network that were refused, in every process, since the start. */
  networkRefused: number;
}

/** Exactly one of `size` and `model` (an id of the shelf, or of a model found elsewhere). */
export interface MemoryQuestion extends MemorySettings {
  size?: string;
  model?: string;
}

export interface HostApi {
  app(): Promise<AppInfo>;
  settings(): Promise<Settings>;
  changeSettings(input: Partial<Omit<Settings, "version">>): Promise<Settings>;
  devices(input?: { again?: boolean }, signal?: AbortSignal): Promise<Device[]>;
  status(): Promise<Status>;

  samples(): Promise<{ id: string; file: string; rows: number; target: string }[]>;
  projects(): Promise<ProjectSummary[]>;
  /** Copies the file into a new project and profiles it; nothing stays behind if that fails or is cancelled. */
  createProject(input: ({ source: Source } & TakenAs) | { sample: string }, signal?: AbortSignal): Promise<Project>;
  /** Takes the project's file as another kind, or another sheet or table of it. What was chosen for training begins anew; the runs stay. */
  retake(input: { id: string } & TakenAs, signal?: AbortSignal): Promise<Project>;
  /** Lays a table that names the items beside a project's ratings, in place of the last one. Throws `titlesMissing` where it names none. */
  addTitles(input: { id: string; source: Source }, signal?: AbortSignal): Promise<Project>;
  project(input: { id: string }): Promise<Project>;
  renameProject(input: { id: string; name: string }): Promise<ProjectSummary>;
  /** Moves the project into the workspace's trash folder; `restoreProject` brings it back. */
  removeProject(input: { id: string }): Promise<void>;
  restoreProject(input: { id: string }): Promise<ProjectSummary>;
  /** Keeps what the user chose (target, ignored columns, settings). */
  changeSpec(input: { id: string; spec: Omit<TrainSpec, "data"> }): Promise<Project>;
  rows(input: { id: string; offset: number; limit: number }, signal?: AbortSignal): Promise<string[][]>;
  /** Pictures of a project from place `offset`: of a class in the order of their names; where none is named, one of each class in turn. */
  pictures(
    input: { id: string; class?: string; offset: number; limit: number },
    signal?: AbortSignal,
  ): Promise<{ total: number; pictures: PictureEntry[] }>;
  /** Small drawings (JPEG or PNG) of pictures of a project, by their names; null where one cannot be read. */
  thumbnails(input: { id: string; names: string[]; pixels: number }, signal?: AbortSignal): Promise<(Uint8Array | null)[]>;
  /** All that is worth knowing of the data for this spec; takes some seconds for large data. */
  health(input: { id: string; spec: Omit<TrainSpec, "data"> }, signal?: AbortSignal): Promise<Problem[]>;
  problemRows(
    input: { id: string; spec: Omit<TrainSpec, "data">; code: Problem["code"]; column?: string; offset: number; limit: number },
    signal?: AbortSignal,
  ): Promise<ProblemRows>;
  plan(input: { id: string; spec: Omit<TrainSpec, "data"> }, signal?: AbortSignal): Promise<TrainPlan>;

  /** Corrections of the project's data that hold, in the order they were made. */
  corrections(input: { id: string }, signal?: AbortSignal): Promise<ListedCorrection[]>;
  /**
   * Sets right the answer of a sample that was seen in a run's result, in the place of what was said of it before; null where that is what the
   * data say. Throws valueInvalid for a class that the run does not know, or what is no number.
   */
  correct(input: { project: string; run: string; hash: string; to: string }, signal?: AbortSignal): Promise<Correction | null>;
  /** Withdraws a correction. */
  undoCorrection(input: { id: string; correction: string }): Promise<void>;

  /** `spec.from` is the id of a run to begin from; what decides the meaning of its weights then comes from it. */
  startRun(input: { project: string; spec: Omit<TrainSpec, "data"> }): Promise<Run>;
  run(input: { project: string; run: string }): Promise<Run>;
  report(input: { project: string; run: string }): Promise<RunReport>;
  /** The samples of a split that are kept to be looked at, the worst first; `columns` names their cells. */
  mistakes(input: { project: string; run: string; split: SplitName }): Promise<{ columns: string[]; mistakes: Mistake[] }>;
  /** How much the model of a table leans on each column: what is known, or (with `measure`) measured now and kept; null where it is not known. */
  importance(input: { project: string; run: string; measure?: boolean }, signal?: AbortSignal): Promise<Importance | null>;
  pauseRun(input: { project: string; run: string }): Promise<void>;
  /** Goes on with a paused run, or resumes one that was interrupted, from its last checkpoint. */
  resumeRun(input: { project: string; run: string }): Promise<void>;
  /** Ends training, keeps the best point, tests it. */
  stopRun(input: { project: string; run: string }): Promise<void>;
  removeRun(input: { project: string; run: string }): Promise<void>;

  form(input: { project: string; run: string }, signal?: AbortSignal): Promise<ModelForm>;
  predict(input: { project: string; run: string; rows: Record<string, string>[] }, signal?: AbortSignal): Promise<Prediction[]>;
  /** How a text becomes numbers for the model of a run. Throws usage where it reads no texts. */
  readText(input: { project: string; run: string; text: string }, signal?: AbortSignal): Promise<TextReading>;
  /** `head` are the first 20 predictions, to be shown at once. */
  predictFile(
    input: { project: string; run: string; source: Source },
    signal?: AbortSignal,
  ): Promise<{ handout: Handout; rows: number; head: Prediction[] }>;
  /** One picture: its answer, a map of where the model looked, and the picture itself, upright, as JPEG or PNG. */
  wherePicture(
    input: { project: string; run: string; source: Source },
    signal?: AbortSignal,
  ): Promise<{ prediction: Prediction; picture: Uint8Array }>;
  /** A project of ratings: users or items whose id or title holds the text, those with most pairs first. */
  findIds(
    input: { project: string; run: string; of: "users" | "items"; text: string; limit: number },
    signal?: AbortSignal,
  ): Promise<FoundId[]>;
  /** What else fits a user, best first; by what most people have where nothing is known of the user. */
  recommend(input: { project: string; run: string; user: string; top: number }, signal?: AbortSignal): Promise<RecommendResult>;
  /** Items that those who have this one have too. */
  similar(input: { project: string; run: string; item: string; top: number }, signal?: AbortSignal): Promise<SimilarResult>;
  /** Goes on with a text; `token` events with this id tell it as it is written, also what a cancelled call wrote. */
  generate(input: { project: string; run: string; id: string } & GenerateSpec, signal?: AbortSignal): Promise<Generated>;
  exportOnnx(input: { project: string; run: string }): Promise<Handout>;
  /** The model in another form, read back and compared before it is handed out; several files come as one zip. */
  exportRun(
    input: { project: string; run: string; to: ExportForm | TunedForm },
    signal?: AbortSignal,
  ): Promise<{ handout: Handout; result: ExportResult }>;

  /** The shelf, the newest first. */
  models(): Promise<ImportedModel[]>;
  /** Language models that other programs on this machine keep, looked for anew. They stay where they are. */
  foundModels(signal?: AbortSignal): Promise<FoundModel[]>;
  /** One of the shelf, or one that was found. */
  model(input: { id: string }): Promise<ImportedModel>;
  /**
   * Copies a model into the shelf, through the gate: a file with the data beside it, or a folder or archive that holds one. `known`: the same
   * bytes were there already, and that model is answered.
   */
  importModel(input: { source: Source }, signal?: AbortSignal): Promise<{ model: ImportedModel; known: boolean }>;
  renameModel(input: { id: string; name: string }): Promise<ImportedModel>;
  /** Moves the model into the workspace's trash folder; `restoreModel` brings it back. */
  removeModel(input: { id: string }): Promise<void>;
  restoreModel(input: { id: string }): Promise<ImportedModel>;
  /** Runs a model once. Outputs that are pictures come small with the answer, and whole as files. */
  runModel(
    input: { id: string; question: Omit<ModelQuestion, "feeds"> & { feeds: Record<string, ModelFeed | { picture: Source }> } },
    signal?: AbortSignal,
  ): Promise<{ answer: ModelAnswer; pictures: { output: string; handout: Handout }[] }>;

  /** What a model of the shelf, or one of so many parameters ("6B"), needs in memory, corrected by what was measured, against each device. */
  planMemory(input: MemoryQuestion, signal?: AbortSignal): Promise<MemoryPlan>;
  /** Does once what is planned, in a worker of its own, and keeps what it took. Throws usage for a mere size. */
  tryMemory(input: MemoryQuestion, signal?: AbortSignal): Promise<MemoryPlan>;

  /** What can be talked with. */
  talkChoices(signal?: AbortSignal): Promise<TalkChoices>;
  /** Opens a model to be talked with, in a process of its own, and says what it is then. */
  talkFacts(input: { model: string; adapter?: string }, signal?: AbortSignal): Promise<TalkFacts>;
  /** An answer; `token` events with this id tell it as it is written. A cancelled call answers what was written. */
  talk(input: { id: string; model: string; adapter?: string } & TalkSpec, signal?: AbortSignal): Promise<Talked>;
  /** Conversations, the newest first. */
  chats(): Promise<ChatSummary[]>;
  chat(input: { id: string }): Promise<Chat>;
  /** Keeps a conversation as a file, in place of what it was. */
  saveChat(input: { chat: Chat }): Promise<ChatSummary>;
  /** Moves a conversation into the trash; `restoreChat` brings it back. */
  removeChat(input: { id: string }): Promise<void>;
  restoreChat(input: { id: string }): Promise<ChatSummary>;
  /** The local API, which `changeSettings` switches. */
  serving(): Promise<Serving>;

  /** Checks an update file and hands its installer out; nothing is installed. Throws updateNoKey, updateInvalid, updateSignature, … */
  checkUpdate(input: { source: Source }, signal?: AbortSignal): Promise<{ update: UpdateInfo; handout: Handout }>;

  /** The lesson keeps one worker of its own, started with the first call and ended by lessonClose or a minute of rest. */
  lessonOpen(input: LessonSpec, signal?: AbortSignal): Promise<LessonState>;
  lessonStep(input: { count: number }, signal?: AbortSignal): Promise<LessonState[]>;
  lessonClose(): Promise<void>;
}

export interface HostEvents {
  status: Status;
  run: { project: string; run: string; progress: RunProgress };
  /** New points of a run's curve, in order. */
  points: { project: string; run: string; points: CurvePoint[] };
  /** What a run of a language model wrote while it learns. */
  sample: { project: string; run: string; sample: TextSample };
  /** More of the text that `generate` or `talk` with this id writes. */
  token: { id: string; text: string };
  /** A run changed its state or was added or removed. */
  runChanged: { project: string; run: RunSummary | null };
  projectsChanged: { ids: string[] };
  modelsChanged: { ids: string[] };
  working: { what: "copying" | "reading" | "profiling" | "encoding" | "predicting"; fraction: number | null };
  settingsChanged: Settings;
  servingChanged: Serving;
}
