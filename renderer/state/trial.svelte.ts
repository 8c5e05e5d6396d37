// Asking a trained model: the form's values with the answer to them, and a whole file of rows.
import { AppError, type ErrorRecord } from "../../ipc/error.ts";
import type { Handout } from "../../ipc/host.ts";
import type { FormField, ModelForm, Prediction } from "../../ipc/types.ts";
import type { Dropped } from "./dropped.ts";
import type { Ground } from "./ground.ts";
import { Recommender } from "./recommender.svelte.ts";

/** Milliseconds of rest before an answer is asked for. */
const rest = 150;

export class Trial {
  readonly project: string;
  readonly run: string;
  /** Whether the model answers pictures: it has no form then. */
  readonly pictures: boolean;
  /** Where the model recommends. */
  readonly recommender: Recommender | undefined;
  form: ModelForm | undefined = $state.raw();
  values: Record<string, string> = $state({});
  answer: Prediction | undefined = $state.raw();
  asking = $state(false);
  error: ErrorRecord | undefined = $state.raw();

  fileName: string | undefined = $state();
  fileFraction: number | null = $state(null);
  fileError: ErrorRecord | undefined = $state.raw();
  file: { handout: Handout; rows: number; head: Prediction[] } | undefined = $state.raw();
  /** What was asked about last. */
  asked: Dropped | undefined = $state.raw();
  /** Where the model looked at the picture that was asked about, with the picture as it stands upright. */
  where: { prediction: Prediction; picture: Uint8Array } | undefined = $state.raw();
  looking = $state(false);

  #ground: Ground;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #cancel: AbortController | undefined;
  #fileCancel: AbortController | undefined;
  #whereCancel: AbortController | undefined;

  constructor(ground: Ground, project: string, run: string, { pictures = false, ratings = false } = {}) {
    this.pictures = pictures;
    this.recommender = ratings ? new Recommender(ground, project, run) : undefined;
    this.#ground = ground;
    this.project = project;
    this.run = run;
  }

  async load(): Promise<void> {
    if (this.pictures) return;
    if (this.recommender) return this.recommender.load();
    try {
      const form = await this.#ground.call.form({ project: this.project, run: this.run });
      this.values = Object.fromEntries(form.fields.map((field) => [field.name, field.example]));
      this.form = form;
    } catch (thrown) {
      this.error = AppError.from(thrown).toRecord();
      return;
    }
    await this.ask();
  }

  set(name: string, value: string): void {
    this.values[name] = value;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.ask(), rest);
  }

  /** "number": it is none; "range": further out than training has seen. */
  doubt(field: FormField): "number" | "range" | undefined {
    const text = this.values[field.name]?.trim() ?? "";
    if (field.type !== "number" || text === "") return undefined;
    const value = Number(text);
    if (!Number.isFinite(value)) return "number";
    if ((field.min !== undefined && value < field.min) || (field.max !== undefined && value > field.max)) return "range";
    return undefined;
  }

  async ask(): Promise<void> {
    this.#cancel?.abort();
    if (this.form?.fields.some((field) => this.doubt(field) === "number")) return;
    const cancel = new AbortController();
    this.#cancel = cancel;
    this.asking = true;
    try {
      const rows = [{ ...this.values }];
      const [answer] = await this.#ground.call.predict({ project: this.project, run: this.run, rows }, cancel.signal);
      if (cancel.signal.aborted) return;
      this.answer = answer;
      this.error = undefined;
    } catch (thrown) {
      if (cancel.signal.aborted) return;
      this.error = AppError.from(thrown).toRecord();
    }
    this.asking = false;
  }

  async predictFile(file: Dropped): Promise<void> {
    this.#fileCancel?.abort();
    const cancel = new AbortController();
    this.#fileCancel = cancel;
    this.fileName = file.name;
    this.asked = file;
    this.fileFraction = null;
    this.fileError = undefined;
    this.file = undefined;
    this.where = undefined;
    this.#whereCancel?.abort();
    try {
      const source = await this.#ground.door.take(file, (fraction) => (this.fileFraction = fraction), cancel.signal);
      this.fileFraction = null;
      const done = await this.#ground.call.predictFile({ project: this.project, run: this.run, source }, cancel.signal);
      if (!cancel.signal.aborted) this.file = done;
    } catch (thrown) {
      const error = AppError.from(thrown).toRecord();
      if (error.code !== "cancelled" && !cancel.signal.aborted) this.fileError = error;
    }
    if (this.#fileCancel === cancel) this.fileName = undefined;
  }

  cancelFile(): void {
    this.#fileCancel?.abort();
    this.fileName = undefined;
  }

  /** Finds where the model looked at the picture that was asked about. */
  async look(): Promise<void> {
    const file = this.asked;
    if (!file || this.looking || this.where) return;
    const cancel = new AbortController();
    this.#whereCancel = cancel;
    this.looking = true;
    try {
      const source = await this.#ground.door.take(file, () => undefined, cancel.signal);
      const found = await this.#ground.call.wherePicture({ project: this.project, run: this.run, source }, cancel.signal);
      if (!cancel.signal.aborted) this.where = found;
    } catch (thrown) {
      const error = AppError.from(thrown).toRecord();
      if (error.code !== "cancelled" && !cancel.signal.aborted) this.fileError = error;
    }
    this.looking = false;
  }

  async saveFile(): Promise<void> {
    if (this.file) await this.#ground.save(this.file.handout);
  }

  dispose(): void {
    this.recommender?.dispose();
    clearTimeout(this.#timer);
    this.#cancel?.abort();
    this.#fileCancel?.abort();
    this.#whereCancel?.abort();
  }
}
