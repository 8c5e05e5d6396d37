// A network's answers on many rows, in pieces that fit the memory whatever the number of rows.
import type { SampleBatch, Samples } from "../data/samples.ts";
import type { Answers, Target, Task } from "../tasks/task.ts";
import { memoryError } from "../run/outOfMemory.ts";
import type { Tensor } from "../tensor.ts";

/** Inputs of the training graph. */
export const feedsOf = ({ inputs, y }: SampleBatch): Record<string, Tensor> => ({ ...inputs, y });

export interface AskOptions {
  task: Task;
  target: Target;
  /** At most so many rows, at even distances; default all. */
  rows?: number;
  run: (feeds: Record<string, Tensor>) => Promise<Record<string, Tensor>>;
  /** Called between pieces. */
  pause?: () => Promise<void>;
}

/** Rows of a split that are judged: all, but where so many answers would not fit 80 MB or are more than a million. */
export const judgedRows = (outputs: number): number => Math.max(1000, Math.min(1_000_000, Math.floor(20_000_000 / outputs)));

/** Rows that are answered at once. */
export const evaluationPiece = 2048;

/** Answers and truth of the split's rows (or of some), in their order. Where the memory runs short, half as many at once from there on. */
export async function answersOf(split: Samples, options: AskOptions): Promise<Answers & { rowNumbers: Uint32Array }> {
  const { task, target } = options;
  const count = Math.min(split.rows, options.rows ?? split.rows);
  const width = task.outputs(target);
  const predicted = new Float32Array(count * width);
  const truth = task.truth === "classes" ? new Int32Array(count) : new Float64Array(count);
  const rowNumbers = new Uint32Array(count);
  const ask = async (from: number, to: number) => {
    const batch =
      count === split.rows
        ? await split.range(from, to)
        : await split.read(Uint32Array.from({ length: to - from }, (_, i) => Math.floor(((from + i) * split.rows) / count)));
    const { answer } = await options.run(batch.inputs);
    return { ...task.answers(answer!, batch.y, target), rowNumbers: batch.rowNumbers };
  };
  let piece = Math.min(evaluationPiece, split.piece ?? evaluationPiece);
  for (let from = 0; from < count;) {
    const to = Math.min(count, from + piece);
    try {
      const part = await ask(from, to);
      predicted.set(part.predicted, from * width);
      truth.set(part.truth as Float64Array, from);
      rowNumbers.set(part.rowNumbers, from);
      from = to;
    } catch (thrown) {
      if (to - from <= 1 || !memoryError(thrown)) throw thrown;
      piece = Math.ceil((to - from) / 2);
    }
    await options.pause?.();
  }
  return { predicted, truth, rowNumbers };
}
