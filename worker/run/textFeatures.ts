// Features of texts by an imported encoder, computed once and kept on disk under the texts' tokens and the encoder. Texts of like length go
// through it together. Letters: n texts, T tokens, D features.
import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { AppError } from "../../ipc/error.ts";
import { keptFile, readAt, writeAt } from "../data/images/pixels.ts";
import type { TextParts } from "../data/text/encodeTexts.ts";
import type { Samples } from "../data/samples.ts";
import { type TextRows, tokenInputsOf } from "../data/text/textStore.ts";
import type { TextEncoder } from "../formats/textEncoder.ts";
import { Builder } from "../ops/builder.ts";
import { float32 } from "../tensor.ts";
import { openEngine } from "./engine.ts";

const version = 1;
/** Texts, and tokens, that go through the encoder at once. */
const atOnce = { texts: 32, tokens: 2048 };
/** Bytes of features that are held in memory. */
const inMemory = 256 * 2 ** 20;

export interface TextExtractor {
  /** (n, D) of texts as tokens. */
  run(texts: readonly (readonly number[])[]): Promise<Float32Array>;
  dispose(): Promise<void>;
}

export async function openTextExtractor(encoder: TextEncoder): Promise<TextExtractor> {
  const { features, batch, length } = encoder;
  const g = new Builder("features");
  const input = (name: string) => g.input(name, "int64", [batch ?? "n", length ?? "T"]);
  g.output(encoder.embed(g, { input_ids: input("input_ids"), attention_mask: input("attention_mask") }), "features");
  const engine = await openEngine("cpu");
  const session = await engine.load(g.graph);
  return {
    async run(texts) {
      const out = new Float32Array(texts.length * features);
      const step = batch ?? texts.length;
      for (let from = 0; from < texts.length; from += step) {
        const found = await session.run(tokenInputsOf(texts.slice(from, from + step), length));
        out.set(found["features"]!.data as Float32Array, from * features);
      }
      return out;
    },
    async dispose() {
      await session.dispose();
      await engine.dispose();
    },
  };
}

/** Lengths that are tried, the longest first: more than the longest is cut. */
const lengths = [256, 128, 64, 32, 16, 8];

/** Tokens of a text that the encoder takes: as its file says, else as its tokenizer does, else tried out. Throws modelInvalid where it runs on none. */
export async function contextOf(encoder: TextEncoder): Promise<number> {
  if (encoder.length !== undefined) return encoder.length;
  const most = mostTold(encoder.tokenizer);
  const extractor = await openTextExtractor(encoder);
  try {
    let last: unknown;
    for (const length of lengths.filter((one) => one <= (encoder.places ?? Infinity)))
      try {
        await extractor.run([new Array<number>(length).fill(1)]);
        return Math.min(most, length);
      } catch (thrown) {
        last = thrown;
      }
    throw new AppError(
      "modelInvalid",
      `'${encoder.file}' does not run on tokens: ${AppError.from(last).message}`,
      "Export it again with a current tool.",
      { file: encoder.file },
      last,
    );
  } finally {
    await extractor.dispose();
  }
}

/** What a tokenizer.json says; one that cannot be read is refused where texts are encoded. */
function mostTold(json: string): number {
  try {
    const told = (JSON.parse(json) as { truncation?: { max_length?: unknown } | null } | null)?.truncation?.max_length;
    return typeof told === "number" && told >= 8 ? told : Infinity;
  } catch {
    return Infinity;
  }
}

export interface FeatureParts {
  train: FeatureRows;
  validation: FeatureRows;
  test: FeatureRows;
  close(): Promise<void>;
}

/** Features of the texts of all parts, from the cache or computed into it. Throws modelInvalid where they are no numbers. */
export async function textFeatures(
  parts: TextParts,
  encoder: TextEncoder,
  { cache, signal, onProgress }: { cache: string; signal: AbortSignal; onProgress?: (fraction: number) => void },
): Promise<FeatureParts> {
  const stores = [parts.train, parts.validation, parts.test] as const;
  const { features } = encoder;
  const hash = createHash("sha256").update(`${version}:${encoder.sha}\n`);
  for (const store of stores) for (let i = 0; i < store.rows; i++) hash.update((await store.text(i)).ids).update("\n");
  const rows = stores.reduce((sum, store) => sum + store.rows, 0);
  const bytes = rows * features * 4;
  const path = await keptFile(cache, `features-${hash.digest("hex").slice(0, 40)}.bin`, bytes, async (file) => {
    const extractor = await openTextExtractor(encoder);
    try {
      let start = 0;
      let done = 0;
      for (const store of stores) {
        for (const group of alike(store)) {
          signal.throwIfAborted();
          const texts = await Promise.all(group.map(async (i) => Array.from((await store.text(i)).ids)));
          const found = await extractor.run(texts);
          requireFinite(found, encoder);
          for (const [k, i] of group.entries())
            await writeAt(file, new Uint8Array(found.buffer, k * features * 4, features * 4), (start + i) * features * 4);
          onProgress?.((done += group.length) / rows);
        }
        start += store.rows;
      }
    } finally {
      await extractor.dispose();
    }
  });
  const file = await open(path, "r");
  const held = bytes <= inMemory ? new Float32Array((await readAt(file, 0, bytes)).buffer) : undefined;
  let start = 0;
  const [train, validation, test] = stores.map((store) => {
    const part = new FeatureRows(store, { file, held, start, width: features });
    start += store.rows;
    return part;
  }) as [FeatureRows, FeatureRows, FeatureRows];
  return { train, validation, test, close: () => file.close() };
}

/** Positions of a store in groups of texts of like length. */
function* alike(store: TextRows): Generator<number[]> {
  const order = Array.from({ length: store.rows }, (_, i) => i).sort((a, b) => store.length!(a) - store.length!(b) || a - b);
  for (let from = 0; from < order.length;) {
    let to = from + 1;
    while (to < order.length && to - from < atOnce.texts && (to + 1 - from) * store.length!(order[to]!) <= atOnce.tokens) to++;
    yield order.slice(from, to);
    from = to;
  }
}

function requireFinite(features: Float32Array, { file }: TextEncoder): void {
  if (features.every((v) => Number.isFinite(v))) return;
  throw new AppError("modelInvalid", `'${file}' gives features that are no numbers.`, "Choose another model.", { file });
}

/** The rows of a part as `features` float32 (n, D). */
export class FeatureRows implements Samples {
  readonly rows: number;
  #store: TextRows;
  #from: { file: FileHandle; held: Float32Array | undefined; start: number; width: number };

  constructor(store: TextRows, from: { file: FileHandle; held: Float32Array | undefined; start: number; width: number }) {
    this.rows = store.rows;
    this.#store = store;
    this.#from = from;
  }

  /** (n, D) */
  async features(positions: Uint32Array): Promise<Float32Array> {
    const { file, held, start, width } = this.#from;
    const out = new Float32Array(positions.length * width);
    for (const [i, position] of positions.entries()) {
      const at = (start + position) * width;
      const row = held ? held.subarray(at, at + width) : new Float32Array((await readAt(file, at * 4, width * 4)).buffer);
      out.set(row, i * width);
    }
    return out;
  }

  async read(positions: Uint32Array) {
    const features = await this.features(positions);
    return { inputs: { features: float32([positions.length, this.#from.width], features) }, ...this.#store.answersAt(positions) };
  }

  range(from: number, to: number) {
    return this.read(Uint32Array.from({ length: Math.max(0, Math.min(to, this.rows) - from) }, (_, i) => from + i));
  }
}
