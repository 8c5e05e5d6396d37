// Gemma 2 and 3: norms before and after each part, windows on most layers; 2 caps its scores (https://arxiv.org/abs/2408.00118), 3 normalises queries and
// keys instead and turns them faster within windows (https://arxiv.org/abs/2503.19786). transformers models/gemma2, models/gemma3 (text).
import type { Value } from "../../ops/builder.ts";
import type { Facts } from "./facts.ts";
import { type Family, family, type Shape } from "./family.ts";
import type { LanguageNet } from "./net.ts";
import { activate, activationOf, type Activation, at, checkHeads, commonGguf, ggufName, rmsNormPlus } from "./parts.ts";
import { attendApart, plainFrequencies, type Rotary, rotaryOf, rotation } from "./sequence.ts";

export interface Gemma2Config extends Shape {
  epsilon: number;
  /** Of layers that see all, and of those with a window. */
  rotary: Rotary;
  local: Rotary;
  activation: Activation;
  /** A window for each layer, where it has one. */
  windows: (number | undefined)[];
  scale: number;
  scoreCap?: number | undefined;
  logitCap?: number | undefined;
  normed: boolean;
}

/** The last layer of every `period` sees all. */
const windows = (layers: number, window: number, period: number, kinds?: string[]) =>
  Array.from({ length: layers }, (_, i) => ((kinds ? kinds[i] !== "full_attention" : (i + 1) % period !== 0) ? window : undefined));

const optional = (facts: Facts, key: string) => (facts.has(key) ? facts.real(key) : undefined);

const entry = (version: 2 | 3): Family<Gemma2Config> => ({
  id: `gemma${version}`,
  title: `Gemma ${version}`,
  huggingface: version === 2 ? ["gemma2"] : ["gemma3_text"],
  gguf: [`gemma${version}`],
  adapted: ["q_proj", "v_proj"],
  fromHuggingface(facts) {
    const heads = facts.whole("num_attention_heads");
    const headSize = facts.whole("head_dim", 256);
    const context = facts.whole("max_position_embeddings");
    const layers = facts.whole("num_hidden_layers");
    const plain = version === 2;
    return checkHeads(facts, {
      layers,
      width: facts.whole("hidden_size"),
      heads,
      kvHeads: facts.whole("num_key_value_heads", heads),
      headSize,
      inner: facts.whole("intermediate_size"),
      vocabulary: facts.whole("vocab_size"),
      context,
      tied: facts.flag("tie_word_embeddings", true),
      epsilon: facts.real("rms_norm_eps", 1e-6),
      rotary: rotaryOf(facts, headSize, context, plain ? 10_000 : 1_000_000, plain ? undefined : "full_attention"),
      local: plain ? rotaryOf(facts, headSize, context) : localRotary(facts, headSize, context),
      activation: activationOf(facts, "hidden_activation", "gelu_pytorch_tanh"),
      windows: windows(
        layers,
        facts.whole("sliding_window", 4096),
        facts.whole("sliding_window_pattern", plain ? 2 : 6),
        facts.texts("layer_types"),
      ),
      scale: 1 / Math.sqrt(facts.real("query_pre_attn_scalar", 256)),
      scoreCap: optional(facts, "attn_logit_softcapping"),
      logitCap: optional(facts, "final_logit_softcapping"),
      normed: !plain,
    });
  },
  fromGguf(facts, has) {
    const shape = commonGguf(facts, has);
    const size = facts.whole("rope.dimension_count", shape.headSize);
    const linear = facts.text("rope.scaling.type", "none") === "linear" ? facts.real("rope.scaling.factor", 1) : 1;
    const rotary = (base: number, by = 1): Rotary => ({ size, frequencies: plainFrequencies(size, base).map((f) => f / by), factor: 1 });
    const plain = version === 2;
    // llama.cpp knows two models whose scale is not that of their heads: Gemma 2 27B (46 layers) and Gemma 3 27B (62).
    const odd = shape.layers === (plain ? 46 : 62);
    return {
      ...shape,
      epsilon: facts.real("attention.layer_norm_rms_epsilon"),
      rotary: rotary(facts.real("rope.freq_base", plain ? 10_000 : 1_000_000), linear),
      local: rotary(plain ? facts.real("rope.freq_base", 10_000) : 10_000),
      activation: "tanh",
      windows: windows(shape.layers, facts.whole("attention.sliding_window", 4096), plain ? 2 : 6),
      scale: 1 / Math.sqrt(odd ? shape.width / shape.heads : shape.headSize),
      scoreCap: plain ? facts.real("attn_logit_softcapping", 50) : undefined,
      logitCap: plain ? facts.real("final_logit_softcapping", 30) : optional(facts, "final_logit_softcapping"),
      normed: !plain,
    };
  },
  inGguf(name) {
    const place = at(
      ggufName(name, {
        post_attention_layernorm: "post_attention_norm",
        pre_feedforward_layernorm: "ffn_norm",
        post_feedforward_layernorm: "post_ffw_norm",
      }),
    );
    return place && /norm\.weight$/.test(name) ? { ...place, plus: -1 } : place;
  },
  build(net, c, sequence) {
    const { g } = net;
    const [wide, near] = [rotation(g, sequence.positions, c.rotary), rotation(g, sequence.positions, c.local)];
    let x = g.mul(net.embed("model.embed_tokens", sequence.ids, [c.vocabulary, c.width]), Math.sqrt(c.width)); // (B, T, D)
    for (let i = 0; i < c.layers; i++) {
      const name = `model.layers.${i}`;
      const norm = (part: string, of: Value) => rmsNormPlus(net, `${name}.${part}_layernorm`, of, c.epsilon);
      const h = rmsNormPlus(net, `${name}.input_layernorm`, x, c.epsilon);
      const q = apart(net, c, `${name}.self_attn.q`, h, c.heads, c.normed);
      const k = apart(net, c, `${name}.self_attn.k`, h, c.kvHeads, c.normed);
      const v = apart(net, c, `${name}.self_attn.v`, h, c.kvHeads, false);
      const window = c.windows[i];
      const rotate = window === undefined ? wide : near;
      const mixed = attendApart(g, q, k, v, sequence, { ...c, softcap: c.scoreCap, window, rotate, layer: i });
      x = g.add(x, norm("post_attention", net.linear(`${name}.self_attn.o_proj`, mixed, c.width)));
      const z = norm("pre_feedforward", x);
      const gate = activate(net, c.activation, net.linear(`${name}.mlp.gate_proj`, z, c.inner));
      const down = net.linear(`${name}.mlp.down_proj`, g.mul(gate, net.linear(`${name}.mlp.up_proj`, z, c.inner)), c.width);
      x = g.add(x, norm("post_feedforward", down));
    }
    const logits = net.linear(c.tied ? "model.embed_tokens" : "lm_head", rmsNormPlus(net, "model.norm", x, c.epsilon), c.vocabulary);
    return c.logitCap ? g.mul(g.tanh(g.div(logits, c.logitCap)), c.logitCap) : logits;
  },
});

export const gemma2 = family(entry(2));
export const gemma3 = family(entry(3));

function apart(net: LanguageNet, c: Gemma2Config, name: string, h: Value, heads: number, normed: boolean): Value {
  const { g } = net;
  const split = g.op("Reshape", [net.linear(`${name}_proj`, h, heads * c.headSize), g.list([0, 0, heads, c.headSize])]); // (B, T, heads, E)
  return g.transpose(normed ? rmsNormPlus(net, `${name}_norm`, split, c.epsilon) : split, [0, 2, 1, 3]);
}

/** Of Gemma 3's windows: transformers 5 keeps them beside the others, 4 as `rope_local_base_freq`. */
function localRotary(facts: Facts, size: number, context: number): Rotary {
  if (facts.inner("rope_parameters")?.inner("sliding_attention")) return rotaryOf(facts, size, context, 10_000, "sliding_attention");
  return { size, frequencies: plainFrequencies(size, facts.real("rope_local_base_freq", 10_000)), factor: 1 };
}
