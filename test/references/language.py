"""Tiny random language models of every family, as transformers builds and saves them, and their logits. Weights are drawn so that every
bias and norm matters. Made with transformers 5.18.0 and torch 2.13.0:  python language.py [FOLDER] [SEED]"""
import json, os, shutil, sys
import torch
from transformers import AutoConfig, AutoModelForCausalLM

here = os.path.dirname(os.path.abspath(__file__))
out = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "language")
seed = int(sys.argv[2]) if len(sys.argv) > 2 else 0

common = dict(vocab_size=40, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
              num_key_value_heads=2, max_position_embeddings=64, tie_word_embeddings=False, bos_token_id=1, eos_token_id=2, pad_token_id=0)
llama3 = dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=16)
yarn = dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=16)
long = dict(rope_type="longrope", short_factor=[1.0, 1.5, 2.0, 3.0], long_factor=[2.0, 3.0, 4.0, 6.0])
settings = {
    "llama": ("llama", dict(common)),
    "llama-tied": ("llama", dict(common, tie_word_embeddings=True, rope_theta=500.0, rope_scaling=dict(llama3), attention_bias=True, mlp_bias=True)),
    "mistral": ("mistral", dict(common, sliding_window=4, head_dim=8)),
    "qwen2": ("qwen2", dict(common)),
    "qwen2-yarn": ("qwen2", dict(common, rope_scaling=dict(yarn))),
    "qwen3": ("qwen3", dict(common, head_dim=16, tie_word_embeddings=True)),
    "gemma": ("gemma", dict(common, head_dim=12, tie_word_embeddings=True, num_key_value_heads=1)),
    "gemma2": ("gemma2", dict(common, head_dim=8, sliding_window=4, query_pre_attn_scalar=8, tie_word_embeddings=True)),
    "gemma2-scaled": ("gemma2", dict(common, head_dim=8, sliding_window=4, query_pre_attn_scalar=20, tie_word_embeddings=True)),
    "gemma3_text": ("gemma3_text", dict(common, hidden_size=16, intermediate_size=24, num_hidden_layers=6, head_dim=8, sliding_window=4, query_pre_attn_scalar=8,
                                        tie_word_embeddings=True)),
    "phi3": ("phi3", dict(common)),
    "phi3-long": ("phi3", dict(common, rope_scaling=dict(long), original_max_position_embeddings=32, sliding_window=None)),
    "gpt2": ("gpt2", dict(vocab_size=40, n_embd=32, n_layer=2, n_head=4, n_positions=64, bos_token_id=1, eos_token_id=2)),
    "gpt_neox": ("gpt_neox", dict(common, rotary_pct=0.5)),
    "gpt_neox-serial": ("gpt_neox", dict(common, rotary_pct=0.25, use_parallel_residual=False, tie_word_embeddings=True, hidden_size=64)),
    "bloom": ("bloom", dict(vocab_size=40, hidden_size=36, n_layer=2, n_head=6, bos_token_id=1, eos_token_id=2, pad_token_id=0)),
}

os.makedirs(out, exist_ok=True)
logits = {}
for name, (kind, values) in settings.items():
    torch.manual_seed(seed)
    config = AutoConfig.for_model(kind, **values)
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager").eval()
    with torch.no_grad():
        for own, p in model.named_parameters():
            p.normal_(0, 0.25)
            if "norm" in own and own.endswith("weight") and "gemma" not in kind or ".ln_" in own and own.endswith("weight"):
                p.add_(1)
        model.tie_weights()
        ids = torch.randint(3, 40, (2, 11))
        y = model(ids).logits
    folder = os.path.join(out, name)
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder)
    for extra in os.listdir(folder):
        if extra not in ("config.json", "model.safetensors"):
            os.remove(os.path.join(folder, extra))
    logits[name] = dict(ids=ids.tolist(), last=[[float(f"{v:.8g}") for v in row] for row in y[:, -1].tolist()], sum=float(y.double().abs().sum()),
                        parameters=sum(p.numel() for p in model.parameters()))
with open(os.path.join(out, "logits.json"), "w") as f:
    json.dump(dict(made_with="transformers 5.18.0, torch 2.13.0, float32", models=logits), f)
print(out, len(settings))
