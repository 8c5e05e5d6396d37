// What may come in at the border, by method. An id is letters, digits and dashes, so that none is ever a path; numbers are finite and in
// range; unknown fields are refused, so that a misspelt setting is not silently ignored.
import * as v from "valibot";
import type { HostApi } from "../ipc/host.ts";
import { AppError } from "../ipc/error.ts";
import type { DataKind } from "../ipc/types.ts";
import { idPattern } from "./paths.ts";
import { settingsChange } from "./settings.ts";

const id = v.pipe(v.string(), v.regex(idPattern, "is not an id"));
const text = (limit: number) => v.pipe(v.string(), v.maxLength(limit, `may have at most ${limit} characters`));
const whole = (min: number, max: number) => v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max));
const real = (min: number, max: number) => v.pipe(v.number(), v.finite(), v.minValue(min), v.maxValue(max));
const name = text(10_000);
const path = v.pipe(
  text(32_768),
  v.minLength(1, "is empty"),
  v.check((value) => !value.includes("\0"), "has a NUL in it"),
);

const source = v.variant("kind", [v.strictObject({ kind: v.literal("path"), path }), v.strictObject({ kind: v.literal("upload"), id })]);

/** Every kind of data; the type asks for each. */
const kinds: Record<DataKind, true> = { table: true, text: true, images: true, ratings: true, chats: true, language: true };
const columns = v.strictObject({ user: name, item: name, rating: v.optional(name), time: v.optional(name) });
const takenAs = {
  kind: v.optional(v.picklist(Object.keys(kinds) as DataKind[])),
  part: v.optional(name),
  columns: v.optional(columns),
};
const cut = v.tuple([v.pipe(v.number(), v.finite()), v.pipe(v.number(), v.finite())]);
const splitBy = v.variant("by", [
  v.strictObject({ by: v.literal("random") }),
  v.strictObject({ by: v.literal("stratified"), kept: v.optional(v.record(text(10_000), cut)) }),
  v.strictObject({ by: v.literal("group"), column: name }),
  v.strictObject({ by: v.literal("time"), column: name, kept: v.optional(v.tuple([text(40), text(40)])) }),
]);

/** A TrainSpec without its data file, whose place the host decides. Ranges are those of sense, not of taste; the worker knows more. */
export const spec = v.strictObject({
  ...takenAs,
  target: v.optional(name),
  task: v.optional(v.picklist(["auto", "regression", "classification", "text", "images", "recommend", "language"])),
  model: v.optional(v.pipe(v.string(), v.regex(/^[a-z][a-zA-Z0-9-]{0,39}$/, "is not the name of a model family"))),
  from: v.optional(id),
  shelf: v.optional(v.union([v.literal(""), id])),
  method: v.optional(v.picklist(["head", "last", "full", "lora", "qlora"])),
  rank: v.optional(whole(1, 1024)),
  alpha: v.optional(real(1e-6, 1e6)),
  accumulate: v.optional(whole(1, 1 << 16)),
  prompts: v.optional(v.pipe(v.array(text(2000)), v.maxLength(5, "has more than 5 prompts"))),
  pixels: v.optional(v.picklist(["0..1", "-1..1", "0..255", "imagenet"])),
  config: v.optional(v.record(text(100), v.union([v.pipe(v.number(), v.finite()), text(1000), v.boolean()]))),
  ignore: v.optional(v.array(name)),
  optimizer: v.optional(v.picklist(["sgd", "momentum", "adam", "adamw", "muon"])),
  lr: v.optional(real(1e-12, 1e6)),
  schedule: v.optional(v.picklist(["constant", "step", "cosine", "warmup", "onecycle", "plateau"])),
  weightDecay: v.optional(real(0, 1e6)),
  classWeight: v.optional(v.picklist(["none", "balanced"])),
  batch: v.optional(whole(1, 1 << 24)),
  epochs: v.optional(whole(1, 1e9)),
  steps: v.optional(whole(1, 1e12)),
  seconds: v.optional(real(0.001, 1e9)),
  shuffle: v.optional(v.boolean()),
  split: v.optional(v.boolean()),
  splitBy: v.optional(splitBy),
  seed: v.optional(whole(0, 2 ** 32 - 1)),
  device: v.optional(v.pipe(v.string(), v.regex(/^[a-z0-9:-]{1,40}$/, "is not the name of a device"))),
  precision: v.optional(v.picklist(["full", "mixed"])),
  logLosses: v.optional(v.boolean()),
});

const ofRun = v.strictObject({ project: id, run: id });
const ofProject = v.strictObject({ id });
const points = v.pipe(
  v.array(v.pipe(v.number(), v.finite())),
  v.minLength(1, "is empty"),
  v.maxLength(10_000, "has more than 10,000 points"),
);

const feed = v.union([
  v.strictObject({ fill: v.picklist(["zeros", "ones", "random"]) }),
  v.strictObject({ numbers: text(50_000_000) }),
  v.strictObject({ texts: v.pipe(v.array(text(1_000_000)), v.minLength(1), v.maxLength(1000)) }),
  v.strictObject({ picture: source }),
]);
const question = v.strictObject({
  feeds: v.record(name, feed),
  sizes: v.optional(v.record(name, whole(1, 1 << 24))),
  pixels: v.optional(v.picklist(["0..1", "-1..1", "0..255", "imagenet"])),
});
const title = v.pipe(v.string(), v.trim(), v.minLength(1, "is empty"), v.maxLength(200, "is longer than 200 characters"));

/** A size is read by the worker; here it only must not be a path. */
const memoryQuestion = v.strictObject({
  size: v.optional(v.pipe(text(40), v.regex(/^\s*[+-]?[\d.,]+(?:e[+-]?\d+)?\s*[a-z]*\s*$/i, "is no size such as 6B"))),
  model: v.optional(id),
  method: v.optional(v.picklist(["inference", "full", "head", "lora", "qlora"])),
  bits: v.optional(v.picklist([32, 16, 8, 4])),
  batch: v.optional(whole(1, 1 << 20)),
  context: v.optional(whole(1, 1 << 22)),
});

/** A model's id, or a run's: "<project>/<run>". */
const talkId = v.pipe(v.string(), v.regex(/^[a-z0-9-]{1,80}(\/[a-z0-9-]{1,80})?$/, "is not an id"));
const talkIds = { model: talkId, adapter: v.optional(talkId) };
const turn = v.strictObject({ role: v.picklist(["system", "user", "assistant"]), content: text(4_000_000) });
const sampling = v.strictObject({
  temperature: v.optional(real(0, 10)),
  topK: v.optional(whole(0, 1 << 20)),
  topP: v.optional(real(0.001, 1)),
  minP: v.optional(real(0, 1)),
  repeatPenalty: v.optional(real(0.1, 10)),
  seed: v.optional(whole(0, 2 ** 32 - 1)),
});
/** A conversation, as it comes in and as its file is read. */
export const chatSchema = v.strictObject({
  id,
  title: text(200),
  created: v.number(),
  updated: v.number(),
  model: v.union([talkId, v.literal("")]),
  adapter: v.optional(talkId),
  system: text(1_000_000),
  maxTokens: whole(1, 100_000),
  sampling,
  turns: v.pipe(
    v.array(
      v.strictObject({
        ...turn.entries,
        file: v.optional(v.strictObject({ name: text(1000), text: text(4_000_000) })),
        told: v.optional(
          v.strictObject({
            tokens: v.number(),
            tokensPerSecond: v.number(),
            ended: v.picklist(["length", "end", "stopped"]),
            dropped: v.number(),
          }),
        ),
      }),
    ),
    v.maxLength(10_000),
  ),
});

/** One schema for each method that takes an input. */
export const inputs = {
  changeSettings: settingsChange,
  devices: v.optional(v.strictObject({ again: v.optional(v.boolean()) })),
  createProject: v.union([v.strictObject({ source, ...takenAs }), v.strictObject({ sample: id })]),
  retake: v.strictObject({ id, ...takenAs }),
  addTitles: v.strictObject({ id, source }),
  project: ofProject,
  renameProject: v.strictObject({
    id,
    name: v.pipe(v.string(), v.trim(), v.minLength(1, "is empty"), v.maxLength(200, "is longer than 200 characters")),
  }),
  removeProject: ofProject,
  restoreProject: ofProject,
  changeSpec: v.strictObject({ id, spec }),
  rows: v.strictObject({ id, offset: whole(0, Number.MAX_SAFE_INTEGER), limit: whole(0, 1000) }),
  pictures: v.strictObject({ id, class: v.optional(name), offset: whole(0, Number.MAX_SAFE_INTEGER), limit: whole(0, 1000) }),
  thumbnails: v.strictObject({
    id,
    names: v.pipe(v.array(name), v.maxLength(200, "has more than 200 names")),
    pixels: whole(8, 512),
  }),
  health: v.strictObject({ id, spec }),
  problemRows: v.strictObject({
    id,
    spec,
    code: v.pipe(v.string(), v.regex(/^[a-zA-Z]{1,40}$/, "is not a code")),
    column: v.optional(name),
    offset: whole(0, Number.MAX_SAFE_INTEGER),
    limit: whole(0, 1000),
  }),
  plan: v.strictObject({ id, spec }),
  corrections: ofProject,
  correct: v.strictObject({
    project: id,
    run: id,
    hash: v.pipe(v.string(), v.regex(/^[0-9a-f]{1,64}$/, "is not a hash")),
    to: text(10_000),
  }),
  undoCorrection: v.strictObject({ id, correction: id }),
  startRun: v.strictObject({ project: id, spec }),
  run: ofRun,
  report: ofRun,
  mistakes: v.strictObject({ project: id, run: id, split: v.picklist(["train", "validation", "test"]) }),
  importance: v.strictObject({ project: id, run: id, measure: v.optional(v.boolean()) }),
  pauseRun: ofRun,
  resumeRun: ofRun,
  stopRun: ofRun,
  removeRun: ofRun,
  form: ofRun,
  predict: v.strictObject({
    project: id,
    run: id,
    rows: v.pipe(
      v.array(v.record(name, text(1_000_000))),
      v.maxLength(10_000, "has more than 10,000 rows: predict a file of them instead"),
    ),
  }),
  readText: v.strictObject({ project: id, run: id, text: text(1_000_000) }),
  predictFile: v.strictObject({ project: id, run: id, source }),
  wherePicture: v.strictObject({ project: id, run: id, source }),
  findIds: v.strictObject({ project: id, run: id, of: v.picklist(["users", "items"]), text: text(1000), limit: whole(1, 200) }),
  recommend: v.strictObject({ project: id, run: id, user: name, top: whole(1, 200) }),
  similar: v.strictObject({ project: id, run: id, item: name, top: whole(1, 200) }),
  generate: v.strictObject({
    project: id,
    run: id,
    id,
    prompt: text(100_000),
    maxTokens: whole(1, 10_000),
    temperature: real(0, 10),
    topK: v.optional(whole(1, 1 << 20)),
    topP: v.optional(real(0.001, 1)),
    seed: v.optional(whole(0, 2 ** 32 - 1)),
  }),
  exportOnnx: ofRun,
  exportRun: v.strictObject({
    project: id,
    run: id,
    to: v.picklist(["onnx", "onnx-int8", "tfjs", "safetensors", "peft", "gguf-lora", "gguf"]),
  }),
  model: ofProject,
  importModel: v.strictObject({ source }),
  renameModel: v.strictObject({ id, name: title }),
  removeModel: ofProject,
  restoreModel: ofProject,
  runModel: v.strictObject({ id, question }),
  planMemory: memoryQuestion,
  tryMemory: memoryQuestion,
  talkFacts: v.strictObject(talkIds),
  talk: v.strictObject({
    id,
    ...talkIds,
    asked: v.union([
      v.strictObject({ turns: v.pipe(v.array(turn), v.minLength(1), v.maxLength(10_000)) }),
      v.strictObject({ text: text(4_000_000) }),
    ]),
    maxTokens: whole(1, 100_000),
    sampling: v.optional(sampling),
    stop: v.optional(v.pipe(v.array(text(1000)), v.maxLength(16))),
    json: v.optional(v.union([v.literal("object"), v.strictObject({ schema: v.record(v.string(), v.unknown()) })])),
  }),
  chat: ofProject,
  saveChat: v.strictObject({ chat: chatSchema }),
  removeChat: ofProject,
  restoreChat: ofProject,
  checkUpdate: v.strictObject({ source }),
  lessonOpen: v.strictObject({
    x: points,
    y: points,
    optimizer: v.picklist(["sgd", "momentum", "adam"]),
    lr: real(0, 1e6),
    a: v.optional(v.pipe(v.number(), v.finite())),
    b: v.optional(v.pipe(v.number(), v.finite())),
  }),
  lessonStep: v.strictObject({ count: whole(1, 1_000_000) }),
} satisfies Partial<Record<keyof HostApi, v.GenericSchema>>;

/** The value, checked; else `usage` that names the field. */
export function checked<T>(schema: v.GenericSchema<unknown, T>, value: unknown, what: string): T {
  const parsed = v.safeParse(schema, value);
  if (parsed.success) return parsed.output;
  const issue = parsed.issues[0];
  const field = v.getDotPath(issue) ?? "";
  throw new AppError(
    "usage",
    `'${what}' was asked with ${field ? `a wrong '${field}'` : "a wrong input"}: ${issue.message}.`,
    "Correct it and ask again.",
    {
      field,
      method: what,
    },
  );
}
