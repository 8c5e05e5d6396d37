// The queue of runs: one trains at a time (a paused one gives way), each in a worker process of its own. While a worker is at a run, the
// worker writes run.json; before and after, this file does. A worker that dies leaves its reason in the record, and the run resumes.
import { mkdir } from "node:fs/promises";
import { AppError } from "../ipc/error.ts";
import type { HostEvents } from "../ipc/host.ts";
import type { CurvePoint, RunProgress, RunRecord, RunState } from "../ipc/types.ts";
import { Curve, readCurve, thin } from "./curve.ts";
import { remove } from "./files.ts";
import { type Lock, takeLockInTime } from "./locks.ts";
import { afterDeath, hasCheckpoint, isUnderWay, orphanPatience, readRun, runFiles, summarize, writeRun } from "./runs.ts";
import { type StartWorker, Worker } from "./workers.ts";

/** Milliseconds between two events about one run, and those given to a run to write its checkpoint when it is interrupted. */
const pace = 200;
const checkpointPatience = 20_000;

export interface JobsOptions {
  start: StartWorker;
  cache: string;
  emit: <K extends keyof HostEvents>(name: K, value: HostEvents[K]) => void;
  /** Sees each worker as it starts, to relay what it tells. */
  onWorker?: (worker: Worker) => void;
  /** Told when a run has ended, in whatever way. */
  onEnd?: (job: { project: string; run: string }, record: RunRecord) => Promise<void>;
  parallel?: number;
}

export class Job {
  readonly project: string;
  readonly run: string;
  readonly folder: string;
  readonly lock: Lock;
  record: RunRecord;
  curve: Curve;
  progress: RunProgress | null;
  worker: Worker | undefined;
  /** Settles when the run has left the queue for good. */
  readonly done: Promise<RunRecord>;
  readonly finish: (record: RunRecord) => void;
  readonly interrupt = new AbortController();
  pending: CurvePoint[] = [];
  timer: NodeJS.Timeout | undefined;

  constructor(project: string, folder: string, record: RunRecord, curve: Curve, lock: Lock) {
    this.project = project;
    this.run = record.id;
    this.folder = folder;
    this.record = record;
    this.curve = curve;
    this.lock = lock;
    this.progress = record.progress ?? null;
    let finish!: (record: RunRecord) => void;
    this.done = new Promise((resolve) => (finish = resolve));
    this.finish = finish;
  }

  get state(): RunState {
    return this.record.state;
  }
}

export class Jobs {
  #options: JobsOptions;
  #jobs: Job[] = [];
  #closing = false;

  constructor(options: JobsOptions) {
    this.#options = options;
  }

  find(project: string, run: string): Job | undefined {
    return this.#jobs.find((job) => job.project === project && job.run === run);
  }

  get all(): readonly Job[] {
    return this.#jobs;
  }

  /** Puts a new or interrupted run into the queue. Its folder is locked from now on. */
  async add(project: string, folder: string, record: RunRecord): Promise<Job> {
    await mkdir(folder, { recursive: true });
    const lock = await takeLockInTime(runFiles(folder).lock, orphanPatience.resume);
    if (!lock || this.#closing) {
      await lock?.release();
      throw busy(record.id, "another window of Paddock is at this run");
    }
    try {
      const { error: _, ...rest } = record;
      const queued: RunRecord = { ...rest, state: "queued" };
      await writeRun(folder, queued);
      const job = new Job(project, folder, queued, await readCurve(runFiles(folder).metrics), lock);
      this.#jobs.push(job);
      this.#tellState(job);
      this.#next();
      return job;
    } catch (thrown) {
      await lock.release();
      throw thrown;
    }
  }

  async pause(job: Job): Promise<void> {
    if (job.worker) await job.worker.use((api) => api.pause());
    else if (job.state === "queued") await this.#hold(job, "paused");
  }

  /** Goes on with a paused run at once, also beside another. */
  async resume(job: Job): Promise<void> {
    if (job.worker) await job.worker.use((api) => api.resume());
    else if (job.state === "paused") {
      await this.#hold(job, "queued");
      this.#next();
    }
  }

  async stop(job: Job): Promise<void> {
    if (job.worker) await job.worker.use((api) => api.stop());
    else await this.interrupt(job);
  }

  /** Ends a run with its checkpoint kept. Resolves when it is off the queue. */
  async interrupt(job: Job): Promise<RunRecord> {
    job.interrupt.abort();
    if (!job.worker) await this.#end(job, interruptedError("The run was taken from the queue before it began."));
    return job.done;
  }

  /** Interrupts every run and waits until their workers are gone. */
  async dispose(): Promise<void> {
    this.#closing = true;
    await Promise.all([...this.#jobs].map((job) => this.interrupt(job)));
  }

  async #hold(job: Job, state: "paused" | "queued"): Promise<void> {
    job.record = { ...job.record, state };
    await writeRun(job.folder, job.record);
    this.#tellState(job);
  }

  #next(): void {
    if (this.#closing) return;
    const busyNow = this.#jobs.filter((job) => job.worker && job.state !== "paused").length;
    const free = (this.#options.parallel ?? 1) - busyNow;
    for (const job of this.#jobs.filter((one) => !one.worker && one.state === "queued").slice(0, Math.max(0, free))) void this.#train(job);
  }

  async #train(job: Job): Promise<void> {
    const { signal } = job.interrupt;
    let error: AppError | undefined;
    try {
      const worker = (job.worker = new Worker(this.#options.start()));
      this.#options.onWorker?.(worker);
      if (worker.pid !== undefined) await job.lock.lend(worker.pid);
      job.record = { ...job.record, state: "preparing" };
      this.#tellState(job);
      worker.listen("progress", (progress) => this.#onProgress(job, progress));
      worker.listen("point", (point) => {
        job.curve.add(point);
        job.pending.push(point);
        this.#soon(job);
      });
      worker.listen("sample", (sample) => this.#options.emit("sample", { project: job.project, run: job.run, sample }));
      await worker.use((api) => api.train({ run: job.folder, cache: this.#options.cache }, signal), signal, checkpointPatience);
    } catch (thrown) {
      error = AppError.from(thrown);
    }
    await job.worker?.stop();
    await this.#end(job, error);
  }

  /** The record's last word, the lock's release, the news, the next run. */
  async #end(job: Job, error: AppError | undefined): Promise<void> {
    if (!this.#jobs.includes(job)) return;
    this.#jobs = this.#jobs.filter((one) => one !== job);
    try {
      job.record = await this.#lastWord(job, error);
    } catch (thrown) {
      // The folder is gone or the disk is full: what can be said is said in memory.
      job.record = { ...job.record, state: "failed", error: AppError.from(thrown).toRecord() };
    }
    await job.lock.release().catch(() => {});
    this.#flush(job);
    job.worker = undefined;
    this.#tellState(job);
    await this.#options.onEnd?.(job, job.record).catch(() => {});
    job.finish(job.record);
    this.#next();
  }

  async #lastWord(job: Job, error: AppError | undefined): Promise<RunRecord> {
    const written = await readRun(job.folder);
    const progress = job.progress ?? written.progress;
    const kept: RunRecord = progress ? { ...written, progress: { ...progress, memory: undefined } } : written;
    if (!error) {
      // The worker's own last word stands; one that ended without it has not ended well.
      if (!isUnderWay(written.state)) return written;
      error = new AppError("internal", "The worker ended without saying how the run went.", "Resume the run.");
    }
    await remove(runFiles(job.folder).scratch);
    if ("pid" in error.data && !job.interrupt.signal.aborted) {
      const dead = afterDeath(kept, error, { kept: await hasCheckpoint(job.folder) });
      await writeRun(job.folder, dead);
      return dead;
    }
    const state = await endState(job, error);
    const last = state === "interrupted" && error.code === "cancelled" ? interruptedBy(await hasCheckpoint(job.folder)) : error;
    // Our error says more than a record that the worker could still write itself.
    const record: RunRecord = { ...kept, state, error: last.toRecord() };
    await writeRun(job.folder, record);
    return record;
  }

  #onProgress(job: Job, progress: RunProgress): void {
    const changed = progress.state !== job.state && isUnderWay(progress.state);
    job.progress = progress;
    if (changed) {
      job.record = { ...job.record, state: progress.state };
      this.#flush(job);
      this.#tellState(job);
      this.#options.emit("run", { project: job.project, run: job.run, progress });
      if (progress.state === "paused") this.#next();
    } else this.#soon(job);
  }

  /** Events of one run leave at most every 200 ms, points together. */
  #soon(job: Job): void {
    job.timer ??= setTimeout(() => this.#flush(job), pace);
  }

  #flush(job: Job): void {
    clearTimeout(job.timer);
    job.timer = undefined;
    const { project, run, pending, progress } = job;
    job.pending = [];
    if (pending.length > 0) this.#options.emit("points", { project, run, points: thin(pending, 500) });
    if (progress) this.#options.emit("run", { project, run, progress });
  }

  #tellState(job: Job): void {
    this.#options.emit("runChanged", { project: job.project, run: job.run ? summarize(job.project, job.record) : null });
  }
}

/** Interrupted when it was asked to or died on the way with something kept; failed when there is nothing to go on from. */
async function endState(job: Job, error: AppError): Promise<RunState> {
  if (error.code === "cancelled" || error.code === "interrupted" || job.interrupt.signal.aborted) return "interrupted";
  const died = error.code === "workerDied" || error.code === "outOfMemory" || error.code === "connectionLost";
  return died && (await hasCheckpoint(job.folder)) ? "interrupted" : "failed";
}

const interruptedError = (message: string, kept?: boolean) =>
  new AppError("interrupted", message, "Resume it when you like.", kept === undefined ? {} : { kept });

const interruptedBy = (kept: boolean) =>
  interruptedError(
    kept ? "The run was interrupted; its checkpoint is kept." : "The run was interrupted before its first checkpoint.",
    kept,
  );

export const busy = (run: string, why: string) =>
  new AppError("runBusy", `The run '${run}' is busy: ${why}.`, "Wait until it has ended, or stop it there.", { run });
