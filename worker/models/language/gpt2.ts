// GPT-2: learned positions, layer norms, weights that transformers keeps with their axes swapped. transformers models/gpt2.
import type { Value } from "../../ops/builder.ts";
import { family, type Shape } from "./family.ts";
import { activate, activationOf, type Activation, at, checkHeads, commonGguf, headSizeOf, layerNorm } from "./parts.ts";
import { attend } from "./sequence.ts";

export interface Gpt2Config extends Shape {
  epsilon: number;
  activation: Activation;
  scale: (layer: number) => number;
}

const names: Record<string, string> = {
  ln_1: "attn_norm",
  "attn.c_attn": "attn_qkv",
  "attn.c_proj": "attn_output",
  ln_2: "ffn_norm",
  "mlp.c_fc": "ffn_up",
  "mlp.c_proj": "ffn_down",
};
const outside: Record<string, string> = { wte: "token_embd", wpe: "position_embd", ln_f: "output_norm", lm_head: "output" };

export const gpt2 = family<Gpt2Config>({
  id: "gpt2",
  title: "GPT-2",
  huggingface: ["gpt2"],
  gguf: ["gpt2"],
  prefix: "transformer.",
  adapted: ["c_attn"],
  fromHuggingface(facts) {
    const width = facts.whole("n_embd");
    const heads = facts.whole("n_head");
    const headSize = headSizeOf(facts, "head_dim", width, heads);
    const scaled = facts.flag("scale_attn_weights", true) ? 1 / Math.sqrt(headSize) : 1;
    const byLayer = facts.flag("scale_attn_by_inverse_layer_idx", false);
    return checkHeads(facts, {
      layers: facts.whole("n_layer"),
      width,
      heads,
      kvHeads: heads,
      headSize,
      inner: facts.whole("n_inner", 4 * width),
      vocabulary: facts.whole("vocab_size"),
      context: facts.whole("n_positions"),
      tied: facts.flag("tie_word_embeddings", true),
      epsilon: facts.real("layer_norm_epsilon", 1e-5),
      activation: activationOf(facts, "activation_function", "gelu_new"),
      scale: (layer) => (byLayer ? scaled / (layer + 1) : scaled),
    });
  },
  fromGguf(facts, has) {
    const shape = commonGguf(facts, has);
    return {
      ...shape,
      epsilon: facts.real("attention.layer_norm_epsilon"),
      activation: "tanh",
      scale: () => 1 / Math.sqrt(shape.headSize),
    };
  },
  inHuggingface: (name) => ({
    names: [name, `transformer.${name}`],
    ...(/\.c_(attn|proj|fc)\.weight$/.test(name) && { swapped: true }),
  }),
  inGguf(name) {
    const [, layer, inner, kind] = /^h\.(\d+)\.(.+)\.(weight|bias)$/.exec(name) ?? [];
    if (layer !== undefined) return at(names[inner!] && `blk.${layer}.${names[inner!]}.${kind}`);
    const [part = "", own] = name.split(".");
    return at(outside[part] && `${outside[part]}.${own}`);
  },
  build(net, c, sequence) {
    const { g } = net;
    const places = net.embed("wpe", sequence.positions, [c.context, c.width]);
    let x = g.add(net.embed("wte", sequence.ids, [c.vocabulary, c.width]), places); // (B, T, D)
    for (let i = 0; i < c.layers; i++) {
      const name = `h.${i}`;
      const all = net.linear(`${name}.attn.c_attn`, layerNorm(net, `${name}.ln_1`, x, c.epsilon), 3 * c.width);
      const [q, k, v] = g.split(all, [c.width, c.width, c.width], { axis: 2 }) as [Value, Value, Value];
      const mixed = attend(g, q, k, v, sequence, { ...c, scale: c.scale(i), layer: i });
      x = g.add(x, net.linear(`${name}.attn.c_proj`, mixed, c.width));
      const z = net.linear(`${name}.mlp.c_fc`, layerNorm(net, `${name}.ln_2`, x, c.epsilon), c.inner);
      x = g.add(x, net.linear(`${name}.mlp.c_proj`, activate(net, c.activation, z), c.width));
    }
    return net.linear(c.tied ? "wte" : "lm_head", layerNorm(net, "ln_f", x, c.epsilon), c.vocabulary);
  },
});
