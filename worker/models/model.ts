// What a model family is. Settings are plain data with limits and help, so that a form, a check and a default come from one place.
import { AppError } from "../../ipc/error.ts";
import type { TableTask } from "../../ipc/types.ts";
import type { Value } from "../ops/builder.ts";
import type { Net } from "./layers.ts";

export type Setting<T extends number | string | boolean = number | string | boolean> = {
  default: T;
  help: string;
  min?: number;
  max?: number;
  whole?: boolean;
  oneOf?: readonly T[];
};
export type Settings = Record<string, Setting>;
/** Values of the settings: literal defaults are widened to their type. */
export type Config<S extends Settings> = { [K in keyof S]: S[K] extends Setting<infer T> ? T : never };
export type AnyConfig = Record<string, number | string | boolean>;

export const int = (value: number, limits: { min: number; max: number; help: string }): Setting<number> => ({
  default: value,
  whole: true,
  ...limits,
});
export const real = (value: number, limits: { min: number; max: number; help: string }): Setting<number> => ({ default: value, ...limits });
export const choice = <T extends string>(value: T, oneOf: readonly T[], help: string): Setting<T> => ({ default: value, oneOf, help });

export interface Inputs {
  /** (B, F) float32; absent where no column is a number. */
  x?: Value;
  /** (B, Q) int64; absent where no column is a category. */
  codes?: Value;
  /** Cardinality of each of the Q columns, code 0 (unknown) included. */
  categories: readonly number[];
  /** Answers a row: classes, or 1. */
  outputs: number;
  /** Quantiles of the first inputs of x, from the least value to the greatest. */
  edges?: readonly (readonly number[])[];
  /** Whether the members share nothing that is learned, as each must know nothing of the rows that it is judged on. */
  apart?: boolean;
}

/** What is known of the data when a family chooses its defaults. */
export interface Situation {
  task: TableTask;
  /** Rows to learn from. */
  rows: number;
  /** Width of x. */
  numeric: number;
  categories: readonly number[];
  outputs: number;
  /** Folds in which the members learn; absent: all learn from all rows. */
  folds?: number;
}

export interface Model<S extends Settings = Settings> {
  id: string;
  title: string;
  tasks: readonly TableTask[];
  config: S;
  /** Defaults that depend on the data. */
  suit?(situation: Situation): Partial<Config<S>>;
  /** Raw answers: (B, outputs), or (K, B, outputs) for K members that each answer. */
  build(net: Net, config: Config<S>, inputs: Inputs): Value;
}

export function model<S extends Settings>(entry: Model<S>): Model<S> {
  return entry;
}

/** The settings in force: what is given, else what suits the data, else the defaults. Throws `usage` for an unknown name or a value out of bounds. */
export function resolveConfig(family: Pick<Model, "id" | "config" | "suit">, given: AnyConfig = {}, situation?: Situation): AnyConfig {
  for (const name of Object.keys(given))
    if (!Object.hasOwn(family.config, name))
      throw new AppError(
        "usage",
        `The model '${family.id}' has no setting '${name}'.`,
        `Its settings: ${Object.keys(family.config).join(", ")}.`,
        {
          model: family.id,
          setting: name,
          known: Object.keys(family.config),
        },
      );
  const suited: AnyConfig = situation && family.suit ? (family.suit(situation) as AnyConfig) : {};
  return Object.fromEntries(
    Object.entries(family.config).map(([name, setting]) => {
      const value = given[name] ?? suited[name] ?? setting.default;
      checkSetting(family.id, name, setting, value);
      return [name, value];
    }),
  );
}

function checkSetting(id: string, name: string, setting: Setting, value: unknown): void {
  const { min = -Infinity, max = Infinity } = setting;
  const wrong =
    typeof value !== typeof setting.default
      ? `a ${typeof setting.default}`
      : typeof value === "number" && !(value >= min && value <= max && (!setting.whole || Number.isInteger(value)))
        ? `${setting.whole ? "a whole number" : "a number"} from ${min} to ${max}`
        : setting.oneOf && !setting.oneOf.includes(value as never)
          ? `one of ${setting.oneOf.join(", ")}`
          : undefined;
  if (wrong)
    throw new AppError("usage", `The setting '${name}' of the model '${id}' is ${String(value)}; it must be ${wrong}.`, setting.help, {
      model: id,
      setting: name,
      value: String(value),
    });
}
