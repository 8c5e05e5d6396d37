import { en } from "../format.ts";

/** What is set right where it is seen, and learned from. */
export const corrections = {
  correct: "Correct",
  correctOf: {
    table: (n: number) => `Correct the answer of row ${en.count(n)}`,
    images: (n: number) => `Correct the answer of picture ${en.count(n)}`,
    text: (n: number) => `Correct the answer of text ${en.count(n)}`,
  },
  itIs: "It is",
  save: "Save",
  cancel: "Cancel",
  correctedTo: (answer: string) => `Corrected to ${answer}`,
  undo: "Undo",
  undoOf: (where: string) => `Withdraw the correction of ${where}`,
  title: (n: number) => en.plural(n, { one: "# correction", other: "# corrections" }),
  none: "No corrections",
  fresh: (n: number, of: number) => {
    if (n === 0) return "This training has learned from all of them.";
    if (n === of) return of === 1 ? "This training has not learned from it yet." : "This training has not learned from them yet.";
    return `This training has not learned from ${en.count(n)} of them yet.`;
  },
  withdrawn: "It learned from corrections that have been withdrawn since.",
  help: "Your data stay as they are; corrections are laid over them.",
  improve: "Improve",
  improveHelp: "Trains on from the weights of this training, with the corrections.",
  list: "Show them",
  hide: "Hide them",
  where: "Where",
  change: "Answer",
  when: "When",
  seenIn: "Seen in",
  row: (n: number) => `Row ${en.count(n)}`,
  lost: "Changed or gone: kept, without effect",
  byHand: "command line",
  training: (date: string) => `result of ${date}`,
  gone: "a training that was removed",
  began: (date: string) => `Trained on from the training of ${date}.`,
  beganGone: "Trained on from a training that was removed.",
  gained: (metric: string, before: string, after: string) => `${metric} on the same test rows, with the corrections: ${before} → ${after}.`,
  same: "No better weights were found: those it began with are kept.",
};
