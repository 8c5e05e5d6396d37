"""Writes running.*.onnx and running.json: a net with batch normalisation as PyTorch exports it in training and frozen, and five steps of SGD.

    python test/references/running.py
"""
import base64
import json
import os
import onnx
import torch
from torch import nn
import torch.nn.functional as F

torch.set_num_threads(1)
here = os.path.dirname(os.path.abspath(__file__))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 4, 3)
        self.norm = nn.BatchNorm2d(4, momentum=0.3)
        self.out = nn.Linear(4, 3)
        self.last = nn.BatchNorm1d(3, eps=1e-3)

    def forward(self, x, y):
        h = F.relu(self.norm(self.conv(x))).mean((2, 3))
        return F.cross_entropy(self.last(self.out(h)), y)


def tensor(t):
    t = t.detach().contiguous()
    return {"dtype": str(t.dtype).removeprefix("torch."), "dims": list(t.shape), "base64": base64.b64encode(t.numpy().tobytes()).decode()}


torch.manual_seed(4)
x, y = torch.randn(5, 2, 6, 6) + 0.5, torch.randint(0, 3, (5,))
made = {"torch": torch.__version__, "lr": 0.1, "inputs": {"x": tensor(x), "y": tensor(y)}}
for mode in ("training", "frozen"):
    torch.manual_seed(5)
    net = Net().train(mode == "training")
    for name, value in net.state_dict().items():
        if "running" in name:
            value += torch.rand_like(value)
    kind = torch.onnx.TrainingMode.TRAINING if mode == "training" else torch.onnx.TrainingMode.EVAL
    torch.onnx.export(net, (x, y), os.path.join(here, f"running.{mode}.onnx"), dynamo=False, opset_version=17, training=kind,
                      do_constant_folding=False, input_names=["x", "y"], output_names=["loss"],
                      dynamic_axes={"x": {0: "batch"}, "y": {0: "batch"}}, keep_initializers_as_inputs=False)
    # The export itself runs the net in training: begin with what the file holds.
    held = {t.name: torch.tensor(onnx.numpy_helper.to_array(t)) for t in onnx.load(os.path.join(here, f"running.{mode}.onnx")).graph.initializer}
    for name, value in net.state_dict().items():
        if value.is_floating_point():
            value.copy_(held[name])
    optimizer = torch.optim.SGD(net.parameters(), lr=made["lr"])
    losses = []
    for _ in range(5):
        optimizer.zero_grad()
        loss = net(x, y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    made[mode] = {"losses": losses, "state": {n: tensor(v) for n, v in net.state_dict().items() if v.is_floating_point()}}
with open(os.path.join(here, "running.json"), "w") as f:
    json.dump(made, f, indent=1)
