// BLOOM: no positions but a penalty for distance (ALiBi). https://arxiv.org/abs/2211.05100; transformers models/bloom.
import { family, type Shape } from "./family.ts";
import { headsApart, threeApart } from "./gptNeox.ts";
import { at, checkHeads, commonGguf, headSizeOf, layerNorm } from "./parts.ts";
import { attendApart } from "./sequence.ts";

export interface BloomConfig extends Shape {
  epsilon: number;
  /** Whether what is added to is the normalised input. */
  afterNorm: boolean;
}

const names: Record<string, string> = {
  input_layernorm: "attn_norm",
  post_attention_layernorm: "ffn_norm",
  "self_attention.query_key_value": "attn_qkv",
  "self_attention.dense": "attn_output",
  "mlp.dense_h_to_4h": "ffn_up",
  "mlp.dense_4h_to_h": "ffn_down",
};
const outside: Record<string, string> = {
  word_embeddings: "token_embd",
  word_embeddings_layernorm: "token_embd_norm",
  ln_f: "output_norm",
  lm_head: "output",
};

export const bloom = family<BloomConfig>({
  id: "bloom",
  title: "BLOOM",
  huggingface: ["bloom"],
  gguf: ["bloom"],
  prefix: "transformer.",
  adapted: ["query_key_value"],
  fromHuggingface(facts) {
    const width = facts.whole(facts.has("hidden_size") ? "hidden_size" : "n_embed");
    const heads = facts.whole(facts.has("n_head") ? "n_head" : "num_attention_heads");
    return checkHeads(facts, {
      layers: facts.whole(facts.has("n_layer") ? "n_layer" : "num_hidden_layers"),
      width,
      heads,
      kvHeads: heads,
      headSize: headSizeOf(facts, "head_dim", width, heads),
      inner: 4 * width,
      vocabulary: facts.whole("vocab_size"),
      context: facts.whole("seq_length", 2048),
      tied: facts.flag("tie_word_embeddings", true),
      epsilon: facts.real("layer_norm_epsilon", 1e-5),
      afterNorm: facts.flag("apply_residual_connection_post_layernorm", false),
    });
  },
  fromGguf(facts, has) {
    return { ...commonGguf(facts, has), epsilon: facts.real("attention.layer_norm_epsilon"), afterNorm: false };
  },
  inHuggingface: (name) => ({ names: [name, `transformer.${name}`] }),
  inGguf(name, { heads, headSize }) {
    const [, layer, inner, kind] = /^h\.(\d+)\.(.+)\.(weight|bias)$/.exec(name) ?? [];
    if (layer === undefined) {
      const [part = "", own] = name.split(".");
      return at(outside[part] && `${outside[part]}.${own}`);
    }
    const place = at(names[inner!] && `blk.${layer}.${names[inner!]}.${kind}`);
    return place && inner === "self_attention.query_key_value" ? { ...place, rows: headsApart(heads, headSize) } : place;
  },
  build(net, c, sequence) {
    const { g } = net;
    const alibi = slopes(c.heads);
    const words = net.embed("word_embeddings", sequence.ids, [c.vocabulary, c.width]);
    let x = layerNorm(net, "word_embeddings_layernorm", words, c.epsilon); // (B, T, D)
    for (let i = 0; i < c.layers; i++) {
      const name = `h.${i}`;
      const h = layerNorm(net, `${name}.input_layernorm`, x, c.epsilon);
      const [q, k, v] = threeApart(g, net.linear(`${name}.self_attention.query_key_value`, h, 3 * c.width), c);
      const mixed = attendApart(g, q, k, v, sequence, { ...c, scale: 1 / Math.sqrt(c.headSize), alibi, layer: i });
      const seen = g.add(c.afterNorm ? h : x, net.linear(`${name}.self_attention.dense`, mixed, c.width));
      const z = layerNorm(net, `${name}.post_attention_layernorm`, seen, c.epsilon);
      const inner = g.gelu(net.linear(`${name}.mlp.dense_h_to_4h`, z, c.inner), "tanh");
      x = g.add(c.afterNorm ? z : seen, net.linear(`${name}.mlp.dense_4h_to_h`, inner, c.width));
    }
    return net.linear(c.tied ? "word_embeddings" : "lm_head", layerNorm(net, "ln_f", x, c.epsilon), c.vocabulary);
  },
});

/** 2^(-8/n · i), with those of twice as many heads between where n is no power of two. */
function slopes(heads: number): number[] {
  const power = 2 ** Math.floor(Math.log2(heads));
  const series = (n: number, count: number, every: number) => Array.from({ length: count }, (_, i) => 2 ** ((-8 / n) * (i * every + 1)));
  return [...series(power, power, 1), ...series(2 * power, heads - power, 2)];
}
