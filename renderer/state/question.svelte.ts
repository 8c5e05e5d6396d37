// The form of an imported model: what each input is given, and the answer.
import { AppError, type ErrorRecord } from "../../ipc/error.ts";
import type { Handout, ImportedModel } from "../../ipc/host.ts";
import type { ModelAnswer, ModelPort, PixelRange } from "../../ipc/types.ts";
import type { Ground } from "./ground.ts";

export type Filling = "own" | "zeros" | "ones" | "random";

/** Inputs of up to so many numbers get a field each. */
const mostFields = 12;

/** How many fields a row of numbers gets; none where they are written as text. */
export function fieldsOf({ use, dims }: ModelPort): number {
  if (use === "column") return 1;
  const width = dims[1];
  return use === "numbers" && typeof width === "number" && width <= mostFields ? width : 0;
}

/** Lengths that the file leaves open, by the key that the host takes. Those of a picture may stay open. */
export function openLengths(inputs: readonly ModelPort[]): { key: string; label: string; optional: boolean }[] {
  const found: { key: string; label: string; optional: boolean }[] = [];
  for (const { name, dims, use } of inputs) {
    if (use === "column" || use === "text") continue;
    dims.forEach((d, axis) => {
      if (typeof d === "number" || (use !== "tensor" && axis === 0)) return;
      const key = d === "?" ? `${name}.${axis}` : d;
      if (!found.some((one) => one.key === key))
        found.push({ key, label: d === "?" ? `${name}[${axis}]` : d, optional: use === "picture" });
    });
  }
  return found;
}

export class Question {
  readonly model: ImportedModel;
  fillings: Record<string, Filling> = $state({});
  /** What is written, by input: a cell a number where there are fields, else one text. */
  texts: Record<string, string[]> = $state({});
  pictures: Record<string, File | undefined> = $state.raw({});
  lengths: Record<string, string> = $state({});
  pixels: PixelRange | "" = $state("");
  answer: { answer: ModelAnswer; pictures: { output: string; handout: Handout }[] } | undefined = $state.raw();
  error: ErrorRecord | undefined = $state.raw();
  running = $state(false);
  #ground: Ground;
  #cancel: AbortController | undefined;

  constructor(ground: Ground, model: ImportedModel) {
    this.#ground = ground;
    this.model = model;
    for (const input of model.profile.inputs) {
      this.fillings[input.name] = input.use === "tensor" ? "random" : "own";
      this.texts[input.name] = Array.from({ length: Math.max(1, fieldsOf(input)) }, () => "");
    }
    for (const { key, optional } of openLengths(model.profile.inputs)) this.lengths[key] = optional ? "" : "1";
  }

  /** Whether every picture that is asked for is there. */
  get ready(): boolean {
    return this.model.profile.inputs.every(
      (input) => input.use !== "picture" || this.pictures[input.name] || this.fillings[input.name] !== "own",
    );
  }

  async give(input: string, file: File): Promise<void> {
    this.pictures = { ...this.pictures, [input]: file };
    this.fillings[input] = "own";
    if (this.ready) await this.run();
  }

  async run(): Promise<void> {
    this.#cancel?.abort();
    const cancel = new AbortController();
    this.#cancel = cancel;
    this.running = true;
    this.error = undefined;
    try {
      const feeds: Parameters<Ground["call"]["runModel"]>[0]["question"]["feeds"] = {};
      for (const input of this.model.profile.inputs) feeds[input.name] = await this.#feed(input, cancel.signal);
      const lengths = Object.entries(this.lengths).flatMap(([key, text]) =>
        /^\d+$/.test(text.trim()) && Number(text) > 0 ? [[key, Number(text)] as const] : [],
      );
      const question = {
        feeds,
        ...(lengths.length ? { sizes: Object.fromEntries(lengths) } : {}),
        ...(this.pixels ? { pixels: this.pixels } : {}),
      };
      const answer = await this.#ground.call.runModel({ id: this.model.id, question }, cancel.signal);
      if (!cancel.signal.aborted) this.answer = answer;
    } catch (thrown) {
      const error = AppError.from(thrown).toRecord();
      if (!cancel.signal.aborted && error.code !== "cancelled") this.error = error;
    }
    if (this.#cancel === cancel) this.running = false;
  }

  async save(handout: Handout): Promise<void> {
    await this.#ground.save(handout);
  }

  dispose(): void {
    this.#cancel?.abort();
  }

  async #feed(input: ModelPort, signal: AbortSignal) {
    const filling = this.fillings[input.name] ?? "own";
    if (filling !== "own") return { fill: filling };
    const picture = this.pictures[input.name];
    if (input.use === "picture" && picture) return { picture: await this.#ground.door.take(picture, () => {}, signal) };
    const texts = this.texts[input.name] ?? [];
    if (input.dtype === "string") return { texts: texts.join("\n").split("\n") };
    const plain = texts.map((text) => text.trim().replaceAll("−", "-"));
    if (plain.every((text) => text === "")) return { fill: "zeros" as const };
    return { numbers: fieldsOf(input) ? plain.map((text) => text || "0").join(", ") : plain.join("") };
  }
}
