// Llama 1 to 3, SmolLM, TinyLlama, and Mistral, which adds a window. https://arxiv.org/abs/2302.13971, https://arxiv.org/abs/2310.06825;
// transformers models/llama/modeling_llama.py. B batch, T tokens, D width, F inner width.
import type { Value } from "../../ops/builder.ts";
import { family, type Shape } from "./family.ts";
import { activate, activationOf, type Activation, at, checkHeads, commonGguf, ggufName, headSizeOf, rmsNorm } from "./parts.ts";
import { attend, type Rotary, rotaryOf, rotaryOfGguf, rotation } from "./sequence.ts";

export interface LlamaConfig extends Shape {
  epsilon: number;
  rotary: Rotary;
  window?: number | undefined;
  activation: Activation;
  /** Llama 3.1's slowing of slow turns, which GGUF keeps as a tensor. */
  slowed?: string | undefined;
}

export const llama = family<LlamaConfig>({
  id: "llama",
  title: "Llama",
  huggingface: ["llama", "mistral"],
  gguf: ["llama"],
  adapted: ["q_proj", "v_proj"],
  fromHuggingface(facts) {
    const width = facts.whole("hidden_size");
    const heads = facts.whole("num_attention_heads");
    const headSize = headSizeOf(facts, "head_dim", width, heads);
    const context = facts.whole("max_position_embeddings");
    return checkHeads(facts, {
      layers: facts.whole("num_hidden_layers"),
      width,
      heads,
      kvHeads: facts.whole("num_key_value_heads", heads),
      headSize,
      inner: facts.whole("intermediate_size"),
      vocabulary: facts.whole("vocab_size"),
      context,
      tied: facts.flag("tie_word_embeddings", false),
      epsilon: facts.real("rms_norm_eps", 1e-6),
      rotary: rotaryOf(facts, headSize, context),
      window: facts.text("model_type") === "mistral" && facts.has("sliding_window") ? facts.whole("sliding_window") : undefined,
      activation: activationOf(facts, "hidden_act", "silu"),
    });
  },
  fromGguf(facts, has) {
    const shape = commonGguf(facts, has);
    return {
      ...shape,
      epsilon: facts.real("attention.layer_norm_rms_epsilon"),
      rotary: rotaryOfGguf(facts, shape),
      window: facts.has("attention.sliding_window") ? facts.whole("attention.sliding_window") : undefined,
      activation: "silu",
      slowed: has("rope_freqs.weight") ? "rope_freqs.weight" : undefined,
    };
  },
  /** llama.cpp turns neighbouring numbers, so its files have the rows of queries and keys in another order. */
  inGguf(name, { headSize }) {
    if (name === "rope_freqs.weight") return at(name);
    const place = at(ggufName(name));
    if (!place || !/\.(q|k)_proj\./.test(name)) return place;
    return { ...place, rows: (row) => row - (row % headSize) + paired(row % headSize, headSize) };
  },
  build(net, c, sequence) {
    const { g } = net;
    const frequencies = c.slowed ? divided(c.rotary.frequencies, net.values(c.slowed)) : c.rotary.frequencies;
    const rotate = rotation(g, sequence.positions, { ...c.rotary, frequencies });
    let x = net.embed("model.embed_tokens", sequence.ids, [c.vocabulary, c.width]); // (B, T, D)
    for (let i = 0; i < c.layers; i++) {
      const name = `model.layers.${i}`;
      const h = rmsNorm(net, `${name}.input_layernorm`, x, c.epsilon);
      const q = net.linear(`${name}.self_attn.q_proj`, h, c.heads * c.headSize);
      const k = net.linear(`${name}.self_attn.k_proj`, h, c.kvHeads * c.headSize);
      const v = net.linear(`${name}.self_attn.v_proj`, h, c.kvHeads * c.headSize);
      const mixed = attend(g, q, k, v, sequence, { ...c, scale: 1 / Math.sqrt(c.headSize), rotate, layer: i });
      x = g.add(x, net.linear(`${name}.self_attn.o_proj`, mixed, c.width));
      const z = rmsNorm(net, `${name}.post_attention_layernorm`, x, c.epsilon);
      const gate: Value = activate(net, c.activation, net.linear(`${name}.mlp.gate_proj`, z, c.inner)); // (B, T, F)
      const up = net.linear(`${name}.mlp.up_proj`, z, c.inner);
      x = g.add(x, net.linear(`${name}.mlp.down_proj`, g.mul(gate, up), c.width));
    }
    return net.linear(c.tied ? "model.embed_tokens" : "lm_head", rmsNorm(net, "model.norm", x, c.epsilon), c.vocabulary);
  },
});

/** Place among pairs of neighbours of what stands at `i` in halves: half s, pair j → 2j + s. */
export const paired = (i: number, size: number): number => 2 * (i % (size / 2)) + Math.floor(i / (size / 2));

const divided = (frequencies: readonly number[], by: Float32Array): number[] => frequencies.map((f, i) => f / by[i]!);
