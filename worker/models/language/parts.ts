// Small layers that the families share, and the names under which llama.cpp keeps those of the common kind.
import type { Value } from "../../ops/builder.ts";
import type { Place, Shape } from "./family.ts";
import type { Facts } from "./facts.ts";
import type { LanguageNet } from "./net.ts";

/** x / rms(x) · w over the last axis. */
export function rmsNorm(net: LanguageNet, name: string, x: Value, epsilon: number): Value {
  const w = net.tensor(`${name}.weight`, [x.dims.at(-1) as number]);
  return net.g.op("RMSNormalization", [x, w], { axis: -1, epsilon });
}

/** The same with 1 + w, as Gemma has it. */
export function rmsNormPlus(net: LanguageNet, name: string, x: Value, epsilon: number): Value {
  const w = net.tensor(`${name}.weight`, [x.dims.at(-1) as number]);
  return net.g.op("RMSNormalization", [x, net.g.add(w, 1)], { axis: -1, epsilon });
}

export function layerNorm(net: LanguageNet, name: string, x: Value, epsilon: number): Value {
  const dims = [x.dims.at(-1) as number];
  return net.g.layerNorm(x, net.tensor(`${name}.weight`, dims), net.tensor(`${name}.bias`, dims), { epsilon });
}

const activationNames = {
  silu: "silu",
  swish: "silu",
  gelu: "gelu",
  gelu_new: "tanh",
  gelu_fast: "tanh",
  gelu_pytorch_tanh: "tanh",
  relu: "relu",
} as const;
export type Activation = (typeof activationNames)[keyof typeof activationNames];

/** The activation that config.json names. */
export function activationOf(facts: Facts, key: string, usual: string): Activation {
  const name = facts.text(key, usual);
  if (Object.hasOwn(activationNames, name)) return activationNames[name as keyof typeof activationNames];
  throw facts.refuse(`has the activation '${name}', which is not known here`, `Known are ${Object.keys(activationNames).join(", ")}.`);
}

export function activate({ g }: LanguageNet, kind: Activation, x: Value): Value {
  if (kind === "silu") return g.silu(x);
  return kind === "relu" ? g.relu(x) : g.gelu(x, kind === "tanh" ? "tanh" : "none");
}

/** The size of a head that follows from the width, where it is not said. */
export function headSizeOf(facts: Facts, key: string, width: number, heads: number): number {
  if (facts.has(key)) return facts.whole(key);
  if (width % heads) throw facts.refuse(`has ${heads} heads in a width of ${width}`);
  return width / heads;
}

export function checkHeads<S extends Shape>(facts: Facts, shape: S): S {
  if (shape.heads % shape.kvHeads) throw facts.refuse(`has ${shape.heads} heads for ${shape.kvHeads} heads of keys`);
  if (shape.headSize % 2) throw facts.refuse(`has heads of the odd size ${shape.headSize}`);
  if (shape.layers > 1000) throw facts.refuse(`has ${shape.layers} layers`);
  return shape;
}

/** What llama.cpp writes for every family. */
export function commonGguf(facts: Facts, has: (name: string) => boolean): Shape {
  const width = facts.whole("embedding_length");
  const heads = facts.whole("attention.head_count");
  return checkHeads(facts, {
    layers: facts.whole("block_count"),
    width,
    heads,
    kvHeads: facts.whole("attention.head_count_kv", heads),
    headSize: headSizeOf(facts, "attention.key_length", width, heads),
    inner: facts.whole("feed_forward_length"),
    vocabulary: facts.texts("tokenizer.ggml.tokens")?.length ?? facts.whole("vocab_size"),
    context: facts.whole("context_length"),
    tied: !has("output.weight"),
  });
}

/** llama.cpp's names of what a Llama-like model has, by transformers' names. */
const likeLlama: Record<string, string> = {
  "self_attn.q_proj": "attn_q",
  "self_attn.k_proj": "attn_k",
  "self_attn.v_proj": "attn_v",
  "self_attn.qkv_proj": "attn_qkv",
  "self_attn.o_proj": "attn_output",
  "self_attn.q_norm": "attn_q_norm",
  "self_attn.k_norm": "attn_k_norm",
  "mlp.gate_proj": "ffn_gate",
  "mlp.up_proj": "ffn_up",
  "mlp.gate_up_proj": "ffn_up",
  "mlp.down_proj": "ffn_down",
  input_layernorm: "attn_norm",
  post_attention_layernorm: "ffn_norm",
};
const outside: Record<string, string> = { "model.embed_tokens": "token_embd", "model.norm": "output_norm", lm_head: "output" };

/** Where GGUF keeps a weight of a Llama-like model. @param more names of this family's own, by transformers' */
export function ggufName(name: string, more: Record<string, string> = {}): string | undefined {
  const [, layer, inner, kind] = /^model\.layers\.(\d+)\.(.+)\.(weight|bias)$/.exec(name) ?? [];
  if (layer !== undefined) {
    const part = more[inner!] ?? likeLlama[inner!];
    return part && `blk.${layer}.${part}.${kind}`;
  }
  const at = name.lastIndexOf(".");
  const part = outside[name.slice(0, at)];
  return part && `${part}${name.slice(at)}`;
}

export const at = (name: string | undefined): Place | undefined => (name === undefined ? undefined : { names: [name] });
