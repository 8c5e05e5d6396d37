"""The other side of bench/lora.mjs, with transformers and PEFT on PyTorch:  lora.py make FOLDER | lora.py train FOLDER STEPS BATCH THREADS
make: a Llama of random weights (float32 folder, and Q4_0 as GGUF), an adapter of rank 8 to begin with, rows of tokens. train: one JSON object."""
import json, os, resource, sys, time
sys.path = [p for p in sys.path if os.path.abspath(p or ".") != os.path.dirname(os.path.abspath(__file__))]  # sklearn.py beside this is not the library
import numpy as np
import torch

folder = sys.argv[2]
base, adapter, rows = (os.path.join(folder, name) for name in ("model", "adapter", "rows.jsonl"))
targets = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
length = 128


def make():
    from peft import LoraConfig, get_peft_model
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    size = dict(hidden_size=512, intermediate_size=1408, num_hidden_layers=8, num_attention_heads=8, num_key_value_heads=4, vocab_size=8192)
    model = LlamaForCausalLM(LlamaConfig(**size, max_position_embeddings=512, tie_word_embeddings=False))
    model.save_pretrained(base)
    gguf(model, size)
    peft = get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules=targets, lora_dropout=0.0))
    for name, p in peft.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(p, std=0.01)
    peft.save_pretrained(adapter)
    random = np.random.default_rng(0)
    with open(rows, "w") as out:
        for _ in range(64):
            ids = random.integers(3, 8192, length).tolist()
            out.write(json.dumps({"input_ids": ids, "labels": [-100] * 16 + ids[16:]}) + "\n")


def gguf(model, size):
    from gguf import GGMLQuantizationType as T, GGUFWriter, quants

    g = GGUFWriter(os.path.join(folder, "model-Q4_0.gguf"), "llama")
    g.add_block_count(size["num_hidden_layers"])
    g.add_context_length(512)
    g.add_embedding_length(size["hidden_size"])
    g.add_feed_forward_length(size["intermediate_size"])
    g.add_head_count(size["num_attention_heads"])
    g.add_head_count_kv(size["num_key_value_heads"])
    g.add_layer_norm_rms_eps(model.config.rms_norm_eps)
    g.add_rope_dimension_count(64)
    g.add_rope_freq_base(10000.0)
    g.add_vocab_size(size["vocab_size"])
    inner = {"self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate",
             "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm"}
    outer = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}
    for name, w in model.state_dict().items():
        layer = name.removesuffix(".weight")
        w = w.numpy()
        if layer.startswith("model.layers."):
            i, what = layer[len("model.layers."):].split(".", 1)
            own = f"blk.{i}.{inner[what]}.weight"
        else:
            own = outer[layer] + ".weight"
        if ".q_proj" in name or ".k_proj" in name:
            heads = size["num_attention_heads"] if ".q_proj" in name else size["num_key_value_heads"]
            w = w.reshape(heads, 2, w.shape[0] // heads // 2, w.shape[1]).swapaxes(1, 2).reshape(w.shape)
        if w.ndim == 2:
            g.add_tensor(own, quants.quantize(np.ascontiguousarray(w), T.Q4_0), raw_dtype=T.Q4_0)
        else:
            g.add_tensor(own, w)
    g.write_header_to_file()
    g.write_kv_data_to_file()
    g.write_tensors_to_file()
    g.close()


def train(steps, batch, threads):
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    torch.set_num_threads(threads)
    model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32), adapter, is_trainable=True)
    model.train()
    lines = [json.loads(line) for line in open(rows)]
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-3, weight_decay=0.0)
    losses, times = [], []
    for step in range(steps):
        part = [lines[(step * batch + i) % len(lines)] for i in range(batch)]
        began = time.perf_counter()
        ids, labels = (torch.tensor([row[key] for row in part]) for key in ("input_ids", "labels"))
        loss = model(input_ids=ids, labels=labels).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
        times.append(1000 * (time.perf_counter() - began))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"losses": losses, "stepMs": float(np.median(times[2:])), "peakBytes": peak}))


make() if sys.argv[1] == "make" else train(*map(int, sys.argv[3:6]))
