// Gemma: a table of words scaled by the width, norms with 1 + w, GELU gates. https://arxiv.org/abs/2403.08295; transformers models/gemma.
import { family, type Shape } from "./family.ts";
import { activate, activationOf, type Activation, at, checkHeads, commonGguf, ggufName, rmsNormPlus } from "./parts.ts";
import { attend, type Rotary, rotaryOf, rotaryOfGguf, rotation } from "./sequence.ts";

export interface GemmaConfig extends Shape {
  epsilon: number;
  rotary: Rotary;
  activation: Activation;
}

export const gemma = family<GemmaConfig>({
  id: "gemma",
  title: "Gemma",
  huggingface: ["gemma"],
  gguf: ["gemma"],
  adapted: ["q_proj", "v_proj"],
  fromHuggingface(facts) {
    const heads = facts.whole("num_attention_heads");
    const headSize = facts.whole("head_dim", 256);
    const context = facts.whole("max_position_embeddings");
    return checkHeads(facts, {
      layers: facts.whole("num_hidden_layers"),
      width: facts.whole("hidden_size"),
      heads,
      kvHeads: facts.whole("num_key_value_heads", heads),
      headSize,
      inner: facts.whole("intermediate_size"),
      vocabulary: facts.whole("vocab_size"),
      context,
      tied: facts.flag("tie_word_embeddings", true),
      epsilon: facts.real("rms_norm_eps", 1e-6),
      rotary: rotaryOf(facts, headSize, context),
      activation: activationOf(facts, facts.has("hidden_activation") ? "hidden_activation" : "hidden_act", "gelu_pytorch_tanh"),
    });
  },
  fromGguf(facts, has) {
    const shape = commonGguf(facts, has);
    return {
      ...shape,
      epsilon: facts.real("attention.layer_norm_rms_epsilon"),
      rotary: rotaryOfGguf(facts, shape),
      activation: "tanh",
    };
  },
  /** llama.cpp keeps 1 + w. */
  inGguf(name) {
    const place = at(ggufName(name));
    return place && /norm\.weight$/.test(name) ? { ...place, plus: -1 } : place;
  },
  build(net, c, sequence) {
    const { g } = net;
    const rotate = rotation(g, sequence.positions, c.rotary);
    let x = g.mul(net.embed("model.embed_tokens", sequence.ids, [c.vocabulary, c.width]), Math.sqrt(c.width)); // (B, T, D)
    for (let i = 0; i < c.layers; i++) {
      const name = `model.layers.${i}`;
      const h = rmsNormPlus(net, `${name}.input_layernorm`, x, c.epsilon);
      const q = net.linear(`${name}.self_attn.q_proj`, h, c.heads * c.headSize);
      const k = net.linear(`${name}.self_attn.k_proj`, h, c.kvHeads * c.headSize);
      const v = net.linear(`${name}.self_attn.v_proj`, h, c.kvHeads * c.headSize);
      const mixed = attend(g, q, k, v, sequence, { ...c, scale: 1 / Math.sqrt(c.headSize), rotate, layer: i });
      x = g.add(x, net.linear(`${name}.self_attn.o_proj`, mixed, c.width));
      const z = rmsNormPlus(net, `${name}.post_attention_layernorm`, x, c.epsilon);
      const gate = activate(net, c.activation, net.linear(`${name}.mlp.gate_proj`, z, c.inner));
      x = g.add(x, net.linear(`${name}.mlp.down_proj`, g.mul(gate, net.linear(`${name}.mlp.up_proj`, z, c.inner)), c.width));
    }
    return net.linear(c.tied ? "model.embed_tokens" : "lm_head", rmsNormPlus(net, "model.norm", x, c.epsilon), c.vocabulary);
  },
});
