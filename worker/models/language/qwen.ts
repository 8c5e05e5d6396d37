// Qwen 2 and 2.5 (biases in attention) and Qwen 3 (norms of each head instead). https://arxiv.org/abs/2407.10671, https://arxiv.org/abs/2505.09388;
// transformers models/qwen2 and models/qwen3. B batch, T tokens, H heads, E size of a head.
import type { Value } from "../../ops/builder.ts";
import type { Facts } from "./facts.ts";
import { type Family, family, type Shape } from "./family.ts";
import type { LanguageNet } from "./net.ts";
import { activate, activationOf, type Activation, at, checkHeads, commonGguf, ggufName, headSizeOf, rmsNorm } from "./parts.ts";
import { attendApart, type Rotary, rotaryOf, rotaryOfGguf, rotation } from "./sequence.ts";

export interface QwenConfig extends Shape {
  epsilon: number;
  rotary: Rotary;
  activation: Activation;
  /** A window for each layer, where it has one. */
  windows: (number | undefined)[];
  /** Whether queries and keys are normalised. */
  normed: boolean;
}

const entry = (version: 2 | 3): Family<QwenConfig> => ({
  id: `qwen${version}`,
  title: `Qwen ${version}`,
  huggingface: [`qwen${version}`],
  gguf: [`qwen${version}`],
  adapted: ["q_proj", "v_proj"],
  fromHuggingface(facts) {
    const width = facts.whole("hidden_size");
    const heads = facts.whole("num_attention_heads");
    const headSize = version === 3 ? facts.whole("head_dim", 128) : headSizeOf(facts, "head_dim", width, heads);
    const context = facts.whole("max_position_embeddings");
    const layers = facts.whole("num_hidden_layers");
    return checkHeads(facts, {
      layers,
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
      activation: activationOf(facts, "hidden_act", "silu"),
      windows: windowsOf(facts, layers),
      normed: version === 3,
    });
  },
  fromGguf(facts, has) {
    const shape = commonGguf(facts, has);
    return {
      ...shape,
      epsilon: facts.real("attention.layer_norm_rms_epsilon"),
      rotary: rotaryOfGguf(facts, shape),
      activation: "silu",
      windows: Array.from({ length: shape.layers }, () => undefined),
      normed: version === 3,
    };
  },
  inGguf: (name) => at(ggufName(name)),
  build(net, c, sequence) {
    const { g } = net;
    const rotate = rotation(g, sequence.positions, c.rotary);
    let x = net.embed("model.embed_tokens", sequence.ids, [c.vocabulary, c.width]); // (B, T, D)
    for (let i = 0; i < c.layers; i++) {
      const name = `model.layers.${i}`;
      const h = rmsNorm(net, `${name}.input_layernorm`, x, c.epsilon);
      const q = apart(net, c, `${name}.self_attn.q`, h, c.heads, c.normed); // (B, H, T, E)
      const k = apart(net, c, `${name}.self_attn.k`, h, c.kvHeads, c.normed);
      const v = apart(net, c, `${name}.self_attn.v`, h, c.kvHeads, false);
      const mixed = attendApart(g, q, k, v, sequence, { ...c, scale: 1 / Math.sqrt(c.headSize), window: c.windows[i], rotate, layer: i });
      x = g.add(x, net.linear(`${name}.self_attn.o_proj`, mixed, c.width));
      const z = rmsNorm(net, `${name}.post_attention_layernorm`, x, c.epsilon);
      const gate = activate(net, c.activation, net.linear(`${name}.mlp.gate_proj`, z, c.inner));
      x = g.add(x, net.linear(`${name}.mlp.down_proj`, g.mul(gate, net.linear(`${name}.mlp.up_proj`, z, c.inner)), c.width));
    }
    return net.linear(c.tied ? "model.embed_tokens" : "lm_head", rmsNorm(net, "model.norm", x, c.epsilon), c.vocabulary);
  },
});

export const qwen2 = family(entry(2));
export const qwen3 = family(entry(3));

/** Heads of one projection (B, heads, T, E), each normalised where the model does so. */
function apart(net: LanguageNet, c: QwenConfig, name: string, h: Value, heads: number, normed: boolean): Value {
  const { g } = net;
  const split = g.op("Reshape", [net.linear(`${name}_proj`, h, heads * c.headSize), g.list([0, 0, heads, c.headSize])]); // (B, T, heads, E)
  return g.transpose(normed ? rmsNorm(net, `${name}_norm`, split, c.epsilon) : split, [0, 2, 1, 3]);
}

function windowsOf(facts: Facts, layers: number): (number | undefined)[] {
  const window = facts.flag("use_sliding_window", false) && facts.has("sliding_window") ? facts.whole("sliding_window") : undefined;
  const kinds = facts.texts("layer_types");
  const from = facts.has("max_window_layers") ? facts.real("max_window_layers") : 28;
  return Array.from({ length: layers }, (_, i) => ((kinds ? kinds[i] === "sliding_attention" : i >= from) ? window : undefined));
}
