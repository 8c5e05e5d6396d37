// A host with no worker behind it, for tests and the dev page: every call of the contract is answered from made data, and a training
// goes as far as `advance` pushes it.
import { AppError } from "../../ipc/error.ts";
import {
  defaultSettings,
  type Handout,
  type HostApi,
  type HostEvents,
  type ImportedModel,
  type Project,
  type ProjectSummary,
  type Run,
  type RunSummary,
  type Settings,
  type Status,
} from "../../ipc/host.ts";
import { memoryPair, type Port } from "../../ipc/port.ts";
import { type Handlers, serve, type Server } from "../../ipc/rpc.ts";
import type {
  CurvePoint,
  Importance,
  LessonSpec,
  LessonState,
  ListedCorrection,
  ModelForm,
  Prediction,
  RunReport,
  RunState,
  TableProfile,
  TrainPlan,
} from "../../ipc/types.ts";
import { memoryPlan } from "./memory.ts";
import { fakeChats } from "./chats.ts";
import { foundModel, foundModels, importedModel, modelAnswer } from "./models.ts";
import { homeRow, homes, penguins } from "./tables.ts";
import { importance, mistakes, report } from "./reports.ts";
import { maxEpochs, plan, point, points, progress, result, stepsAnEpoch } from "./training.ts";

const start = Date.UTC(2025, 2, 14, 9, 30);

interface FakeRun {
  summary: RunSummary;
  plan: TrainPlan;
  step: number;
  curve: CurvePoint[];
  report: RunReport | undefined;
  importance?: Importance;
}

interface FakeProject {
  record: Project & { profile: TableProfile };
  runs: FakeRun[];
  corrections: ListedCorrection[];
}

/** Never ends but by being cancelled. */
function cancelled(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) =>
    signal.addEventListener("abort", () => reject(new AppError("cancelled", "Cancelled.", "")), { once: true }),
  );
}

export class FakeHost {
  settings: Settings = defaultSettings;
  /** Milliseconds a word of an answer. */
  pace = 0;
  networkRefused = 0;
  /** Set to make the next createProject fail with it. */
  refuse: AppError | undefined;
  /** Whether what takes long takes until it is cancelled. */
  slow = false;
  /** True: no new connection is answered. */
  deaf = false;
  /** Every call that came, by name, for tests that ask whether one did. */
  readonly asked: string[] = [];
  #projects = new Map<string, FakeProject>();
  #trash = new Map<string, FakeProject>();
  #models: readonly ImportedModel[] = [];
  #removed = new Map<string, ImportedModel>();
  #servers = new Set<Server<HostEvents>>();
  #ports = new Set<Port>();
  #next = 1;
  #lesson: { spec: LessonSpec; state: LessonState } | undefined;

  /** A new connection, as a door would open one. */
  open = async (): Promise<Port> => {
    if (this.deaf) throw new AppError("connectionLost", "Nobody answers.", "Try again.");
    const [here, there] = memoryPair();
    const server = serve<HostApi, HostEvents>(there, this.#counted());
    this.#servers.add(server);
    this.#ports.add(there);
    there.onClose(() => this.#servers.delete(server));
    return here;
  };

  /** Loses every connection. */
  drop(reason = "gone"): void {
    for (const port of this.#ports) port.close(reason);
    this.#ports.clear();
  }

  addProject(profile: TableProfile, name = profile.file.replace(/\.[a-z]+$/, "")): Project {
    const id = `p${this.#next++}`;
    const target = profile.target;
    const record: FakeProject["record"] = {
      id,
      name,
      created: start,
      updated: start + this.#next * 3_600_000,
      file: profile.file,
      rows: profile.rows,
      target: target?.column ?? null,
      score: null,
      running: false,
      profile,
      spec: target ? { target: target.column, task: target.task } : {},
      runs: [],
    };
    this.#projects.set(id, { record, runs: [], corrections: [] });
    return record;
  }

  /** Adds a training that stands at the step, or is done. */
  addRun(project: string, state: RunState, step = 800, weak = false): RunSummary {
    const found = this.#find(project);
    const { profile, spec } = found.record;
    const target = spec.target ?? "";
    const task = spec.task === "regression" ? "regression" : "classification";
    const made = plan(profile, target, task, spec.ignore ?? [], spec);
    const id = `r${this.#next++}`;
    const summary: RunSummary = { id, project, created: start + this.#next * 600_000, state, model: "mlp", target, score: null };
    const run: FakeRun = { summary, plan: made, step, curve: points(0, step, task), report: undefined };
    found.runs.unshift(run);
    if (state === "done") this.#finish(run, weak);
    this.#tell(found);
    return run.summary;
  }

  /** Pushes a running training on by so many steps and tells the screens; ends it at its last step. */
  advance(project: string, run: string, steps: number): void {
    const found = this.#find(project);
    const one = this.#findRun(project, run);
    if (one.summary.state !== "running") return;
    const to = Math.min(one.step + steps, maxEpochs * stepsAnEpoch);
    const fresh = points(one.step, to, one.plan.task);
    one.step = to;
    one.curve.push(...fresh);
    this.emit("points", { project, run, points: fresh });
    this.emit("run", { project, run, progress: progress("running", to, one.plan.task) });
    if (to >= maxEpochs * stepsAnEpoch) this.#end(found, one);
  }

  emit<K extends keyof HostEvents>(name: K, value: HostEvents[K]): void {
    for (const server of this.#servers) server.emit(name, value);
  }

  status(): Status {
    const running = [...this.#projects.values()].flatMap(({ record, runs }) =>
      runs
        .filter(({ summary }) => ["running", "paused", "preparing"].includes(summary.state))
        .map(({ summary }) => ({ project: record.id, run: summary.id, name: record.name, state: summary.state })),
    );
    return {
      device: "CPU, 8 cores",
      memory: { workerBytes: 214_000_000, deviceKind: "ram", deviceUsedBytes: 6_900_000_000, deviceTotalBytes: 16_600_000_000 },
      running,
      networkRefused: this.networkRefused,
    };
  }

  #counted(): Handlers<HostApi> {
    const handlers = this.#handlers();
    for (const name of Object.keys(handlers) as (keyof HostApi)[]) {
      const body = handlers[name] as (input: never, signal: AbortSignal) => Promise<unknown>;
      Object.assign(handlers, { [name]: (input: never, signal: AbortSignal) => (this.asked.push(name), body(input, signal)) });
    }
    return handlers;
  }

  #handlers(): Handlers<HostApi> {
    return {
      app: async () => ({
        version: "0.1.0",
        door: "browser",
        platform: "linux",
        workspace: "~/Paddock",
        cores: 8,
        memoryBytes: 16_600_000_000,
        updates: true,
      }),
      settings: async () => this.settings,
      changeSettings: async (input) => {
        this.settings = { ...this.settings, ...input };
        this.emit("settingsChanged", this.settings);
        return this.settings;
      },
      devices: async () => [
        { id: "cpu", kind: "cpu", name: "CPU, 8 cores", memoryBytes: 16_600_000_000, usedBytes: 6_900_000_000, works: true, why: "" },
        { id: "webgpu", kind: "webgpu", name: "WebGPU", memoryBytes: null, usedBytes: null, works: false, why: "No adapter was found." },
      ],
      status: async () => this.status(),
      samples: async () => [
        { id: "penguins", file: "penguins.csv", rows: 344, target: "species" },
        { id: "homes", file: "homes.csv", rows: 10_000, target: "price" },
        { id: "tips", file: "tips.csv", rows: 244, target: "tip" },
      ],
      projects: async () => [...this.#projects.values()].map(({ record }) => summarize(record)),
      createProject: async (input) => {
        if (this.refuse) throw this.refuse;
        const record = this.addProject("sample" in input && input.sample === "penguins" ? penguins : homes);
        this.emit("projectsChanged", { ids: [record.id] });
        return record;
      },
      retake: async ({ id, kind, part }, signal) => {
        if (this.slow) await cancelled(signal);
        const found = this.#find(id);
        const { profile } = found.record;
        const taken = profile.taken && kind ? { ...profile.taken, kind, because: "asked" as const } : profile.taken;
        const as = { ...(kind === "text" || kind === "table" ? { kind } : {}), ...(part === undefined ? {} : { part }) };
        found.record = {
          ...found.record,
          profile: { ...profile, ...(taken ? { taken } : {}), ...as },
          spec: { ...found.record.spec, ...as },
        };
        return found.record;
      },
      project: async ({ id }) => this.#find(id).record,
      renameProject: async ({ id, name }) => {
        const found = this.#find(id);
        found.record = { ...found.record, name };
        return summarize(found.record);
      },
      removeProject: async ({ id }) => {
        this.#trash.set(id, this.#find(id));
        this.#projects.delete(id);
      },
      restoreProject: async ({ id }) => {
        const found = this.#trash.get(id);
        if (!found) throw new AppError("projectMissing", `There is no project '${id}'.`, "Look in the list.", { id });
        this.#trash.delete(id);
        this.#projects.set(id, found);
        return summarize(found.record);
      },
      changeSpec: async ({ id, spec }) => {
        const found = this.#find(id);
        found.record = { ...found.record, spec, target: spec.target ?? found.record.target };
        return found.record;
      },
      rows: async ({ id, offset, limit }) => {
        const { profile } = this.#find(id).record;
        const count = Math.max(0, Math.min(limit, profile.rows - offset));
        return Array.from({ length: count }, (_, i) =>
          profile.file === homes.file ? homeRow(offset + i + 1) : (profile.preview[i % 20] ?? []),
        );
      },
      pictures: async () => ({ total: 0, pictures: [] }),
      thumbnails: async ({ names }) => names.map(() => null),
      health: async ({ id }) => this.#find(id).record.profile.problems.map((one) => ({ ...one, shows: one.code !== "freeTextColumn" })),
      problemRows: async ({ id, column, offset, limit }) => {
        const { profile } = this.#find(id).record;
        const total = 37;
        const count = Math.max(0, Math.min(limit, total - offset));
        const rows = Array.from({ length: count }, (_, i) => ({ row: 100 + offset + i, cells: homeRow(100 + offset + i) }));
        return { total, column: column === undefined ? null : profile.columns.findIndex(({ name }) => name === column), rows };
      },
      plan: async ({ id, spec }) => {
        const { profile } = this.#find(id).record;
        const target = spec.target ?? "";
        const task = profile.targets.find((one) => one.column === target)?.task ?? "regression";
        return plan(profile, target, task, spec.ignore ?? [], spec);
      },
      corrections: async ({ id }) => this.#find(id).corrections,
      correct: async ({ project, run, hash, to }) => {
        const found = this.#find(project);
        const { report: made, plan: planned } = this.#findRun(project, run);
        const one = (["train", "validation", "test"] as const)
          .flatMap((split) => mistakes(found.record.profile, planned, split).mistakes)
          .find((mistake) => mistake.hash === hash);
        if (!made || !one || (!made.classes && !Number.isFinite(Number(to))))
          throw new AppError("valueInvalid", `'${to}' is no number.`, "Write it with digits.", { value: to });
        const when = start + this.#next++ * 600_000;
        const correction: ListedCorrection = { id: `c${this.#next}`, when, origin: "result", run, hash, row: one.row, target: made.target, from: one.truth, to, lost: false }; // prettier-ignore
        found.corrections = [...found.corrections.filter((other) => other.hash !== hash), correction];
        this.emit("projectsChanged", { ids: [project] });
        return correction;
      },
      undoCorrection: async ({ id, correction }) => {
        const found = this.#find(id);
        found.corrections = found.corrections.filter((one) => one.id !== correction);
        this.emit("projectsChanged", { ids: [id] });
      },
      startRun: async ({ project, spec }) => {
        const found = this.#find(project);
        if (spec.from === undefined) found.record = { ...found.record, spec };
        const { id } = this.addRun(project, "running", 4);
        this.emit("status", this.status());
        return this.#record(this.#findRun(project, id));
      },
      run: async ({ project, run }) => this.#record(this.#findRun(project, run)),
      report: async ({ project, run }) => {
        const { report: made } = this.#findRun(project, run);
        if (!made) throw new AppError("runNotTrained", "The run has no report yet.", "Wait until it is done.", { run });
        return made;
      },
      mistakes: async ({ project, run, split }) => {
        const found = this.#findRun(project, run);
        if (!found.report) throw new AppError("runNotTrained", "The run has no report yet.", "Wait until it is done.", { run });
        return mistakes(this.#find(project).record.profile, found.plan, split);
      },
      importance: async ({ project, run, measure }) => {
        const one = this.#findRun(project, run);
        if (measure) one.importance = importance(this.#find(project).record.profile, one.plan);
        return one.importance ?? null;
      },
      pauseRun: async ({ project, run }) => this.#become(project, run, "paused"),
      resumeRun: async ({ project, run }) => this.#become(project, run, "running"),
      stopRun: async ({ project, run }) => this.#end(this.#find(project), this.#findRun(project, run)),
      removeRun: async ({ project, run }) => {
        const found = this.#find(project);
        found.runs = found.runs.filter(({ summary }) => summary.id !== run);
        this.#tell(found);
        this.emit("runChanged", { project, run: null });
      },
      form: async ({ project, run }) => form(this.#find(project).record.profile, this.#findRun(project, run).plan),
      predict: async ({ project, run, rows }) => rows.map((row, i) => predict(this.#findRun(project, run).plan, row, i + 1)),
      readText: async ({ text }) => ({
        form: "tokens",
        tokens: text.split(/(?= )/).map((piece, i) => ({ piece, id: 300 + i, count: 1, weight: 0.1 })),
      }),
      predictFile: async ({ project, run }) => {
        const made = this.#findRun(project, run).plan;
        const head = Array.from({ length: 20 }, (_, i) => predict(made, { area: String(40 + 9 * i) }, i + 1));
        return { handout: handout("rows-predictions.csv", 48_200), rows: 1240, head };
      },
      addTitles: async ({ id }) => this.#find(id).record,
      findIds: async () => [],
      recommend: async ({ user }) => ({ user, known: false, by: "popularity", seen: null, items: [] }),
      similar: async ({ item }) => ({ item, known: false, by: "popularity", items: [] }),
      wherePicture: async () => {
        throw new AppError("usage", "The model answers no pictures.", "Ask it about a row.");
      },
      generate: async ({ id, prompt }) => {
        const words = [" the", " king", " shall", " have", " his", " own", ".\n"];
        for (const text of words) this.emit("token", { id, text });
        return {
          text: words.join(""),
          tokens: words.length,
          tokensPerSecond: 420,
          firstTokenMs: 11,
          ended: "length" as const,
          prompt: prompt.split(/(?= )/).map((text, i) => ({ id: 300 + i, text })),
        };
      },
      checkUpdate: async ({ source }) => {
        const name = source.kind === "upload" ? source.id : source.path;
        if (!/^paddock-.*\.update\.zip$/i.test(name))
          throw new AppError("updateSignature", `'${name}' is not signed by who made this Paddock.`, "Do not install it.", { file: name });
        const file = "Paddock-0.2.0-x64.AppImage";
        return {
          update: { version: "0.2.0", platform: "linux", arch: "x64", file, bytes: 312_000_000, install: "appimage" },
          handout: { name: file, path: `~/Paddock/updates/${file}`, bytes: 312_000_000 },
        };
      },
      exportOnnx: async () => handout("model.onnx", 154_300),
      exportRun: async ({ to }, signal) => {
        if (this.slow) await cancelled(signal);
        const whole = { modelBytes: 154_300, files: ["model.onnx"], out: "model.onnx", format: to };
        const answers = { of: "probabilities", count: 64, part: "test", metric: { name: "accuracy", before: 0.97, after: 0.96 } } as const;
        switch (to) {
          case "onnx":
            return {
              handout: handout("model.onnx", 154_300),
              result: { ...whole, bytes: 154_300, compared: { of: "bytes", count: 154_300, difference: 0 } },
            };
          case "onnx-int8":
            return {
              handout: handout("model-int8.onnx", 61_000),
              result: { ...whole, bytes: 61_000, compared: { ...answers, difference: 0.0031 } },
            };
          case "tfjs":
            return {
              handout: handout("model-tfjs.zip", 160_000),
              result: { ...whole, bytes: 160_000, compared: { ...answers, difference: 1.2e-7 } },
            };
          case "safetensors":
            return {
              handout: handout("model-weights.zip", 150_000),
              result: { ...whole, bytes: 150_000, compared: { of: "weights", count: 9, difference: 0 } },
            };
          case "peft":
          case "gguf-lora":
          case "gguf":
            throw new AppError("usage", `This run is not taken away as ${to}.`, "Use onnx.", { format: to });
        }
      },
      models: async () => [...this.#models],
      ...fakeChats((name, value) => this.emit(name, value), { pace: this.pace }),
      foundModels: async () => foundModels,
      model: async ({ id }) => (foundModels.some((one) => one.id === id) ? foundModel : this.#model(id)),
      importModel: async () => {
        if (this.refuse) throw this.refuse;
        const model = { ...importedModel, id: `m${this.#next++}`, imported: start };
        this.#models = [model, ...this.#models];
        this.emit("modelsChanged", { ids: [model.id] });
        return { model, known: false };
      },
      renameModel: async ({ id, name }) => {
        const model = { ...this.#model(id), name };
        this.#models = this.#models.map((one) => (one.id === id ? model : one));
        return model;
      },
      removeModel: async ({ id }) => {
        this.#removed.set(id, this.#model(id));
        this.#models = this.#models.filter((one) => one.id !== id);
      },
      restoreModel: async ({ id }) => {
        const model = this.#removed.get(id);
        if (!model) throw new AppError("modelMissing", `There is no model '${id}'.`, "Look on the shelf.", { id });
        this.#removed.delete(id);
        this.#models = [model, ...this.#models];
        return model;
      },
      planMemory: async (question) => memoryPlan(question),
      tryMemory: async (question) => memoryPlan(question, true),
      runModel: async ({ id }) => (this.#model(id), { answer: modelAnswer, pictures: [] }),
      lessonOpen: async (spec) => {
        const state = { step: 0, a: spec.a ?? 0, b: spec.b ?? 0, loss: 0, gradient: { a: 0, b: 0 }, nudge: { a: 0, b: 0 }, settled: false };
        this.#lesson = { spec, state: lessonAt(spec, state) };
        return this.#lesson.state;
      },
      lessonStep: async ({ count }) => {
        const lesson = this.#lesson;
        if (!lesson) throw new AppError("usage", "The lesson is not open.", "Open it first.", {});
        return Array.from({ length: count }, () => (lesson.state = lessonStep(lesson.spec, lesson.state)));
      },
      lessonClose: async () => void (this.#lesson = undefined),
    } satisfies Handlers<HostApi>;
  }

  #model(id: string): ImportedModel {
    const found = this.#models.find((model) => model.id === id);
    if (!found) throw new AppError("modelMissing", `There is no model '${id}'.`, "Look on the shelf.", { id });
    return found;
  }

  #find(id: string): FakeProject {
    const found = this.#projects.get(id);
    if (!found) throw new AppError("projectMissing", `There is no project '${id}'.`, "Look in the list of projects.", { id });
    return found;
  }

  #findRun(project: string, id: string): FakeRun {
    const found = this.#find(project).runs.find(({ summary }) => summary.id === id);
    if (!found) throw new AppError("runMissing", `There is no run '${id}'.`, "Look in the project.", { id });
    return found;
  }

  #record(run: FakeRun): Run {
    const told = ["queued", "done"].includes(run.summary.state) ? null : progress(run.summary.state, run.step, run.plan.task);
    return {
      ...run.summary,
      progress: told,
      plan: run.plan,
      result: run.report ? result(run.summary.id, run.plan, run.report) : null,
      curve: run.curve,
    };
  }

  #become(project: string, id: string, state: RunState): void {
    const found = this.#find(project);
    const run = this.#findRun(project, id);
    run.summary = { ...run.summary, state };
    this.#tell(found);
    this.emit("run", { project, run: id, progress: progress(state, run.step, run.plan.task) });
    this.emit("runChanged", { project, run: run.summary });
    this.emit("status", this.status());
  }

  #end(found: FakeProject, run: FakeRun): void {
    this.#finish(run, false, found.record.profile);
    this.#tell(found);
    this.emit("runChanged", { project: found.record.id, run: run.summary });
    this.emit("status", this.status());
  }

  #finish(run: FakeRun, weak: boolean, profile = this.#find(run.summary.project).record.profile): void {
    run.report = report(profile, run.plan, weak);
    const { metric, network } = run.report.verdict;
    run.summary = { ...run.summary, state: "done", score: { metric, value: network } };
    if (!run.curve.length) run.curve = points(0, 1600, run.plan.task);
  }

  #tell(found: FakeProject): void {
    const runs = found.runs.map(({ summary }) => summary);
    found.record = {
      ...found.record,
      runs,
      score: runs.find((run) => run.state === "done")?.score ?? null,
      running: runs.some((run) => run.state === "running"),
    };
  }
}

export { homes, penguins, point };

function summarize({ id, name, created, updated, file, rows, target, score, running }: Project): ProjectSummary {
  return { id, name, created, updated, file, rows, target, score, running };
}

const handout = (name: string, bytes: number): Handout => ({ name, path: `/home/me/Paddock/${name}`, bytes, url: `/download/${name}` });

function form(profile: TableProfile, made: TrainPlan): ModelForm {
  const fields = profile.columns
    .filter((column) => column.name !== made.target && !column.ignored)
    .map((column): ModelForm["fields"][number] => {
      if (column.type === "number") {
        const { min, max, integer } = column;
        return {
          name: column.name,
          type: "number",
          example: String(column.quartiles?.[1] ?? min),
          ...(min !== undefined ? { min } : {}),
          ...(max !== undefined ? { max } : {}),
          ...(integer ? { integer } : {}),
        };
      }
      if (column.type === "date") return { name: column.name, type: "date", example: column.first ?? "" };
      return {
        name: column.name,
        type: "category",
        values: column.top?.map(({ value }) => value) ?? [],
        example: column.top?.[0]?.value ?? "",
      };
    });
  const classes = made.task === "classification" ? ["Adelie", "Chinstrap", "Gentoo"] : undefined;
  return { task: made.task === "classification" ? made.task : "regression", target: made.target, ...(classes ? { classes } : {}), fields };
}

function predict(made: TrainPlan, row: Record<string, string>, at: number): Prediction {
  if (made.task === "regression") return { row: at, prediction: 60_000 + Number(row["area"] ?? 80) * 3120 };
  const long = Number(row["bill_length_mm"] ?? 44) > 44;
  const probabilities = long ? { Gentoo: 0.87, Chinstrap: 0.11, Adelie: 0.02 } : { Adelie: 0.93, Chinstrap: 0.06, Gentoo: 0.01 };
  return { row: at, prediction: long ? "Gentoo" : "Adelie", probabilities };
}

/** Loss and slope of the line at a and b, over the points of the spec. */
function lessonAt({ x, y }: LessonSpec, state: LessonState): LessonState {
  const gaps = x.map((value, i) => state.a * value + state.b - (y[i] ?? 0));
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
  return {
    ...state,
    loss: mean(gaps.map((gap) => gap * gap)),
    gradient: { a: mean(gaps.map((gap, i) => 2 * gap * (x[i] ?? 0))), b: mean(gaps.map((gap) => 2 * gap)) },
  };
}

function lessonStep(spec: LessonSpec, state: LessonState): LessonState {
  const nudge = { a: -spec.lr * state.gradient.a, b: -spec.lr * state.gradient.b };
  return lessonAt(spec, {
    ...state,
    step: state.step + 1,
    a: state.a + nudge.a,
    b: state.b + nudge.b,
    nudge,
    settled: Math.abs(nudge.a) + Math.abs(nudge.b) < 1e-7,
  });
}
