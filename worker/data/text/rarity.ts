// What a place of the table weighs: the rarer among the training texts, the more. As in scikit-learn's TfidfTransformer (smooth_idf):
// ln((1 + n) / (1 + d)) + 1 for n texts, d of which fill the place; 0 where none does, so that what was never learned says nothing.
import type { TextStore } from "./textStore.ts";

/** @returns (2^bits) float32 */
export async function rarityOf(train: TextStore, bits: number, pause?: () => Promise<void>): Promise<Float32Array> {
  const seen = new Uint32Array(2 ** bits);
  for (let i = 0; i < train.rows; i++) {
    const { ids } = await train.text(i);
    for (const id of ids) seen[id]!++;
    if (i % 4096 === 4095) await pause?.();
  }
  return Float32Array.from(seen, (texts) => (texts ? Math.log((1 + train.rows) / (1 + texts)) + 1 : 0));
}
