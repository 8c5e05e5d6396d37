"""Writes models/*.onnx and models/*.json: small nets as PyTorch's two exporters write them, inputs, loss and PyTorch's own gradients.

    python test/references/models.py

Each net gives its loss itself. Tensors are base64 of little-endian float32 or int64. `name.ts.opset.onnx` comes from the exporter based on
TorchScript, `name.dynamo.opset.onnx` from the other; both share `name.json`.
"""
import base64
import json
import math
import os
import onnx
import torch
from torch import nn
import torch.nn.functional as F

torch.set_num_threads(1)
here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "models")
os.makedirs(here, exist_ok=True)


class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(5, 16), nn.LayerNorm(16), nn.GELU(), nn.Linear(16, 8), nn.SiLU(), nn.Linear(8, 3))

    def forward(self, x, y):
        return F.cross_entropy(self.body(x), y)


class Conv(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Conv2d(2, 6, 3, padding=1)
        self.norm = nn.BatchNorm2d(6)
        self.b = nn.Conv2d(6, 8, 3, stride=2, padding=1, groups=2)
        self.out = nn.Linear(8, 4)

    def forward(self, x, y):
        x = F.max_pool2d(F.relu(self.norm(self.a(x))), 2)
        x = F.adaptive_avg_pool2d(F.relu(self.b(x)), 1)
        return F.cross_entropy(self.out(torch.flatten(x, 1)), y)


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def forward(self, x):
        b, t, c = x.size()
        q, k, v = self.qkv(self.norm1(x)).split(c, dim=2)
        q, k, v = (z.view(b, t, self.heads, c // self.heads).transpose(1, 2) for z in (q, k, v))
        a = (q @ k.transpose(-2, -1)) * (1.0 / math.sqrt(k.size(-1)))
        mask = torch.tril(torch.ones(t, t, dtype=torch.bool, device=x.device)).view(1, 1, t, t)
        a = F.softmax(a.masked_fill(mask == 0, float("-inf")), dim=-1)
        x = x + self.proj((a @ v).transpose(1, 2).contiguous().view(b, t, c))
        return x + self.down(F.gelu(self.up(self.norm2(x)), approximate="tanh"))


class Gpt(nn.Module):
    def __init__(self, vocabulary=24, context=12, width=16):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(vocabulary, width), nn.Embedding(context, width)
        self.blocks = nn.ModuleList([Block(width, 2) for _ in range(2)])
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, vocabulary, bias=False)
        self.head.weight = self.wte.weight

    def forward(self, ids, y):
        x = self.wte(ids) + self.wpe(torch.arange(0, ids.size(1), device=ids.device).unsqueeze(0))
        for block in self.blocks:
            x = block(x)
        scores = self.head(self.norm(x))
        return F.cross_entropy(scores.view(-1, scores.size(-1)), y.view(-1))


class Mixed(nn.Module):
    """Odds and ends: slices, gathers, reductions, clips, powers, where, batch-dependent shapes."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.randn(6, 8) * 0.4)
        self.scale = nn.Parameter(torch.rand(8) + 0.5)
        self.table = nn.Embedding(5, 4)

    def forward(self, x, y):
        h = x @ self.w
        a, b = h.chunk(2, dim=1)
        h = torch.cat([torch.sigmoid(a) * b, self.table(y)], dim=1) * self.scale
        h = h / (h.pow(2).mean(dim=-1, keepdim=True) + 1e-3).sqrt()
        h = h.view(h.size(0), 2, -1).permute(0, 2, 1).reshape(h.size(0), -1)[:, 1:]
        h = torch.where(h > 0, h, 0.3 * h).clamp(-1.5, 1.5)
        return F.softplus(h).sum(dim=1).log().mean() + F.pad(h, (1, 2)).abs().amax(dim=1).mean()


g = torch.Generator().manual_seed(5)
long = lambda high, *dims: torch.randint(0, high, dims, generator=g)
cases = {
    "mlp": (Mlp, (torch.randn(4, 5, generator=g), long(3, 4)), ("x", "y"), {"x": {0: "batch"}, "y": {0: "batch"}}),
    "conv": (Conv, (torch.randn(3, 2, 8, 8, generator=g), long(4, 3)), ("x", "y"), {"x": {0: "batch"}, "y": {0: "batch"}}),
    "gpt": (Gpt, (long(24, 2, 9), long(24, 2, 9)), ("ids", "y"), {"ids": {0: "batch", 1: "time"}, "y": {0: "batch", 1: "time"}}),
    "mixed": (Mixed, (torch.randn(4, 6, generator=g), long(5, 4)), ("x", "y"), {"x": {0: "batch"}, "y": {0: "batch"}}),
}


def strip(file):
    """Leaves out what exporters note about where the code stood."""
    model = onnx.load(file)
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for value in [*model.graph.value_info, *model.graph.input, *model.graph.output, *model.graph.initializer]:
        del value.metadata_props[:]
        value.doc_string = ""
    del model.metadata_props[:], model.graph.metadata_props[:]
    onnx.save(model, file)


def tensor(t):
    t = t.detach().contiguous()
    return {"dtype": str(t.dtype).removeprefix("torch."), "dims": list(t.shape), "base64": base64.b64encode(t.numpy().tobytes()).decode()}


for name, (make, inputs, names, axes) in cases.items():
    torch.manual_seed(3)
    net = make().eval()
    for p in net.parameters():  # off the flat places where biases are zero and scales one
        p.data += 0.05 * torch.randn_like(p)
    loss = net(*inputs)
    loss.backward()
    files = []
    for opset in (14 if name == "gpt" else 13, 17):  # tril is not written before 14
        file = f"{name}.ts.{opset}.onnx"
        torch.onnx.export(net, inputs, os.path.join(here, file), dynamo=False, opset_version=opset, input_names=list(names),
                          output_names=["loss"], dynamic_axes=axes, do_constant_folding=False)
        files.append(file)
    try:
        file = f"{name}.dynamo.18.onnx"
        shapes = tuple({a: torch.export.Dim(n, min=2, max=12 if n == "time" else 64) for a, n in axes[i].items()} for i in names)
        program = torch.onnx.export(net, inputs, dynamo=True, opset_version=18, input_names=list(names), output_names=["loss"],
                                    dynamic_shapes=shapes, optimize=False)  # its optimizer merges weights
        program.save(os.path.join(here, file), external_data=False)
        files.append(file)
    except Exception as error:  # the exporter's own limits
        print(name, "dynamo:", str(error)[:300])
    for file in files:
        strip(os.path.join(here, file))
    with open(os.path.join(here, f"{name}.json"), "w") as f:
        json.dump({"torch": torch.__version__, "files": files, "loss": loss.item(), "inputs": {n: tensor(t) for n, t in zip(names, inputs)},
                   "gradients": {n: tensor(p.grad) for n, p in net.named_parameters()}}, f, indent=1)
