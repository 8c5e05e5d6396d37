// What two trained towers (worker/models/towers.ts) say, alone or beside weights between items: these know the items that most people have, the
// towers know all.
import { type Ease, easeScores } from "./ease.ts";

export interface Towers {
  /** D */
  size: number;
  /** (items, D) row-major: what having an item adds to somebody, before the division by the root of their number. */
  had: Float32Array;
  /** (items, D) row-major, and (items): what fits is user · vector + bias. */
  vectors: Float32Array;
  bias: Float32Array;
}

export interface Blend {
  towers: Towers;
  /** What the towers' scores are multiplied by beside the weights between items; null: the weights are left out. */
  share: number | null;
}

/** Scores of all items for somebody who has these; -Infinity for what is had, and for what nobody has. Who has nothing gets what most have. */
export function blendedScores(
  ease: Ease,
  { towers, share }: Blend,
  had: ArrayLike<number>,
  scores = new Float64Array(ease.place.length),
): Float64Array {
  if (had.length === 0) {
    scores.set(ease.popularity);
  } else {
    const { size, vectors, bias } = towers;
    if (share === null) scores.fill(0);
    else {
      easeScores(ease, had, scores);
      for (let i = 0; i < scores.length; i++) if (scores[i] === -Infinity) scores[i] = 0;
    }
    const user = new Float64Array(size);
    for (let h = 0; h < had.length; h++) for (let d = 0; d < size; d++) user[d]! += towers.had[had[h]! * size + d]!;
    const root = Math.sqrt(had.length);
    for (let d = 0; d < size; d++) user[d]! /= root;
    for (let i = 0, at = 0; i < scores.length; i++, at += size) {
      let sum = bias[i]!;
      for (let d = 0; d < size; d++) sum += user[d]! * vectors[at + d]!;
      scores[i]! += (share ?? 1) * sum;
    }
  }
  for (let i = 0; i < scores.length; i++) if (ease.popularity[i] === 0) scores[i] = -Infinity;
  for (let h = 0; h < had.length; h++) scores[had[h]!] = -Infinity;
  return scores;
}
