// The host: projects, runs, workers and settings behind one interface. It knows no door: how workers start, how files come in and who
// listens is given to it.
import { mkdir } from "node:fs/promises";
import { cpus } from "node:os";
import { AppError } from "../ipc/error.ts";
import type { AppInfo, HostApi, HostEvents, Project, Run, TakenAs } from "../ipc/host.ts";
import { type Dispose, Listeners } from "../ipc/port.ts";
import type { Handlers } from "../ipc/rpc.ts";
import type { Generated, GenerateSpec, RunRecord, TrainSpec } from "../ipc/types.ts";
import { guarded } from "./border.ts";
import { cleanCache } from "./cache.ts";
import { correctionHandlers } from "./correctionHandlers.ts";
import { readCurve, readSamples } from "./curve.ts";
import { Devices } from "./devices.ts";
import { exists, freeName } from "./files.ts";
import { handoutOf as handout } from "./handouts.ts";
import { busy, type Job, Jobs } from "./jobs.ts";
import { removeLeftovers } from "./leftovers.ts";
import { type Log, openLog } from "./log.ts";
import { modelHandlers } from "./modelHandlers.ts";
import { Models } from "./models.ts";
import { settleMoved } from "./moved.ts";
import { Chats } from "./chats.ts";
import { Api, withKey } from "./api/switch.ts";
import { type Predictor, predictorOf } from "./api/predict.ts";
import { Talking } from "./talking.ts";
import { talkHandlers } from "./talkHandlers.ts";
import { refuseNetwork } from "./offline.ts";
import { newRunId, safeFileName, titleOf, workspacePaths } from "./paths.ts";
import { type Held, type ProjectRecord, Projects, held, takenAs, withKept } from "./projects.ts";
import { readImportance, readMistakes, readReport } from "./reports.ts";
import { isTuned, isUnderWay, modelOf, readRun, runFiles, settleRun, summarize } from "./runs.ts";
import { listSamples, samplePath } from "./samples.ts";
import { changeSettings, readSettings } from "./settings.ts";
import { type Start, withStart } from "./starts.ts";
import { StatusMeter } from "./status.ts";
import { takeAway } from "./takeAway.ts";
import { checkUpdate } from "./update/check.ts";
import { updateKey } from "./update/key.ts";
import { Uploads } from "./uploads.ts";
import { type StartWorker, WarmWorker, type Worker } from "./workers.ts";

export interface HostOptions {
  workspace: string;
  door: AppInfo["door"];
  version: string;
  startWorker: StartWorker;
  /** Where imported tables are kept; `<workspace>/cache` when absent. */
  cacheDir?: string;
  log?: Log;
  /** Milliseconds after which an idle worker is closed. */
  rest?: number;
}

/** Longest side of a picture that is shown with where the model looked, in pixels. */
const shown = 640;

export type HostListener = <K extends keyof HostEvents & string>(name: K, value: HostEvents[K]) => void;

export interface Host {
  handlers: Handlers<HostApi>;
  onEvent(listener: HostListener): Dispose;
  /** One kind of event, for doors in the same process. */
  listen<K extends keyof HostEvents>(name: K, listener: (value: HostEvents[K]) => void): Dispose;
  /** Takes in a file whole or not at all; the id names it in `createProject` and `predictFile`. */
  receiveUpload(name: string, stream: AsyncIterable<Uint8Array>): Promise<{ id: string }>;
  /** Interrupts runs (their checkpoints are kept) and ends every process that was started. */
  dispose(): Promise<void>;
  /** Settles when the run has left the queue; undefined when it is not in it. For doors in the same process. */
  finished(project: string, run: string): Promise<RunRecord> | undefined;
  /** Language models, for doors in the same process. */
  talking: Talking;
  predictor: Predictor;
  /** Interrupts a run with its checkpoint kept, as `dispose` does. */
  interrupt(project: string, run: string): Promise<void>;
}

type Input<K extends keyof HostApi> = Parameters<Handlers<HostApi>[K]>[0];

/** Opens a workspace. What a crash left under way is marked as interrupted first; nothing is resumed by itself. */
export async function createHost(options: HostOptions): Promise<Host> {
  const { workspace, door, version, startWorker } = options;
  refuseNetwork();
  const paths = workspacePaths(workspace, options.cacheDir);
  const log = options.log ?? openLog(paths.logs);
  const { cache } = paths;
  const listeners = new Listeners<[keyof HostEvents, HostEvents[keyof HostEvents]]>();
  const emit: HostListener = (name, value) => listeners.tell(name, value);

  const projects = new Projects(paths);
  const models = new Models(paths);
  const uploads = new Uploads(paths.uploads);
  const devices = new Devices(startWorker);
  const meter = new StatusMeter({
    settings: async () => (await readSettings(paths.settings)).settings,
    jobs: () => jobs.all,
    name: async (id) => (await projects.read(id)).name,
    idle: () => talking.pid ?? warm.pid ?? lesson.pid,
    emit: (status) => emit("status", status),
    wanted: () => listeners.size > 0,
    beat: noticeOthers,
  });
  function watch(worker: Worker): void {
    meter.watch(worker);
    worker.listen("working", (working) => emit("working", working));
    worker.listen("token", (token) => emit("token", token));
  }
  const warm = new WarmWorker(startWorker, {
    rest: options.rest,
    onStart: watch,
  });
  const lesson = new WarmWorker(startWorker, { rest: options.rest, onStart: (worker) => meter.watch(worker) });
  const talking = new Talking({ models, projects, paths, startWorker, rest: options.rest, onWorker: (worker) => meter.watch(worker) });
  const predictor = predictorOf(talking, warm);
  const api = new Api({ talking, predictor, emit });
  const jobs = new Jobs({
    start: startWorker,
    cache,
    emit: (name, value) => {
      if (name === "runChanged") logRun(value as HostEvents["runChanged"]);
      emit(name, value);
    },
    onWorker: watch,
    onEnd: ({ project }) => rescore(project),
  });

  function logRun({ project, run }: HostEvents["runChanged"]): void {
    log.info({ project, run: run?.id, state: run?.state, error: run?.error?.code, why: run?.error?.message }, "run");
  }

  /** Projects that another window or the command line added or removed are told too. */
  async function noticeOthers(): Promise<void> {
    const ids = await projects.changedOutside();
    if (ids.length > 0) projectsChanged(...ids);
  }

  const projectsChanged = (...ids: string[]) => emit("projectsChanged", { ids });

  /** The newest finished run's number goes into the project's record. */
  async function rescore(id: string): Promise<void> {
    const newest = (await projects.runs(id)).find((run) => run.state === "done");
    const score = newest ? summarize(id, newest).score : null;
    await projects.change(id, ({ spec }) => ({ score, spec: withKept(spec, newest?.plan?.splitBy) }));
    projectsChanged(id);
  }

  /** The data of a project, with what was corrected in them. */
  async function dataOf(record: ProjectRecord): Promise<Pick<TrainSpec, "data" | "corrections">> {
    const corrections = paths.corrections(record.id);
    return { data: projects.data(record), ...((await exists(corrections)) ? { corrections } : {}) };
  }

  /** The settings of the screens fill what a spec leaves open; the command line says everything itself. */
  async function filled(spec: Omit<TrainSpec, "data">, record: ProjectRecord): Promise<{ spec: TrainSpec; start?: Start }> {
    const data = await dataOf(record);
    if (door === "cli" && spec.from === undefined) return { spec: { ...spec, ...data } };
    const { settings } = await readSettings(paths.settings);
    const usual = door === "cli" ? {} : { device: settings.device, seconds: settings.maxSeconds };
    if (spec.from !== undefined)
      return { spec: { ...usual, ...spec, ...data, from: await folderOf({ project: record.id, run: spec.from }) } };
    const begun = await withStart(models, spec, record.spec.task === "images");
    return { ...begun, spec: { ...usual, ...begun.spec, ...data } };
  }

  /** What the data are taken as belongs to the project (`retake` changes it with the profile); the rest is the spec's own. */
  const inKind = (record: ProjectRecord, spec: Omit<TrainSpec, "data">) => {
    const { kind: _kind, part: _part, columns: _columns, ...rest } = spec;
    return { ...takenAs(record.spec), ...rest };
  };

  /** Columns that a spec names must be there; the rest of it the worker judges. */
  async function checkSpec(record: ProjectRecord, spec: Omit<TrainSpec, "data">): Promise<void> {
    const profile = await projects.profile(record.id);
    const table = profile.kind === "ratings" ? profile.table : profile;
    const names = new Set(table.kind === "images" || table.kind === "language" ? [] : table.columns.map((column) => column.name));
    const say = { file: record.file, columns: [...names].slice(0, 100) };
    if (spec.target !== undefined && !names.has(spec.target))
      throw new AppError(
        "targetMissing",
        `'${record.file}' has no column '${spec.target}'.`,
        `Choose one of: ${[...names].slice(0, 20).join(", ")}.`,
        {
          ...say,
          column: spec.target,
        },
      );
    const unknown = spec.ignore?.find((name) => !names.has(name));
    if (unknown !== undefined)
      throw new AppError("columnMissing", `'${record.file}' has no column '${unknown}' to leave out.`, "Check its name.", {
        ...say,
        column: unknown,
      });
  }

  /** The folder of a run that is there. */
  async function folderOf({ project, run }: { project: string; run: string }): Promise<string> {
    const folder = paths.run(project, run);
    if (await exists(runFiles(folder).record)) return folder;
    await projects.read(project);
    throw new AppError("runMissing", `There is no run '${run}' in the project '${project}'.`, "It may have been removed.", {
      project,
      run,
    });
  }

  /** The run's job here; a run that another window trains can be looked at, not steered. */
  async function jobOf(input: { project: string; run: string }): Promise<Job | undefined> {
    const job = jobs.find(input.project, input.run);
    if (job) return job;
    const record = await settleRun(await folderOf(input));
    if (isUnderWay(record.state)) throw busy(input.run, "another window of Paddock is at it");
    return undefined;
  }

  async function openRun(input: { project: string; run: string }): Promise<Run> {
    const job = jobs.find(input.project, input.run);
    const folder = job?.folder ?? (await folderOf(input));
    const written = await (job ? readRun(folder) : settleRun(folder));
    // The worker writes the plan and the result; the job here knows the newest state.
    const record = job ? { ...written, state: job.state } : written;
    const curve = job?.curve ?? (await readCurve(runFiles(folder).metrics));
    return {
      ...summarize(input.project, record),
      progress: job?.progress ?? record.progress ?? null,
      plan: record.plan ?? null,
      result: record.result ?? null,
      curve: curve.points(),
      ...(await samplesOf(folder)),
    };
  }

  async function samplesOf(folder: string): Promise<Pick<Run, "samples">> {
    const samples = await readSamples(runFiles(folder).samples);
    return samples.length ? { samples } : {};
  }

  /** What a project holds of a file. Conversations are held as what is learned from them: text to answer like. */
  async function lookInto(file: string, as: TakenAs, signal: AbortSignal): Promise<Held> {
    const inspect = (kind: TakenAs) => warm.use((api) => api.inspect({ file, ...kind, cache }, signal), signal);
    const found = await inspect(as);
    if (found.kind !== "chats") return held(found);
    const { taken, form, messages, preview } = found;
    const possible = taken?.possible.filter((kind) => kind !== "chats") ?? [];
    const learned = held(await inspect({ ...as, kind: "language" }));
    if (learned.kind !== "language") return learned;
    return {
      ...learned,
      chats: { form, messages, preview },
      ...(taken ? { taken: { ...taken, kind: "language" as const, possible } } : {}),
    };
  }

  async function createProject(input: Input<"createProject">, signal: AbortSignal): Promise<Project> {
    const sample = "sample" in input ? await samplePath(input.sample) : undefined;
    const incoming = "source" in input ? await uploads.open(input.source) : { path: sample!.path, name: sample!.sample.file, own: false };
    const as = "source" in input ? takenAs(input) : {};
    const record = await projects.create({
      from: incoming.path,
      name: incoming.name,
      move: incoming.own,
      as,
      profile: (file) => lookInto(file, as, signal),
      onProgress: (fraction) => emit("working", { what: "copying", fraction }),
      signal,
    });
    if ("source" in input) await uploads.drop(input.source);
    log.info({ project: record.id, bytes: record.bytes, rows: record.rows }, "project created");
    projectsChanged(record.id);
    return projects.open(record);
  }

  async function retake({ id, ...input }: Input<"retake">, signal: AbortSignal): Promise<Project> {
    const as = takenAs(input);
    const file = projects.data(await projects.read(id));
    const found = await lookInto(file, as, signal);
    signal.throwIfAborted();
    const record = await projects.retake(id, found, as);
    projectsChanged(id);
    return projects.open(record);
  }

  async function addTitles({ id, source }: Input<"addTitles">, signal: AbortSignal): Promise<Project> {
    const record = await projects.read(id);
    if ((await projects.profile(id)).kind !== "ratings")
      throw new AppError("usage", `'${record.file}' holds no ratings.`, "Titles name the items of ratings.", { id });
    const incoming = await uploads.open(source);
    try {
      const ending = /\.(?:csv|tsv|txt|dat)$/i.exec(incoming.name)?.[0].toLowerCase() ?? ".txt";
      const laid = await projects.layTitles(record, incoming.path, ending);
      try {
        const as = takenAs(record.spec);
        const found = held(await warm.use((api) => api.inspect({ file: projects.data(record), ...as, cache }, signal), signal));
        if (found.kind !== "ratings" || !found.titles)
          throw new AppError(
            "titlesMissing",
            `'${incoming.name}' does not name the items of '${record.file}'.`,
            "Choose a table with a column of the items' ids and a column named title.",
            { file: incoming.name },
          );
        const next = await projects.reread(id, found);
        await laid.keep();
        return await projects.open(next);
      } catch (thrown) {
        await laid.undo();
        throw thrown;
      }
    } finally {
      await uploads.drop(source);
    }
  }

  /** Now, or, where the clock was set back meanwhile, just after the newest run: runs stay in their order. */
  async function laterThanRunsOf(project: string): Promise<number> {
    const [newest] = await projects.runs(project);
    return Math.max(Date.now(), (newest?.created ?? 0) + 1);
  }

  async function startRun({ project, spec: asked }: Input<"startRun">): Promise<Run> {
    const record = await projects.read(project);
    // A run that begins from another is of what that one is of, and leaves what the user chose for the next as it is.
    const { from } = asked;
    const spec = from === undefined ? inKind(record, asked) : asked;
    await checkSpec(record, spec);
    const id = newRunId();
    const run: RunRecord = {
      version: 1,
      id,
      created: await laterThanRunsOf(project),
      state: "queued",
      spec: (await filled(spec, record)).spec,
      fingerprint: record.fingerprint,
    };
    const job = await jobs.add(project, paths.run(project, id), run);
    await projects.change(project, () => (from === undefined ? { spec } : {}));
    projectsChanged(project);
    return openRun({ project, run: job.run });
  }

  async function freeRun(input: { project: string; run: string }): Promise<void> {
    if (await jobOf(input)) throw busy(input.run, "it is on its way");
  }

  const handlers = {
    app: async () => {
      const { totalBytes } = meter.ram();
      return {
        version,
        door,
        platform: process.platform,
        workspace,
        cores: cpus().length,
        memoryBytes: totalBytes,
        updates: updateKey !== undefined,
      };
    },
    settings: async () => {
      const { settings, problem } = await readSettings(paths.settings);
      if (problem) log.warn({ code: problem.code, why: problem.message }, "settings");
      return settings;
    },
    changeSettings: async (change) => {
      await mkdir(paths.root, { recursive: true });
      const settings = await changeSettings(paths.settings, withKey(change));
      emit("settingsChanged", settings);
      if (change.api && door !== "cli") await api.apply(settings.api);
      return settings;
    },
    devices: (input, signal) => devices.list(input?.again, signal),
    status: () => meter.read(),

    samples: listSamples,
    projects: async () => {
      const records = await projects.all((id, error) => log.warn({ project: id, code: error.code, why: error.message }, "project"));
      return records.map((record) =>
        projects.summary(
          record,
          jobs.all.some((job) => job.project === record.id),
        ),
      );
    },
    createProject,
    retake,
    addTitles,
    project: async ({ id }) => projects.open(await projects.read(id)),
    renameProject: async ({ id, name }) => {
      const record = await projects.change(id, () => ({ name }));
      projectsChanged(id);
      return projects.summary(
        record,
        jobs.all.some((job) => job.project === id),
      );
    },
    removeProject: async ({ id }) => {
      const job = jobs.all.find((one) => one.project === id);
      if (job) throw busy(job.run, "stop it before its project is removed");
      const foreign = (await projects.runs(id)).find((run) => isUnderWay(run.state));
      if (foreign) throw busy(foreign.id, "another window of Paddock is at it");
      await projects.remove(id);
      projectsChanged(id);
    },
    restoreProject: async ({ id }) => {
      const record = await projects.restore(id);
      projectsChanged(id);
      return projects.summary(record, false);
    },
    changeSpec: async ({ id, spec }) => {
      const record = await projects.change(id, async (now) => {
        await checkSpec(now, spec);
        return { spec: inKind(now, spec) };
      });
      projectsChanged(id);
      return projects.open(record);
    },
    rows: async ({ id, offset, limit }, signal) => {
      const record = await projects.read(id);
      const file = projects.data(record);
      return warm.use((api) => api.rows({ file, ...takenAs(record.spec), offset, limit, cache }, signal), signal);
    },
    pictures: async ({ id, ...page }, signal) => {
      const file = await picturesOf(id);
      return warm.use((api) => api.pictures({ file, ...page, cache }, signal), signal);
    },
    thumbnails: async ({ id, names, pixels }, signal) => {
      const file = await picturesOf(id);
      return warm.use((api) => api.thumbnails({ file, names, pixels, cache }, signal), signal);
    },
    health: async ({ id, spec }, signal) => {
      const record = await projects.read(id);
      await checkSpec(record, spec);
      const full = { ...inKind(record, spec), ...(await dataOf(record)) };
      return warm.use((api) => api.health({ spec: full, cache }, signal), signal);
    },
    problemRows: async ({ id, spec, ...wanted }, signal) => {
      const record = await projects.read(id);
      const full = { ...inKind(record, spec), ...(await dataOf(record)) };
      return warm.use((api) => api.problemRows({ spec: full, ...wanted, cache }, signal), signal);
    },
    plan: async ({ id, spec }, signal) => {
      const record = await projects.read(id);
      await checkSpec(record, spec);
      const { spec: full, start } = await filled(inKind(record, spec), record);
      const plan = await warm.use((api) => api.plan({ spec: full, cache }, signal), signal);
      return start ? { ...plan, start } : plan;
    },

    ...correctionHandlers({
      projects,
      paths,
      warm,
      folderOf,
      specOf: (record) => ({ ...record.spec, data: projects.data(record) }),
      changed: (id) => projectsChanged(id),
    }),
    startRun,
    run: openRun,
    report: async (input) => readReport(await folderOf(input)),
    mistakes: async ({ split, ...input }) => readMistakes(await folderOf(input), split),
    importance: async ({ measure, ...input }, signal) => {
      const run = await modelFolder(input);
      const known = await readImportance(run);
      return known || !measure ? known : warm.use((api) => api.importance({ run, cache }, signal), signal);
    },
    pauseRun: async (input) => {
      const job = await jobOf(input);
      if (job) await jobs.pause(job);
    },
    resumeRun: async (input) => {
      const job = await jobOf(input);
      if (job) return jobs.resume(job);
      const folder = await folderOf(input);
      const record = await settleRun(folder);
      if (record.state !== "done") await jobs.add(input.project, folder, record);
    },
    stopRun: async (input) => {
      const job = await jobOf(input);
      if (job) await jobs.stop(job);
    },
    removeRun: async (input) => {
      await freeRun(input);
      await folderOf(input);
      await projects.removeRun(input.project, input.run);
      emit("runChanged", { project: input.project, run: null });
      await rescore(input.project);
    },

    form: async (input, signal) => {
      const run = await modelFolder(input);
      return warm.use((api) => api.form({ run }, signal), signal);
    },
    predict: async ({ rows, ...input }, signal) => {
      const run = await modelFolder(input);
      return warm.use((api) => api.predict({ run, rows }, signal), signal);
    },
    readText: async ({ text, ...input }, signal) => {
      const run = await modelFolder(input);
      return warm.use((api) => api.readText({ run, text }, signal), signal);
    },
    predictFile: async ({ source, ...input }, signal) => {
      const run = await modelFolder(input);
      const { path, name } = await uploads.open(source);
      try {
        const out = await freeName(runFiles(run).predictions, `${safeFileName(titleOf(name), 80)}-predictions`, ".csv");
        const answer = await warm.use((api) => api.predictFile({ run, file: path, out, cache }, signal), signal);
        return { handout: await handout(answer.out), rows: answer.rows, head: answer.predictions.slice(0, 20) };
      } finally {
        await uploads.drop(source);
      }
    },
    wherePicture: async ({ source, ...input }, signal) => {
      const run = await modelFolder(input);
      const { path } = await uploads.open(source);
      try {
        const { picture, ...prediction } = await warm.use((api) => api.wherePicture({ run, file: path, pixels: shown }, signal), signal);
        return { prediction, picture: picture! };
      } finally {
        await uploads.drop(source);
      }
    },
    findIds: async ({ of, text, limit, ...input }, signal) => {
      const run = await modelFolder(input);
      return warm.use((api) => api.findIds({ run, of, text, limit }, signal), signal);
    },
    recommend: async ({ user, top, ...input }, signal) => {
      const run = await modelFolder(input);
      return warm.use((api) => api.recommend({ run, user, top }, signal), signal);
    },
    similar: async ({ item, top, ...input }, signal) => {
      const run = await modelFolder(input);
      return warm.use((api) => api.similar({ run, item, top }, signal), signal);
    },
    generate: async ({ project, run: of, id, ...spec }, signal) => {
      const run = await trainedFolder({ project, run: of });
      if (await isTuned(run)) return answerTuned(project, run, id, spec, signal);
      return warm.use((api) => api.generate({ run, id, ...spec }, signal), signal);
    },
    exportOnnx: async (input) => {
      const path = await modelOf(await folderOf(input));
      const { name } = await projects.read(input.project);
      return handout(path, `${safeFileName(name, 80)}.onnx`);
    },
    exportRun: async ({ to, ...input }, signal) => {
      const run = await trainedFolder(input);
      const name = safeFileName((await projects.read(input.project)).name, 80);
      const made = await takeAway(runFiles(run).exports, { to, name }, (out) =>
        warm.use((api) => api.exportRun({ run, to, out, cache }, signal), signal),
      );
      return { handout: await handout(made.path, made.name), result: made.result };
    },

    ...talkHandlers({ talking, chats: new Chats(paths), emit }),
    serving: async () => api.state,
    ...modelHandlers({ models, uploads, warm, devices, start: startWorker, cache, emit, log }),

    checkUpdate: async ({ source }, signal) => {
      const incoming = await uploads.open(source);
      try {
        const mine = { key: updateKey, version, platform: process.platform, arch: process.arch };
        const { update, path } = await checkUpdate(incoming.path, { ...mine, folder: paths.updates, signal });
        log.info({ version: update.version, file: update.file }, "update checked");
        return { update, handout: await handout(path) };
      } finally {
        await uploads.drop(source);
      }
    },

    lessonOpen: (input, signal) => lesson.use((api) => api.lessonOpen(input, signal), signal),
    lessonStep: (input, signal) => lesson.use((api) => api.lessonStep(input, signal), signal),
    lessonClose: () => lesson.rest(),
  } satisfies Handlers<HostApi>;

  /** The folder or archive of a project of pictures. */
  async function picturesOf(id: string): Promise<string> {
    const record = await projects.read(id);
    if ((await projects.profile(id)).kind === "images") return projects.data(record);
    throw new AppError("usage", `'${record.file}' holds no pictures.`, "Ask for its rows.", { id });
  }

  /** A run's folder with its model checked to be there. */
  async function modelFolder(input: { project: string; run: string }): Promise<string> {
    const folder = await folderOf(input);
    await modelOf(folder);
    return folder;
  }

  /** The same of a run that may have fine-tuned another model. */
  const trainedFolder = async (input: { project: string; run: string }): Promise<string> => {
    const folder = await folderOf(input);
    return (await isTuned(folder)) && (await readRun(folder)).state === "done" ? folder : modelFolder(input);
  };

  /** What a fine-tuned language model says: to a question where it was taught by conversations, else going on with the text. */
  async function answerTuned(
    project: string,
    run: string,
    id: string,
    { prompt, maxTokens, ...sampling }: GenerateSpec,
    signal: AbortSignal,
  ): Promise<Generated> {
    const profile = await projects.profile(project);
    const chat = profile.kind === "language" && profile.form === "chats";
    const asked = chat ? { turns: [{ role: "user" as const, content: prompt }] } : { text: prompt };
    const { text, tokens, tokensPerSecond, firstTokenMs, ended } = await warm.use(
      (api) => api.talk({ model: run, id, asked, maxTokens, sampling }, signal),
      signal,
    );
    return { text, tokens, tokensPerSecond, firstTokenMs, ended, prompt: [] };
  }

  await removeLeftovers(paths);
  await projects.clean();
  await models.clean();
  await uploads.clean();
  if (door !== "cli") await api.apply((await readSettings(paths.settings)).settings.api);
  await settleMoved(paths, await projects.ids()).catch((thrown: unknown) => log.warn({ err: thrown }, "moved"));
  // Reading the runs settles those that a crash left under way.
  await Promise.all((await projects.ids()).map((id) => projects.runs(id)));
  const cleaning = cleanCache(cache, () => projects.fingerprints()).catch((thrown: unknown) => log.warn({ err: thrown }, "cache"));

  const onEvent: Host["onEvent"] = (listener) => {
    const off = listeners.add(listener as (name: keyof HostEvents, value: HostEvents[keyof HostEvents]) => void);
    meter.start();
    return off;
  };
  let disposed: Promise<void> | undefined;
  return {
    handlers: guarded(handlers, log),
    onEvent,
    // The one cast: the name says which value it is.
    listen: (wanted, listener) => onEvent((name, value) => (name as string) === wanted && listener(value as never)),
    receiveUpload: (name, stream) => uploads.receive(name, stream),
    talking,
    predictor,
    finished: (project, run) => jobs.find(project, run)?.done,
    interrupt: async (project, run) => {
      const job = jobs.find(project, run);
      if (job) await jobs.interrupt(job);
    },
    dispose: () =>
      (disposed ??= (async () => {
        meter.stop();
        await api.dispose();
        await Promise.all([jobs.dispose(), warm.dispose(), talking.dispose(), lesson.dispose(), devices.dispose()]);
        await uploads.dispose();
        await cleaning;
      })()),
  };
}
