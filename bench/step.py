"""The nets of bench/nets.ts in PyTorch eager, for comparison: python bench/step.py [threads] [steps]. Prints one line a net."""
import sys
import time
import torch
from torch import nn

given = [int(a) for a in sys.argv[1:]]
threads, steps = (given + [2, 300][len(given):])[:2]
torch.set_num_threads(threads)
torch.manual_seed(0)


def mlp(widths, act=nn.ReLU, norm=False, dropout=0.0):
    layers = []
    for i, (a, b) in enumerate(zip(widths, widths[1:])):
        layers.append(nn.Linear(a, b))
        if i < len(widths) - 2:
            layers += ([nn.LayerNorm(b)] if norm else []) + [act()] + ([nn.Dropout(dropout)] if dropout else [])
    return nn.Sequential(*layers)


class WithCategories(nn.Module):
    def __init__(self, widths, sizes):
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(n, 8) for n in sizes)
        self.net = mlp([widths[0] + 8 * len(sizes), *widths[1:]])

    def forward(self, x, codes):
        return self.net(torch.cat([x, *(table(codes[:, i]) for i, table in enumerate(self.tables))], 1))


sizes = [9, 16, 7, 14, 6, 5, 42, 200]
rows = [
    ("784-512-256-10 AdamW, batch 128", mlp([784, 512, 256, 10]), 784, 128, torch.optim.AdamW, 10, None),
    ("32-256-256-1 AdamW, batch 256", mlp([32, 256, 256, 1]), 32, 256, torch.optim.AdamW, 0, None),
    ("32-256-256-1 AdamW, batch 256, norm, silu, dropout", mlp([32, 256, 256, 1], nn.SiLU, True, 0.1), 32, 256, torch.optim.AdamW, 0, None),
    ("8-64-64-3 Adam, batch 32", mlp([8, 64, 64, 3]), 8, 32, torch.optim.Adam, 3, None),
    ("10-128-128-2 AdamW, batch 256, 8 categories", WithCategories([10, 128, 128, 2], sizes), 10, 256, torch.optim.AdamW, 2, sizes),
]
for name, net, width, batch, make, classes, categories in rows:
    inputs = [torch.rand(batch, width) * 2 - 1]
    if categories:
        inputs.append(torch.stack([torch.randint(0, n, (batch,)) for n in categories], 1))
    y = torch.randint(0, classes, (batch,)) if classes else torch.rand(batch, 1) * 2 - 1
    loss_of = nn.CrossEntropyLoss() if classes else nn.MSELoss()
    optimizer = make(net.parameters(), 1e-3)
    times = []
    for _ in range(steps):
        start = time.perf_counter()
        optimizer.zero_grad()
        loss = loss_of(net(*inputs), y)
        loss.backward()
        optimizer.step()
        loss.item()
        times.append((time.perf_counter() - start) * 1000)
    kept = sorted(times[steps // 5 :])
    print(f"{name:52s} median {kept[len(kept) // 2]:.3f} ms   best {kept[0]:.3f} ms", flush=True)
