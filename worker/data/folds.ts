// Folds: where rows are few, none is held out for good. Each is held out from one network in so many, by its turn; the networks that have not
// learned from it tell how good it gets. (Cross-validation, and its networks kept as an ensemble: bagging, as in Erickson et al. 2020,
// https://arxiv.org/abs/2003.06505.)
import { tensor, type Tensor } from "../tensor.ts";
import type { Batch } from "./rowStore.ts";

export interface Folds {
  folds: number;
  /** How often the rows are dealt anew. */
  rounds: number;
  seed: number;
}

/**
 * The fold of each row in each round, (n, rounds) int64. It follows from the row's own numbers: copies take turns together.
 * @param before labels that rows had before they were corrected, by row number
 */
export function turnsOf(
  { x, codes, y, rowNumbers }: Batch,
  { folds, rounds, seed }: Folds,
  before?: ReadonlyMap<number, number>,
): Tensor<"int64"> {
  const rows = x.dims[0]!;
  const [numbers, categories] = [x.dims[1]!, codes.dims[1]!];
  const bits = new Int32Array((x.data as Float32Array).buffer, x.data.byteOffset, x.data.length);
  const labels = y.dtype === "float32" ? new Int32Array((y.data as Float32Array).buffer, y.data.byteOffset, rows) : undefined;
  const turns = new BigInt64Array(rows * rounds);
  for (let i = 0; i < rows; i++) {
    let hash = mixed(seed);
    for (let f = 0; f < numbers; f++) hash = mixed(hash ^ bits[i * numbers + f]!);
    for (let c = 0; c < categories; c++) hash = mixed(hash ^ Number((codes.data as BigInt64Array)[i * categories + c]));
    const was = before?.size ? before.get(rowNumbers[i]!) : undefined;
    hash = mixed(hash ^ (was === undefined ? (labels ? labels[i]! : Number(y.data[i])) : labels ? bitsOf(was) : was));
    for (let r = 0; r < rounds; r++) turns[i * rounds + r] = BigInt((mixed(hash + r) >>> 0) % folds);
  }
  return tensor("int64", [rows, rounds], turns);
}

/** The bits of a float32, as labels are kept. */
const bitsOf = (value: number): number => new Int32Array(Float32Array.of(value).buffer)[0]!;

/** For rows that no network has seen: all of them answer. */
export const noTurns = (rows: number, { rounds }: Folds): Tensor<"int64"> =>
  tensor("int64", [rows, rounds], new BigInt64Array(rows * rounds).fill(-1n));

/** A whole number of 32 bits, its bits mixed: MurmurHash3's finalizer, after a step that takes zeros along. */
function mixed(value: number): number {
  let h = (Math.imul(value, 0x9e3779b1) + 0x7f4a7c15) | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
