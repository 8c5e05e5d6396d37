"""Writes, for three small nets of images, the graph that PyTorch exports (images.<net>.onnx) and the loss and gradients that it finds
(images.<net>.json). Run with a Python that has torch and onnx:

    python test/references/images.py test/references

All numbers are float32; a tensor is listed row by row. The graphs take `x` and give `loss`.
"""
import json
import sys
import warnings
from pathlib import Path

import onnx
import torch
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator
from torch import nn
from torch.nn import functional as F

warnings.filterwarnings("ignore")
torch.manual_seed(0)


class Convnet(nn.Module):
    """Strides, padding, groups, dilation, pooling, and batch normalisation in training."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.norm1 = nn.BatchNorm2d(8)
        self.grouped = nn.Conv2d(8, 12, 3, padding=(1, 2), dilation=(1, 2), groups=2, bias=False)
        self.norm2 = nn.BatchNorm2d(12, momentum=0.3, eps=1e-3)
        self.depthwise = nn.Conv2d(12, 12, 3, stride=(1, 2), padding=1, groups=12)
        self.point = nn.Conv2d(12, 20, 1)
        self.wide = nn.Conv2d(20, 18, 2)
        self.out = nn.Linear(18, 4)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.norm1(self.stem(x))), 3, stride=2, padding=1, ceil_mode=True)
        x = F.relu(self.norm2(self.grouped(x)))
        x = F.avg_pool2d(self.point(self.depthwise(x)), 3, stride=1, padding=1)
        x = F.max_pool2d(self.wide(F.lp_pool2d(x, 2, 2, stride=1)), (2, 1), stride=1)
        return (self.out(F.adaptive_avg_pool2d(x, 1).reshape(4, 18)) ** 2).mean()


class Resampler(nn.Module):
    """Every way to resize, to read between pixels and to pad."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(2, 4, 3, padding=1, padding_mode="reflect")
        self.norm = nn.InstanceNorm2d(4, affine=True)
        self.theta = nn.Parameter(torch.tensor([[[0.83, 0.21, 0.13], [-0.27, 1.14, -0.08]]]) + torch.randn(2, 2, 3) * 0.05)
        self.grid = nn.Parameter(torch.rand(2, 5, 4, 2) * 2.6 - 1.3)
        self.up = nn.ConvTranspose2d(1, 3, 3, stride=2, padding=1, output_padding=1)

    def forward(self, x):
        x = self.norm(self.first(x))
        x = F.interpolate(x, scale_factor=2, mode="nearest")
        x = F.interpolate(x, size=(9, 7), mode="bilinear", align_corners=False)
        x = F.interpolate(x, size=(6, 8), mode="bilinear", align_corners=True)
        x = F.pixel_shuffle(x, 2)
        a = F.grid_sample(x, F.affine_grid(self.theta, (2, 1, 6, 5), align_corners=False), padding_mode="border", align_corners=False)
        b = F.grid_sample(x, self.grid, mode="bicubic", padding_mode="reflection", align_corners=True)
        c = F.grid_sample(x, self.grid, mode="nearest", padding_mode="zeros", align_corners=False)
        b = F.interpolate(F.pad(b, (1, 1, 2, 0), mode="replicate"), size=(11, 5), mode="bicubic", align_corners=False)
        return (self.up(a) ** 2).mean() + (b * b * b).mean() + c.mean() + F.pad(x, (-1, 2, 0, 1), value=0.5).square().mean()


class Volume(nn.Module):
    """Three dimensions, and one."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv3d(2, 6, (2, 3, 3), stride=(1, 2, 1), padding=(0, 1, 1), dilation=(2, 1, 1))
        self.norm = nn.GroupNorm(3, 6)
        self.up = nn.ConvTranspose3d(6, 4, 3, stride=(1, 2, 2), padding=1, output_padding=(0, 1, 0), groups=2)
        self.line = nn.Conv1d(4, 5, 3, padding=2, stride=2)
        self.lineUp = nn.ConvTranspose1d(5, 3, 4, stride=2, dilation=2)

    def forward(self, x):
        x = F.silu(self.norm(self.first(x)))
        x = F.max_pool3d(x, (1, 2, 2), stride=(1, 1, 2), padding=(0, 1, 0))
        x = F.avg_pool3d(self.up(x), 2, stride=(1, 2, 1), padding=(0, 1, 1), count_include_pad=False, ceil_mode=True)
        x = F.interpolate(x, scale_factor=(1, 2, 1), mode="trilinear", align_corners=False)
        x = self.lineUp(F.max_pool1d(F.gelu(self.line(x.flatten(2))), 3))
        return (torch.tanh(x) ** 2).mean() + F.adaptive_max_pool1d(x, 1).sum()


def fold(path, keep):
    """Reckons out what does not depend on `x` or on a name in `keep`: the arithmetic with shapes that the exporter writes."""
    before = 0
    while before != (before := len((model := onnx.load(path)).graph.node)):
        model = onnx.shape_inference.infer_shapes(model)
        shapes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in [*model.graph.value_info, *model.graph.input]}
        shapes |= {i.name: list(i.dims) for i in model.graph.initializer}
        known = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer if i.name not in keep}
        nodes = []
        for node in model.graph.node:
            if node.op_type == "Constant" and node.attribute[0].name == "value":
                known[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
                model.graph.initializer.append(numpy_helper.from_array(known[node.output[0]], node.output[0]))
                continue
            static = node.op_type == "Shape" and all(shapes.get(node.input[0], [0]))
            if not static and not all(name in known for name in node.input if name):
                nodes.append(node)
                continue
            feeds = {n: known[n] for n in node.input if n in known} or {n: torch.zeros(shapes[n]).numpy() for n in node.input}
            info = [onnx.helper.make_tensor_value_info(n, onnx.helper.np_dtype_to_tensor_dtype(v.dtype), v.shape) for n, v in feeds.items()]
            outputs = [onnx.ValueInfoProto(name=n) for n in node.output]
            one = onnx.helper.make_model(onnx.helper.make_graph([node], "one", info, outputs), opset_imports=model.opset_import)
            for name, value in zip(node.output, ReferenceEvaluator(one).run(None, feeds)):
                known[name] = value
                model.graph.initializer.append(numpy_helper.from_array(value, name))
        used = {n for node in nodes for n in node.input}
        initializers = [i for i in model.graph.initializer if i.name in used and i.name in keep]
        constants = [i for i in model.graph.initializer if i.name in used and i.name not in keep]
        del model.graph.node[:], model.graph.initializer[:], model.graph.value_info[:]
        model.graph.node.extend(onnx.helper.make_node("Constant", [], [i.name], value=i) for i in constants)
        model.graph.node.extend(nodes)
        model.graph.initializer.extend(initializers)
        onnx.save(model, path)


def write(folder, name, net, x, training):
    net.train(training)
    x.requires_grad_()
    start = {k: v.clone() for k, v in net.state_dict().items()}
    loss = net(x)
    loss.backward()
    net.load_state_dict(start)
    mode = torch.onnx.TrainingMode.TRAINING if training else torch.onnx.TrainingMode.EVAL
    torch.onnx.export(
        net, (x.detach(),), str(folder / f"images.{name}.onnx"), input_names=["x"], output_names=["loss"], opset_version=20,
        training=mode, do_constant_folding=False, dynamo=False,
    )  # fmt: skip
    fold(str(folder / f"images.{name}.onnx"), set(start))
    numbers = lambda t: [float(f"{v:.8g}") for v in t.detach().flatten().tolist()]
    gradients = {"x": numbers(x.grad), **{k: numbers(p.grad) for k, p in net.named_parameters()}}
    record = {"x": {"dims": list(x.shape), "values": numbers(x)}, "loss": loss.item(), "gradients": gradients}
    (folder / f"images.{name}.json").write_text(json.dumps(record))


folder = Path(sys.argv[1])
write(folder, "convnet", Convnet(), torch.randn(4, 3, 17, 15), True)
write(folder, "resampler", Resampler(), torch.randn(2, 2, 5, 6), False)
write(folder, "volume", Volume(), torch.randn(2, 2, 4, 5, 4), False)
