// A run's folder: run.json is written by the worker while one is at it, and by the host before and after; the lock says which holds.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import { AppError } from "../ipc/error.ts";
import type { RunSummary } from "../ipc/host.ts";
import type { RunRecord, RunState } from "../ipc/types.ts";
import { exists, list, writeJson } from "./files.ts";
import { takeLockInTime } from "./locks.ts";
import { type RecordKind, readRecord } from "./records.ts";

const states = ["queued", "preparing", "running", "paused", "finishing", "done", "interrupted", "failed"] as const satisfies RunState[];

/** What the host relies on is checked; the rest of the record is the worker's and is passed on as it is. */
const schema = v.looseObject({
  version: v.literal(1),
  id: v.string(),
  created: v.number(),
  state: v.picklist(states),
  spec: v.looseObject({ data: v.string() }),
}) as unknown as v.GenericSchema<unknown, RunRecord>;

const kind: RecordKind<RunRecord> = { what: "run", schema, steps: [], invalid: "runInvalid", newer: "runNewer" };

export const runFiles = (folder: string) => ({
  record: join(folder, "run.json"),
  metrics: join(folder, "metrics.jsonl"),
  /** What a language model wrote while it learned. */
  samples: join(folder, "samples.jsonl"),
  report: join(folder, "report.json"),
  /** Samples that are kept to be looked at, split by split. */
  mistakes: join(folder, "mistakes.json"),
  importance: join(folder, "importance.json"),
  /** The corrections that the run took. */
  corrections: join(folder, "corrections.json"),
  model: join(folder, "model.onnx"),
  checkpoints: join(folder, "checkpoints"),
  /** What stands beside a model: of a recommender, of texts, of a language model. */
  companions: ["recommend.onnx", "seen.bin", "titles.json", "tokenize.mjs", "tokenizer.json", "samples.jsonl"].map((name) =>
    join(folder, name),
  ),
  predictions: join(folder, "predictions"),
  exports: join(folder, "exports"),
  /** What a worker needs only while it is at the run. */
  scratch: join(folder, "scratch"),
  lock: join(folder, "run.lock"),
});

/** The record, or `runMissing`. */
export async function readRun(folder: string): Promise<RunRecord> {
  const record = await readRecord(runFiles(folder).record, kind);
  if (!record) throw new AppError("runMissing", `There is no run in '${folder}'.`, "Check the name, or train first.", { path: folder });
  return record;
}

export async function writeRun(folder: string, record: RunRecord): Promise<void> {
  await writeJson(runFiles(folder).record, record);
}

/** True while a run is on its way: somebody (a queue, a worker) has it. */
export function isUnderWay(state: RunState): boolean {
  switch (state) {
    case "queued":
    case "preparing":
    case "running":
    case "paused":
    case "finishing":
      return true;
    case "done":
    case "interrupted":
    case "failed":
      return false;
    default:
      throw new Error(`unknown state ${String(state satisfies never)}`);
  }
}

/** Milliseconds for which a worker whose host was killed is waited for: where its run is looked at, and where it is to be resumed. */
export const orphanPatience = { look: 3000, resume: 30_000 };

/** Marks a run that a crash left under way as interrupted; it is not resumed by itself. Answers the record as it then is. */
export async function settleRun(folder: string): Promise<RunRecord> {
  const record = await readRun(folder);
  if (!isUnderWay(record.state)) return record;
  const lock = await takeLockInTime(runFiles(folder).lock, orphanPatience.look);
  if (!lock) return record;
  try {
    // Read again: it may have ended while the lock was taken.
    const now = await readRun(folder);
    if (!isUnderWay(now.state)) return now;
    const kept = await hasCheckpoint(folder);
    const error = new AppError(
      "interrupted",
      "Paddock ended while this run was under way.",
      kept ? "Resume it: it goes on from its last checkpoint." : "Resume it: it begins anew, as nothing of it was kept yet.",
      { state: now.state, kept },
    );
    const settled: RunRecord = { ...now, state: "interrupted", error: error.toRecord() };
    await writeRun(folder, settled);
    return settled;
  } finally {
    await lock.release();
  }
}

/**
 * What the record of a run says when its worker died. Memory that ran out for certain is counted: each time the run goes on with half as many rows
 * at once, so it may always go on. The hint says what there is to go on from.
 * @param about.kept whether there is a checkpoint   @param about.anew whether one without may be resumed all the same, from its beginning
 */
export function afterDeath(record: RunRecord, died: AppError, { kept, anew = false }: { kept: boolean; anew?: boolean }): RunRecord {
  const counted = died.code === "outOfMemory" && died.data["sure"] === true;
  const memoryDeaths = (record.memoryDeaths ?? 0) + (counted ? 1 : 0);
  const goesOn = kept || counted || anew;
  const where = kept ? "it goes on from its last checkpoint" : "it begins anew, as nothing of it was kept yet";
  const next = goesOn
    ? `Resume the run: ${where}${counted ? ", with half as many rows at once" : ""}.`
    : "Nothing of the run was kept yet: train again.";
  const error: AppError = new AppError(died.code, died.message, `${died.hint} ${next}`, { ...died.data, kept, counted }, died.cause);
  return { ...record, state: goesOn ? "interrupted" : "failed", error: error.toRecord(), ...(memoryDeaths ? { memoryDeaths } : {}) };
}

/** The path of the run's model, or `runNotTrained`. */
export async function modelOf(folder: string): Promise<string> {
  const path = runFiles(folder).model;
  if (!(await exists(path))) throw notTrained(folder);
  return path;
}

/** Whether a run that is done keeps what it taught another model: an adapter, or the weights that moved. */
export async function isTuned(folder: string): Promise<boolean> {
  return (await exists(join(folder, "adapter", "adapter_config.json"))) || (await exists(join(folder, "model.safetensors")));
}

/** Whether a path is a run whose model is a file of its own; those that fine-tuned another model keep an adapter, or the weights that moved. */
export async function keepsModel(path: string): Promise<boolean> {
  if (!(await exists(runFiles(path).record))) return false;
  const { spec } = await readRun(path);
  return spec.method !== "lora" && spec.method !== "qlora" && !(await exists(join(path, "model.safetensors")));
}

export function notTrained(folder: string): AppError {
  return new AppError("runNotTrained", `The run in '${folder}' has not finished training.`, "Let it finish, or resume it.", {
    path: folder,
  });
}

/** True when there is something to go on from: a file, or a folder with files in it; drafts begin with a dot. */
export async function hasCheckpoint(folder: string): Promise<boolean> {
  const entries = await readdir(runFiles(folder).checkpoints, { withFileTypes: true }).catch(() => []);
  const kept = entries.filter(({ name }) => !name.startsWith("."));
  const full = await Promise.all(
    kept.map(async (entry) => !entry.isDirectory() || (await list(join(entry.parentPath, entry.name))).length > 0),
  );
  return full.includes(true);
}

export function summarize(project: string, record: RunRecord): RunSummary {
  const verdict = record.result?.verdict;
  return {
    id: record.id,
    project,
    created: record.created,
    state: record.state,
    model: record.result?.model.name ?? record.plan?.model.name ?? record.spec.model ?? "",
    target: record.spec.target ?? record.plan?.target ?? "",
    score: verdict ? { metric: verdict.metric, value: verdict.network } : null,
    ...(record.plan?.tune ? { tuned: true as const } : {}),
    ...(record.error ? { error: record.error } : {}),
  };
}
