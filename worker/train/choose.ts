// What is settled when a run begins: its device and threads, tried out where "auto" was asked for, and a batch that fits the memory. It is
// written into run.json at once, so that a resumed run computes what an unbroken one would.
import { AppError } from "../../ipc/error.ts";
import type { DeviceTrial, RunChoice, RunRecord } from "../../ipc/types.ts";
import { deviceIds, halfPrecision, probeDevice } from "../run/device.ts";
import { openEngine } from "../run/engine.ts";
import { threadCount, usualThreads } from "../run/onnxruntime.ts";
import { feedsOf } from "./answers.ts";
import { readMemory } from "./memory.ts";
import type { FullPlan } from "./plan.ts";
import type { Prepared } from "./kinds/kind.ts";
import { runOptions } from "./runOptions.ts";
import { trainingPlan } from "./step.ts";

/** A course shorter than this is walked before a trial has paid. */
const shortest = 10;
/** Another device or more threads must be faster by this, so that chance does not choose. */
const margin = 0.93;
const timedSteps = 3;
/** A device that takes longer than this for one step is not timed further. */
const patience = 5000;
/** Part of the free memory that a run may plan with. */
const share = 0.9;

export interface ChooseOptions {
  record: RunRecord;
  /** Whether a checkpoint is there: then nothing is tried, as the run has begun. */
  begun: boolean;
  /** Bytes that the worker may hold; default: what it holds and most of what is free. */
  limit?: number;
  signal: AbortSignal;
  /** Notes the device under trial in run.json before it is tried. */
  onTrying(device: string | undefined): Promise<void>;
}

/** The choice and the plan by it. `prepared.plan` is left as it is. */
export async function choose(prepared: Prepared, options: ChooseOptions): Promise<{ choice: RunChoice; plan: FullPlan }> {
  const { record } = options;
  const known = record.choice;
  if (known) return { choice: known, plan: planned(prepared.plan, known) };
  const plan = options.begun ? prepared.plan : fitting(prepared, options.limit ?? freeBytes());
  const asked = plan.plan.device;
  const usual = plan.threads ?? usualThreads(plan.plan.model.parameters);
  const mixed = record.spec.precision === "mixed";
  if (mixed && asked !== "auto" && !options.begun) await requireHalf(asked);
  const worth = asked === "auto" && mixed ? !options.begun : asked === "auto" && !options.begun && !plan.small && plan.seconds >= shortest;
  const trials = worth ? await tryAll(prepared, plan, options) : [];
  const best = worth ? fastest(trials) : undefined;
  if (mixed && worth && !best) throw withoutHalf(trials.map((t) => `${t.device}: ${t.why ?? "no reason"}`).join(" "));
  const batch = plan.plan.batch;
  const choice: RunChoice = {
    device: best?.device ?? (asked === "auto" ? "cpu" : asked),
    threads: best?.threads ?? usual,
    why: asked !== "auto" ? "asked" : best ? "fastest" : "short",
    trials,
    batch,
    ...(batch < prepared.plan.plan.batch ? { shrunkFrom: prepared.plan.plan.batch } : {}),
    memory: { forecastBytes: plan.plan.estimatedBytes },
  };
  return { choice, plan: planned(plan, choice) };
}

const planned = (full: FullPlan, { device, threads }: RunChoice): FullPlan => ({ ...full, threads, plan: { ...full.plan, device } });

function freeBytes(): number {
  const { workerBytes, deviceUsedBytes, deviceTotalBytes } = readMemory();
  return workerBytes + share * (deviceTotalBytes - deviceUsedBytes);
}

/** Throws `deviceFailed` with the reason where a device does not compute in float16. */
async function requireHalf(device: string): Promise<void> {
  const { works, why } =
    deviceIds.includes(device) && (await probeDevice(device)).works ? await halfPrecision(device) : { works: true, why: "" };
  if (!works) throw withoutHalf(`${device}: ${why}`);
}

const withoutHalf = (why: string) =>
  new AppError(
    "deviceFailed",
    `Mixed precision needs a device that computes in float16. ${why}`,
    "Train in full precision, or name another device.",
  );

/** The plan with its batch halved until it fits; as far as that helps. */
export function fitting({ plan, planFor }: Pick<Prepared, "plan" | "planFor">, limit: number): FullPlan {
  let now = plan;
  while (now.plan.estimatedBytes > limit && now.plan.batch > 1) {
    const next = planFor(Math.floor(now.plan.batch / 2));
    if (now.plan.estimatedBytes - next.plan.estimatedBytes < 2 ** 20) break;
    now = next;
  }
  return now;
}

/** The trial with the shortest step; among equals the one with the fewest threads, the processor first. */
export function fastest(trials: readonly DeviceTrial[]): { device: string; threads: number } | undefined {
  let best: (DeviceTrial & { stepMs: number }) | undefined;
  for (const trial of trials) {
    const { stepMs } = trial;
    if (stepMs !== null && (!best || stepMs < margin * best.stepMs)) best = { ...trial, stepMs };
  }
  return best && { device: best.device, threads: best.threads };
}

async function tryAll(prepared: Prepared, plan: FullPlan, options: ChooseOptions): Promise<DeviceTrial[]> {
  const all = threadCount();
  const usual = plan.threads ?? usualThreads(plan.plan.model.parameters);
  const candidates = [...new Set([1, all])].map((threads) => ({ device: "cpu", threads }));
  for (const device of deviceIds) if (device !== "cpu") candidates.push({ device, threads: usual });
  const trials: DeviceTrial[] = [];
  for (const { device, threads } of candidates) {
    options.signal.throwIfAborted();
    if (options.record.trying === device) {
      trials.push({ device, threads, stepMs: null, why: "The worker ended when it was tried." });
      continue;
    }
    if (device !== "cpu") {
      await options.onTrying(device);
      const { works, why } = await probeDevice(device);
      if (!works) {
        trials.push({ device, threads, stepMs: null, why });
        continue;
      }
    }
    const half = options.record.spec.precision === "mixed" ? await halfPrecision(device) : undefined;
    if (half && !half.works) trials.push({ device, threads, stepMs: null, why: half.why });
    else trials.push(await timed(prepared, plan, { device, threads }));
  }
  await options.onTrying(undefined);
  return trials;
}

/** Shortest of a few steps on the first rows, in a session of its own. */
async function timed(prepared: Prepared, plan: FullPlan, { device, threads }: { device: string; threads: number }): Promise<DeviceTrial> {
  try {
    const engine = await openEngine(device, { threads });
    try {
      const session = await engine.train(trainingPlan(prepared.training(), runOptions(plan, device)), undefined);
      const rows = Uint32Array.from({ length: plan.course.batch }, (_, i) => i % prepared.data.train.rows);
      const feeds = feedsOf(await prepared.data.train.read(rows));
      let best = Infinity;
      for (let i = 0; i <= timedSteps; i++) {
        const began = performance.now();
        await session.step(feeds, 0);
        const took = performance.now() - began;
        if (i > 0 || took > patience) best = Math.min(best, took); // the first one lays out memory
        if (took > patience) break;
      }
      return { device, threads, stepMs: Number(best.toPrecision(3)) };
    } finally {
      await engine.dispose();
    }
  } catch (thrown) {
    return { device, threads, stepMs: null, why: AppError.from(thrown).message };
  }
}
