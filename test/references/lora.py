"""Thirty steps of LoRA by PEFT and PyTorch on the tiny models of language.py: the first adapter, the batches, the losses. Made with peft 0.21.0, transformers 5.18.0,
torch 2.13.0:  python lora.py"""
import json, os
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

here = os.path.dirname(os.path.abspath(__file__))
targets = dict(llama=["q_proj", "v_proj"], qwen3="all-linear", gpt2=["c_attn", "c_proj"], gpt_neox=["query_key_value"], bloom=["query_key_value", "dense"], gemma2=["q_proj", "o_proj", "down_proj"],
               phi3=["qkv_proj", "gate_up_proj"])
out = {}
for name, modules in targets.items():
    torch.manual_seed(1)
    model = AutoModelForCausalLM.from_pretrained(os.path.join(here, "language", name), attn_implementation="eager")
    stable = name == "qwen3"
    peft = get_peft_model(model, LoraConfig(r=3, lora_alpha=8, target_modules=modules, lora_dropout=0, bias="none", task_type="CAUSAL_LM", use_rslora=stable))
    first = {k: v.clone() for k, v in peft.state_dict().items() if "lora_" in k}
    trained = [p for p in peft.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=3e-3, weight_decay=0.0)
    batches, losses = [], []
    for step in range(30):
        ids = torch.randint(3, 40, (2, 8))
        ids[:, 4:] = (ids[:, :4] * 7 + 3) % 37 + 3  # something to learn
        labels = ids.clone()
        labels[:, :3] = -100
        if step % 3 == 0:
            labels[1, 6:] = -100
        loss = peft(input_ids=ids, labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        batches.append(dict(ids=ids.tolist(), labels=labels.tolist()))
        losses.append(float(loss))
    last = {k: v for k, v in peft.state_dict().items() if "lora_" in k}
    clean = lambda d: {k.replace(".default.", "."): dict(dims=list(v.shape), data=[float(f"{x:.8g}") for x in v.flatten().tolist()]) for k, v in d.items()}
    out[name] = dict(rank=3, alpha=8, stabilised=stable, targets=modules, first=clean(first), batches=batches, losses=losses,
                     last={k: v for k, v in list(clean(last).items())[:2]})
    print(name, losses[0], losses[-1], len(first))
json.dump(dict(made_with="peft 0.21.0, transformers 5.18.0, torch 2.13.0, AdamW lr 3e-3, no decay", runs=out), open(os.path.join(here, "language", "lora.json"), "w"))
