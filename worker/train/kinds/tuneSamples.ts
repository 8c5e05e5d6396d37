// Rows of fine-tuning: each batch is as long as its longest row; labels are the tokens that follow, -100 where they are not learned.
import type { SampleBatch, Samples } from "../../data/samples.ts";
import type { LessonRow } from "../../data/text/lessons.ts";
import { float32, tensor } from "../../tensor.ts";

export class TuneSamples implements Samples {
  readonly rows: number;
  readonly piece: number;
  readonly #rows: readonly LessonRow[];
  readonly #places: Uint32Array;
  readonly #pad: bigint;

  /** @param places which of the rows @param options.pad the token that fills rows up */
  constructor(rows: readonly LessonRow[], places: Uint32Array, { pad, piece }: { pad: number; piece: number }) {
    this.rows = places.length;
    this.piece = piece;
    this.#rows = rows;
    this.#places = places;
    this.#pad = BigInt(pad);
  }

  /** Tokens of a row: rows of like length make a batch. */
  length(position: number): number {
    return this.#rows[this.#places[position]!]!.ids.length;
  }

  range(from: number, to: number): Promise<SampleBatch> {
    return this.read(Uint32Array.from({ length: to - from }, (_, i) => from + i));
  }

  /** Inputs input_ids and labels (B, T) int64; y (B, 1): how many labels each row has. */
  read(positions: Uint32Array): Promise<SampleBatch> {
    const chosen = Array.from(positions, (p) => this.#rows[this.#places[p]!]!);
    const longest = Math.max(...chosen.map(({ ids }) => ids.length - 1));
    const dims = [chosen.length, longest];
    const ids = new BigInt64Array(chosen.length * longest).fill(this.#pad);
    const labels = new BigInt64Array(chosen.length * longest).fill(-100n);
    const counts = new Float32Array(chosen.length);
    for (const [b, row] of chosen.entries())
      for (let t = 0; t + 1 < row.ids.length; t++) {
        ids[b * longest + t] = BigInt(row.ids[t]!);
        if (!row.learned[t + 1]) continue;
        labels[b * longest + t] = BigInt(row.ids[t + 1]!);
        counts[b]! += 1;
      }
    return Promise.resolve({
      inputs: { input_ids: tensor("int64", dims, ids), labels: tensor("int64", dims, labels) },
      y: float32([chosen.length, 1], counts),
      rowNumbers: positions.map((p) => this.#places[p]! + 1),
    });
  }
}
