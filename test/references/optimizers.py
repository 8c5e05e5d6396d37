"""Writes optimizers.json: what PyTorch's optimizers make of a small net in 20 steps. Run with a Python that has torch:

    python test/references/optimizers.py > test/references/optimizers.json

The net is y = tanh(x w1 + b1) w2, the loss the mean squared error; all numbers float32, listed row by row.
Muon iterates in bfloat16 in PyTorch; here in float32, so that the comparison can be tight. Its biases go by AdamW.
"""
import json
import torch

torch.manual_seed(0)
torch.set_num_threads(1)
STEPS = 20
x, y = torch.randn(8, 3), torch.randn(8, 2)
start = {"w1": torch.randn(3, 4) * 0.5, "b1": torch.randn(4) * 0.1, "w2": torch.randn(4, 2) * 0.5}
torch.Tensor.bfloat16 = lambda self: self.clone()  # used by Muon alone
numbers = lambda t: [float(v) for v in t.flatten()]


def run(make, lr=0.05, clip=None, clip_value=None):
    p = {k: v.clone().requires_grad_() for k, v in start.items()}
    made = make(list(p.values()), lr)
    opts = made if isinstance(made, list) else [made]
    losses = []
    for _ in range(STEPS):
        for opt in opts:
            opt.zero_grad()
        loss = ((torch.tanh(x @ p["w1"] + p["b1"]) @ p["w2"] - y) ** 2).mean()
        loss.backward()
        if clip:
            torch.nn.utils.clip_grad_norm_(list(p.values()), clip)
        if clip_value:
            torch.nn.utils.clip_grad_value_(list(p.values()), clip_value)
        for opt in opts:
            opt.step()
        losses.append(loss.item())
    return {"losses": losses, "parameters": {k: numbers(v) for k, v in p.items()}}


o = torch.optim


def muon(p, lr, **more):
    matrices, rest = [v for v in p if v.ndim == 2], [v for v in p if v.ndim != 2]
    return [o.Muon(matrices, lr, weight_decay=0.1, **more), o.AdamW(rest, lr, weight_decay=0.1)]


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
    ({"name": "sgd"}, {"clip_value": 0.02}, lambda p, lr: o.SGD(p, lr)),
    ({"name": "nesterov"}, {}, lambda p, lr: o.SGD(p, lr, momentum=0.9, nesterov=True)),
    ({"name": "nesterov", "momentum": 0.6, "l2": 0.05}, {}, lambda p, lr: o.SGD(p, lr, momentum=0.6, nesterov=True, weight_decay=0.05)),
    ({"name": "rmsprop"}, {}, lambda p, lr: o.RMSprop(p, lr)),
    ({"name": "rmsprop", "beta2": 0.9, "eps": 1e-4, "momentum": 0.5, "centered": True, "l2": 0.01}, {},
     lambda p, lr: o.RMSprop(p, lr, alpha=0.9, eps=1e-4, momentum=0.5, centered=True, weight_decay=0.01)),
    ({"name": "adagrad"}, {}, lambda p, lr: o.Adagrad(p, lr)),
    ({"name": "adagrad", "l2": 0.1}, {}, lambda p, lr: o.Adagrad(p, lr, weight_decay=0.1)),
    ({"name": "nadam"}, {}, lambda p, lr: o.NAdam(p, lr)),
    ({"name": "nadam", "beta1": 0.8, "momentumDecay": 0.1, "l2": 0.02}, {},
     lambda p, lr: o.NAdam(p, lr, betas=(0.8, 0.999), momentum_decay=0.1, weight_decay=0.02)),
    ({"name": "radam"}, {}, lambda p, lr: o.RAdam(p, lr)),
    ({"name": "radam", "beta2": 0.95, "l2": 0.02}, {}, lambda p, lr: o.RAdam(p, lr, betas=(0.9, 0.95), weight_decay=0.02)),
    ({"name": "adafactor"}, {}, lambda p, lr: o.Adafactor(p, lr)),
    ({"name": "adafactor", "threshold": 1.5, "beta2Decay": -0.5, "weightDecay": 0.1}, {},
     lambda p, lr: o.Adafactor(p, lr, d=1.5, beta2_decay=-0.5, weight_decay=0.1)),
    ({"name": "muon"}, {}, muon),
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
