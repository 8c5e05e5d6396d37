// What a language model wrote while it learned, a line each in samples.jsonl. When one is due follows from the course alone, so that a run that
// was stopped anywhere has the same ones in the end.
import type { TextSample, TuneReport } from "../../ipc/types.ts";
import type { Tensor } from "../tensor.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { Lines } from "./files.ts";
import type { Prepared } from "./kinds/kind.ts";
import type { Course } from "./trainer.ts";

/** Samples at even distances over the course, besides those after 1, 2, 4, 8 … judgements. */
const evenly = 6;

export class RunSamples {
  all: TextSample[];
  readonly #lines: Lines<TextSample>;
  readonly #sample: NonNullable<Prepared["sample"]>;
  readonly #seldom: boolean;
  readonly #tell: ((sample: TextSample) => void) | undefined;

  private constructor(
    lines: Lines<TextSample>,
    all: TextSample[],
    { sample, seldom = false }: { sample: NonNullable<Prepared["sample"]>; seldom?: boolean | undefined },
    tell: ((sample: TextSample) => void) | undefined,
  ) {
    this.#lines = lines;
    this.all = all;
    this.#sample = sample;
    this.#seldom = seldom;
    this.#tell = tell;
  }

  /** Undefined for what does not write. A resumed run keeps what was written up to its checkpoint. */
  static async open(
    path: string,
    { sample, seldom }: Pick<Prepared, "sample" | "seldom">,
    options: { checkpoint: Checkpoint | undefined; onSample?: ((sample: TextSample) => void) | undefined },
  ): Promise<RunSamples | undefined> {
    if (!sample) return undefined;
    const lines = new Lines<TextSample>(path);
    const until = options.checkpoint?.trainer.evaluated ?? -1;
    return new RunSamples(lines, await lines.recover(({ step }) => step <= until), { sample, seldom }, options.onSample);
  }

  isDue(step: number, { evaluateEvery, steps }: Pick<Course, "evaluateEvery" | "steps">): boolean {
    if (this.#seldom) return false;
    const judgement = Math.round(step / evaluateEvery);
    const stride = Math.max(1, Math.floor(steps / evaluateEvery / evenly));
    return (judgement & (judgement - 1)) === 0 || judgement % stride === 0;
  }

  async write(at: { step: number; loss?: number }, weights: ReadonlyMap<string, Tensor>): Promise<void> {
    if (this.all.some(({ step }) => step === at.step)) return;
    const sample: TextSample = { ...at, ...(await this.#sample(weights)) };
    this.all = [...this.all, sample].sort((a, b) => a.step - b.step);
    this.#lines.push(sample);
    await this.#lines.flush();
    this.#tell?.(sample);
  }
}

/** The answers to the user's prompts before the first step, and with the weights that are kept. */
export function answersBeside(samples: readonly TextSample[]): TuneReport["answers"] {
  const [before, after] = [samples[0]?.answers ?? [], samples.at(-1)?.answers ?? []];
  return after.map(({ prompt, text }, i) => ({ prompt, text, before: before[i]?.text ?? "" }));
}
