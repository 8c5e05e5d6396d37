// What a worker answers: each call of WorkerApi in a few lines, the work being elsewhere. One job at a time lives here: a run, the lesson,
// or a model being tried (kept open between calls, since opening it takes longer than an answer).
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { AppError } from "../ipc/error.ts";
import type { Handlers } from "../ipc/rpc.ts";
import type { TalkModel } from "../ipc/types.ts";
import type { WorkerApi, WorkerEvents } from "../ipc/worker.ts";
import { Gallery } from "./data/images/gallery.ts";
import { holdsPictures } from "./data/images/source.ts";
import { openTable } from "./data/table.ts";
import { isFolder } from "./data/text/folder.ts";
import { openTexts } from "./data/text/openTexts.ts";
import { looksLikeLanguageModel } from "./formats/language/open.ts";
import { isModelPath } from "./formats/onnxCard.ts";
import { Lesson, lessonFit } from "./lesson.ts";
import { LastForeign } from "./run/lastForeign.ts";
import { importModel } from "./run/importModel.ts";
import { evaluateRun } from "./run/evaluate.ts";
import { evaluatePictures } from "./run/evaluatePictures.ts";
import { LastOpened } from "./run/lastOpened.ts";
import { evaluateLanguage } from "./run/evaluateLanguage.ts";
import { isLanguageRun, openWriter, type Writer } from "./run/languageModel.ts";
import { wherePicture } from "./run/occlusion.ts";
import { openTalker } from "./run/talk/open.ts";
import { tellText } from "./run/talk/tellText.ts";
import type { Talker } from "./run/talk/talker.ts";
import { lastLogits } from "./run/languageLogits.ts";
import { openPredictor } from "./run/predict.ts";
import { isPictureRun, makerOf } from "./run/pictureModel.ts";
import { predictForeign } from "./run/predictForeign.ts";
import { predictFile } from "./run/predictFile.ts";
import { predictPictures } from "./run/predictPictures.ts";
import { openRecommender } from "./run/recommend.ts";
import { probeDevice } from "./run/device.ts";
import { benchStep } from "./train/bench.ts";
import { Control } from "./train/control.ts";
import { exportRun } from "./train/exports/index.ts";
import { begunFrom } from "./train/from.ts";
import { writeGradients, writeStep } from "./train/graphFiles.ts";
import { findSamples } from "./train/kinds/find.ts";
import { health, problemRows } from "./train/kinds/health.ts";
import { peakMemory } from "./train/memory.ts";
import { forecastMemory } from "./train/memoryPlan.ts";
import { tryMemory } from "./train/memoryTrial.ts";
import { inspectLanguage } from "./train/inspectLanguage.ts";
import { inspectModel } from "./train/inspectModel.ts";
import { guessKind, kindFor, kinds } from "./train/kinds/index.ts";
import { measureImportance } from "./train/importance.ts";
import { trainRun } from "./train/run.ts";
import { suite } from "./train/suite/index.ts";
import { askPeer } from "./train/suite/peer.ts";
import { timeEntry } from "./train/suite/time.ts";

export interface Worker {
  handlers: Handlers<WorkerApi>;
  /** Interrupts the run (a checkpoint is kept) and lets go of all else. */
  dispose(): Promise<void>;
}

const notForeign = () =>
  new AppError(
    "usage",
    "The model was made by Paddock and knows its pixels, sizes and classes.",
    "Leave --pixels, --size and --labels out.",
  );

type Emit = <K extends keyof WorkerEvents & string>(name: K, value: WorkerEvents[K]) => void;

/** @param emit tells an event to main */
export function createWorker(emit: Emit): Worker {
  const jobs = new Set<{ control: Control; abort: AbortController; done: Promise<unknown> }>();
  let lesson: Lesson | undefined;
  const tried = new LastOpened(openPredictor);
  const recommenders = new LastOpened(openRecommender);
  const gallery = new Gallery();
  const writers = new LastOpened<Writer>(openWriter);
  const talkers = new LastOpened<Talker>((key) => openTalker(JSON.parse(key) as TalkModel));
  /** What tells a model with its adapter from another one, and from itself after it was written anew. */
  const talkerKey = async ({ model, adapter }: TalkModel) => {
    const times = await Promise.all([model, adapter ?? model].map((path) => stat(path).then(({ mtimeMs }) => mtimeMs, () => 0))); // prettier-ignore
    return JSON.stringify({ model, ...(adapter === undefined ? {} : { adapter }), times });
  };
  const foreign = new LastForeign();

  const onProgress = (what: WorkerEvents["working"]["what"], fraction: number | null) => emit("working", { what, fraction });
  const onWorking = (working: WorkerEvents["working"]) => emit("working", working);
  /** What a model writes, told as it comes; all of it before the answer is there. */
  const telling = async <T>(id: string, write: (onText: (text: string) => void) => Promise<T>): Promise<T> => {
    const { onText, end } = tellText((text) => emit("token", { id, text }));
    return write(onText).finally(end);
  };
  const current = () => [...jobs].at(-1)?.control;

  const handlers = {
    async inspect({ file, cache, inPlace, ...asked }, signal) {
      if (looksLikeLanguageModel(file)) return inspectLanguage(file, { signal, whole: !inPlace });
      if (isModelPath(file)) return inspectModel(file, { signal });
      const { part, columns } = asked;
      const source = { cache, signal, onWorking, ...(part === undefined ? {} : { part }), ...(columns === undefined ? {} : { columns }) };
      const taken = await guessKind(file, asked, source);
      return { ...(await kinds[taken.kind].inspect(file, source)), taken };
    },
    importModel: ({ source, into, scratch }, signal) => importModel(source, { into, scratch, signal }),
    askModel: ({ file, question, out }, signal) => foreign.ask(file, question, { out, signal }),
    async rows({ file, kind, part, cache, offset, limit }, signal) {
      const open = kind === "text" || (await isFolder(file)) || (await holdsPictures(file)) ? openTexts : openTable;
      const table = await open(file, { cache, part, signal, onProgress });
      try {
        return await table.rows(offset, limit);
      } finally {
        await table.close();
      }
    },
    pictures: ({ file, class: of, offset, limit, cache }, signal) =>
      gallery.list(file, { of, offset, limit }, { cache, signal, onProgress }),
    thumbnails: ({ file, names, pixels, cache }, signal) => gallery.thumbnails(file, names, pixels, { cache, signal, onProgress }),
    health: ({ spec, cache }, signal) => health(spec, { cache, signal, onWorking }),
    problemRows: ({ spec, cache, ...wanted }, signal) => problemRows(spec, wanted, { cache, signal, onWorking }),
    findSamples: ({ spec, cache, ...wanted }, signal) => findSamples(spec, wanted, { cache, signal, onWorking }),
    async plan({ spec, cache }, signal) {
      const source = { cache, signal, onWorking };
      const whole = spec.from === undefined ? spec : (await begunFrom(spec)).spec;
      return (await kindFor(whole, source)).plan(whole, source);
    },

    async train({ run, spec, cache }, signal) {
      if (jobs.size > 0) throw new AppError("runBusy", "This worker is training another run.", "Wait for it to end, or stop it.");
      const abort = new AbortController();
      const forward = () => abort.abort();
      signal.addEventListener("abort", forward, { once: true });
      if (signal.aborted) abort.abort();
      const control = new Control(abort.signal);
      const done = trainRun({
        run,
        ...(spec ? { spec } : {}),
        cache,
        control,
        signal: abort.signal,
        onProgress: (progress) => emit("progress", progress),
        onPoint: (point) => emit("point", point),
        onSample: (sample) => emit("sample", sample),
        onWorking,
      });
      const job = { control, abort, done };
      jobs.add(job);
      try {
        return await done;
      } finally {
        jobs.delete(job);
        signal.removeEventListener("abort", forward);
      }
    },
    async pause() {
      current()?.pause();
    },
    async resume() {
      current()?.resume();
    },
    async stop() {
      current()?.stop();
    },

    form: ({ run }) => tried.use(run, (predictor) => predictor.form),
    predict: ({ run, rows }, signal) => tried.use(run, (predictor) => predictor.predictRows(rows, signal)),
    readText: ({ run, text }, signal) =>
      tried.use(run, async (predictor) => {
        const { explain, card } = predictor;
        if (!explain) throw new AppError("usage", "The model reads no texts.", "Ask a model that was trained on texts.", { run });
        const [prediction] = await predictor.predictRows([{ [card.inputs[0]!.column]: text }], signal);
        return { form: card.tokens ? ("tokens" as const) : ("pieces" as const), tokens: explain(text, prediction!) };
      }),
    async predictFile({ run, file, part, out, cache, foreign: said = {} }, signal) {
      const maker = await makerOf(run);
      if (maker === "foreign") return { out, ...(await predictForeign(run, { file, part, out, cache, ...said, signal, onProgress })) };
      if (said.pixels !== undefined || said.sizes !== undefined || said.labels !== undefined) throw notForeign();
      if (maker === "pictures") return { out, ...(await predictPictures(run, { file, out, signal, onProgress })) };
      return tried.use(run, async (predictor) => {
        const { rows, predictions } = await predictFile(predictor, { file, part, out, cache, signal, onProgress });
        return { out, rows, predictions };
      });
    },
    explain: ({ run, file, part, cache }, signal) =>
      tried.use(
        run,
        async (predictor) => (await predictFile(predictor, { file, part, cache, signal, onProgress, explain: true })).predictions,
      ),
    wherePicture: ({ run, ...asked }, signal) => wherePicture(run, { ...asked, signal, onProgress }),
    generate: ({ run, id, ...spec }, signal) =>
      writers.use(run, (writer) => telling(id, (onText) => writer.generate(spec, { signal, onText }))),
    talkFacts: async (model) => talkers.use(await talkerKey(model), ({ facts }) => facts),
    talk: async ({ model, adapter, id, ...spec }, signal) =>
      talkers.use(await talkerKey({ model, ...(adapter === undefined ? {} : { adapter }) }), (talker) =>
        telling(id, (onText) => talker.talk(spec, { signal, onText })),
      ),
    embed: async ({ model, texts }, signal) => talkers.use(await talkerKey({ model }), (talker) => talker.embed(texts, signal)),
    recommend: ({ run, user, top }) => recommenders.use(run, (recommender) => recommender.recommend(user, top)),
    similar: ({ run, item, top }) => recommenders.use(run, (recommender) => recommender.similar(item, top)),
    findIds: ({ run, of, text, limit }) => recommenders.use(run, (recommender) => recommender.find(of, text, limit)),
    async evaluate({ run, file, part, corrections, cache }, signal) {
      if (await isPictureRun(run)) return evaluatePictures(run, file, { cache, corrections, signal, onProgress });
      if (await isLanguageRun(run))
        return evaluateLanguage(run, file, { cache, part, signal, onProgress, scratch: join(cache, "scratch") });
      return evaluateRun(run, file, { cache, part, corrections, signal, onProgress });
    },
    exportRun: ({ run, to, out, cache }, signal) => exportRun(run, to, out, { cache, signal, onWorking }),

    importance: ({ run, cache }, signal) =>
      measureImportance(run, { cache, signal, onProgress: (fraction) => onProgress("predicting", fraction) }),

    async lessonOpen(spec) {
      const next = await Lesson.open(spec);
      await lesson?.dispose();
      lesson = next;
      return next.state;
    },
    async lessonStep({ count }, signal) {
      if (!lesson) throw new AppError("usage", "The lesson is not open.", "Open it first.");
      return lesson.steps(Math.max(1, Math.min(100_000, Math.round(count) || 1)), signal);
    },
    lessonFit: (spec, signal) => lessonFit(spec, signal),

    grad: (spec) => writeGradients(spec),
    trainStep: (spec) => writeStep(spec),
    bench: (input, signal) => benchStep(input, signal),
    suite: async ({ python }) => ({ names: Object.keys(suite), peer: python === undefined ? null : await askPeer(python) }),
    benchSuite: (spec, signal) => timeEntry(spec, signal),

    logits: ({ model, tokens, device }) => lastLogits(model, tokens, device),
    probe: ({ device }) => probeDevice(device),
    forecastMemory: ({ cache, ...asked }, signal) => forecastMemory(asked, { cache, signal, onWorking }),
    tryMemory: (asked, signal) => tryMemory(asked, signal),
    peak: () => Promise.resolve(peakMemory()),
  } satisfies Handlers<WorkerApi>;

  return {
    handlers,
    async dispose() {
      for (const { abort } of jobs) abort.abort();
      await Promise.allSettled([...jobs].map(({ done }) => done));
      await lesson?.dispose();
      await tried.dispose();
      await recommenders.dispose();
      await writers.dispose();
      await talkers.dispose();
      await foreign.dispose();
    },
  };
}
