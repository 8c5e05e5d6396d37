// What the conversions of all families have in common: what one is, what llama.cpp wants of every family, what config.json says of most.
import { AppError } from "../../../ipc/error.ts";
import type { ConversionNote } from "../../../ipc/types/exports.ts";
import type { GgufEntry } from "../../formats/language/ggufWrite.ts";
import type { Facts } from "./facts.ts";
import type { Shape } from "./family.ts";

export interface InGguf {
  /** Keys of the architecture, without its name. */
  entries: Map<string, GgufEntry>;
  /** Tensors that stand for settings. */
  tensors: Map<string, Float32Array>;
  notes: ConversionNote[];
}

export interface Conversion {
  /** What stands before a layer's number. */
  layers: string;
  /** Parts of a layer, and what is outside of them: each may have a weight and a bias. */
  inner: readonly string[];
  outside: readonly string[];
  /** Whether llama.cpp has no output layer but the table of words, or always one of its own; by default either. */
  output?: "words" | "own";
  /** Biases that llama.cpp has no place for. */
  noBias?: RegExp;
  /** Biases that transformers has where others are: zeros stand for what is not there. */
  biasesTogether?: readonly (readonly string[])[];
  gguf(facts: Facts, config: Shape): InGguf;
  /** config.json, but for what all families have. @param values the numbers of a tensor of the file, where it is there */
  huggingface(facts: Facts, config: Shape, values: (name: string) => Float32Array | undefined): Record<string, unknown>;
}

export const u32 = (value: number): GgufEntry => ({ type: "u32", value });
export const f32 = (value: number): GgufEntry => ({ type: "f32", value });

export const refuse = (what: string): AppError =>
  new AppError(
    "exportUnsupported",
    `llama.cpp cannot compute this model: ${what}.`,
    "Take it away as a Hugging Face folder (safetensors).",
    {},
  );

/** What llama.cpp wants of every family. @param window tokens after which the model sees no further back: llama.cpp does not know it of most families */
export function common(c: Shape, { rms, epsilon, window }: { rms: boolean; epsilon: number; window?: number | undefined }): InGguf {
  const context = Math.min(c.context, window ?? Infinity);
  return {
    entries: new Map<string, GgufEntry>([
      ["context_length", u32(context)],
      ["embedding_length", u32(c.width)],
      ["block_count", u32(c.layers)],
      ["feed_forward_length", u32(c.inner)],
      ["attention.head_count", u32(c.heads)],
      ["attention.head_count_kv", u32(c.kvHeads)],
      [rms ? "attention.layer_norm_rms_epsilon" : "attention.layer_norm_epsilon", f32(epsilon)],
      ["vocab_size", u32(c.vocabulary)],
    ]),
    tensors: new Map(),
    notes: context < c.context ? ["window"] : [],
  };
}

export const heads = (c: Shape): [string, GgufEntry][] => [
  ["attention.key_length", u32(c.headSize)],
  ["attention.value_length", u32(c.headSize)],
];

export function only(is: string, wanted: string, what: string): void {
  if (is !== wanted) throw refuse(`${what} is ${is}, and llama.cpp's is ${wanted}`);
}

export const likeLlama = {
  layers: "model.layers",
  inner: [
    "self_attn.q_proj",
    "self_attn.k_proj",
    "self_attn.v_proj",
    "self_attn.o_proj",
    "mlp.gate_proj",
    "mlp.up_proj",
    "mlp.down_proj",
    "input_layernorm",
    "post_attention_layernorm",
  ],
  outside: ["model.embed_tokens", "model.norm", "lm_head"],
} as const;

/** What config.json says of every Llama-like family. */
export const usual = (c: Shape, epsilon: number) => ({
  hidden_size: c.width,
  intermediate_size: c.inner,
  num_hidden_layers: c.layers,
  num_attention_heads: c.heads,
  num_key_value_heads: c.kvHeads,
  head_dim: c.headSize,
  max_position_embeddings: c.context,
  rms_norm_eps: epsilon,
});
