// What a model needs in memory, against each device. Measurements are kept in one small file of the workspace, by device and method, and correct
// what is forecast later: of small models, where the program weighs most, that part; of large ones, the rest.
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import * as v from "valibot";
import type { Device, MemoryFit, MemoryForecast, MemoryMethod, MemoryNeed, MemoryPlan } from "../ipc/types.ts";
import { writeJson } from "./files.ts";
import { type RecordKind, readRecord } from "./records.ts";

const bytes = v.pipe(v.number(), v.finite(), v.minValue(0));
const sample = v.object({ plan: v.string(), runtime: bytes, rest: bytes, measured: bytes, at: v.number() });
type Sample = v.InferOutput<typeof sample>;

interface Kept {
  version: 1;
  samples: Record<string, Sample[]>;
}

const kind: RecordKind<Kept> = {
  what: "memory measurements",
  schema: v.object({ version: v.literal(1), samples: v.record(v.string(), v.array(sample)) }),
  steps: [],
  invalid: "projectInvalid",
  newer: "recordNewer",
};

/** Measurements kept by device and method. */
const most = 20;
/** Corrections beyond this are taken for chance. */
const bounds = { least: 0.5, most: 2 };

const keyOf = (device: string, method: MemoryMethod, of: MemoryForecast["kind"]) =>
  `${device}/${method}/${of === "size" ? "language" : of}`;
/** What a plan is known by: the model and every setting. */
const planOf = ({ name, settings: s }: Pick<MemoryForecast, "name" | "settings">) =>
  [name, s.method, s.bits, s.batch, s.context ?? ""].join("|");

export class MemoryPlans {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** A damaged file is as none: it is written anew with the next measurement. */
  async #read(): Promise<Kept> {
    const none: Kept = { version: 1, samples: {} };
    return (await readRecord(this.#path, kind).catch(() => undefined)) ?? none;
  }

  async #samples(device: string, forecast: MemoryForecast): Promise<Sample[]> {
    return (await this.#read()).samples[keyOf(device, forecast.settings.method, forecast.kind)] ?? [];
  }

  /** Keeps what a plan took. */
  async learn(device: string, forecast: MemoryForecast, measured: number): Promise<void> {
    const kept = await this.#read();
    const key = keyOf(device, forecast.settings.method, forecast.kind);
    const { runtime } = forecast.bytes;
    const one: Sample = { plan: planOf(forecast), runtime, rest: forecast.total - runtime, measured, at: Date.now() };
    const others = (kept.samples[key] ?? []).filter(({ plan }) => plan !== one.plan);
    kept.samples[key] = [...others, one].slice(-most);
    await mkdir(dirname(this.#path), { recursive: true });
    await writeJson(this.#path, kept);
  }

  /** The forecast corrected by what was measured on the processor, beside each device. */
  async against(forecast: MemoryForecast, devices: readonly Device[]): Promise<MemoryPlan> {
    const { smaller, ...given } = forecast;
    const samples = await this.#samples("cpu", forecast);
    const correct = correction(samples);
    const need = correct(forecast);
    const last = samples.find(({ plan }) => plan === planOf(forecast));
    return {
      ...given,
      ...need,
      uncorrected: forecast.total,
      learnedFrom: samples.length,
      ...(last ? { measured: { bytes: last.measured, at: last.at } } : {}),
      fits: devices.map((device) => fit(device, need, smaller.map(correct))),
    };
  }
}

/** How measurements change a need. */
export function correction(samples: readonly Sample[]): (need: MemoryNeed) => MemoryNeed {
  const within = (value: number) => Math.min(bounds.most, Math.max(bounds.least, value));
  const small = samples.filter(({ rest, measured }) => rest < measured / 2);
  const runtime = small.length ? within(median(small.map((s) => (s.measured - s.rest) / s.runtime))) : 1;
  const large = samples.filter(({ rest, measured }) => rest >= measured / 2);
  const rest = large.length ? within(median(large.map((s) => (s.measured - s.runtime * runtime) / s.rest))) : 1;
  return ({ settings, bytes: own }) => {
    // Weights, gradients and moments are known to the byte; what is reckoned is the rest.
    const known = own.weights + own.gradients + own.optimizer + own.cache;
    const all = known + own.activations;
    const activations = Math.max(0, Math.round(own.activations + (rest - 1) * all));
    const changed = { ...own, activations, runtime: Math.round(own.runtime * runtime) };
    return { settings, bytes: changed, total: Object.values(changed).reduce((sum: number, one: number) => sum + one, 0) };
  };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

/** Part of the free memory that may be planned with: others use some, too. */
const share = 0.9;
const gib = (count: number) => `${(count / 2 ** 30).toFixed(count < 10 * 2 ** 30 ? 2 : 1)} GiB`;

function fit(device: Device, need: MemoryNeed, smaller: readonly MemoryNeed[]): MemoryFit {
  const { id, name, memoryBytes, usedBytes, works } = device;
  const freeBytes = memoryBytes === null || usedBytes === null ? null : Math.max(0, memoryBytes - usedBytes);
  const given = { device: id, name, memoryBytes, freeBytes };
  if (!works) return { ...given, fits: false, by: "broken", why: `It does not work here: ${device.why}` };
  const room = freeBytes ?? memoryBytes;
  if (room === null) return { ...given, fits: false, by: "unknown", why: `It does not tell its memory; ${gib(need.total)} are needed.` };
  const by = freeBytes === null ? "all" : "free";
  const told = `${gib(need.total)} needed, ${gib(room)} ${by === "free" ? "free" : "there"}`;
  if (need.total <= share * room) return { ...given, fits: true, by, why: `${told}.` };
  const less = smaller.find(({ total }) => total <= share * room);
  if (!less) return { ...given, fits: false, by, why: `${told}; no settings make it small enough.` };
  return { ...given, fits: false, by, why: `${told}; it fits with ${settingsText(less, need)} (${gib(less.total)}).`, with: less };
}

/** What of the settings changed, as flags. */
function settingsText({ settings }: MemoryNeed, before: MemoryNeed): string {
  const changed = Object.entries(settings).filter(([name, value]) => value !== before.settings[name as "batch"]);
  return changed.map(([name, value]) => `--${name} ${value}`).join(" ");
}
