// Rows of a language model: windows of so many tokens, each with the tokens that follow as its labels. Of running text the windows lie one after
// another, in training from another place each epoch; of conversations each begins where one begins, as many in a window as fit.
import { Random } from "../../random.ts";
import { float32, tensor } from "../../tensor.ts";
import type { SampleBatch, Samples } from "../samples.ts";
import { notLearned, type TokenStore } from "./tokenStore.ts";

/** Where windows lie: the first token of each, and how many of its tokens have a label. */
export interface Windows {
  starts: Float64Array;
  lengths: Uint16Array;
}

/** Windows that cover the tokens, the last one filled up. */
export function sideBySide(tokens: number, context: number): Windows {
  const rows = Math.max(0, Math.ceil((tokens - 1) / context));
  const starts = Float64Array.from({ length: rows }, (_, i) => i * context);
  return { starts, lengths: Uint16Array.from(starts, (start) => Math.min(context, tokens - 1 - start)) };
}

export interface WindowOptions {
  context: number;
  windows: Windows;
  /** Windows begin elsewhere each epoch: for running text that is learned from. */
  moving?: { seed: number };
  /** Rows that are answered at once. */
  piece: number;
}

/** Inputs input_ids and labels (B, context) int64; y (B, 1): how many labels each row has. */
export class WindowSamples implements Samples {
  readonly rows: number;
  readonly piece: number;
  readonly #store: TokenStore;
  readonly #options: WindowOptions;
  #shift = 0;

  constructor(store: TokenStore, options: WindowOptions) {
    this.#store = store;
    this.#options = options;
    this.piece = options.piece;
    const { windows, moving } = options;
    // A window that is moved needs room for it.
    this.rows = moving ? Math.max(1, windows.starts.length - 1) : windows.starts.length;
  }

  epoch(epoch: number): void {
    const { moving, context, windows } = this.#options;
    if (moving && windows.starts.length > 1) this.#shift = Math.floor(new Random(moving.seed, `windows ${epoch}`).uniform() * context);
  }

  range(from: number, to: number): Promise<SampleBatch> {
    return this.read(Uint32Array.from({ length: to - from }, (_, i) => from + i));
  }

  async read(positions: Uint32Array): Promise<SampleBatch> {
    const { context, windows } = this.#options;
    const ids = new BigInt64Array(positions.length * context);
    const labels = new BigInt64Array(positions.length * context).fill(-100n);
    const counts = new Float32Array(positions.length);
    for (const [row, position] of positions.entries()) {
      const start = windows.starts[position]! + this.#shift;
      const words = await this.#store.read(start, context + 1);
      const length = Math.min(words.length - 1, this.#shift ? context : windows.lengths[position]!);
      for (let i = 0; i < Math.min(context, words.length); i++) ids[row * context + i] = BigInt(words[i]! & ~notLearned);
      for (let i = 0; i < length; i++) {
        const next = words[i + 1]!;
        if (next & notLearned) continue;
        labels[row * context + i] = BigInt(next);
        counts[row]! += 1;
      }
    }
    const dims = [positions.length, context];
    return {
      inputs: { input_ids: tensor("int64", dims, ids), labels: tensor("int64", dims, labels) },
      y: float32([positions.length, 1], counts),
      rowNumbers: positions.map((position) => position + 1),
    };
  }
}

/** Some of the rows, at even distances. */
export function thinned(samples: Samples, most: number): Samples {
  if (samples.rows <= most) return samples;
  const place = (i: number) => Math.floor((i * samples.rows) / most);
  return {
    rows: most,
    ...(samples.piece === undefined ? {} : { piece: samples.piece }),
    read: (positions) => samples.read(positions.map(place)),
    range: (from, to) => samples.read(Uint32Array.from({ length: to - from }, (_, i) => place(from + i))),
  };
}
