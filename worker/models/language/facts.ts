// A model's settings, read from config.json or from GGUF's metadata: every one is checked when it is read, and a wrong one is named.
import { AppError } from "../../../ipc/error.ts";
import type { LanguageFile } from "../../formats/language/open.ts";
import { shown } from "../../formats/language/shown.ts";

/** No model that anybody has is larger in any direction. */
const most = 2 ** 24;

export class Facts {
  readonly #where: string;
  readonly #get: (key: string) => unknown;

  constructor(where: string, get: (key: string) => unknown) {
    this.#where = where;
    this.#get = get;
  }

  has(key: string): boolean {
    return (this.#get(key) ?? null) !== null;
  }

  /** A whole number from 1 to 16 million, or the default. */
  whole(key: string, usual?: number): number {
    const value = this.#get(key) ?? usual;
    if (typeof value !== "number" || !Number.isInteger(value) || value < 1 || value > most) throw this.#wrong(key, value, "a whole number");
    return value;
  }

  /** A finite number, or the default. */
  real(key: string, usual?: number): number {
    const value = this.#get(key) ?? usual;
    if (typeof value !== "number" || !Number.isFinite(value)) throw this.#wrong(key, value, "a number");
    return value;
  }

  flag(key: string, usual: boolean): boolean {
    const value = this.#get(key) ?? usual;
    if (typeof value !== "boolean") throw this.#wrong(key, value, "true or false");
    return value;
  }

  text(key: string, usual?: string): string {
    const value = this.#get(key) ?? usual;
    if (typeof value !== "string") throw this.#wrong(key, value, "a text");
    return value;
  }

  /** A list of finite numbers, or undefined. */
  numbers(key: string): number[] | undefined {
    const value = this.#get(key) ?? undefined;
    if (value === undefined) return undefined;
    if (!Array.isArray(value) || !value.every((x) => typeof x === "number" && Number.isFinite(x)))
      throw this.#wrong(key, value, "a list of numbers");
    return value as number[];
  }

  texts(key: string): string[] | undefined {
    const value = this.#get(key) ?? undefined;
    if (value === undefined) return undefined;
    if (!Array.isArray(value) || !value.every((x) => typeof x === "string")) throw this.#wrong(key, value, "a list of texts");
    return value as string[];
  }

  /** Settings within one of these. */
  inner(key: string): Facts | undefined {
    const value = this.#get(key) ?? undefined;
    if (value === undefined) return undefined;
    if (typeof value !== "object" || Array.isArray(value)) throw this.#wrong(key, value, "a group of settings");
    return new Facts(`${this.#where}: ${key}`, (k) =>
      Object.hasOwn(value as object, k) ? (value as Record<string, unknown>)[k] : undefined,
    );
  }

  refuse(what: string, hint = "Choose another model."): AppError {
    return new AppError("modelInvalid", `${this.#where} ${what}.`, hint, { file: this.#where });
  }

  #wrong(key: string, value: unknown, wanted: string): AppError {
    const said =
      value === undefined ? "does not say" : `says ${typeof value === "string" ? JSON.stringify(value.slice(0, 60)) : shown(value)} for`;
    return this.refuse(
      `${said} '${key}', which must be ${wanted}`,
      "The model is incomplete, damaged or of a kind that is not known here.",
    );
  }
}

/** The settings of a file. Those of GGUF are named without the architecture: "block_count". */
export function factsOf(file: LanguageFile, where: string): Facts {
  if (file.format === "huggingface") {
    const config = file.config;
    return new Facts(`${where}/config.json`, (key) => (Object.hasOwn(config, key) ? config[key] : undefined));
  }
  const architecture = file.metadata.get("general.architecture");
  return new Facts(where, (key) => file.metadata.get(`${String(architecture)}.${key}`) ?? file.metadata.get(key));
}
