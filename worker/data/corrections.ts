// Corrections as a file holds them, laid over what they are of.
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { answersOf, correctionsOf } from "../../ipc/corrections.ts";
import { AppError } from "../../ipc/error.ts";
import type { Correction, CorrectionsTaken } from "../../ipc/types.ts";
import { type CorrectedTable, corrected } from "./corrected.ts";
import type { Pictures } from "./images/pictures.ts";
import type { Reading } from "./readings.ts";
import type { Table } from "./table.ts";

/** The corrections that hold in a file; none where it is not there. Throws fileUnreadable. */
export async function readCorrections(path: string): Promise<Correction[]> {
  try {
    return correctionsOf(await readFile(path, "utf8"));
  } catch (thrown) {
    const { code = "" } = thrown as { code?: string };
    if (code === "ENOENT") return [];
    throw new AppError(
      "fileUnreadable",
      `The corrections in '${path}' cannot be read (${code}).`,
      "Change the file's permissions, or leave the corrections out.",
      { file: basename(path), reason: code },
      thrown,
    );
  }
}

/** A table with the corrections of its target over it. */
export function correctedTable(
  table: Table,
  target: Reading,
  corrections: readonly Correction[],
  signal?: AbortSignal,
): Promise<CorrectedTable> {
  return corrected(table, target, answersOf(corrections, target.name), signal);
}

/** Pictures with their classes corrected; a class that nobody else shows is added at the end. Which part a picture is in follows from the set as it was. */
export function correctedPictures(set: Pictures, corrections: readonly Correction[]): Pictures & { corrections?: CorrectionsTaken } {
  const answers = answersOf(corrections);
  if (answers.size === 0) return set;
  const classes = set.profile.classes.map(({ name }) => name);
  const found = new Set<string>();
  let rows = 0;
  const pictures = set.pictures.map((picture) => {
    const to = answers.get(picture.sha);
    if (to === undefined) return picture;
    found.add(picture.sha);
    rows++;
    if (!classes.includes(to)) classes.push(to);
    return { ...picture, label: classes.indexOf(to) };
  });
  const counts = new Array<number>(classes.length).fill(0);
  for (const { label } of pictures) if (label >= 0) counts[label]!++;
  const profile = { ...set.profile, classes: classes.map((name, i) => ({ name, count: counts[i]! })) };
  return { ...set, profile, pictures, corrections: { rows, lost: answers.size - found.size } };
}

/** How they came out, for what is told of the run; nothing where there are none. */
export const takenOf = ({ overlay }: CorrectedTable): { corrections?: CorrectionsTaken } =>
  overlay ? { corrections: { rows: overlay.rows, lost: overlay.lost } } : {};
