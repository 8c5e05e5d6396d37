"""What the zoo's models are made of: a case has a name, a module whose forward gives the loss, and its inputs. Files of the zoo register
their cases here; sweep.py exports and checks them.
"""
from dataclasses import dataclass, field

import torch
from torch import nn
from torch.nn import functional as F

cases = {}


@dataclass
class Case:
    name: str
    make: object  # () -> nn.Module whose forward gives a scalar
    inputs: tuple
    names: tuple
    dynamic: tuple = ()  # which inputs have the batch as their first axis
    train: bool = False  # exported in training mode too
    skip: tuple = ()  # exporters that cannot write it, by name
    groups: tuple = field(default_factory=tuple)


def add(name, make, inputs, names, **options):
    assert name not in cases, name
    cases[name] = Case(name, make, tuple(inputs), tuple(names), **options)


def generator(name):
    return torch.Generator().manual_seed(sum(map(ord, name)) * 7919 % 2**31)


class Classify(nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x, y):
        return F.cross_entropy(self.net(x), y)


class Score(nn.Module):
    """Whatever a net gives, as one number whose slope is different everywhere."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, *x):
        return score(self.net(*x))


def score(y):
    ys = y if isinstance(y, (tuple, list)) else [y]
    return sum(((v - 0.3) * (v + 0.7)).mean() for v in ys)


def classifier(name, make, shape=(4, 3, 32, 32), classes=5, **options):
    """Images in, classes out, cross-entropy."""
    g = generator(name)
    x = torch.randn(shape, generator=g)
    y = torch.randint(0, classes, shape[:1], generator=g)
    add(name, lambda: Classify(make()), (x, y), ("x", "y"), **{"dynamic": (0, 1), "train": True, **options})


def net(name, make, *shapes, **options):
    """Any tensors in, any out."""
    g = generator(name)
    xs = [torch.randn(s, generator=g) if isinstance(s, tuple) else s for s in shapes]
    names = ("x", "y", "z", "u", "v")[: len(xs)]
    add(name, lambda: Score(make()), xs, names, **{"dynamic": tuple(range(len(xs))), **options})


class Through(nn.Module):
    """A function of what parameters make of the inputs: f(a·x + b, …)."""

    def __init__(self, f, shapes, positive):
        super().__init__()
        self.f = f
        self.positive = positive
        self.scales = nn.ParameterList([torch.rand(s[1:]) * 0.6 + 0.7 for s in shapes])
        self.shifts = nn.ParameterList([torch.randn(s[1:]) * 0.2 for s in shapes])

    def forward(self, *x):
        z = [a * v + b for a, b, v in zip(self.scales, self.shifts, x)]
        if self.positive:
            z = [v.abs() + 0.3 for v in z]
        return score(self.f(*z))


def fn(name, f, *shapes, positive=False, extra=(), **options):
    """A plain function of one or more tensors; `extra` inputs go in as they are."""
    g = generator(name)
    shapes = shapes or ((4, 6),)
    xs = [torch.randn(s, generator=g) for s in shapes]
    names = ("x", "y", "z", "u", "v")[: len(xs)]
    add("fn." + name, lambda: Through(f, shapes, positive), xs, names, **{"dynamic": tuple(range(len(xs))), **options})
