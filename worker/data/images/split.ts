// Which pictures are learned from, which choose the best point, which test it: by their content and the seed, so that copies stay together
// and adding pictures moves no old one. Small sets are mended: every class has one to learn from, and every part has some.
import { createHash } from "node:crypto";

/** 0 train, 1 validation, 2 test. */
export type Part = 0 | 1 | 2;

/** @param rows content hashes (hexadecimal) and classes */
export function splitPictures(rows: readonly { sha: string; label: number }[], options: { seed: number; split: boolean }): Uint8Array {
  const parts = new Uint8Array(rows.length);
  if (!options.split) return parts;
  const keys = rows.map(({ sha }) => key(options.seed, sha));
  for (const [i, k] of keys.entries()) parts[i] = k < 0.8 ? 0 : k < 0.9 ? 1 : 2;
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
  if (copies.size < 3) return parts;
  for (const part of [2, 1] as const) {
    if (parts.includes(part)) continue;
    const learnt = new Map<number, Set<string>>();
    for (const [i, row] of rows.entries()) if (parts[i] === 0) learnt.set(row.label, (learnt.get(row.label) ?? new Set()).add(row.sha));
    const from = order.findLast((i) => parts[i] === 0 && !lonely.has(rows[i]!.sha) && learnt.get(rows[i]!.label)!.size > 1);
    if (from !== undefined) move(rows[from]!.sha, part);
  }
  return parts;
}

/** Uniform in [0, 1) by the content. */
function key(seed: number, sha: string): number {
  return createHash("sha256").update(`${seed}:${sha}`).digest().readUInt32LE(0) / 2 ** 32;
}
