// Which pictures are learned from, which choose the best point, which test it. At random, by their content and the seed, so that copies stay
// together and adding pictures moves no old one; by class, each by its share, at cuts that are settled once and kept; by folder, so that what
// lies in a folder of a person or a day stays together. Small sets are mended: every class has one to learn from, and every part has some.
import { createHash } from "node:crypto";
import { AppError } from "../../../ipc/error.ts";
import type { SplitBy } from "../../../ipc/types.ts";

/** 0 train, 1 validation, 2 test. */
export type Part = 0 | 1 | 2;

export interface SplitRow {
  /** Content hash, hexadecimal. */
  sha: string;
  /** Place in the classes. */
  label: number;
  /** Path within the set, where it is split by folder. */
  name?: string;
}

export interface SplitPicturesOptions {
  seed: number;
  split: boolean;
  /** Absent: random. Of groups the column is "folder". */
  by?: SplitBy | undefined;
  /** Names of the classes, where it is not random. */
  classes?: readonly string[];
}

/** What the folders of a set are called where columns are named. */
export const folderColumn = "folder";
const usualCuts: [number, number] = [0.8, 0.9];

/** Throws usage for a way that pictures do not have: a time, another column, folders that part nothing. */
export function splitPictures(rows: readonly SplitRow[], options: SplitPicturesOptions): { parts: Uint8Array; by: SplitBy } {
  const { classes = [] } = options;
  let by: SplitBy = options.by ?? { by: "random" };
  if (by.by === "time" || (by.by === "group" && by.column !== folderColumn))
    throw new AppError(
      "usage",
      by.by === "time" ? "Pictures are not split by time." : `Pictures have no column "${by.column}" to be split by.`,
      `Split at random, by class (stratified), or by group with the column "${folderColumn}".`,
      { setting: "split" },
    );
  const parts = new Uint8Array(rows.length);
  if (!options.split) return { parts, by };
  const groups = by.by === "group" ? rows.map((row) => folderOf(row.name ?? "", classes[row.label])) : undefined;
  if (groups && new Set(groups).size < 3)
    throw new AppError(
      "usage",
      "These pictures lie in fewer than three folders, besides those of the classes.",
      "Put the pictures of each person, place or day into a folder of their own, or split at random.",
      { setting: "split" },
    );
  const keys = rows.map(({ sha }, i) => key(options.seed, groups?.[i] ? `folder ${groups[i]}` : sha));
  if (by.by === "stratified") by = { by: "stratified", kept: by.kept ?? classCuts(rows, keys, classes) };
  const cuts = by.by === "stratified" ? by.kept! : {};
  for (const [i, k] of keys.entries()) {
    const [validation, test] = cuts[classes[rows[i]!.label] ?? ""] ?? usualCuts;
    parts[i] = k < validation ? 0 : k < test ? 1 : 2;
  }
  // Whatever is moved takes its copies along, or its folder.
  mend(
    rows.map(({ sha, label }, i) => ({ sha: groups?.[i] ? `folder ${groups[i]}` : sha, label })),
    keys,
    parts,
  );
  return { parts, by };
}

/** The folders of a picture without the one of its class: "normal/patient7/3.png" and "patient7/normal/3.png" are both of "patient7". */
function folderOf(name: string, label: string | undefined): string {
  return name
    .split("/")
    .slice(0, -1)
    .filter((folder) => folder !== label)
    .join("/");
}

/** By class: the keys at which validation and test begin, so that each gets a tenth of the class's different pictures, rounded. */
function classCuts(rows: readonly SplitRow[], keys: readonly number[], classes: readonly string[]): Record<string, [number, number]> {
  const of = classes.map(() => new Set<number>());
  for (const [i, { label }] of rows.entries()) of[label]?.add(keys[i]!);
  return Object.fromEntries(
    classes.map((name, label): [string, [number, number]] => {
      const sorted = [...of[label]!].sort((a, b) => a - b);
      const few = Math.round(sorted.length / 10);
      return [name, [sorted[sorted.length - 2 * few] ?? 1, sorted[sorted.length - few] ?? 1]];
    }),
  );
}

/** @param rows what is moved together has the same `sha` */
function mend(rows: readonly { sha: string; label: number }[], keys: readonly number[], parts: Uint8Array): void {
  const order = [...rows.keys()].sort((a, b) => keys[a]! - keys[b]!);
  const copies = new Map<string, number[]>(); // rows of the same content
  for (const [i, { sha }] of rows.entries()) {
    const same = copies.get(sha);
    if (same) same.push(i);
    else copies.set(sha, [i]);
  }
  const learntFrom = new Set<number>();
  const move = (sha: string, part: Part) => {
    for (const i of copies.get(sha)!) {
      parts[i] = part;
      if (part === 0) learntFrom.add(rows[i]!.label);
    }
  };
  for (const [i, { label }] of rows.entries()) if (parts[i] === 0) learntFrom.add(label);
  const first = new Map<number, string>(); // by class the content of the lowest key
  for (const i of order) if (!first.has(rows[i]!.label)) first.set(rows[i]!.label, rows[i]!.sha);
  const lonely = new Set<string>();
  for (const label of new Set(rows.map((row) => row.label))) {
    if (learntFrom.has(label)) continue;
    const sha = first.get(label)!;
    move(sha, 0);
    lonely.add(sha);
  }
  if (copies.size < 3) return;
  for (const part of [2, 1] as const) {
    if (parts.includes(part)) continue;
    const learnt = new Map<number, Set<string>>();
    for (const [i, row] of rows.entries()) if (parts[i] === 0) learnt.set(row.label, (learnt.get(row.label) ?? new Set()).add(row.sha));
    const from = order.findLast((i) => parts[i] === 0 && !lonely.has(rows[i]!.sha) && learnt.get(rows[i]!.label)!.size > 1);
    if (from !== undefined) move(rows[from]!.sha, part);
  }
}

/** Uniform in [0, 1) by the content. */
function key(seed: number, sha: string): number {
  return createHash("sha256").update(`${seed}:${sha}`).digest().readUInt32LE(0) / 2 ** 32;
}
