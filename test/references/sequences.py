"""Writes test/references/sequences/*.onnx and *.json: small sequence models with their loss, as PyTorch exports them, with PyTorch's own loss and
gradients. Run with a Python that has torch, onnx and onnxscript:

    python test/references/sequences.py

Each .json has the inputs, the loss and the gradient of each parameter by its name and form in the .onnx, numbers row by row.
"""
import json
import os
import warnings

import onnx
import torch
from torch import nn
from torch.nn import functional as F

warnings.filterwarnings("ignore")
torch.set_num_threads(1)
folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "sequences")


class Lstm(nn.Module):
    """Words to classes: two layers, both directions, the mean of all steps."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(20, 6)
        self.lstm = nn.LSTM(6, 8, num_layers=2, bidirectional=True, batch_first=True)
        self.out = nn.Linear(16, 3)

    def forward(self, x, h, c, y):
        h, (last, _) = self.lstm(self.embed(x), (h, c))
        return F.cross_entropy(self.out(h.mean(1)), y) + 0.1 * (last**2).mean()


class Gru(nn.Module):
    """A series to a number: two layers; PyTorch resets the state behind the product (linear_before_reset)."""

    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(3, 8, num_layers=2)
        self.out = nn.Linear(8, 1)

    def forward(self, x, h, y):
        h, last = self.gru(x, h)
        return ((self.out(h[-1]) - y) ** 2).mean() + 0.1 * last.abs().mean()


class Gpt(nn.Module):
    """One block with causal attention, next-token loss."""

    def __init__(self, width=16, heads=2, words=24, length=8):
        super().__init__()
        self.heads, self.words = heads, words
        self.token, self.place = nn.Embedding(words, width), nn.Embedding(length, width)
        self.n1, self.n2, self.n3 = nn.LayerNorm(width), nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.head = nn.Linear(width, words, bias=False)
        for norm in (self.n1, self.n2, self.n3):  # equal tensors would be stored once
            nn.init.normal_(norm.weight, 1, 0.1), nn.init.normal_(norm.bias, 0, 0.1)

    def forward(self, x, y):
        b, t = x.shape
        h = self.token(x) + self.place(torch.arange(t))
        q, k, v = (p.view(b, t, self.heads, -1).transpose(1, 2) for p in self.qkv(self.n1(h)).chunk(3, dim=-1))
        a = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        h = h + self.proj(a.transpose(1, 2).reshape(b, t, -1))
        h = h + self.down(F.gelu(self.up(self.n2(h))))
        logits = self.head(self.n3(h))
        return F.cross_entropy(logits.view(-1, self.words), y.view(-1))


def write(name, model, inputs, opset, dynamo):
    numbers = lambda t: [float(f"{v:.8g}") for v in t.detach().flatten()]
    loss = model(*inputs.values())
    loss.backward()
    path = os.path.join(folder, f"{name}.onnx")
    more = {"dynamo": True, "external_data": False} if dynamo else {"dynamo": False, "do_constant_folding": False}
    torch.onnx.export(model, tuple(inputs.values()), path, input_names=list(inputs), output_names=["loss"], opset_version=opset, **more)
    stored = onnx.load(path)
    for thing in [*stored.graph.node, *stored.graph.value_info, *stored.graph.input, *stored.graph.output, stored.graph]:
        for field in ("doc_string", "metadata_props"):
            if field in thing.DESCRIPTOR.fields_by_name:
                thing.ClearField(field)
    onnx.save(stored, path)
    gradients, found = {}, set()
    for t in stored.graph.initializer:  # the exporter may have renamed a parameter, and stored it transposed
        here = torch.tensor(onnx.numpy_helper.to_array(t))
        for k, p in model.named_parameters():
            for turn in (lambda v: v, lambda v: v.t()):
                if p.dim() in (1, 2) and turn(p).shape == here.shape and torch.equal(turn(p).data, here):
                    gradients[t.name] = numbers(turn(p.grad))
                    found.add(k)
    assert found == {k for k, _ in model.named_parameters()}, found
    print(name, os.path.getsize(path), len(stored.graph.node), sorted({n.op_type for n in stored.graph.node}))
    with open(os.path.join(folder, f"{name}.json"), "w") as f:
        json.dump({"inputs": {k: v.flatten().tolist() for k, v in inputs.items()}, "loss": loss.item(), "gradients": gradients}, f)
        f.write("\n")


torch.manual_seed(0)
words = lambda n, *dims: torch.randint(0, n, dims)
series = torch.randn
write("lstm", Lstm(), {"x": words(20, 4, 6), "h": series(4, 4, 8), "c": series(4, 4, 8), "y": words(3, 4)}, 18, False)
write("gru", Gru(), {"x": series(7, 4, 3), "h": series(2, 4, 8), "y": series(4, 1)}, 18, False)
write("gpt", Gpt(), {"x": words(24, 2, 8), "y": words(24, 2, 8)}, 21, True)
