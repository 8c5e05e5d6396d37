// A whole run: data in, a trained network out, in a folder that tells at every moment how far it is. Road: read → encode → plan → train →
// test → baselines → report → model.onnx. What is written: run.json (state), encoding.json, metrics.jsonl (the curve), checkpoints/,
// report.json, mistakes.json, model.onnx. Whatever happens in between, the folder is enough to go on from the last checkpoint.
import { mkdir, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { AppError } from "../../ipc/error.ts";
import type {
  BegunFrom,
  CurvePoint,
  Referee,
  RunChoice,
  RunProgress,
  RunRecord,
  RunResult,
  RunState,
  Shrink,
  TextSample,
  TrainPlan,
  TrainSpec,
} from "../../ipc/types.ts";
import type { WorkerEvents } from "../../ipc/worker.ts";
import { memoryError } from "../run/outOfMemory.ts";
import { openEngine, type TrainingPlan, type TrainingSession } from "../run/engine.ts";
import type { Tensor } from "../tensor.ts";
import { type Checkpoint, readCheckpoint, type TrainerState, writeCheckpoint } from "./checkpoint.ts";
import { Control, Interrupted } from "./control.ts";
import { fileError, Lines, readJson, removeDrafts, writeJson } from "./files.ts";
import { answersOf, judgedRows } from "./answers.ts";
import { choose } from "./choose.ts";
import { takeCorrections } from "./corrections.ts";
import { begunFrom, takeEncoding, weightsFrom } from "./from.ts";
import { lastRemark, resultOf } from "./judge.ts";
import { kindFor } from "./kinds/index.ts";
import type { Prepared } from "./kinds/kind.ts";
import { isSameInParts } from "./parts.ts";
import { Progress } from "./progress.ts";
import { remarks } from "./referee.ts";
import { runOptions } from "./runOptions.ts";
import { answersBeside, RunSamples } from "./samples.ts";
import { trainingPlan } from "./step.ts";
import { freshState, Trainer } from "./trainer.ts";

export interface RunRequest {
  /** The run's folder. */
  run: string;
  /** Absent: the folder holds a run (queued, or one to go on with). */
  spec?: TrainSpec;
  cache: string;
  control: Control;
  signal: AbortSignal;
  onProgress(progress: RunProgress): void;
  onPoint(point: CurvePoint): void;
  /** What a language model writes while it learns. */
  onSample?(sample: TextSample): void;
  onWorking?(working: WorkerEvents["working"]): void;
  /** Milliseconds between checkpoints (default 10,000). */
  checkpointEvery?: number;
  /** Bytes that the worker may hold (default: most of what is free). */
  memoryLimit?: number;
}

export const runPaths = (run: string) => ({
  record: join(run, "run.json"),
  encoding: join(run, "encoding.json"),
  curve: join(run, "metrics.jsonl"),
  samples: join(run, "samples.jsonl"),
  report: join(run, "report.json"),
  mistakes: join(run, "mistakes.json"),
  model: join(run, "model.onnx"),
  checkpoint: join(run, "checkpoints", "last.safetensors"),
  scratch: join(run, "scratch"),
});

/**
 * Trains in the folder, or goes on where it stood. Resolves when the run is done; rejects with `interrupted` when the signal came (a
 * checkpoint is kept), and with what went wrong otherwise; the folder's record says the same.
 */
export async function trainRun(request: RunRequest): Promise<RunResult> {
  const run = resolve(request.run);
  const paths = runPaths(run);
  let record = await begin(run, request.spec);
  let progress: Progress | undefined;
  const change = async (state: RunState, more: Partial<RunRecord> = {}) => {
    record = { ...record, ...more, state, ...(progress ? { progress: progress.last } : {}) };
    await writeJson(paths.record, record);
  };
  try {
    await change("preparing", { error: undefined });
    if (record.spec.from !== undefined && !record.from) {
      const begun = await begunFrom(record.spec);
      await takeEncoding(begun.from, run);
      await change("preparing", begun);
    }
    await takeCorrections(run, record.spec);
    const checkpoint = await readCheckpoint(paths.checkpoint);
    progress = new Progress({ ...unknownYet, emit: request.onProgress });
    progress.say("preparing", remarks.reading());
    const kind = await kindFor(record.spec, request);
    const prepared = await kind.prepare({ ...request, run, record, paths });
    try {
      const { choice, plan } = await choose(prepared, {
        record,
        begun: checkpoint !== undefined,
        ...(request.memoryLimit === undefined ? {} : { limit: request.memoryLimit }),
        signal: request.signal,
        onTrying: (trying) => change("preparing", { trying }),
      });
      prepared.plan = plan;
      progress = new Progress({
        device: prepared.plan.plan.device,
        metricName: prepared.task.metric,
        heldOut: prepared.data.validation.rows > 0,
        maxEpochs: prepared.plan.plan.maxEpochs,
        ...tokensPerRow(prepared.plan.plan),
        choice,
        emit: request.onProgress,
      });
      await change("running", { fingerprint: prepared.fingerprint, plan: prepared.plan.plan, choice });
      const learnt = await learn(
        { ...request, run, from: record.from, memoryDeaths: record.memoryDeaths ?? 0 },
        prepared,
        checkpoint,
        progress,
        change,
      );
      const ended: RunChoice = {
        ...(progress.last.choice ?? choice),
        memory: { ...choice.memory, measuredBytes: learnt.result.peakMemoryBytes },
      };
      const { from } = record;
      const result: RunResult = {
        ...learnt.result,
        choice: ended,
        ...(from ? { from } : {}),
        ...(prepared.corrections ? { corrections: prepared.corrections } : {}),
      };
      progress.choice(ended);
      progress.say("done", learnt.remark);
      await change("done", { result, choice: ended });
      return result;
    } finally {
      await prepared.close();
      await rm(paths.scratch, { recursive: true, force: true });
    }
  } catch (thrown) {
    const error = asAppError(thrown);
    const interrupted = error.code === "interrupted";
    const step = progress?.last.step ?? 0;
    progress?.say(interrupted ? "interrupted" : "failed", interrupted ? remarks.interrupted(step) : remarks.failed(error.message));
    await change(interrupted ? "interrupted" : "failed", { error: error.toRecord() }).catch(() => {});
    throw error;
  }
}

/** Rows of a model that learns from nothing are all of one length. */
function tokensPerRow({ language, tune, rows }: TrainPlan): { tokensPerRow?: number } {
  if (language) return { tokensPerRow: language.context };
  return tune ? { tokensPerRow: tune.tokens.train / Math.max(1, rows.train) } : {};
}

const unknownYet = { device: "cpu", metricName: "r2", heldOut: true, maxEpochs: 0 } as const;

/** A signal before or after training interrupts as one in the midst of it does: what there is is kept. */
function asAppError(thrown: unknown): AppError {
  const error = memoryError(thrown) ?? AppError.from(thrown);
  if (!(thrown instanceof Interrupted) && error.code !== "cancelled") return error;
  return new AppError("interrupted", "The run was interrupted; what was done is kept.", "Resume it when you like.", {}, thrown);
}

/** The folder's record: the one that is there, or a new one. Throws `runMissing`, `folderNotEmpty`, `runNewer`. */
async function begin(run: string, spec: TrainSpec | undefined): Promise<RunRecord> {
  const paths = runPaths(run);
  const known = await readJson<RunRecord>(paths.record);
  if (known && (known.version as number) !== 1)
    throw new AppError("runNewer", `The run in '${run}' was made by a newer Paddock.`, "Update Paddock.", {
      path: run,
      version: known.version,
    });
  if (known && (known.state === "queued" || !spec)) {
    for (const folder of [run, dirname(paths.checkpoint)]) await removeDrafts(folder);
    return spec ? { ...known, spec } : known;
  }
  if (known)
    throw new AppError("folderNotEmpty", `There is a run in '${run}' already.`, "Resume it, or choose another folder.", { path: run });
  if (!spec) throw new AppError("runMissing", `There is no run in '${run}'.`, "Check the name of the folder.", { path: run });
  await mkdir(run, { recursive: true }).catch((thrown: unknown) => {
    // Node says of a folder within one that may only be read that it is not there.
    throw fileError(
      (thrown as { code?: string }).code === "ENOENT" ? Object.assign(new Error("read-only"), { code: "EROFS" }) : thrown,
      run,
    );
  });
  return { version: 1, id: basename(run), created: Date.now(), state: "queued", spec: { ...spec, data: resolve(spec.data) } };
}

type Change = (state: RunState, more?: Partial<RunRecord>) => Promise<void>;

async function learn(
  request: RunRequest & { from: BegunFrom | undefined; memoryDeaths: number },
  prepared: Prepared,
  checkpoint: Checkpoint | undefined,
  progress: Progress,
  change: Change,
): Promise<{ result: RunResult; remark: Referee }> {
  const { plan: full, task, target, data } = prepared;
  const { course, plan } = full;
  const { control, from } = request;
  const paths = runPaths(request.run);
  const forward = prepared.training();
  const options = runOptions(full, plan.device);
  const sameInParts = isSameInParts(forward);
  const shrunk = marksOfMemory(request.memoryDeaths, checkpoint?.trainer, { of: course.batch, same: sameInParts });
  const engine = await openEngine(plan.device, full.threads === undefined ? {} : { threads: full.threads });
  try {
    const { accumulate = 1 } = prepared.spec;
    if (accumulate > 1 && !plan.tune)
      throw new AppError("usage", "Only the fine-tuning of a language model takes batches in parts.", "Leave --accumulate out.");
    const atOnce = accumulate > 1 ? Math.ceil(course.batch / accumulate) : undefined;
    let inParts = (shrunk ?? atOnce) !== undefined;
    const open = () => engine.train(trainingPlan(forward, { ...options, inParts }), prepared.answering());
    let session = await open();
    try {
      if (from && !checkpoint) {
        await session.write(await weightsFrom(from, forward));
        await change("running", { from: { ...from, ...(await judged(prepared, session, control)) } });
      }
      const lines = new Lines<CurvePoint>(paths.curve);
      const samples = await RunSamples.open(paths.samples, prepared, { checkpoint, onSample: request.onSample });
      let told = 0;
      if (checkpoint) {
        await session.write(checkpoint.states);
        await lines.recover((point) => point.step <= checkpoint.trainer.told);
      } else await lines.recover(() => false);
      const trainer = new Trainer(
        {
          session,
          task,
          target,
          parameters: forward.parameters,
          train: data.train,
          validation: data.validation.rows > 0 ? data.validation : undefined,
          course,
          control,
          begun: from !== undefined,
          sameInParts,
          ...(atOnce === undefined ? {} : { atOnce }),
          ...(shrunk ? { shrunk } : {}),
          reopen: async () => {
            inParts = true;
            await session.dispose();
            return (session = await open());
          },
          ...(request.checkpointEvery === undefined ? {} : { checkpointEvery: request.checkpointEvery }),
          save: async (kept) => {
            await lines.flush();
            await writeCheckpoint(paths.checkpoint, kept);
            await change(progress.last.state === "paused" ? "paused" : "running");
          },
          restore: async () =>
            (await readCheckpoint(paths.checkpoint)) ?? {
              states: await beginning(session, trainingPlan(forward, options), from && (await weightsFrom(from, forward))),
              best: new Map(),
              trainer: freshState(course),
            },
          onSetBack: async (told) => {
            await lines.flush();
            await lines.recover((point) => point.step <= told);
          },
          onPoint: (point) => {
            lines.push(point);
            // All points are kept; told are those with a judgement, and of the others ten a second.
            if (point.validationLoss === undefined && performance.now() - told < 100) return;
            told = performance.now();
            request.onPoint(point);
          },
          ...(samples
            ? {
                onJudged: async (at: { step: number; loss: number }) => {
                  if (samples.isDue(at.step, course)) await samples.write(at, await session.read());
                },
              }
            : {}),
          onStep: (at) => {
            const { choice } = progress.last;
            if (choice && !choice.fallbacks && session.fallbacks?.length) progress.choice({ ...choice, fallbacks: [...session.fallbacks] });
            progress.step(at);
          },
        },
        checkpoint,
      );
      if (!checkpoint) await samples?.write({ step: 0 }, await session.read());
      const ended = await trainer.run();
      progress.step(trainer, true);
      progress.say("finishing", remarks.testing());
      await change("finishing");
      await session.write(trainer.best);
      const { report, mistakes } = await prepared.report(
        (feeds) => session.evaluate(feeds),
        () => control.turn(),
      );
      const best = trainer.state.stopping.best;
      await samples?.write({ step: best?.step ?? trainer.state.step, ...(best ? { loss: best.validationLoss } : {}) }, trainer.best);
      if (samples && report.language) report.language.samples = samples.all;
      if (samples && report.tune) report.tune.answers = answersBeside(samples.all);
      await writeJson(paths.report, report);
      await writeJson(paths.mistakes, mistakes);
      const model = (await prepared.exportModel(paths.model, trainer.best, report)) ?? paths.model;
      // A course whose length the user set ends because it is walked, not because nothing more is to be learned.
      const asked = prepared.spec.steps !== undefined || prepared.spec.epochs !== undefined;
      const stopped = ended === "converged" && asked && trainer.state.step >= trainer.state.total ? "budget" : ended;
      const result = resultOf({ run: request.run, model }, full, forward.parameters, trainer, report, stopped);
      return { result, remark: lastRemark(trainer, ended) };
    } finally {
      await session.dispose();
    }
  } finally {
    await engine.dispose();
  }
}

/** The marks so far, with one for each time that the system ended the worker since the checkpoint; undefined where there are none. */
function marksOfMemory(deaths: number, trainer: TrainerState | undefined, { of, same }: Pick<Shrink, "of" | "same">): Shrink[] | undefined {
  const marks = [...(trainer?.shrunk ?? [])];
  const step = trainer?.step ?? 0;
  for (let answered = marks.filter(({ why }) => why === "killed").length; answered < deaths; answered++) {
    const rows = Math.floor((marks.at(-1)?.rows ?? of) / 2);
    if (rows >= 1) marks.push({ step, to: step, rows, of, same, why: "killed" });
  }
  return marks.length ? marks : undefined;
}

/** The states of the session as they were before the first step. */
async function beginning(
  session: TrainingSession,
  plan: TrainingPlan,
  begun: Map<string, Tensor> | undefined,
): Promise<Map<string, Tensor>> {
  const known = await session.read();
  const first = plan.step().states.map(({ name, initial }) => [name, initial] as const);
  return new Map([...first, ...(begun ?? [])].filter(([name]) => known.has(name)));
}

/** How good the weights in the session are on the test rows; nothing where there are none. */
async function judged({ task, target, data }: Prepared, session: TrainingSession, control: Control): Promise<Pick<BegunFrom, "before">> {
  if (data.test.rows === 0) return {};
  const answers = await answersOf(data.test, {
    task,
    target,
    rows: judgedRows(task.outputs(target)),
    run: (feeds) => session.evaluate(feeds),
    pause: () => control.turn(),
  });
  return { before: { metric: task.metric, value: task.judge(answers, target).metric } };
}
