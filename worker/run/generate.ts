// Writing with a language model, a token at a time. The keys and values of what came before are kept, so that a token costs one position; when
// the context is full, the last half of it is read anew.
import { setImmediate as nextTurn } from "node:timers/promises";
import type { GptNet } from "../models/gpt.ts";
import { Random } from "../random.ts";
import { int64, type Tensor, zeros } from "../tensor.ts";
import type { InferenceSession } from "./engine.ts";
import { chooseToken, punished, type Sampling } from "./sampling.ts";

/** What gives the logits of the next token. */
export interface Decoder {
  /** Most tokens that it sees. */
  readonly context: number;
  /** Logits (V) after these tokens, which follow those given since `reset`. */
  next(ids: readonly number[]): Promise<Float32Array>;
  reset(): void;
}

/** A session of `gptDecoding` (models/gpt.ts). */
export class CachedDecoder implements Decoder {
  readonly context: number;
  readonly #session: Pick<InferenceSession, "run">;
  readonly #net: GptSize;
  #past: Record<string, Tensor> = {};
  #length = 0;

  constructor(session: Pick<InferenceSession, "run">, net: GptSize) {
    this.#session = session;
    this.#net = net;
    this.context = net.context;
    this.reset();
  }

  reset(): void {
    const { layers, heads, width } = this.#net;
    this.#length = 0;
    this.#past = {};
    for (let i = 0; i < layers; i++)
      for (const part of ["key", "value"]) this.#past[`past_key_values.${i}.${part}`] = zeros("float32", [1, heads, 0, width / heads]);
  }

  async next(ids: readonly number[]): Promise<Float32Array> {
    const places = ids.map((_, i) => this.#length + i);
    const { logits, ...present } = await this.#session.run({
      input_ids: int64([1, ids.length], ids),
      position_ids: int64([1, ids.length], places),
      ...this.#past,
    });
    this.#past = Object.fromEntries(Object.entries(present).map(([name, value]) => [name.replace("present", "past_key_values"), value]));
    this.#length += ids.length;
    return logits!.data as Float32Array;
  }
}

type GptSize = Pick<GptNet, "context" | "layers" | "heads" | "width">;

export interface WriteOptions extends Sampling {
  /** What is gone on with; not empty. */
  ids: readonly number[];
  maxTokens: number;
  seed: number;
  /** Tokens that end the text; they are not given out. */
  ends?: ReadonlySet<number>;
  /** Gets to know each token that is chosen, with the logits (V) as the model gave them. */
  onChoice?: ((id: number, logits: Float32Array) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/** Tokens one after another; the event loop gets a turn between them. Ends at `ends`, after `maxTokens`, or when the signal comes. */
export async function* write(decoder: Decoder, options: WriteOptions): AsyncGenerator<number, "length" | "end" | "stopped"> {
  const { ids, maxTokens, seed, ends, signal } = options;
  const random = new Random(seed, "generate");
  let seen = ids.slice(-decoder.context);
  decoder.reset();
  let logits = await decoder.next(seen);
  const written: number[] = [];
  for (let count = 0; count < maxTokens; count++) {
    const id = chooseToken(punished(logits, written, options.repeatPenalty), options, random);
    options.onChoice?.(id, logits);
    written.push(id);
    if (ends?.has(id)) return "end";
    yield id;
    await nextTurn();
    if (signal?.aborted) return "stopped";
    if (count + 1 === maxTokens) break;
    if (seen.length >= decoder.context) {
      seen = [...seen.slice(-Math.floor(decoder.context / 2) + 1), id];
      decoder.reset();
      logits = await decoder.next(seen);
    } else {
      seen = [...seen, id];
      logits = await decoder.next([id]);
    }
  }
  return "length";
}
