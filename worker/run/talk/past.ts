// Anybody's ONNX language model that keeps keys and values, as Hugging Face's exporters and onnxruntime-genai write them: input_ids, attention_mask,
// position_ids and past_key_values.<layer>.key and .value go in, logits and present.<layer>.key and .value come out.
// https://huggingface.co/docs/optimum/exporters/onnx/overview, https://onnxruntime.ai/docs/genai/reference/config.html
import { AppError } from "../../../ipc/error.ts";
import type { ValueInfo } from "../../onnx/graph.ts";
import { bools, type DType, float32, halfValue, int64, scalar, type Tensor, zeros } from "../../tensor.ts";
import type { InferenceSession } from "../engine.ts";
import type { Decoder } from "../generate.ts";

/** Tokens that go through the graph at once: logits are made for each of them. */
const piece = 64;
const pastName = /^past_key_values\.(\d+)\.(key|value)$/;
/** Inputs besides the keys and values, and what each is given. */
const plain = new Set(["input_ids", "attention_mask", "position_ids", "use_cache_branch", "num_logits_to_keep"]);

interface Kept {
  input: string;
  output: string;
  dtype: DType;
  /** Without any token yet. */
  dims: number[];
}

/** Whether a graph wants keys and values. */
export const wantsPast = (inputs: readonly ValueInfo[]): boolean => inputs.some(({ name }) => pastName.test(name));

/** @throws modelInvalid for inputs that are not known, or keys and values of a shape that is not (batch, heads, tokens, size) */
export function pastDecoder(session: Pick<InferenceSession, "run" | "inputs" | "outputs">, context: number, file: string): PastDecoder {
  const refuse = (what: string, input: string) =>
    new AppError("modelInvalid", `The model's graph ${what}.`, "Use its GGUF file or Hugging Face folder.", { file, input });
  const outputs = new Set(session.outputs.map(({ name }) => name));
  const kept: Kept[] = [];
  for (const { name, dtype, dims } of session.inputs) {
    const [, layer, part] = pastName.exec(name) ?? [];
    if (layer === undefined) {
      if (plain.has(name)) continue;
      throw refuse(`wants '${name}', which is not given by a text alone`, name);
    }
    const [, heads, , size] = dims;
    if (dims.length !== 4 || typeof heads !== "number" || typeof size !== "number" || (dtype !== "float32" && dtype !== "float16"))
      throw refuse(`keeps '${name}' as ${dims.join(" × ")} of ${dtype}, not as texts × heads × tokens × size`, name);
    const output = [`present.${layer}.${part}`, `present_key_values.${layer}.${part}`].find((one) => outputs.has(one));
    if (output === undefined) throw refuse(`takes '${name}' and gives no present.${layer}.${part}`, name);
    kept.push({ input: name, output, dtype, dims: [1, heads, 0, size] });
  }
  return new PastDecoder(session, kept, context);
}

export class PastDecoder implements Decoder {
  readonly context: number;
  readonly #session: Pick<InferenceSession, "run" | "inputs">;
  readonly #kept: readonly Kept[];
  #past: Record<string, Tensor> = {};
  #length = 0;

  constructor(session: Pick<InferenceSession, "run" | "inputs">, kept: readonly Kept[], context: number) {
    this.#session = session;
    this.#kept = kept;
    this.context = context;
    this.reset();
  }

  reset(): void {
    this.#length = 0;
    this.#past = Object.fromEntries(this.#kept.map(({ input, dtype, dims }) => [input, zeros(dtype, dims)]));
  }

  async next(ids: readonly number[]): Promise<Float32Array> {
    let last: Float32Array = new Float32Array(0);
    for (let at = 0; at < ids.length; at += piece) last = await this.#step(ids.slice(at, at + piece));
    return last;
  }

  async #step(ids: readonly number[]): Promise<Float32Array> {
    const whole = this.#length + ids.length;
    const given: Record<string, () => Tensor> = {
      input_ids: () => int64([1, ids.length], ids),
      attention_mask: () => int64([1, whole], Array.from({ length: whole }, () => 1)), // prettier-ignore
      position_ids: () => int64([1, ids.length], ids.map((_, i) => this.#length + i)), // prettier-ignore
      // Of a graph that is two in one: without and with keys and values.
      use_cache_branch: () => bools([1], [this.#length > 0]),
      num_logits_to_keep: () => scalar(1, "int64"),
    };
    const feeds = { ...this.#past };
    for (const { name } of this.#session.inputs) if (given[name]) feeds[name] = given[name]();
    const out = await this.#session.run(feeds);
    for (const { input, output } of this.#kept) this.#past[input] = out[output]!;
    this.#length = whole;
    return lastOf(out["logits"]!);
  }
}

/** Logits after the last token, as float32. */
export function lastOf(logits: Tensor): Float32Array {
  const vocabulary = logits.dims.at(-1)!;
  if (logits.dtype === "float16") return Float32Array.from(logits.data.slice(-vocabulary), halfValue);
  return float32([vocabulary], (logits.data as Float32Array).slice(-vocabulary)).data;
}
