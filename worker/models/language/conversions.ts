// Each family's settings in both forms: what GGUF's metadata say for a config.json, and the other way round. What llama.cpp computes otherwise is
// refused; what differs on rare texts only is told. After llama.cpp's convert_hf_to_gguf.py, src/llama-model.cpp and transformers' configurations.
import { AppError } from "../../../ipc/error.ts";
import type { BloomConfig } from "./bloom.ts";
import { u32, f32, refuse, common, heads, only, likeLlama, usual, type Conversion } from "./conversion.ts";
import type { Gemma2Config } from "./gemma2.ts";
import type { Gpt2Config } from "./gpt2.ts";
import type { NeoxConfig } from "./gptNeox.ts";
import type { LlamaConfig } from "./llama.ts";
import type { Phi3Config } from "./phi3.ts";
import type { QwenConfig } from "./qwen.ts";
import { ropeInGguf, ropeOfGguf } from "./ropeSettings.ts";

const llama: Conversion = {
  ...likeLlama,
  biasesTogether: [
    ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj"],
    ["mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"],
  ],
  gguf(facts, config) {
    const c = config as LlamaConfig;
    only(c.activation, "silu", "its activation");
    const out = common(c, { rms: true, epsilon: c.epsilon, window: c.window });
    for (const entry of heads(c)) out.entries.set(...entry);
    if (c.window !== undefined) out.entries.set("attention.sliding_window", u32(c.window));
    ropeInGguf(out, facts, c, { size: c.headSize, slowedTensor: true });
    return out;
  },
  huggingface(facts, config, values) {
    const c = config as LlamaConfig;
    const biased = (name: string) => values(`${name}.bias`) !== undefined;
    const mistral = c.window !== undefined;
    if (mistral && (biased("blk.0.attn_q") || biased("blk.0.ffn_up")))
      throw new AppError(
        "exportUnsupported",
        "A model with biases and an attention window is none that transformers has.",
        "Take it away as GGUF.",
      );
    return {
      architectures: [mistral ? "MistralForCausalLM" : "LlamaForCausalLM"],
      model_type: mistral ? "mistral" : "llama",
      ...usual(c, c.epsilon),
      hidden_act: "silu",
      ...ropeOfGguf(facts, c, { size: c.headSize, slowed: values("rope_freqs.weight") }),
      ...(mistral
        ? { sliding_window: c.window }
        : {
            attention_bias: ["q", "k", "v", "output"].some((part) => biased(`blk.0.attn_${part}`)),
            mlp_bias: ["gate", "up", "down"].some((part) => biased(`blk.0.ffn_${part}`)),
          }),
    };
  },
};

const qwen = (version: 2 | 3): Conversion => ({
  ...likeLlama,
  inner: [...likeLlama.inner, ...(version === 3 ? ["self_attn.q_norm", "self_attn.k_norm"] : [])],
  noBias: version === 3 ? /\.bias$/ : /(o_proj|mlp\.\w+)\.bias$/,
  gguf(facts, config) {
    const c = config as QwenConfig;
    only(c.activation, "silu", "its activation");
    const windows = c.windows.filter((w) => w !== undefined);
    const out = common(c, { rms: true, epsilon: c.epsilon, window: windows.length ? Math.min(...windows) : undefined });
    for (const entry of heads(c)) out.entries.set(...entry);
    ropeInGguf(out, facts, c, { size: c.headSize });
    return out;
  },
  huggingface(facts, config) {
    const c = config as QwenConfig;
    return {
      architectures: [`Qwen${version}ForCausalLM`],
      model_type: `qwen${version}`,
      ...usual(c, c.epsilon),
      hidden_act: "silu",
      ...ropeOfGguf(facts, c, { size: c.headSize }),
      use_sliding_window: false,
      ...(version === 3 && { attention_bias: false }),
    };
  },
});

const gemma: Conversion = {
  ...likeLlama,
  output: "words",
  noBias: /\.bias$/,
  gguf(facts, config) {
    const c = config as LlamaConfig;
    only(c.activation, "tanh", "its activation");
    const out = common(c, { rms: true, epsilon: c.epsilon });
    for (const entry of heads(c)) out.entries.set(...entry);
    ropeInGguf(out, facts, c, { size: c.headSize });
    return out;
  },
  huggingface(facts, config) {
    const c = config as LlamaConfig;
    return {
      architectures: ["GemmaForCausalLM"],
      model_type: "gemma",
      ...usual(c, c.epsilon),
      hidden_act: "gelu_pytorch_tanh",
      hidden_activation: "gelu_pytorch_tanh",
      ...ropeOfGguf(facts, c, { size: c.headSize }),
    };
  },
};

const gemmaLater = (version: 2 | 3): Conversion => ({
  ...likeLlama,
  inner: [
    ...likeLlama.inner,
    "pre_feedforward_layernorm",
    "post_feedforward_layernorm",
    ...(version === 3 ? ["self_attn.q_norm", "self_attn.k_norm"] : []),
  ],
  ...(version === 2 && { output: "words" as const }),
  noBias: /\.bias$/,
  gguf(facts, config) {
    const c = config as Gemma2Config;
    only(c.activation, "tanh", "its activation");
    const out = common(c, { rms: true, epsilon: c.epsilon });
    for (const entry of heads(c)) out.entries.set(...entry);
    const period = version === 2 ? 2 : 6;
    const window = c.windows.find((w) => w !== undefined);
    if (c.windows.some((w, i) => w !== ((i + 1) % period ? window : undefined)))
      throw refuse(`its windows are on other layers than all but every ${period === 2 ? "second" : "sixth"}`);
    const odd = c.layers === (version === 2 ? 46 : 62);
    if (Math.abs(c.scale * Math.sqrt(odd ? c.width / c.heads : c.headSize) - 1) > 1e-6)
      throw refuse("its scores are scaled by another number than the size of a head (query_pre_attn_scalar)");
    out.entries.set("attention.sliding_window", u32(window ?? c.context));
    if (version === 2) {
      if (!c.scoreCap || !c.logitCap) throw refuse("its scores or logits are not capped");
      out.entries.set("attn_logit_softcapping", f32(c.scoreCap));
      out.entries.set("final_logit_softcapping", f32(c.logitCap));
    } else {
      if (c.scoreCap) throw refuse("its scores are capped");
      if (c.logitCap) out.entries.set("final_logit_softcapping", f32(c.logitCap));
      const local = 10_000 ** (-2 / c.headSize);
      if (c.local.factor !== 1 || Math.abs((c.local.frequencies[1] ?? local) / local - 1) > 1e-6)
        throw refuse("positions within windows turn by another base than 10000 (rope_local_base_freq)");
    }
    ropeInGguf(out, facts, c, {
      size: c.headSize,
      base: version === 2 ? 10_000 : 1_000_000,
      ...(version === 3 && { group: "full_attention" }),
    });
    return out;
  },
  huggingface(facts, config) {
    const c = config as Gemma2Config;
    return {
      architectures: [version === 2 ? "Gemma2ForCausalLM" : "Gemma3ForCausalLM"],
      model_type: version === 2 ? "gemma2" : "gemma3_text",
      ...usual(c, c.epsilon),
      hidden_activation: "gelu_pytorch_tanh",
      ...(version === 2
        ? ropeOfGguf(facts, c, { size: c.headSize })
        : { ...ropeOfGguf(facts, c, { size: c.headSize, base: 1_000_000 }), rope_local_base_freq: 10_000 }),
      sliding_window: c.windows.find((w) => w !== undefined) ?? c.context,
      layer_types: c.windows.map((w) => (w === undefined ? "full_attention" : "sliding_attention")),
      query_pre_attn_scalar: Number((1 / c.scale ** 2).toPrecision(12)),
      attn_logit_softcapping: c.scoreCap ?? null,
      final_logit_softcapping: c.logitCap ?? null,
    };
  },
});

const phi3: Conversion = {
  layers: "model.layers",
  inner: ["self_attn.qkv_proj", "self_attn.o_proj", "mlp.gate_up_proj", "mlp.down_proj", "input_layernorm", "post_attention_layernorm"],
  outside: likeLlama.outside,
  noBias: /\.bias$/,
  gguf(facts, config) {
    const c = config as Phi3Config;
    only(c.activation, "silu", "its activation");
    if (c.heads * c.headSize !== c.width) throw refuse("its heads are not as wide together as the model");
    const out = common(c, { rms: true, epsilon: c.epsilon, window: c.window });
    if (c.window !== undefined) out.entries.set("attention.sliding_window", u32(c.window));
    ropeInGguf(out, facts, c, { size: c.rotary.size, longTensors: true });
    return out;
  },
  huggingface(facts, config, values) {
    const c = config as Phi3Config;
    const { head_dim: _, ...shape } = usual(c, c.epsilon);
    return {
      architectures: ["Phi3ForCausalLM"],
      model_type: "phi3",
      ...shape,
      hidden_act: "silu",
      partial_rotary_factor: c.rotary.size / c.headSize,
      ...ropeOfGguf(facts, c, {
        size: c.rotary.size,
        short: values("rope_factors_short.weight"),
        long: values("rope_factors_long.weight"),
      }),
      sliding_window: c.window ?? null,
    };
  },
};

const gpt2: Conversion = {
  layers: "h",
  inner: ["ln_1", "attn.c_attn", "attn.c_proj", "ln_2", "mlp.c_fc", "mlp.c_proj"],
  outside: ["wte", "wpe", "ln_f", "lm_head"],
  gguf(_, config) {
    const c = config as Gpt2Config;
    only(c.activation, "tanh", "its activation");
    const usual = 1 / Math.sqrt(c.headSize);
    if (Array.from({ length: c.layers }, (_, i) => c.scale(i)).some((scale) => scale !== usual))
      throw refuse("its scores are scaled by layer (scale_attn_weights, scale_attn_by_inverse_layer_idx)");
    return common(c, { rms: false, epsilon: c.epsilon });
  },
  huggingface: (_, config) => {
    const c = config as Gpt2Config;
    return {
      architectures: ["GPT2LMHeadModel"],
      model_type: "gpt2",
      n_embd: c.width,
      n_head: c.heads,
      n_layer: c.layers,
      n_positions: c.context,
      n_inner: c.inner,
      layer_norm_epsilon: c.epsilon,
      activation_function: "gelu_new",
    };
  },
};

const neoxLayer = [
  "input_layernorm",
  "post_attention_layernorm",
  "attention.query_key_value",
  "attention.dense",
  "mlp.dense_h_to_4h",
  "mlp.dense_4h_to_h",
];

const gptNeox: Conversion = {
  layers: "gpt_neox.layers",
  inner: neoxLayer,
  outside: ["gpt_neox.embed_in", "gpt_neox.final_layer_norm", "embed_out"],
  output: "own",
  gguf(facts, config) {
    const c = config as NeoxConfig;
    if (c.activation !== "gelu") only(c.activation, "tanh", "its activation");
    const out = common(c, { rms: false, epsilon: c.epsilon });
    if (c.activation === "gelu") out.notes.push("gelu");
    out.entries.set("use_parallel_residual", { type: "flag", value: c.parallel });
    ropeInGguf(out, facts, c, { size: c.rotary.size, base: facts.real("rotary_emb_base", 10_000) });
    return out;
  },
  huggingface(facts, config) {
    const c = config as NeoxConfig;
    const { rope_theta: base = 10_000, ...rope } = ropeOfGguf(facts, c, { size: c.rotary.size });
    return {
      architectures: ["GPTNeoXForCausalLM"],
      model_type: "gpt_neox",
      hidden_size: c.width,
      intermediate_size: c.inner,
      num_hidden_layers: c.layers,
      num_attention_heads: c.heads,
      max_position_embeddings: c.context,
      layer_norm_eps: c.epsilon,
      hidden_act: "gelu",
      rotary_pct: c.rotary.size / c.headSize,
      rotary_emb_base: base,
      rope_theta: base,
      ...rope,
      use_parallel_residual: c.parallel,
    };
  },
};

const bloom: Conversion = {
  layers: "h",
  inner: [
    "input_layernorm",
    "post_attention_layernorm",
    "self_attention.query_key_value",
    "self_attention.dense",
    "mlp.dense_h_to_4h",
    "mlp.dense_4h_to_h",
  ],
  outside: ["word_embeddings", "word_embeddings_layernorm", "ln_f", "lm_head"],
  gguf(_, config) {
    const c = config as BloomConfig;
    if (c.afterNorm) throw refuse("what is added to is the normalised input (apply_residual_connection_post_layernorm)");
    const out = common(c, { rms: false, epsilon: c.epsilon });
    out.entries.set("attention.max_alibi_bias", f32(8));
    return out;
  },
  huggingface: (_, config) => {
    const c = config as BloomConfig;
    return {
      architectures: ["BloomForCausalLM"],
      model_type: "bloom",
      hidden_size: c.width,
      n_head: c.heads,
      n_layer: c.layers,
      seq_length: c.context,
      layer_norm_epsilon: c.epsilon,
      apply_residual_connection_post_layernorm: false,
    };
  },
};

/** By the family's id. */
export const conversions: Readonly<Record<string, Conversion>> = {
  llama,
  qwen2: qwen(2),
  qwen3: qwen(3),
  gemma,
  gemma2: gemmaLater(2),
  gemma3: gemmaLater(3),
  phi3,
  gpt2,
  gptNeox,
  bloom,
};
