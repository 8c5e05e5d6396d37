"""One row of the zoo: how a network is made, what goes in, and what its loss is."""
from dataclasses import dataclass
from typing import Callable

import torch
import torch.nn.functional as F


@dataclass
class Entry:
    #: attention ("eager" or "sdpa") → the network
    make: Callable
    #: (random, 0 or 1: which of two sizes) → {name: tensor}
    inputs: Callable
    #: (network, {name: tensor}) → a scalar
    loss: Callable
    #: {name: {axis: "name"}} of lengths that vary
    axes: dict


def own_loss(model, inputs):
    """What transformers computes when labels are given."""
    return model(**inputs, return_dict=True).loss


def probed(x):
    """A loss for any tensor, flat nowhere: its square and its product with waves."""
    waves = torch.sin(torch.arange(x.shape[-1], dtype=torch.float32) + 1)
    return (x * waves).mean() + 0.3 * x.pow(2).mean()


def hidden_loss(model, inputs):
    return probed(model(**inputs, return_dict=True).last_hidden_state)


def next_token(model, inputs):
    """Cross-entropy written out, for networks whose own loss is not wanted."""
    labels = inputs["labels"]
    logits = model(**{k: v for k, v in inputs.items() if k != "labels"}, return_dict=True).logits
    return F.cross_entropy(logits.reshape(-1, logits.shape[-1]), labels.reshape(-1))


def fill(random, high, *dims, low=0):
    count = 1
    for d in dims:
        count *= d
    return torch.tensor([random.randrange(low, high) for _ in range(count)], dtype=torch.int64).reshape(dims)


def noise(random, *dims):
    g = torch.Generator().manual_seed(random.randrange(1 << 30))
    return torch.randn(*dims, generator=g)


def build(model, config, attention, **kwargs):
    """A network from its configuration with the given attention; without that choice where it has none. Experts are a plain loop or one product."""
    config._experts_implementation = "batched_mm" if attention == "sdpa" else "eager"
    try:
        config._attn_implementation = attention
        return model(config, **kwargs)
    except (ValueError, ImportError):
        config._attn_implementation = "eager"
        return model(config, **kwargs)
