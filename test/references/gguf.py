"""The tiny models of language.py as GGUF files, laid out as llama.cpp's converter lays them out, and one file with a tensor in every type of blocks
beside its values. Made with gguf 0.19.0:  python gguf.py [FOLDER]   (FOLDER as language.py wrote it)"""
import json, os, sys
sys.path = [p for p in sys.path if os.path.abspath(p or ".") != os.path.dirname(os.path.abspath(__file__))]  # this file is not the library
import numpy as np
from gguf import GGUFWriter, GGMLQuantizationType as T, quants
from safetensors.numpy import load_file

here = os.path.dirname(os.path.abspath(__file__))
folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "language")
arch_of = dict(llama="llama", mistral="llama", qwen2="qwen2", qwen3="qwen3", gemma="gemma", gemma2="gemma2", gemma3_text="gemma3", phi3="phi3",
               gpt2="gpt2", gpt_neox="gptneox", bloom="bloom")
blocks = {"self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.qkv_proj": "attn_qkv", "self_attn.o_proj": "attn_output",
          "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.gate_up_proj": "ffn_up",
          "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm", "ln_1": "attn_norm", "attn.c_attn": "attn_qkv",
          "attn.c_proj": "attn_output", "ln_2": "ffn_norm", "mlp.c_fc": "ffn_up", "mlp.c_proj": "ffn_down", "attention.query_key_value": "attn_qkv",
          "attention.dense": "attn_output", "mlp.dense_h_to_4h": "ffn_up", "mlp.dense_4h_to_h": "ffn_down", "self_attention.query_key_value": "attn_qkv",
          "self_attention.dense": "attn_output"}
gemma2 = {"post_attention_layernorm": "post_attention_norm", "pre_feedforward_layernorm": "ffn_norm", "post_feedforward_layernorm": "post_ffw_norm"}
outside = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output", "wte": "token_embd", "wpe": "position_embd", "ln_f": "output_norm",
           "gpt_neox.embed_in": "token_embd", "gpt_neox.final_layer_norm": "output_norm", "embed_out": "output", "word_embeddings": "token_embd",
           "word_embeddings_layernorm": "token_embd_norm"}


def renamed(name, kind):
    name = name.removeprefix("transformer.")
    base, what = name.rsplit(".", 1)
    for head in ("model.layers.", "h.", "gpt_neox.layers."):
        if base.startswith(head):
            layer, inner = base[len(head):].split(".", 1)
            return f"blk.{layer}.{(gemma2.get(inner) if kind in ('gemma2', 'gemma3_text') else None) or blocks[inner]}.{what}"
    return f"{outside[base]}.{what}"


def laid_out(name, w, kind, c):
    heads = c.get("num_attention_heads", c.get("n_head"))
    if kind in ("llama", "mistral") and (".q_proj." in name or ".k_proj." in name):  # pairs of neighbours
        n = heads if ".q_proj." in name else c["num_key_value_heads"]
        return w.reshape(n, 2, w.shape[0] // n // 2, *w.shape[1:]).swapaxes(1, 2).reshape(w.shape)
    if kind.startswith("gemma") and name.endswith("norm.weight"):
        return w + 1
    if kind == "gpt2" and w.ndim == 2 and ".c_" in name:
        return w.T
    if kind in ("gpt_neox", "bloom") and "query_key_value" in name:  # all queries, all keys, all values
        parts = w.reshape(heads, 3, w.shape[0] // heads // 3, *w.shape[1:])
        return np.concatenate([parts[:, i].reshape(-1, *w.shape[1:]) for i in range(3)])
    return w


def write(name, out, quantised=None):
    c = json.load(open(os.path.join(folder, name, "config.json")))
    kind = c["model_type"]
    get = lambda *keys, default=None: next((c[k] for k in keys if c.get(k) is not None), default)
    heads, width = get("num_attention_heads", "n_head"), get("hidden_size", "n_embd")
    arch = arch_of[kind]
    g = GGUFWriter(out, arch)
    g.add_name(name)
    g.add_block_count(get("num_hidden_layers", "n_layer"))
    g.add_context_length(get("max_position_embeddings", "n_positions", default=2048))
    g.add_embedding_length(width)
    g.add_feed_forward_length(get("intermediate_size", "n_inner", default=4 * width))
    g.add_head_count(heads)
    g.add_head_count_kv(get("num_key_value_heads", default=heads) if kind not in ("gpt_neox", "gpt2", "bloom") else heads)
    size = get("head_dim", default=width // heads)
    if get("head_dim"):
        g.add_key_length(size)
        g.add_value_length(size)
    eps = get("rms_norm_eps")
    g.add_layer_norm_rms_eps(eps) if eps else g.add_layer_norm_eps(get("layer_norm_epsilon", "layer_norm_eps"))
    rope = c.get("rope_parameters") or {}
    rope = rope.get("full_attention", rope)
    if rope:
        part = rope.get("partial_rotary_factor", get("rotary_pct", default=1.0))
        g.add_rope_dimension_count(int(size * part))
        g.add_rope_freq_base(rope["rope_theta"])
        if rope["rope_type"] not in ("default", "llama3"):
            return False
    if kind == "gpt_neox":
        g.add_parallel_residual(c["use_parallel_residual"])
    if kind in ("gemma2", "gemma3_text", "phi3", "mistral") and get("sliding_window"):
        g.add_sliding_window(c["sliding_window"])
    if kind == "gemma2":
        g.add_attn_logit_softcapping(c["attn_logit_softcapping"])
        g.add_final_logit_softcapping(c["final_logit_softcapping"])
    if kind == "bloom":
        g.add_max_alibi_bias(8.0)
    tokens = ["<unk>", "<s>", "</s>"] + [chr(0x61 + i) for i in range(26)] + [chr(0x41 + i) for i in range(get("vocab_size") - 29)]
    g.add_tokenizer_model("gpt2")
    g.add_tokenizer_pre("gpt-2")
    g.add_token_list(tokens)
    g.add_token_types([2, 3, 3] + [1] * (len(tokens) - 3))
    g.add_token_merges(["a b"])
    g.add_bos_token_id(1)
    g.add_eos_token_id(2)
    for own, w in load_file(os.path.join(folder, name, "model.safetensors")).items():
        if own.endswith((".attn.bias", "masked_bias")):
            continue
        if c.get("tie_word_embeddings", kind in ("gpt2", "bloom")) and own in ("lm_head.weight", "embed_out.weight"):
            continue
        w = np.ascontiguousarray(laid_out(own, w, kind, c).astype(np.float32))
        if quantised and w.ndim == 2 and w.shape[1] % 32 == 0:
            g.add_tensor(renamed(own, kind), quants.quantize(w, quantised), raw_dtype=quantised)
        else:
            g.add_tensor(renamed(own, kind), w)
    if rope.get("rope_type") == "llama3":
        base = 1.0 / rope["rope_theta"] ** (np.arange(0, size, 2) / size)
        old, low, high, factor = rope["original_max_position_embeddings"], rope["low_freq_factor"], rope["high_freq_factor"], rope["factor"]
        by = []
        for f in base:
            wave = 2 * np.pi / f
            smooth = (old / wave - low) / (high - low)
            by.append(factor if wave > old / low else 1 if wave < old / high else 1 / ((1 - smooth) / factor + smooth))
        g.add_tensor("rope_freqs.weight", np.array(by, dtype=np.float32))
    g.write_header_to_file()
    g.write_kv_data_to_file()
    g.write_tensors_to_file()
    g.close()
    return True


random = np.random.default_rng(0)
expected = {}
g = GGUFWriter(os.path.join(folder, "blocks.gguf"), "none")
for t in (T.F16, T.BF16, T.Q4_0, T.Q4_1, T.Q5_0, T.Q5_1, T.Q8_0, T.Q4_K, T.Q5_K, T.Q6_K):
    rows, width = 2, 256
    if t in (T.Q4_K, T.Q5_K, T.Q6_K):  # the library does not make these: random blocks whose scales are small
        size = {T.Q4_K: 144, T.Q5_K: 176, T.Q6_K: 210}[t]
        raw = random.integers(0, 256, (rows, size), dtype=np.uint8)
        scales = random.uniform(-0.02, 0.02, (rows, 2)).astype(np.float16).view(np.uint8).reshape(rows, 4)
        at = slice(0, 4) if t != T.Q6_K else slice(208, 210)
        raw[:, at] = scales[:, : at.stop - at.start]
    else:
        raw = quants.quantize(random.normal(size=(rows, width)).astype(np.float32), t)
    g.add_tensor(t.name, raw, raw_dtype=t)
    expected[t.name] = [float(f"{v:.9g}") for v in quants.dequantize(raw, t).reshape(-1)]
g.write_header_to_file(); g.write_kv_data_to_file(); g.write_tensors_to_file(); g.close()
json.dump(dict(made_with="gguf 0.19.0", values=expected), open(os.path.join(folder, "blocks.json"), "w"))
for name in sorted(os.listdir(folder)):
    if os.path.isdir(os.path.join(folder, name)) and name not in ("gemma2-scaled", "phi3-long", "qwen2-yarn"):  # GGUF cannot say these, or not so
        print(name, write(name, os.path.join(folder, f"{name}.gguf")))
