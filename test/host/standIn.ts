// A worker without an engine: it speaks the real contract over a real process, and does on demand what a real one does rarely (dies,
// hangs, is killed, refuses). What to do stands in the data file's first column name, or in the run's `config`.
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { createHash } from "node:crypto";
import { AppError } from "../../ipc/error.ts";
import { Listeners, type Port } from "../../ipc/port.ts";
import { type Handlers, type Server, serve } from "../../ipc/rpc.ts";
import type {
  CurvePoint,
  ImagesProfile,
  ModelProfile,
  RunProgress,
  RunRecord,
  RunReport,
  RunResult,
  RunState,
  TableProfile,
  TrainPlan,
  TrainSpec,
} from "../../ipc/types.ts";
import type { WorkerApi, WorkerEvents } from "../../ipc/worker.ts";

const cancelled = () => new AppError("cancelled", "The work was cancelled.", "Start it again when you like.");

/** Waits for ever, or until the signal. */
function never(signal: AbortSignal): Promise<never> {
  // A pending promise alone does not keep a process alive; the channel does.
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(cancelled()), { once: true }));
}

/** Dies as told: "exit 7", "SIGKILL", "memory". */
function die(how: string): void {
  if (how === "SIGKILL") process.kill(process.pid, "SIGKILL");
  writeFileSync(
    2,
    how === "memory" ? "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory\n" : "the last words\n",
  );
  process.exit(how.startsWith("exit ") ? Number(how.slice(5)) : 134);
}

const planOf = ({ model = "resnet", method }: TrainSpec): TrainPlan => ({
  task: "classification",
  target: "class",
  inputs: 1,
  rows: { train: 8, validation: 1, test: 1 },
  model: { name: `${method ?? ""}${model}`, parameters: 1 },
  device: "cpu",
  batch: 1,
  maxEpochs: 1,
  maxSeconds: 1,
  estimatedSeconds: 1,
  estimatedBytes: 1,
  settings: { optimizer: "adamw", lr: 1, schedule: "warmup", weightDecay: 0, batch: 1, seed: 1, shuffle: true, split: true },
});

function modelOf(file: string): ModelProfile {
  const bytes = readFileSync(file);
  return {
    kind: "model",
    file: basename(file),
    format: "onnx",
    family: "mlp",
    bytes: bytes.length,
    files: [],
    fingerprint: createHash("sha256").update(bytes).digest("hex"),
    opsets: { "ai.onnx": 17 },
    parameters: 3_000_000,
    bits: 32,
    weights: [],
    inputs: [],
    outputs: [],
    operators: [],
    nodes: 1,
    about: {},
    memory: { weights: 0, activations: 0, total: 0 },
    measured: { ms: 1 },
    training: { full: { fits: true }, head: { fits: true } },
    backbone: { size: 224, channels: 3, features: 512, tunable: true },
    problems: [],
  };
}

/** A folder counts as one of pictures, each of its files one. */
function picturesOf(folder: string): ImagesProfile {
  const names = readdirSync(folder);
  if (!names.length) throw new AppError("picturesMissing", `'${basename(folder)}' holds no pictures.`, "Put some there.", {});
  return {
    kind: "images",
    file: basename(folder),
    bytes: 10 * names.length,
    rows: names.length,
    classes: [{ name: "all", count: names.length }],
    layout: "folders",
    reason: "",
    problems: [],
    sizes: null,
    formats: { png: names.length },
    fingerprint: createHash("sha256").update(names.join()).digest("hex"),
  };
}

function profileOf(file: string): TableProfile {
  const text = readFileSync(file, "utf8");
  const [header = "", ...lines] = text.trimEnd().split("\n");
  const names = header.split(",");
  const target = names.at(-1)!;
  return {
    kind: "table",
    file: basename(file),
    bytes: Buffer.byteLength(text),
    rows: lines.length,
    columns: names.map((name) => ({ name, type: "number", missing: 0, distinct: lines.length, examples: [] })),
    problems: [],
    dialect: { delimiter: ",", quote: '"', header: true, encoding: "utf-8" },
    targets: [{ column: target, task: "regression" }],
    target: { column: target, task: "regression", reason: "last" },
    preview: lines.slice(0, 5).map((line) => line.split(",")),
    fingerprint: createHash("sha256").update(text).digest("hex"),
  };
}

async function act(name: string, signal: AbortSignal): Promise<void> {
  if (name.startsWith("die ")) die(name.slice(4));
  if (name === "refuse") throw new AppError("fileNotText", "It is not text (byte 0 in row 3).", "Save it as CSV.", { row: 3 });
  if (name === "hang") await never(signal);
  if (name === "deaf") for (;;); // as a native call that does not come back
}

let wake = () => {};
let want: "go" | "pause" | "stop" = "go";

async function train(folder: string, signal: AbortSignal): Promise<RunResult> {
  const path = join(folder, "run.json");
  const record = JSON.parse(readFileSync(path, "utf8")) as RunRecord;
  const config = (record.spec.config ?? {}) as {
    steps?: number;
    dieAt?: number;
    die?: string;
    holdAt?: number;
    refuse?: string;
    silent?: boolean;
  };
  const steps = config.steps ?? 20;
  const checkpoint = join(folder, "checkpoints", "last", "state.json");
  const from = existsSync(checkpoint) ? (JSON.parse(readFileSync(checkpoint, "utf8")) as { step: number }).step : 0;
  let state: RunState = "preparing";
  const write = (more: Partial<RunRecord>) => {
    writeFileSync(`${path}.tmp`, JSON.stringify({ ...record, state, ...more }));
    renameSync(`${path}.tmp`, path);
  };
  const tell = (step: number, point?: CurvePoint) => {
    const progress: RunProgress = {
      state,
      epoch: step / 10,
      maxEpochs: steps / 10,
      step,
      maxSteps: steps,
      metricName: "r2",
      point,
      rowsPerSecond: 1000,
      stepMs: 1,
      secondsLeft: null,
      seconds: step / 1000,
      memory: { workerBytes: process.memoryUsage.rss(), deviceKind: "ram", deviceUsedBytes: 1, deviceTotalBytes: 2 },
      referee: { code: "learning", data: {}, message: "It learns." },
    };
    told.emit("progress", progress);
  };
  if (config.refuse) throw new AppError("targetConstant", "The column has one value only.", "Choose another target.", { column: "y" });
  told.emit("refused", 2);
  mkdirSync(join(folder, "checkpoints", "last"), { recursive: true });
  state = "running";
  write({});
  for (let step = from + 1; step <= steps; step++) {
    await new Promise((resolve) => setImmediate(resolve));
    if (step === config.dieAt && from < step - 1) die(config.die ?? "exit 7");
    const point: CurvePoint = { step, epoch: step / 10, seconds: step / 1000, lr: 0.1, trainLoss: 1 / step };
    appendFileSync(join(folder, "metrics.jsonl"), `${JSON.stringify(point)}\n`);
    told.emit("point", point);
    tell(step, point);
    if (!config.silent) writeFileSync(checkpoint, JSON.stringify({ step }));
    if (step === config.holdAt && from < step)
      await new Promise<void>((resolve) => ((wake = resolve), signal.addEventListener("abort", () => resolve())));
    if (want === "pause") {
      state = "paused";
      write({});
      tell(step);
      await new Promise<void>((resolve) => ((wake = resolve), signal.addEventListener("abort", () => resolve())));
      state = "running";
      tell(step);
    }
    if (signal.aborted) {
      state = "interrupted";
      write({});
      throw new AppError("interrupted", `Interrupted at step ${step}.`, "Resume it.", { step });
    }
    if (want === "stop") break;
  }
  const metrics = { loss: 0.1, r2: 0.9, rmse: 0.3, mae: 0.2 };
  const verdict = { beatsConstant: true, beatsLinear: true, metric: "r2", network: 0.9, constant: 0, linear: 0.5 };
  const baseline = { constant: { r2: 0 }, linear: { r2: 0.5 } };
  const result: RunResult = {
    run: folder,
    task: "regression",
    model: { name: "mlp", parameters: 10, trainable: 10 },
    device: "cpu",
    metrics: { train: metrics, validation: metrics, test: metrics },
    baseline,
    verdict,
    seconds: 1,
    steps,
    epochs: 2,
    bestStep: steps,
    peakMemoryBytes: 1,
    stopped: want === "stop" ? "interrupted" : "converged",
    onnx: join(folder, "model.onnx"),
  };
  const report: RunReport = {
    version: 2,
    kind: "table",
    task: "regression",
    target: "y",
    rows: { train: 8, validation: 1, test: 1 },
    metrics: result.metrics,
    baseline,
    verdict,
    parts: { train: null, validation: null, test: null },
  };
  writeFileSync(join(folder, "report.json"), JSON.stringify(report));
  writeFileSync(result.onnx, "a model");
  state = "done";
  write({ result });
  tell(steps);
  return result;
}

let line = { step: 0, a: 0, b: 0 };
const lineState = () => ({ ...line, loss: 0, gradient: { a: 0, b: 0 }, nudge: { a: 0, b: 0 }, settled: false });
const missing = (name: string) => new AppError("internal", `The stand-in has no '${name}'.`, "Use the real worker.");

const handlers = {
  talkFacts: async () => ({ context: 512, template: true, by: "llama.cpp", parallel: 1, cached: true, embeds: true, json: true }),
  /** Says the last question back in capitals, a letter at a time; "die" kills it, "wait" writes until it is stopped. */
  talk: async ({ id, asked, maxTokens }, signal) => {
    const question = "text" in asked ? asked.text : asked.turns.at(-1)!.content;
    if (question.startsWith("die")) die(question.slice(4));
    const letters = [...question.toUpperCase()].slice(0, maxTokens);
    for (const text of letters) told.emit("token", { id, text });
    while (question === "wait" && !signal.aborted) await new Promise((resolve) => setTimeout(resolve, 5));
    const text = letters.join("");
    const ended = signal.aborted ? "stopped" : "end";
    const counts = { tokens: letters.length, promptTokens: 3, tokensPerSecond: 100, firstTokenMs: 1, dropped: 0 };
    return { text, ...counts, ended, context: { size: 512, used: 3 + letters.length } };
  },
  embed: async ({ texts }) => ({ vectors: texts.map((text) => [text.length, 0]), tokens: texts.length }),
  importModel: async ({ source, into }) => {
    mkdirSync(into, { recursive: true });
    const file = basename(source);
    copyFileSync(source, join(into, file));
    if (readFileSync(source, "utf8") === "broken") throw new AppError("modelInvalid", "It is no model.", "Choose another.", { file });
    return { file };
  },
  askModel: async ({ file, question, out }) => {
    const path = join(out!, "drawn.png");
    mkdirSync(out!, { recursive: true });
    writeFileSync(path, "drawn");
    const [asked] = Object.values(question.feeds);
    const given = asked && "picture" in asked ? readFileSync(asked.picture, "utf8") : JSON.stringify(asked);
    const values = [basename(file), given];
    return { ms: 1, outputs: [{ name: "drawn", dtype: "string", dims: [2], shown: "values", values }], files: [{ output: "drawn", path }] };
  },
  inspect: async ({ file, kind, part }, signal) => {
    if (file.endsWith(".onnx")) return modelOf(file);
    if (statSync(file).isDirectory()) return picturesOf(file);
    if (part === "none") throw new AppError("partMissing", "There is no 'none' in it.", "Choose another.", { part });
    const whole = profileOf(file);
    const profile: TableProfile = {
      ...whole,
      ...(kind === "text" ? { kind, text: whole.columns[0]!.name } : {}),
      ...(part === undefined ? {} : { part, parts: [{ name: "first" }, { name: part }], rows: 1 }),
    };
    told.emit("working", { what: "reading", fraction: 0.5 });
    await act(profile.columns[0]!.name, signal);
    return profile;
  },
  rows: async ({ file, part, offset, limit }) =>
    part === undefined ? profileOf(file).preview.slice(offset, offset + limit) : [[part, String(limit)]],
  health: async () => [],
  problemRows: () => Promise.reject(missing("problemRows")),
  plan: ({ spec }) => (spec.task === "images" ? Promise.resolve(planOf(spec)) : Promise.reject(missing("plan"))),
  train: ({ run }, signal) => train(run, signal),
  pause: async () => {
    want = "pause";
    wake();
  },
  resume: async () => {
    want = "go";
    wake();
  },
  stop: async () => {
    want = "stop";
    wake();
  },
  form: async () => ({ task: "regression", target: "y", fields: [{ name: "x", type: "number", example: "1" }] }),
  predict: async ({ rows }, signal) => {
    await act(rows[0]?.["x"] ?? "", signal);
    return rows.map((row, i) => ({ row: i + 1, prediction: 2 * Number(row["x"]) }));
  },
  predictFile: async ({ file, out }) => {
    const predictions = profileOf(file).preview.map((row, i) => ({ row: i + 1, prediction: 2 * Number(row[0]) }));
    writeFileSync(out, `prediction\n${predictions.map((one) => one.prediction).join("\n")}\n`);
    return { out, rows: predictions.length, predictions };
  },
  readText: () => Promise.reject(missing("readText")),
  explain: () => Promise.reject(missing("explain")),
  pictures: () => Promise.reject(missing("pictures")),
  thumbnails: () => Promise.reject(missing("thumbnails")),
  wherePicture: () => Promise.reject(missing("wherePicture")),
  generate: () => Promise.reject(missing("generate")),
  recommend: () => Promise.reject(missing("recommend")),
  findIds: () => Promise.reject(missing("findIds")),
  similar: () => Promise.reject(missing("similar")),
  evaluate: () => Promise.reject(missing("evaluate")),
  importance: () => Promise.reject(missing("importance")),
  exportRun: () => Promise.reject(missing("exportRun")),
  lessonOpen: async ({ a = 0, b = 0 }) => {
    line = { step: 0, a, b };
    return lineState();
  },
  lessonStep: async ({ count }) => {
    line.step += count;
    return [lineState()];
  },
  lessonFit: async () => ({ a: 4, b: 2, loss: 0, steps: 10 }),
  grad: () => Promise.reject(missing("grad")),
  trainStep: () => Promise.reject(missing("trainStep")),
  bench: () => Promise.reject(missing("bench")),
  suite: () => Promise.reject(missing("suite")),
  benchSuite: () => Promise.reject(missing("benchSuite")),
  logits: () => Promise.reject(missing("logits")),
  forecastMemory: () => Promise.reject(missing("forecastMemory")),
  tryMemory: () => Promise.reject(missing("tryMemory")),
  peak: async () => 1e8,
  findSamples: () => Promise.reject(missing("findSamples")),
  probe: async ({ device }, signal) => {
    if (device === "webgpu") die("exit 9");
    if (device === "tensorflow" || device === "coreml") await never(signal);
    return {
      id: device,
      kind: "cpu",
      name: `Stand-in ${process.pid}`,
      memoryBytes: null,
      usedBytes: null,
      works: device === "cpu",
      why: "",
    };
  },
} satisfies Handlers<WorkerApi>;

const messages = new Listeners<[unknown]>();
process.on("message", (message) => messages.tell(message));
process.on("disconnect", () => process.env["STAND_IN_STAYS"] ?? process.exit(0));
if (process.env["STAND_IN_STAYS"]) setInterval(() => {}, 1000);
const port: Port = {
  send: (message) => process.send?.(message),
  onMessage: (listener) => messages.add(listener),
  onClose: () => () => {},
  close: () => process.disconnect(),
};
const told: Server<WorkerEvents> = serve<WorkerApi, WorkerEvents>(port, handlers);
