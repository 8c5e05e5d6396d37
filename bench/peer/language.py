"""The language model of worker/models/gpt.ts in PyTorch eager. python language.py FOLDER: net.json has its size and settings, net.safetensors its
first weights and batches. Prints torch's version; for each line "from count" makes so many steps and prints a line of JSON."""
import json
import pathlib
import sys
import time

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn

folder = pathlib.Path(sys.argv[1])
spec = json.loads((folder / "net.json").read_text())
torch.set_num_threads(spec["threads"])
tensors = load_file(folder / "net.safetensors")
heads = spec["heads"]


class GPT(nn.Module):
    def __init__(self):
        super().__init__()
        own = {name: value for name, value in tensors.items() if not name.startswith(("ids.", "labels."))}
        turned = [name for name, value in own.items() if value.dim() == 2 and name.startswith("blocks")]
        self.names = {name.replace(".", "_"): name for name in own}
        for name, value in own.items():
            self.register_parameter(name.replace(".", "_"), nn.Parameter((value.T if name in turned else value).contiguous().clone()))

    def get(self, name):
        return self._parameters[name.replace(".", "_")]

    def dense(self, name, x):
        return F.linear(x, self.get(f"{name}.weight"), self.get(f"{name}.bias"))

    def norm(self, name, x):
        return F.layer_norm(x, x.shape[-1:], self.get(f"{name}.scale"), self.get(f"{name}.bias"))

    def forward(self, ids):
        table = self.get("tokens.weight")
        x = F.embedding(ids, table) + self.get("positions.weight")
        batch, length, width = x.shape
        for i in range(spec["layers"]):
            b = f"blocks.{i}"
            parts = self.dense(f"{b}.attention.qkv", self.norm(f"{b}.norm1", x)).split(width, 2)
            q, k, v = (part.view(batch, length, heads, width // heads).transpose(1, 2) for part in parts)
            mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(batch, length, width)
            x = x + self.dense(f"{b}.attention.out", mixed)
            x = x + self.dense(f"{b}.down", F.gelu(self.dense(f"{b}.up", self.norm(f"{b}.norm2", x)), approximate="tanh"))
        return F.linear(self.norm("norm", x), table)


net = GPT()
named = [(net.names[name], p) for name, p in net.named_parameters()]
decay, lr, betas = spec["weightDecay"], spec["lr"], (0.9, spec["beta2"])
matrices = [p for _, p in named if p.dim() == 2]
if spec["optimizer"] == "muon":
    rest = [p for _, p in named if p.dim() != 2]
    optimizers = [
        torch.optim.Muon(matrices, lr, weight_decay=decay, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(rest, lr, betas=betas, weight_decay=0),
    ]
else:
    groups = [
        {"params": [p for name, p in named if name.endswith(".weight")], "weight_decay": decay},
        {"params": [p for name, p in named if not name.endswith(".weight")], "weight_decay": 0},
    ]
    optimizers = [torch.optim.AdamW(groups, lr, betas=betas)]

print(torch.__version__, flush=True)
for line in sys.stdin:
    start, count = map(int, line.split())
    losses, times = [], []
    used = time.process_time()
    for i in range(start, start + count):
        began = time.perf_counter()
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss = F.cross_entropy(net(tensors[f"ids.{i}"]).flatten(0, 1), tensors[f"labels.{i}"].flatten(), ignore_index=-100)
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), spec["clipNorm"])
        for optimizer in optimizers:
            optimizer.step()
        losses.append(loss.item())
        times.append((time.perf_counter() - began) * 1000)
    print(json.dumps({"losses": losses, "times": times, "cpu": (time.process_time() - used) * 1000}), flush=True)
