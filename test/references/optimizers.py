"""Writes optimizers.json: what PyTorch's optimizers make of a small net in 12 steps. Run with a Python that has torch:

    python test/references/optimizers.py > test/references/optimizers.json

The net is y = tanh(x w1 + b1) w2, the loss the mean squared error; all numbers float32, listed row by row.
"""
import json
import torch

torch.manual_seed(0)
torch.set_num_threads(1)
STEPS = 12
x, y = torch.randn(8, 3), torch.randn(8, 2)
start = {"w1": torch.randn(3, 4) * 0.5, "b1": torch.randn(4) * 0.1, "w2": torch.randn(4, 2) * 0.5}
numbers = lambda t: [float(v) for v in t.flatten()]


def run(make, lr=0.05, clip=None):
    p = {k: v.clone().requires_grad_() for k, v in start.items()}
    opt = make(list(p.values()), lr)
    losses = []
    for _ in range(STEPS):
        opt.zero_grad()
        loss = ((torch.tanh(x @ p["w1"] + p["b1"]) @ p["w2"] - y) ** 2).mean()
        loss.backward()
        if clip:
            torch.nn.utils.clip_grad_norm_(list(p.values()), clip)
        opt.step()
        losses.append(loss.item())
    return {"losses": losses, "parameters": {k: numbers(v) for k, v in p.items()}}


o = torch.optim
rows = [
    ({"name": "sgd"}, {}, lambda p, lr: o.SGD(p, lr)),
    ({"name": "sgd", "l2": 0.1}, {}, lambda p, lr: o.SGD(p, lr, weight_decay=0.1)),
    ({"name": "momentum"}, {}, lambda p, lr: o.SGD(p, lr, momentum=0.9)),
    ({"name": "momentum", "momentum": 0.5, "l2": 0.01}, {}, lambda p, lr: o.SGD(p, lr, momentum=0.5, weight_decay=0.01)),
    ({"name": "adam"}, {}, lambda p, lr: o.Adam(p, lr)),
    ({"name": "adam", "beta1": 0.8, "beta2": 0.99, "eps": 1e-3, "l2": 0.05}, {}, lambda p, lr: o.Adam(p, lr, (0.8, 0.99), 1e-3, 0.05)),
    ({"name": "adamw"}, {}, lambda p, lr: o.AdamW(p, lr)),
    ({"name": "adamw", "weightDecay": 0.3}, {}, lambda p, lr: o.AdamW(p, lr, weight_decay=0.3)),
    ({"name": "sgd"}, {"clip": 0.1}, lambda p, lr: o.SGD(p, lr)),
    ({"name": "adamw"}, {"clip": 0.5}, lambda p, lr: o.AdamW(p, lr)),
]
print(
    json.dumps(
        {
            "torch": torch.__version__,
            "lr": 0.05,
            "x": numbers(x),
            "y": numbers(y),
            "start": {k: {"dims": list(v.shape), "values": numbers(v)} for k, v in start.items()},
            "rows": [{"optimizer": spec, **more, **run(make, **more)} for spec, more, make in rows],
        },
        indent=1,
    )
)
