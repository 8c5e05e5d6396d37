// Asking a trained model: the form's values with the answer to them, and a whole file of rows.
import { AppError, type ErrorRecord } from "../../ipc/error.ts";
import type { Handout } from "../../ipc/host.ts";
import type { FormField, ModelForm, Prediction, TextReading } from "../../ipc/types.ts";
import type { Dropped } from "./dropped.ts";
import type { Ground } from "./ground.ts";
import { Recommender } from "./recommender.svelte.ts";
import { Writing } from "./writing.svelte.ts";

/** Milliseconds of rest before an answer is asked for. */
const rest = 150;

/** Places along a number, values of a category, words of a text that are asked about. */
const places = 41;
const mostNames = 12;
const mostWords = 150;

export interface Line {
  name: string;
  x?: number[];
  names?: string[];
  y: number[];
  /** The class whose probability it is. */
  of?: string;
  /** Where the form stands. */
  at?: number;
}

export interface WordsThatMatter {
  /** The whole text in pieces; `effect`: what the answer loses without this one. */
  parts: { text: string; effect?: number }[];
  of?: string;
  /** Only so many words were left out in turn. */
  cut?: number;
}

/** Even places from the least to the most value seen; whole numbers where the column has only such. */
function placesOf({ min, max, integer }: FormField): number[] {
  const [low, high] = [min!, max!];
  const count = integer ? Math.min(places, Math.floor(high - low) + 1) : places;
  const at = (i: number) => low + ((high - low) * i) / (count - 1);
  return Array.from({ length: count }, (_, i) => (integer ? Math.round(at(i)) : Number(at(i).toPrecision(7))));
}

/** Words, in any language, and what stands between them. */
function segmentsOf(text: string): { from: number; to: number; word: boolean }[] {
  const segments = new Intl.Segmenter(undefined, { granularity: "word" }).segment(text);
  return Array.from(segments, ({ index, segment, isWordLike }) => ({ from: index, to: index + segment.length, word: isWordLike === true }));
}

export class Trial {
  readonly project: string;
  readonly run: string;
  /** Whether the model answers pictures: it has no form then. */
  readonly pictures: boolean;
  /** Where the model recommends. */
  readonly recommender: Recommender | undefined;
  /** A language model writes instead. */
  readonly writing: Writing | undefined;
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

  #sliding = false;
  #slid = false;
  #drawCancel: AbortController | undefined;
  #ground: Ground;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #cancel: AbortController | undefined;
  #fileCancel: AbortController | undefined;
  #whereCancel: AbortController | undefined;

  constructor(ground: Ground, project: string, run: string, { pictures = false, ratings = false, writes = false } = {}) {
    this.pictures = pictures;
    this.recommender = ratings ? new Recommender(ground, project, run) : undefined;
    this.#ground = ground;
    this.project = project;
    this.run = run;
    this.writing = writes ? new Writing(ground, project, run) : undefined;
  }

  async load(): Promise<void> {
    if (this.pictures || this.writing) return;
    if (this.recommender) return this.recommender.load();
    try {
      const form = await this.#ground.call.form({ project: this.project, run: this.run });
      this.values = Object.fromEntries(form.fields.map((field) => [field.name, field.example]));
      this.form = form;
      this.along ??= form.fields.find((field) => this.canRun(field))?.name;
    } catch (thrown) {
      this.error = AppError.from(thrown).toRecord();
      return;
    }
    await this.ask();
  }

  /** The row of the data that the form began from, and what its answer is in truth. */
  from: { row: number; truth: string; values: Readonly<Record<string, string>> } | undefined = $state.raw();
  /** Whether the form no longer says what that row says. */
  changed = $derived(this.from !== undefined && this.form?.fields.some(({ name }) => this.from!.values[name] !== this.values[name]));

  /** The column along whose values the answer is drawn, and the answers: numbers over `x`, or one for each of `names`. */
  along: string | undefined = $state();
  line: Line | undefined = $state.raw();
  wordsThatMatter: WordsThatMatter | undefined = $state.raw();

  /** How the text became numbers, when it was last asked. */
  reading: TextReading | undefined = $state.raw();

  /** Fills the form with a row's cells, by column. */
  begin(row: number, cells: Readonly<Record<string, string>>): void {
    if (!this.form) return;
    this.values = Object.fromEntries(this.form.fields.map(({ name }) => [name, cells[name] ?? ""]));
    this.from = { row, truth: cells[this.form.target] ?? "", values: { ...this.values } };
    clearTimeout(this.#timer);
    void this.ask();
  }

  /** As `set`, while a slider moves: asked at once, one question at a time, the newest value next. */
  slide(name: string, value: string): void {
    this.values[name] = value;
    this.along = name;
    clearTimeout(this.#timer);
    if (this.#sliding) this.#slid = true;
    else void this.#follow();
  }

  async #follow(): Promise<void> {
    this.#sliding = true;
    do {
      this.#slid = false;
      await this.ask();
    } while (this.#slid);
    this.#sliding = false;
  }

  /** Whether the answer can be drawn along the column's values. */
  canRun(field: FormField): boolean {
    if (field.type === "number") return field.min !== undefined && field.max !== undefined && field.max > field.min;
    return field.type === "category" && (field.values?.length ?? 0) > 1;
  }

  runAlong(name: string): void {
    this.along = name;
    void this.#draw();
  }

  /** The answers along the chosen column, the rest of the form as it is. */
  async #draw(): Promise<void> {
    const field = this.form?.fields.find(({ name }) => name === this.along);
    const { answer } = this;
    if (!field || !answer || !this.canRun(field)) return;
    this.#drawCancel?.abort();
    const cancel = new AbortController();
    this.#drawCancel = cancel;
    const { name } = field;
    const x = field.type === "number" ? placesOf(field) : undefined;
    const names = x ? undefined : field.values!.slice(0, mostNames);
    const rows = (x?.map(String) ?? names!).map((value) => ({ ...this.values, [name]: value }));
    try {
      const answers = await this.#ground.call.predict({ project: this.project, run: this.run, rows }, cancel.signal);
      if (cancel.signal.aborted) return;
      const of = typeof answer.prediction === "string" ? answer.prediction : undefined;
      const y = answers.map(({ prediction, probabilities }) => (of === undefined ? Number(prediction) : (probabilities?.[of] ?? 0)));
      const here = Number(this.values[name] || NaN);
      this.line = {
        name,
        ...(x ? { x } : { names: names! }),
        y,
        ...(of === undefined ? {} : { of }),
        ...(x && here >= x[0]! && here <= x.at(-1)! ? { at: here } : {}),
      };
    } catch {
      // The answer itself says what is wrong with the form.
    }
  }

  /** How the text of the form becomes numbers. */
  async askReading(): Promise<void> {
    const field = this.form?.fields.find(({ type }) => type === "text");
    if (!field) return;
    const text = this.values[field.name] ?? "";
    const reading = await this.#ground.attempt(() => this.#ground.call.readText({ project: this.project, run: this.run, text }));
    if (reading && this.values[field.name] === text) this.reading = reading;
  }

  /** What the answer loses when each word of the text is left out. */
  async askWords(): Promise<void> {
    const field = this.form?.fields.find(({ type }) => type === "text");
    if (!field) return;
    await this.ask();
    const { answer } = this;
    const text = this.values[field.name] ?? "";
    if (!answer || !text) return;
    const all = segmentsOf(text);
    const asked = all.filter(({ word }) => word).slice(0, mostWords);
    const rows = asked.map(({ from, to }) => ({ ...this.values, [field.name]: text.slice(0, from) + text.slice(to) }));
    const answers = await this.#ground.attempt(() => this.#ground.call.predict({ project: this.project, run: this.run, rows }));
    if (!answers || this.values[field.name] !== text) return;
    const of = typeof answer.prediction === "string" ? answer.prediction : undefined;
    const value = ({ prediction, probabilities }: Prediction) => (of === undefined ? Number(prediction) : (probabilities?.[of] ?? 0));
    const effects: Record<number, number | undefined> = Object.fromEntries(
      asked.map(({ from }, i) => [from, value(answer) - value(answers[i]!)]),
    );
    const cut = all.filter(({ word }) => word).length - asked.length;
    this.wordsThatMatter = {
      parts: all.map(({ from, to }) => {
        const effect = effects[from];
        return { text: text.slice(from, to), ...(effect === undefined ? {} : { effect }) };
      }),
      ...(of === undefined ? {} : { of }),
      ...(cut > 0 ? { cut: mostWords } : {}),
    };
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
      this.wordsThatMatter = undefined;
      if (this.reading) void this.askReading();
      if (!this.#slid) void this.#draw();
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
    this.#drawCancel?.abort();
    this.writing?.stop();
  }
}
