// GPT-NeoX and Pythia: attention and feed-forward side by side, part of each head turned. https://arxiv.org/abs/2204.06745; transformers
// models/gpt_neox. B batch, T tokens, H heads, E size of a head.
import type { Builder, Value } from "../../ops/builder.ts";
import { family, type Shape } from "./family.ts";
import { activate, activationOf, type Activation, at, checkHeads, commonGguf, headSizeOf, layerNorm } from "./parts.ts";
import { attendApart, type Rotary, rotaryOf, rotaryOfGguf, rotation } from "./sequence.ts";

export interface NeoxConfig extends Shape {
  epsilon: number;
  rotary: Rotary;
  activation: Activation;
  parallel: boolean;
}

const names: Record<string, string> = {
  input_layernorm: "attn_norm",
  post_attention_layernorm: "ffn_norm",
  "attention.query_key_value": "attn_qkv",
  "attention.dense": "attn_output",
  "mlp.dense_h_to_4h": "ffn_up",
  "mlp.dense_4h_to_h": "ffn_down",
};
const outside: Record<string, string> = {
  "gpt_neox.embed_in": "token_embd",
  "gpt_neox.final_layer_norm": "output_norm",
  embed_out: "output",
};

export const gptNeox = family<NeoxConfig>({
  id: "gptNeox",
  title: "GPT-NeoX",
  huggingface: ["gpt_neox"],
  gguf: ["gptneox"],
  adapted: ["query_key_value"],
  fromHuggingface(facts) {
    const width = facts.whole("hidden_size");
    const heads = facts.whole("num_attention_heads");
    const headSize = headSizeOf(facts, "head_dim", width, heads);
    const context = facts.whole("max_position_embeddings");
    const told = facts.inner("rope_parameters");
    const part = told?.has("partial_rotary_factor") ? told.real("partial_rotary_factor") : facts.real("rotary_pct", 0.25);
    const base = told ? 10_000 : facts.real("rotary_emb_base", 10_000);
    return checkHeads(facts, {
      layers: facts.whole("num_hidden_layers"),
      width,
      heads,
      kvHeads: heads,
      headSize,
      inner: facts.whole("intermediate_size"),
      vocabulary: facts.whole("vocab_size"),
      context,
      tied: facts.flag("tie_word_embeddings", false),
      epsilon: facts.real("layer_norm_eps", 1e-5),
      rotary: rotaryOf(facts, Math.floor(headSize * part), context, base),
      activation: activationOf(facts, "hidden_act", "gelu"),
      parallel: facts.flag("use_parallel_residual", true),
    });
  },
  fromGguf(facts, has) {
    const shape = commonGguf(facts, has);
    return {
      ...shape,
      epsilon: facts.real("attention.layer_norm_epsilon"),
      rotary: rotaryOfGguf(facts, shape),
      activation: "gelu",
      parallel: facts.flag("use_parallel_residual", true),
    };
  },
  /** llama.cpp keeps all queries, then all keys, then all values; transformers the three of each head together. */
  inGguf(name, { heads, headSize }) {
    const [, layer, inner, kind] = /^gpt_neox\.layers\.(\d+)\.(.+)\.(weight|bias)$/.exec(name) ?? [];
    if (layer === undefined) {
      const end = name.lastIndexOf(".");
      const part = outside[name.slice(0, end)];
      return at(part && `${part}${name.slice(end)}`);
    }
    const place = at(names[inner!] && `blk.${layer}.${names[inner!]}.${kind}`);
    return place && inner === "attention.query_key_value" ? { ...place, rows: headsApart(heads, headSize) } : place;
  },
  build(net, c, sequence) {
    const { g } = net;
    const rotate = rotation(g, sequence.positions, c.rotary);
    let x = net.embed("gpt_neox.embed_in", sequence.ids, [c.vocabulary, c.width]); // (B, T, D)
    for (let i = 0; i < c.layers; i++) {
      const name = `gpt_neox.layers.${i}`;
      const h = layerNorm(net, `${name}.input_layernorm`, x, c.epsilon);
      const all = net.linear(`${name}.attention.query_key_value`, h, 3 * c.width);
      const [q, k, v] = threeApart(net.g, all, c);
      const mixed = attendApart(g, q, k, v, sequence, { ...c, scale: 1 / Math.sqrt(c.headSize), rotate, layer: i });
      const seen = net.linear(`${name}.attention.dense`, mixed, c.width);
      const after = g.add(x, seen);
      const z = layerNorm(net, `${name}.post_attention_layernorm`, c.parallel ? x : after, c.epsilon);
      const inner = activate(net, c.activation, net.linear(`${name}.mlp.dense_h_to_4h`, z, c.inner));
      x = g.add(after, net.linear(`${name}.mlp.dense_4h_to_h`, inner, c.width));
    }
    const last = layerNorm(net, "gpt_neox.final_layer_norm", x, c.epsilon);
    return net.linear(c.tied ? "gpt_neox.embed_in" : "embed_out", last, c.vocabulary);
  },
});

/** (B, T, H · 3 · E) → queries, keys and values (B, H, T, E). */
export function threeApart(g: Builder, all: Value, { heads, headSize }: Shape): [Value, Value, Value] {
  const by = g.transpose(g.op("Reshape", [all, g.list([0, 0, heads, 3 * headSize])]), [0, 2, 1, 3]); // (B, H, T, 3E)
  return g.split(by, [headSize, headSize, headSize], { axis: 3 }) as [Value, Value, Value];
}

/** Row (head, part, e) of what is wanted is row (part, head, e) of what is stored. */
export const headsApart = (heads: number, size: number) => (row: number) => {
  const [head, part, e] = [Math.floor(row / (3 * size)), Math.floor(row / size) % 3, row % size];
  return (part * heads + head) * size + e;
};
