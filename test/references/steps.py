"""Runs step files of `paddock train-step` on stock onnxruntime for 20 steps beside PyTorch's own optimizers, all with their defaults, and
prints how far the parameters are apart (norm of the difference over norm, the worst parameter). Not part of the tests, which have stored
results of a smaller net (optimizers.py). Run with a Python that has torch, onnxscript and onnxruntime, after `npm run build`:

    python test/references/steps.py [net …]
"""
import json, os, subprocess, sys, tempfile
import numpy as np
import onnx, onnxruntime, torch
from torch import nn, optim as o

torch.manual_seed(1)
torch.set_num_threads(1)
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Classifier(nn.Module):
    def __init__(self, body):
        super().__init__()
        self.body = body

    def forward(self, x, y):
        return nn.functional.cross_entropy(self.body(x), y)


class Gpt(nn.Module):
    """Two blocks, causal attention, the head tied to the embedding. No bias of keys: its gradient is zero, so rounding alone would decide its steps."""

    def __init__(self, words=64, width=64, heads=4, time=24):
        super().__init__()
        self.words, self.places = nn.Embedding(words, width), nn.Embedding(time, width)
        block = lambda: nn.ModuleDict({"n1": nn.LayerNorm(width), "qkv": nn.Linear(width, 3 * width, bias=False), "out": nn.Linear(width, width),
                                       "n2": nn.LayerNorm(width), "up": nn.Linear(width, 4 * width), "down": nn.Linear(4 * width, width)})
        self.blocks, self.norm, self.heads = nn.ModuleList([block(), block()]), nn.LayerNorm(width), heads

    def forward(self, x, y):
        B, T = x.shape
        h = self.words(x) + self.places.weight[:T]
        mask = torch.triu(torch.full((T, T), float("-inf")), 1)
        for b in self.blocks:
            q, k, v = (t.reshape(B, T, self.heads, -1).transpose(1, 2) for t in b["qkv"](b["n1"](h)).chunk(3, -1))
            a = torch.softmax(q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5 + mask, -1) @ v
            h = h + b["out"](a.transpose(1, 2).reshape(B, T, -1))
            h = h + b["down"](nn.functional.gelu(b["up"](b["n2"](h))))
        return nn.functional.cross_entropy((self.norm(h) @ self.words.weight.T).reshape(B * T, -1), y.reshape(-1))


nets = {
    "mlp": (Classifier(nn.Sequential(nn.Linear(64, 512), nn.ReLU(), nn.Linear(512, 128), nn.ReLU(), nn.Linear(128, 10))),
            lambda: (torch.randn(64, 64), torch.randint(0, 10, (64,)))),
    "convnet": (Classifier(nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.GroupNorm(4, 16), nn.ReLU(), nn.MaxPool2d(2),
                                         nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(512, 10))),
                lambda: (torch.randn(16, 3, 16, 16), torch.randint(0, 10, (16,)))),
    "gpt": (Gpt(), lambda: (torch.randint(0, 64, (4, 24)), torch.randint(0, 64, (4, 24)))),
}


def muon(p):
    return [o.Muon([v for v in p if v.ndim == 2]), o.AdamW([v for v in p if v.ndim != 2])]


optimizers = {
    "sgd": o.SGD, "momentum": lambda p: o.SGD(p, momentum=0.9), "nesterov": lambda p: o.SGD(p, momentum=0.9, nesterov=True),
    "rmsprop": o.RMSprop, "adagrad": o.Adagrad, "adadelta": o.Adadelta, "adam": o.Adam, "adamw": o.AdamW, "adamax": o.Adamax,
    "nadam": o.NAdam, "radam": o.RAdam, "asgd": o.ASGD, "rprop": o.Rprop, "adafactor": o.Adafactor, "muon": muon,
}


def paddock(*args):
    done = subprocess.run(["node", os.path.join(ROOT, "bin/paddock.mjs"), *args, "--json"], capture_output=True, text=True)
    return json.loads(done.stdout)


def compare(net, batches, name, model):
    out = model + ".step.onnx"
    told = paddock("train-step", model, "--loss", "loss", "--optimizer", name, "--out", out)
    onnx.checker.check_model(out)
    session = onnxruntime.InferenceSession(out)
    state = {}
    for s in told["states"]:
        whole = s["initial"]
        state[s["name"]] = (np.full(s["shape"], whole, s["dtype"]) if isinstance(whole, (int, float))
                            else dict(net.named_parameters())[whole["initializer"]].detach().numpy().copy())
    lr = np.array(told["hyperparameters"]["lr"], "float32")
    names = [v.name for v in session.get_outputs()]
    made = optimizers[name](list(net.parameters()))
    for i in range(20):
        x, y = batches[i % len(batches)]
        got = dict(zip(names, session.run(None, {"x": x.numpy(), "y": y.numpy(), "lr": lr, **state})))
        state = {k: got[f"next:{k}"] for k in state}
        net.zero_grad()
        net(x, y).backward()
        for opt in made if isinstance(made, list) else [made]:
            opt.step()
    apart = lambda p, q: float(np.linalg.norm(p - q) / np.linalg.norm(p))
    each = {k: apart(p.detach().numpy(), state[k]) for k, p in net.named_parameters()}
    every = lambda values: np.concatenate([np.ravel(v) for v in values])
    whole = apart(every(p.detach().numpy() for p in net.parameters()), every(state[k] for k, _ in net.named_parameters()))
    worst = max(each, key=each.get)
    return f"{name:10s} all {whole:.1e}   worst {each[worst]:.1e} ({worst})"


with tempfile.TemporaryDirectory() as folder:
    for title in sys.argv[1:] or nets:
        net, draw = nets[title]
        batches = [draw() for _ in range(4)]
        start = {k: v.clone() for k, v in net.state_dict().items()}
        model = os.path.join(folder, f"{title}.onnx")
        torch.onnx.export(net, batches[0], model, input_names=["x", "y"], output_names=["loss"], opset_version=18, dynamo=False,
                          do_constant_folding=False, training=torch.onnx.TrainingMode.TRAINING)
        print(title, flush=True)
        for name in optimizers:
            net.load_state_dict(start)
            print("  " + compare(net, batches, name, model), flush=True)
