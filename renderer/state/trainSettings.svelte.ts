// What a person may set about a training, and what holds where nothing is set. A field left empty follows the plan.
import type { TrainPlan, TrainSpec } from "../../ipc/types.ts";
import type { Project } from "./project.svelte.ts";

export interface NumberRule {
  min: number;
  max: number;
  whole: boolean;
}

/** The ranges that the host takes. */
export const numberRules = {
  lr: { min: 1e-12, max: 1e6, whole: false },
  weightDecay: { min: 0, max: 1e6, whole: false },
  batch: { min: 1, max: 1 << 24, whole: true },
  epochs: { min: 1, max: 1e9, whole: true },
  seconds: { min: 0.001, max: 1e9, whole: false },
  seed: { min: 0, max: 2 ** 32 - 1, whole: true },
} as const satisfies Partial<Record<keyof TrainSpec, NumberRule>>;

export const choices = {
  optimizer: ["adamw", "muon", "adam", "momentum", "sgd"],
  schedule: ["warmup", "cosine", "onecycle", "plateau", "step", "constant"],
  classWeight: ["none", "balanced"],
} as const satisfies { [K in "optimizer" | "schedule" | "classWeight"]: readonly NonNullable<TrainSpec[K]>[] };

export type NumberName = keyof typeof numberRules;
export type ChoiceName = keyof typeof choices;
export type SwitchName = "shuffle" | "split";
export type SettingName = NumberName | ChoiceName | SwitchName;

type Values = Required<Pick<TrainSpec, SettingName>>;

export const settingNames: readonly SettingName[] = [
  "optimizer",
  "lr",
  "schedule",
  "weightDecay",
  "classWeight",
  "batch",
  "epochs",
  "seconds",
  "seed",
  "shuffle",
  "split",
];

export type Reading =
  { value: number | undefined } | { problem: "notNumber" | "notWhole" } | { problem: "tooSmall" | "tooLarge"; limit: number };

/** A number as a person types it; nothing typed is undefined. A comma is the point where it can be nothing else. */
export function readNumber(text: string, { min, max, whole }: NumberRule): Reading {
  const typed = text.trim().replace("−", "-");
  if (!typed) return { value: undefined };
  const value = Number(/^-?\d*,\d+$/.test(typed) && !whole ? typed.replace(",", ".") : typed);
  if (!Number.isFinite(value)) return { problem: "notNumber" };
  if (whole && !Number.isInteger(value)) return { problem: "notWhole" };
  if (value < min) return { problem: "tooSmall", limit: min };
  return value > max ? { problem: "tooLarge", limit: max } : { value };
}

/** The settings that a plan knows: classes are weighed only where there are some. */
export const settingsOf = (plan: TrainPlan | undefined): SettingName[] =>
  settingNames.filter((name) => name !== "classWeight" || plan?.settings.classWeight !== undefined);

/** The value of a setting in a plan. */
export function inPlan<K extends SettingName>(plan: TrainPlan, name: K): Values[K] {
  const all: Values = { classWeight: "none", ...plan.settings, epochs: plan.maxEpochs, seconds: plan.maxSeconds };
  return all[name];
}

/** Milliseconds without a key until what was typed is kept. */
const rest = 400;

export class TrainSettings {
  /** What stands in a field while it is being typed, or cannot be taken. */
  drafts: Partial<Record<NumberName, string>> = $state({});
  /** What would hold without the user's choice, for the fields that have one. */
  #usual: Partial<Record<SettingName, unknown>> = $state.raw({});
  #project: Project;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asks = 0;
  chosen: readonly SettingName[] = $derived.by(() => settingNames.filter((name) => this.#project.spec[name] !== undefined));

  constructor(project: Project) {
    this.#project = project;
  }

  text(name: NumberName): string {
    return this.drafts[name] ?? String(this.#project.spec[name] ?? "");
  }

  reading(name: NumberName): Reading {
    return readNumber(this.text(name), numberRules[name]);
  }

  /** The default in force; undefined while it is asked for. */
  usual<K extends SettingName>(name: K): Values[K] | undefined {
    if (this.#project.spec[name] !== undefined) return this.#usual[name] as Values[K] | undefined;
    return this.#project.plan && inPlan(this.#project.plan, name);
  }

  /** Asks what each chosen setting would be if it were not chosen. The others may depend on it, so each is asked for alone. */
  async learn(): Promise<void> {
    const ask = ++this.#asks;
    const found: Partial<Record<SettingName, unknown>> = {};
    for (const name of this.chosen) {
      const plan = await this.#project.planWithout(name);
      if (ask !== this.#asks) return;
      if (plan) found[name] = inPlan(plan, name);
    }
    this.#usual = found;
  }

  /** Taken as it is typed; kept once the typing rests. */
  write(name: NumberName, text: string): void {
    this.drafts = { ...this.drafts, [name]: text };
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.keep(), rest);
  }

  /** Keeps every draft that can be taken. */
  keep(): void {
    clearTimeout(this.#timer);
    const change: Partial<Record<SettingName, unknown>> = {};
    const drafts = { ...this.drafts };
    for (const name of Object.keys(drafts) as NumberName[]) {
      const reading = this.reading(name);
      if ("problem" in reading) continue;
      delete drafts[name];
      if (reading.value !== this.#project.spec[name]) change[name] = reading.value;
    }
    this.drafts = drafts;
    if (Object.keys(change).length) this.#change(change);
  }

  choose<K extends ChoiceName | SwitchName>(name: K, value: TrainSpec[K] | undefined): void {
    this.#change({ [name]: value });
  }

  reset(): void {
    this.drafts = {};
    this.#change(Object.fromEntries([...settingNames, "splitBy"].map((name) => [name, undefined])));
  }

  dispose(): void {
    this.keep();
    this.#asks++;
  }

  /** An undefined value takes the setting out of the spec: the plan decides again. */
  #change(change: Partial<Record<SettingName, unknown>>): void {
    const all = Object.entries({ ...this.#project.spec, ...change }).filter(([, value]) => value !== undefined);
    void this.#project.change(Object.fromEntries(all));
  }
}
