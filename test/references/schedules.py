"""Writes schedules.json: learning rates of PyTorch's schedulers, step by step from 0.1. Run with a Python that has torch:

    python test/references/schedules.py > test/references/schedules.json
"""
import json, math, random
import torch
from torch.optim import lr_scheduler as s


def optimizer():
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], 0.1)


def warmup(o, total):
    rise = max(1, math.floor(total * 0.05 + 0.5))
    up = s.LinearLR(o, 1 / rise, 1, rise - 1) if rise > 1 else s.ConstantLR(o, 1, 1)
    return s.SequentialLR(o, [up, s.CosineAnnealingLR(o, total - rise)], [rise])


planned = {
    "constant": lambda o, total: s.ConstantLR(o, 1),
    "step": lambda o, total: s.StepLR(o, math.ceil(total / 3), 0.1),
    "cosine": lambda o, total: s.CosineAnnealingLR(o, total),
    "warmup": warmup,
    "onecycle": lambda o, total: s.OneCycleLR(o, 0.1, total_steps=total),
}


def walk(make, total):
    o = optimizer()
    schedule, rates = make(o, total), []
    for i in range(total):
        rates.append(o.param_groups[0]["lr"])
        o.step()
        if i < total - 1:
            schedule.step()
    return rates


def plateau(options, losses):
    o = optimizer()
    schedule, rates = s.ReduceLROnPlateau(o, **options), []
    for loss in losses:
        o.step()
        schedule.step(loss)
        rates.append(o.param_groups[0]["lr"])
    return {"options": options, "losses": losses, "rates": rates}


random.seed(0)
noisy = [round(2 * 0.93**i + random.random() * 0.3, 4) for i in range(60)]
rows = {f"{name}, {total} steps": {"schedule": name, "total": total, "rates": walk(make, total)}
        for name, make in planned.items() for total in (10, 31, 100)}
falls = [
    plateau({"factor": 0.1, "patience": 10, "threshold": 1e-4, "cooldown": 0}, [1.0] * 70),
    plateau({"factor": 0.5, "patience": 1, "threshold": 1e-4, "cooldown": 1}, [3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1]),
    plateau({"factor": 0.3, "patience": 2, "threshold": 0.05, "cooldown": 3}, noisy),
]
print(json.dumps({"torch": torch.__version__, "planned": rows, "plateau": falls}, indent=1))
