// How a run comes about on the command line: as a run of a project in the workspace (the app shows it too), in a folder of the user's
// choice, or resumed where it lies. All three train in the same worker through the same calls as the app.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { AppError } from "../../ipc/error.ts";
import type { HostApi, TakenAs } from "../../ipc/host.ts";
import type { Handlers } from "../../ipc/rpc.ts";
import type { RunRecord, RunResult, TrainSpec } from "../../ipc/types.ts";
import { correctionsFile } from "../corrections.ts";
import { exists, list, regularFile, remove } from "../files.ts";
import type { Host } from "../host.ts";
import { type Lock, takeLockInTime } from "../locks.ts";
import { newRunId, safeFileName } from "../paths.ts";
import { takenAs } from "../projects.ts";
import { afterDeath, hasCheckpoint, isUnderWay, orphanPatience, readRun, runFiles, settleRun, writeRun } from "../runs.ts";
import { version } from "../version.ts";
import type { Context } from "./action.ts";
import type { Answer } from "./output.ts";
import { describeResult } from "./trainResult.ts";
import { findRun, findTrained } from "./runPath.ts";

type Spec = Omit<TrainSpec, "data">;

/** Milliseconds a worker has to write its checkpoint after a Ctrl-C. */
const patience = 60_000;

/** Trains as the app does: the data copied into a project (one that has the same data is used again), the run in it. */
export async function trainInProject(context: Context, data: string, spec: Spec): Promise<Answer> {
  if ((await isSet(data, spec)) || isPath(spec.model) || spec.corrections !== undefined)
    return trainInFolder(context, data, spec, join(context.paths.looseRuns, newRunId()));
  return onHost(context, async (host) => {
    const { handlers } = host;
    const { paths, signal } = context;
    const path = resolve(data);
    const as = takenAs(spec);
    const found = await sameProject(handlers, path, as, signal);
    const project = found ?? (await handlers.createProject({ source: { kind: "path", path }, ...as }, signal)).id;
    try {
      return await runOn(host, context, project, spec);
    } catch (thrown) {
      if (!found && refused(thrown, signal)) await remove(paths.project(project));
      throw thrown;
    }
  });
}

/** Bad input leaves nothing behind. */
const refused = (thrown: unknown, signal: AbortSignal) => !signal.aborted && [2, 3].includes(AppError.from(thrown).exitCode);

async function onHost<T>(context: Context, work: (host: Host) => Promise<T>): Promise<T> {
  const { createHost } = await import("../host.ts");
  const host = await createHost({ workspace: context.paths.root, door: "cli", version, startWorker: context.startWorker });
  host.listen("working", (working) => context.progress.working(working));
  host.listen("run", ({ progress }) => context.progress.run(progress));
  try {
    return await work(host);
  } finally {
    await host.dispose();
  }
}

/** A run in a project, from its start to its end. */
async function runOn(host: Host, { paths, signal }: Context, project: string, spec: Spec): Promise<Answer> {
  let run: string | undefined;
  try {
    run = (await host.handlers.startRun({ project, spec }, signal)).id;
    const onAbort = () => void host.interrupt(project, run!);
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
    const record = await (host.finished(project, run) ?? readRun(paths.run(project, run)));
    signal.removeEventListener("abort", onAbort);
    return outcome(record, paths.run(project, run));
  } catch (thrown) {
    if (run !== undefined && refused(thrown, signal)) await remove(paths.run(project, run));
    throw thrown;
  }
}

/**
 * Begins from a run that is done: beside it in its project where that holds the data, else in a folder. What was corrected since comes along.
 * @param data the run's own where absent
 */
export async function trainFrom(context: Context, given: string, data: string | undefined, spec: Spec, out?: string): Promise<Answer> {
  const { paths } = context;
  const from = await findTrained(given, paths);
  const earlier = await readRun(from);
  const corrections = spec.corrections ?? correctionsFile(from, earlier, paths);
  const full: Spec = { ...spec, from, ...(spec.corrections !== undefined || (await exists(corrections)) ? { corrections } : {}) };
  const project = corrections === paths.corrections(basename(dirname(dirname(from)))) ? basename(dirname(dirname(from))) : undefined;
  if (out !== undefined && resolve(out) === from)
    throw new AppError("usage", "The new run would take the place of the one that it begins from.", "Choose another folder.", {
      path: from,
    });
  if (project !== undefined && data === undefined && out === undefined)
    return onHost(context, (host) => runOn(host, context, project, { ...spec, from: earlier.id }));
  return trainInFolder(context, data ?? earlier.spec.data, full, out ?? join(paths.looseRuns, newRunId()));
}

/** Whether the model is one on disk: projects name families, and models of the shelf. */
const isPath = (model: string | undefined): boolean => model !== undefined && /[./\\]/.test(model);

/** The project that holds the same bytes under the same name, taken as the same. Files are hashed only when one of the same size is there. */
async function sameProject(handlers: Handlers<HostApi>, path: string, as: TakenAs, signal: AbortSignal): Promise<string | undefined> {
  const size = await regularFile(path);
  const alike: { id: string; fingerprint: string }[] = [];
  for (const { id, file } of await handlers.projects(undefined, signal)) {
    if (file !== safeFileName(basename(path))) continue;
    const { profile, spec } = await handlers.project({ id }, signal);
    if (spec.kind === as.kind && spec.part === as.part && profile.bytes === size) alike.push({ id, fingerprint: profile.fingerprint });
  }
  if (alike.length === 0) return undefined;
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { signal })) hash.update(chunk as Buffer);
  const whole = hash.digest("hex");
  // As the worker names what is kept of a part: see partOf in worker/data/table.ts.
  const fingerprint = as.part === undefined ? whole : createHash("sha256").update(`${whole}\0${as.part}`).digest("hex");
  return alike.find((one) => one.fingerprint === fingerprint)?.id;
}

/** Trains in a folder of the user's choice; the data stays where it is. */
export async function trainInFolder(context: Context, data: string, spec: Spec, out: string): Promise<Answer> {
  const folder = resolve(out);
  const full: TrainSpec = { ...spec, data: resolve(data) };
  await dataThere(full.data);
  const before = await whatIsThere(folder);
  if (before === "other")
    throw new AppError("folderNotEmpty", `The folder '${folder}' is not empty and holds no run.`, "Choose another folder, or empty it.", {
      path: folder,
    });
  if (before === "unfinished")
    throw new AppError(
      "folderNotEmpty",
      `The folder '${folder}' holds a run that is not finished.`,
      `Go on with it: paddock train --resume ${out}`,
      {
        path: folder,
      },
    );
  const { cache } = context.paths;
  // An earlier run gives way only to a run that can be.
  if (before === "run") await context.withWorker((api) => api.plan({ spec: full, cache }, context.signal));
  await mkdir(folder, { recursive: true }).catch((thrown: unknown) => {
    throw new AppError("folderNotWritable", `The folder '${folder}' cannot be made.`, "Choose another place.", { path: folder }, thrown);
  });
  return locked(folder, async (lock) => {
    if (before === "run") await removeRunFiles(folder);
    try {
      return await train(context, folder, full, lock);
    } catch (thrown) {
      if (!context.signal.aborted && [2, 3].includes(AppError.from(thrown).exitCode)) {
        if (before === "absent") await remove(folder);
        else await removeRunFiles(folder);
      }
      throw thrown;
    }
  });
}

/** A folder, or a file with something in it; what it holds the worker tells. */
async function dataThere(path: string): Promise<void> {
  const facts = await stat(path).catch(() => undefined);
  if (!facts?.isDirectory()) await regularFile(path);
}

/** Folders and archives are no tables: their runs lie beside the projects, and their data stay where they are. */
async function isSet(path: string, { task, kind }: Spec): Promise<boolean> {
  if (task === "images" || kind === "images" || /\.(zip|tar|tgz|tar\.gz)$/i.test(path)) return true;
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
}

async function whatIsThere(folder: string): Promise<"absent" | "empty" | "other" | "run" | "unfinished"> {
  const facts = await stat(folder).catch(() => undefined);
  if (!facts) return "absent";
  if (!facts.isDirectory()) return "other";
  if ((await list(folder)).length === 0) return "empty";
  if (!(await exists(runFiles(folder).record))) return "other";
  const { state } = await settleRun(folder);
  return isUnderWay(state) || state === "interrupted" ? "unfinished" : "run";
}

/** Exactly what a run writes: anything else in the folder is the user's. */
async function removeRunFiles(folder: string): Promise<void> {
  const { record, metrics, report, corrections, model, checkpoints, companions, scratch } = runFiles(folder);
  for (const path of [record, metrics, report, corrections, model, checkpoints, ...companions, scratch, join(folder, "encoding.json")])
    await remove(path);
}

/** Goes on with an interrupted run from its last checkpoint; one that is done answers its result again. */
export async function resumeRun(context: Context, given: string, data: string | undefined, spec: Spec): Promise<Answer> {
  const folder = await findRun(given, context.paths);
  const record = await settleRun(folder);
  refuseOther(record, spec);
  if (record.state === "done") return outcome(record, folder);
  return locked(folder, async (lock) => {
    // The data may have moved; that it is the same is checked by its fingerprint.
    if (data !== undefined && resolve(data) !== record.spec.data) {
      await dataThere(resolve(data));
      await writeRun(folder, { ...record, spec: { ...record.spec, data: resolve(data) } });
    }
    return train(context, folder, undefined, lock);
  });
}

/** A resumed run goes on as it began: a flag that says something else is refused rather than ignored. */
function refuseOther(record: RunRecord, spec: Spec): void {
  const began: Record<string, unknown> = { ...record.spec };
  const other = Object.entries(spec).find(([name, value]) => JSON.stringify(began[name]) !== JSON.stringify(value));
  if (!other) return;
  const [name] = other;
  throw new AppError(
    "usage",
    `The run began with ${began[name] === undefined ? `no ${name} given` : `${name} ${String(began[name])}`}, and goes on so.`,
    "Leave the flag out, or start a new run.",
    {
      setting: name,
    },
  );
}

async function locked<T>(folder: string, work: (lock: Lock) => Promise<T>): Promise<T> {
  const lock = await takeLockInTime(runFiles(folder).lock, orphanPatience.resume);
  if (!lock)
    throw new AppError("runBusy", `Another Paddock is at the run in '${folder}'.`, "Wait until it has ended, or stop it there.", {
      path: folder,
    });
  try {
    return await work(lock);
  } finally {
    await lock.release();
  }
}

/** Trains (or resumes) in the folder on a worker of its own. A worker that dies leaves its reason in run.json. */
async function train(context: Context, run: string, spec: TrainSpec | undefined, lock: Lock): Promise<Answer> {
  const { cache } = context.paths;
  try {
    await context.withWorker(async (api, worker) => {
      if (worker.pid !== undefined) await lock.lend(worker.pid);
      worker.listen("progress", (progress) => context.progress.run(progress));
      return api.train({ run, cache, ...(spec ? { spec } : {}) }, context.signal);
    }, patience);
  } catch (thrown) {
    const error = AppError.from(thrown);
    const record = (await exists(runFiles(run).record)) ? await readRun(run) : undefined;
    if (!record) throw error;
    if ("pid" in error.data && !context.signal.aborted) {
      const dead = afterDeath(record, error, { kept: await hasCheckpoint(run), anew: true });
      await writeRun(run, dead);
      return outcome(dead, run);
    }
    if (isUnderWay(record.state))
      await writeRun(run, { ...record, state: context.signal.aborted ? "interrupted" : "failed", error: error.toRecord() });
    if (!context.signal.aborted && error.code !== "interrupted" && error.code !== "cancelled") throw error;
  }
  return outcome(await readRun(run), run);
}

/** What a run's record means for the command: its result, how to resume it, or its error. */
function outcome(record: RunRecord, folder: string): Answer {
  if (record.state === "done" && record.result) {
    const result: RunResult = record.result;
    return { json: result, text: describeResult(result) };
  }
  const { error } = record;
  if (record.state !== "interrupted" || (error && !["interrupted", "cancelled"].includes(error.code)))
    throw error
      ? AppError.fromRecord({
          ...error,
          hint: record.state === "interrupted" ? `${error.hint} paddock train --resume ${folder}` : error.hint,
        })
      : new AppError("internal", `The run ended as ${record.state}.`, "Resume it, or start it again.", { run: folder });
  const step = record.progress?.step ?? 0;
  const message = step > 0 ? `Interrupted at step ${step}; a checkpoint is kept.` : "Interrupted before the first step.";
  const hint = `Resume it: paddock train --resume ${folder}`;
  const json = {
    ...record.result,
    run: folder,
    stopped: "interrupted",
    error: { code: "interrupted", message, hint, data: { run: folder, step } },
  };
  return { json, text: `${message}\n${hint}`, exitCode: 5 };
}
