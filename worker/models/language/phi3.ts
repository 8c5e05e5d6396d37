// Phi-3 and Phi-4-mini: queries, keys and values in one matrix, gate and up in another. https://arxiv.org/abs/2404.14219; transformers models/phi3.
import type { Value } from "../../ops/builder.ts";
import { family, type Shape } from "./family.ts";
import { activate, activationOf, type Activation, at, checkHeads, commonGguf, ggufName, headSizeOf, rmsNorm } from "./parts.ts";
import { attend, plainFrequencies, type Rotary, rotaryOf, rotation } from "./sequence.ts";

export interface Phi3Config extends Shape {
  epsilon: number;
  rotary: Rotary;
  activation: Activation;
  window?: number | undefined;
  /** GGUF keeps longrope's factors as a tensor. */
  slowed?: string | undefined;
}

export const phi3 = family<Phi3Config>({
  id: "phi3",
  title: "Phi-3",
  huggingface: ["phi3"],
  gguf: ["phi3"],
  adapted: ["qkv_proj"],
  fromHuggingface(facts) {
    const width = facts.whole("hidden_size");
    const heads = facts.whole("num_attention_heads");
    const headSize = headSizeOf(facts, "head_dim", width, heads);
    const context = facts.whole("max_position_embeddings");
    const part = facts.inner("rope_parameters")?.real("partial_rotary_factor", 1) ?? facts.real("partial_rotary_factor", 1);
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
      epsilon: facts.real("rms_norm_eps", 1e-5),
      rotary: rotaryOf(
        facts,
        Math.floor(headSize * (facts.has("partial_rotary_factor") ? facts.real("partial_rotary_factor") : part)),
        context,
      ),
      activation: activationOf(facts, "hidden_act", "silu"),
      window: facts.has("sliding_window") ? facts.whole("sliding_window") : undefined,
    });
  },
  fromGguf(facts, has) {
    const shape = commonGguf(facts, has);
    const size = facts.whole("rope.dimension_count", shape.headSize);
    return {
      ...shape,
      epsilon: facts.real("attention.layer_norm_rms_epsilon"),
      rotary: {
        size,
        frequencies: plainFrequencies(size, facts.real("rope.freq_base", 10_000)),
        factor: facts.real("rope.scaling.attn_factor", 1),
      },
      activation: "silu",
      window:
        facts.has("attention.sliding_window") && facts.real("attention.sliding_window") > 0
          ? facts.whole("attention.sliding_window")
          : undefined,
      slowed: has("rope_factors_short.weight") ? "rope_factors_short.weight" : undefined,
    };
  },
  inGguf: (name) => at(name.startsWith("rope_factors") ? name : ggufName(name)),
  build(net, c, sequence) {
    const { g } = net;
    const slow = c.slowed ? net.values(c.slowed) : undefined;
    const rotate = rotation(g, sequence.positions, {
      ...c.rotary,
      frequencies: c.rotary.frequencies.map((f, i) => f / (slow?.[i] ?? 1)),
    });
    const [wide, narrow] = [c.heads * c.headSize, c.kvHeads * c.headSize];
    let x = net.embed("model.embed_tokens", sequence.ids, [c.vocabulary, c.width]); // (B, T, D)
    for (let i = 0; i < c.layers; i++) {
      const name = `model.layers.${i}`;
      const h = rmsNorm(net, `${name}.input_layernorm`, x, c.epsilon);
      const all = net.linear(`${name}.self_attn.qkv_proj`, h, wide + 2 * narrow);
      const [q, k, v] = g.split(all, [wide, narrow, narrow], { axis: 2 }) as [Value, Value, Value];
      const mixed = attend(g, q, k, v, sequence, { ...c, scale: 1 / Math.sqrt(c.headSize), rotate, layer: i });
      x = g.add(x, net.linear(`${name}.self_attn.o_proj`, mixed, c.width));
      const z = rmsNorm(net, `${name}.post_attention_layernorm`, x, c.epsilon);
      const both = net.linear(`${name}.mlp.gate_up_proj`, z, 2 * c.inner);
      const [gate, up] = g.split(both, [c.inner, c.inner], { axis: 2 }) as [Value, Value];
      x = g.add(x, net.linear(`${name}.mlp.down_proj`, g.mul(up, activate(net, c.activation, gate)), c.width));
    }
    return net.linear(c.tied ? "model.embed_tokens" : "lm_head", rmsNorm(net, "model.norm", x, c.epsilon), c.vocabulary);
  },
});
