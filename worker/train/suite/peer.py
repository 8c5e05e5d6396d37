"""The nets of the suite in PyTorch eager. python peer.py FOLDER: net.json says which net, its sizes and the threads; net.safetensors has its
first weights and its batch. Prints a line when ready; for each whole number read, makes so many AdamW steps and prints a line of JSON."""
import json
import math
import pathlib
import struct
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

types = {"F32": torch.float32, "I64": torch.int64, "U8": torch.uint8}


def read(path):
    """Tensors of a safetensors file."""
    raw = bytearray(path.read_bytes())
    length = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8 : 8 + length])
    found = {}
    header.pop("__metadata__", None)
    for name, entry in header.items():
        start, end = entry["data_offsets"]
        data = raw[8 + length + start : 8 + length + end]
        found[name] = torch.frombuffer(data, dtype=types[entry["dtype"]]).reshape(entry["shape"])
    return found


class MLP(nn.Module):
    def __init__(self, widths, classes, **_):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(widths, widths[1:]))
        self.head = nn.Linear(widths[-1], classes)

    def forward(self, x):
        for layer in self.layers:
            x = F.relu(layer(x))
        return self.head(x)


class Convnet(nn.Module):
    def __init__(self, side, channels, width, classes, **_):
        super().__init__()
        self.layers = nn.ModuleList(nn.Conv2d(a, b, 3, padding=1) for a, b in zip([3, *channels], channels))
        self.hidden = nn.Linear(channels[-1] * (side // 2 ** len(channels)) ** 2, width)
        self.head = nn.Linear(width, classes)

    def forward(self, x):
        for layer in self.layers:
            x = F.max_pool2d(F.relu(layer(x)), 2)
        return self.head(F.relu(self.hidden(x.flatten(1))))


class Residual(nn.Module):
    def __init__(self, inputs, channels, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, channels, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)
        self.same = stride == 1 and inputs == channels
        if not self.same:
            self.conv3 = nn.Conv2d(inputs, channels, 1, stride, bias=False)
            self.norm3 = nn.BatchNorm2d(channels)

    def forward(self, x):
        y = self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)), inplace=True)))
        return F.relu(y + (x if self.same else self.norm3(self.conv3(x))), inplace=True)


class ResNet(nn.Module):
    def __init__(self, channels, blocks, classes, **_):
        super().__init__()
        self.stem = nn.Conv2d(3, channels[0], 7, 2, 3, bias=False)
        self.norm = nn.BatchNorm2d(channels[0])
        self.stages = nn.ModuleList()
        inputs = channels[0]
        for stage, count in enumerate(channels):
            parts = []
            for i in range(blocks):
                parts.append(Residual(inputs, count, 2 if stage > 0 and i == 0 else 1))
                inputs = count
            self.stages.append(nn.Sequential(*parts))
        self.head = nn.Linear(inputs, classes)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.norm(self.stem(x)), inplace=True), 3, 2, 1)
        for stage in self.stages:
            x = stage(x)
        return self.head(x.mean((2, 3)))


class Attention(nn.Module):
    def __init__(self, width, heads, causal, linear):
        super().__init__()
        self.qkv = linear(width, 3 * width)
        self.out = linear(width, width)
        self.heads, self.causal = heads, causal

    def forward(self, x):
        b, t, d = x.shape
        q, k, v = (part.view(b, t, self.heads, d // self.heads).transpose(1, 2) for part in self.qkv(x).split(d, 2))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        return self.out(y.transpose(1, 2).reshape(b, t, d))


class Block(nn.Module):
    def __init__(self, width, heads, causal, gelu, linear=nn.Linear):
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attention = Attention(width, heads, causal, linear)
        self.norm2 = nn.LayerNorm(width)
        self.up = linear(width, 4 * width)
        self.down = linear(4 * width, width)
        self.gelu = gelu

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.down(F.gelu(self.up(self.norm2(x)), approximate=self.gelu))


class ViT(nn.Module):
    def __init__(self, side, patch, width, layers, heads, classes, **_):
        super().__init__()
        self.patches = nn.Conv2d(3, width, patch, patch)
        self.first = nn.Parameter(torch.empty(1, 1, width))
        self.positions = nn.Parameter(torch.empty(1, (side // patch) ** 2 + 1, width))
        self.blocks = nn.ModuleList(Block(width, heads, False, "none") for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, classes)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.first.expand(len(x), -1, -1), x], 1) + self.positions
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x)[:, 0])


class GPT(nn.Module):
    def __init__(self, length, words, width, layers, heads, linear=nn.Linear, **_):
        super().__init__()
        self.words = nn.Embedding(words, width)
        self.positions = nn.Parameter(torch.empty(length, width))
        self.blocks = nn.ModuleList(Block(width, heads, True, "tanh", linear) for _ in range(layers))
        self.norm = nn.LayerNorm(width)

    def forward(self, ids):
        x = self.words(ids) + self.positions
        for block in self.blocks:
            x = block(x)
        return F.linear(self.norm(x), self.words.weight)


class LSTM(nn.Module):
    def __init__(self, letters, width, layers, **_):
        super().__init__()
        self.letters = nn.Embedding(letters, width)
        self.lstm = nn.LSTM(width, width, layers)
        self.head = nn.Linear(width, letters)

    def forward(self, ids):
        return self.head(self.lstm(self.letters(ids))[0])

    def take(self, weights):
        """ONNX has the gates in the order i o f c, PyTorch i f c o; both biases stand in one."""
        for i in range(self.lstm.num_layers):
            for ours, theirs in (("w", "weight_ih"), ("r", "weight_hh"), ("b", "bias_ih"), ("b", "bias_hh")):
                given = weights.pop(f"lstm.{i}.{ours}") if ours != "b" else weights[f"lstm.{i}.b"].chunk(2, 1)[theirs == "bias_hh"]
                a, b, c, d = given[0].chunk(4)
                getattr(self.lstm, f"{theirs}_l{i}").data.copy_(torch.cat([a, c, d, b]))
            del weights[f"lstm.{i}.b"]


class Adapted(nn.Module):
    """Weights that stay, dequantised from 4 bits (PyTorch has no kernel for them on the CPU), and two narrow matrices that learn."""

    def __init__(self, inputs, width, rank):
        super().__init__()
        self.base = nn.Linear(inputs, width)
        self.a = nn.Parameter(torch.empty(inputs, rank))
        self.b = nn.Parameter(torch.empty(rank, width))

    def forward(self, x):
        return self.base(x) + 2 * (x @ self.a @ self.b)


class LoRA(GPT):
    def __init__(self, rank, **sizes):
        super().__init__(linear=lambda inputs, width: Adapted(inputs, width, rank), **sizes)
        for name, value in self.named_parameters():
            value.requires_grad_(name.rsplit(".", 1)[1:] in (["a"], ["b"]))

    def take(self, weights):
        for name, module in self.named_modules():
            if isinstance(module, Adapted):
                rows, blocks, half = weights[f"{name}.bytes"].shape
                packed = weights.pop(f"{name}.bytes")
                levels = torch.stack([packed & 15, packed >> 4], -1).view(rows, blocks, 2 * half).float() - 8
                module.base.weight.data.copy_((levels * weights.pop(f"{name}.scales").view(rows, blocks, 1)).view(rows, -1))
                module.base.bias.data.copy_(weights.pop(f"{name}.bias"))


nets = {"mlp": MLP, "convnet": Convnet, "resnet18": ResNet, "vit": ViT, "gpt": GPT, "lstm": LSTM, "lora": LoRA}


def take(net, weights):
    """Puts the given values in; each is used, and none is missing."""
    if hasattr(net, "take"):
        net.take(weights)
    turned = {f"{name}.weight" for name, module in net.named_modules() if isinstance(module, nn.Linear)}
    own = dict(net.named_parameters()) | dict(net.named_buffers())
    for name, value in weights.items():
        own[name].data.copy_(value.T if name in turned else value)


def peak():
    """The most memory held since the program began, where the system says so. Linux's ru_maxrss counts what the process was before, too."""
    try:
        status = pathlib.Path("/proc/self/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) * 1024
    except (OSError, IndexError):
        pass
    try:
        import resource
    except ImportError:
        return None
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return held if sys.platform == "darwin" else held * 1024


def main():
    folder = pathlib.Path(sys.argv[1])
    spec = json.loads((folder / "net.json").read_text())
    torch.set_num_threads(spec["threads"])
    tensors = read(folder / "net.safetensors")
    feeds = {name: tensors.pop(name) for name in spec["feeds"]}
    net = nets[spec["net"]](**spec["sizes"])
    take(net, tensors)
    del tensors
    labels = feeds.pop("labels").flatten()
    (x,) = feeds.values()
    optimizer = torch.optim.AdamW([p for p in net.parameters() if p.requires_grad], spec["rate"])
    print(json.dumps({"torch": torch.__version__}), flush=True)
    for line in sys.stdin:
        times, losses = [], []
        used = time.process_time()
        for _ in range(int(line)):
            start = time.perf_counter()
            optimizer.zero_grad()
            scores = net(x)
            loss = F.cross_entropy(scores.flatten(0, -2), labels)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            times.append((time.perf_counter() - start) * 1000)
        cpu = (time.process_time() - used) * 1000
        finite = [value if math.isfinite(value) else None for value in losses]
        print(json.dumps({"times": times, "losses": finite, "cpu": cpu, "peak": peak()}), flush=True)


main()
