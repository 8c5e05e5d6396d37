// Which samples of a split are kept to be looked at: the worst by what they add to the loss and, of each cell of the confusion matrix, a few.
import type { Mistake } from "../../ipc/types.ts";
import { argmax, tiny } from "./metrics.ts";
import type { Answers } from "./task.ts";

const limits = { worst: 200, cell: 5, all: 400 };

/** A sample as its data knows it. */
export interface Shown {
  cells: string[];
  hash?: string;
  file?: string;
  /** The truth as written, where the model has no name for it. */
  truth?: string;
}

export interface MistakesInput {
  answers: Answers;
  /** Place in the data, from 1, of each answer. */
  rowNumbers: Uint32Array;
  classes?: readonly string[] | undefined;
  /** Whether the sample can be shown; default all can. */
  shows?: (index: number) => boolean;
  samples: (rows: readonly number[]) => Promise<ReadonlyMap<number, Shown>>;
}

interface Found {
  index: number;
  loss: number;
  cell: number;
}

/** The worst first. Classification: wrong answers, and right ones that were the least sure. */
export async function findMistakes({ answers, rowNumbers, classes, shows, samples }: MistakesInput): Promise<Mistake[]> {
  const { predicted, truth } = answers;
  const width = classes?.length ?? 1;
  const said = (i: number) => argmax(predicted, i * width, width);
  const found: Found[] = [];
  for (let index = 0; index < truth.length; index++) {
    if (shows && !shows(index)) continue;
    const t = truth[index]!;
    const loss = classes ? -Math.log(Math.max(tiny, t < 0 ? 0 : predicted[index * width + t]!)) : Math.abs(predicted[index]! - t);
    found.push({ index, loss, cell: classes ? (t + 1) * width + said(index) : 0 });
  }
  const kept = chosen(found, classes === undefined ? undefined : ({ index }) => said(index) !== truth[index]);
  const known = await samples(kept.map(({ index }) => rowNumbers[index]!));
  return kept.map(({ index, loss }) => {
    const row = rowNumbers[index]!;
    const { truth: written, ...shown } = known.get(row) ?? { cells: [] };
    const answer = said(index);
    const told = classes
      ? { truth: written ?? classes[truth[index]!] ?? "?", prediction: classes[answer] ?? "?", right: answer === truth[index] }
      : { truth: String(short(truth[index]!)), prediction: String(short(predicted[index]!)), right: false };
    return { row, ...shown, ...told, loss: short(loss), ...(classes ? { sure: short(predicted[index * width + answer]!) } : {}) };
  });
}

/** The worst of all (of those that are wrong, where some are right), and the worst of each cell; in the order of their losses. */
function chosen(found: Found[], wrong: ((one: Found) => boolean) | undefined): Found[] {
  found.sort((a, b) => b.loss - a.loss || a.index - b.index);
  const kept: Found[] = [];
  const left: Found[] = [];
  for (const one of found) (kept.length < limits.worst && (wrong?.(one) ?? true) ? kept : left).push(one);
  if (!wrong) return kept;
  const inCell = new Map<number, number>();
  for (const { cell } of kept) inCell.set(cell, (inCell.get(cell) ?? 0) + 1);
  for (const one of left) {
    if (kept.length >= limits.all) break;
    const count = inCell.get(one.cell) ?? 0;
    if (count >= limits.cell) continue;
    inCell.set(one.cell, count + 1);
    kept.push(one);
  }
  return kept.sort((a, b) => b.loss - a.loss || a.index - b.index);
}

/** Seven digits: what float32 holds. */
export const short = (x: number) => Number(x.toPrecision(7));
