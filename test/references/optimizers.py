"""Writes optimizers.onnx, a small net, and optimizers.json: what PyTorch's optimizers make of it in 20 steps, beside the flags of
`paddock train-step` that ask for the same. Run with a Python that has torch and onnxscript:

    python test/references/optimizers.py

The net: a convolution, a hidden layer, an output layer; parameters of four, two and one axes. Two batches take turns. Numbers are float32 in base64.
Muon takes matrices alone; the other parameters go by AdamW with its own defaults. Optimizers are PyTorch's own, unchanged.
"""
import base64, json, os
import torch
from torch import nn, optim as o

torch.manual_seed(0)
torch.set_num_threads(1)
STEPS = 20
HERE = os.path.dirname(os.path.abspath(__file__))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 3, 3)
        self.hidden = nn.Linear(27, 6)
        self.out = nn.Linear(6, 3)

    def forward(self, x, y):
        h = torch.tanh(self.conv(x)).flatten(1)
        return nn.functional.cross_entropy(self.out(torch.tanh(self.hidden(h))), y)


net = Net()
start = {k: v.clone() for k, v in net.state_dict().items()}
batches = [(torch.randn(6, 2, 5, 5), torch.randint(0, 3, (6,))) for _ in range(2)]
floats = lambda t: base64.b64encode(t.detach().contiguous().numpy().astype("<f4").tobytes()).decode()
torch.onnx.export(net, batches[0], os.path.join(HERE, "optimizers.onnx"), input_names=["x", "y"], output_names=["loss"],
                  opset_version=18, dynamo=False)


def run(make, clip=None, clip_value=None):
    net.load_state_dict(start)
    made = make(list(net.parameters()))
    opts = made if isinstance(made, list) else [made]
    losses = []
    for i in range(STEPS):
        net.zero_grad()
        loss = net(*batches[i % 2])
        loss.backward()
        if clip:
            nn.utils.clip_grad_norm_(net.parameters(), clip)
        if clip_value:
            nn.utils.clip_grad_value_(net.parameters(), clip_value)
        for opt in opts:
            opt.step()
        losses.append(loss.item())
    return {"losses": losses, "parameters": {k: floats(v) for k, v in net.named_parameters()}}


def muon(p, lr=1e-3, **more):
    matrices, rest = [v for v in p if v.ndim == 2], [v for v in p if v.ndim != 2]
    decay = {k: v for k, v in more.items() if k == "weight_decay"}
    return [o.Muon(matrices, lr, **more), o.AdamW(rest, lr, **decay)]


rows = [
    # each with PyTorch's defaults on both sides
    ("sgd", lambda p: o.SGD(p)),
    ("momentum", lambda p: o.SGD(p, momentum=0.9)),
    ("nesterov", lambda p: o.SGD(p, momentum=0.9, nesterov=True)),
    ("rmsprop", lambda p: o.RMSprop(p)),
    ("adagrad", lambda p: o.Adagrad(p)),
    ("adadelta", lambda p: o.Adadelta(p)),
    ("adam", lambda p: o.Adam(p)),
    ("adamw", lambda p: o.AdamW(p)),
    ("adamax", lambda p: o.Adamax(p)),
    ("nadam", lambda p: o.NAdam(p)),
    ("radam", lambda p: o.RAdam(p)),
    ("asgd", lambda p: o.ASGD(p)),
    ("rprop", lambda p: o.Rprop(p)),
    ("adafactor", lambda p: o.Adafactor(p)),
    ("muon", lambda p: muon(p)),
    # each option
    ("sgd --lr 0.1 --weight-decay 0.1", lambda p: o.SGD(p, 0.1, weight_decay=0.1)),
    ("sgd --lr 0.1 --momentum 0.9", lambda p: o.SGD(p, 0.1, momentum=0.9)),
    ("sgd --lr 0.1 --momentum 0.8 --nesterov --weight-decay 0.02", lambda p: o.SGD(p, 0.1, momentum=0.8, nesterov=True, weight_decay=0.02)),
    ("sgd --lr 0.1 --momentum 0.9 --dampening 0.4 --weight-decay 0.01",
     lambda p: o.SGD(p, 0.1, momentum=0.9, dampening=0.4, weight_decay=0.01)),
    ("momentum --lr 0.1 --momentum 0.5 --weight-decay 0.01", lambda p: o.SGD(p, 0.1, momentum=0.5, weight_decay=0.01)),
    ("nesterov --lr 0.1 --momentum 0.6 --weight-decay 0.05", lambda p: o.SGD(p, 0.1, momentum=0.6, nesterov=True, weight_decay=0.05)),
    ("rmsprop --momentum 0.9", lambda p: o.RMSprop(p, momentum=0.9)),
    ("rmsprop --centered", lambda p: o.RMSprop(p, centered=True)),
    ("rmsprop --lr 0.02 --beta2 0.9 --eps 1e-4 --momentum 0.5 --centered --weight-decay 0.01",
     lambda p: o.RMSprop(p, 0.02, alpha=0.9, eps=1e-4, momentum=0.5, centered=True, weight_decay=0.01)),
    ("adagrad --lr 0.05 --weight-decay 0.1", lambda p: o.Adagrad(p, 0.05, weight_decay=0.1)),
    ("adagrad --lr 0.05 --set lrDecay=0.1 --set initialSum=0.2", lambda p: o.Adagrad(p, 0.05, lr_decay=0.1, initial_accumulator_value=0.2)),
    ("adadelta --lr 2 --beta2 0.8 --eps 1e-5 --weight-decay 0.05", lambda p: o.Adadelta(p, 2, rho=0.8, eps=1e-5, weight_decay=0.05)),
    ("adam --lr 0.02 --beta1 0.8 --beta2 0.99 --eps 1e-3 --weight-decay 0.05", lambda p: o.Adam(p, 0.02, (0.8, 0.99), 1e-3, 0.05)),
    ("adam --lr 0.02 --amsgrad", lambda p: o.Adam(p, 0.02, amsgrad=True)),
    ("adam --lr 0.02 --weight-decay 0.1 --decoupled", lambda p: o.Adam(p, 0.02, weight_decay=0.1, decoupled_weight_decay=True)),
    ("adamw --lr 0.02 --weight-decay 0.3", lambda p: o.AdamW(p, 0.02, weight_decay=0.3)),
    ("adamw --lr 0.02 --beta1 0.95 --beta2 0.95 --amsgrad", lambda p: o.AdamW(p, 0.02, (0.95, 0.95), amsgrad=True)),
    ("adamax --lr 0.02 --beta1 0.8 --beta2 0.9 --weight-decay 0.1", lambda p: o.Adamax(p, 0.02, (0.8, 0.9), weight_decay=0.1)),
    ("nadam --lr 0.02 --beta1 0.8 --weight-decay 0.02 --set momentumDecay=0.1",
     lambda p: o.NAdam(p, 0.02, (0.8, 0.999), weight_decay=0.02, momentum_decay=0.1)),
    ("nadam --lr 0.02 --weight-decay 0.1 --decoupled", lambda p: o.NAdam(p, 0.02, weight_decay=0.1, decoupled_weight_decay=True)),
    ("radam --lr 0.02 --beta2 0.95 --weight-decay 0.02", lambda p: o.RAdam(p, 0.02, (0.9, 0.95), weight_decay=0.02)),
    ("radam --lr 0.02 --weight-decay 0.1 --decoupled", lambda p: o.RAdam(p, 0.02, weight_decay=0.1, decoupled_weight_decay=True)),
    ("asgd --lr 0.1 --weight-decay 0.01 --set lambd=0.01 --set alpha=0.5 --set t0=5",
     lambda p: o.ASGD(p, 0.1, lambd=0.01, alpha=0.5, t0=5, weight_decay=0.01)),
    ("rprop --lr 0.005 --set shrink=0.4 --set grow=1.5 --set mostSize=0.05", lambda p: o.Rprop(p, 0.005, (0.4, 1.5), (1e-6, 0.05))),
    ("adafactor --lr 0.05 --set threshold=1.5 --set beta2Decay=-0.5 --set eps2=0.01 --weight-decay 0.1",
     lambda p: o.Adafactor(p, 0.05, d=1.5, beta2_decay=-0.5, eps=(None, 0.01), weight_decay=0.1)),
    ("muon --lr 0.02 --weight-decay 0.05", lambda p: muon(p, 0.02, weight_decay=0.05)),
    ("muon --lr 0.02 --momentum 0.8 --set nesterov=false --set nsSteps=3 --set adjustLr=match_rms_adamw",
     lambda p: muon(p, 0.02, momentum=0.8, nesterov=False, ns_steps=3, adjust_lr_fn="match_rms_adamw")),
    # clipped gradients
    ("sgd --lr 0.1 --clip-norm 0.1", lambda p: o.SGD(p, 0.1), {"clip": 0.1}),
    ("adamw --lr 0.02 --clip-norm 0.5", lambda p: o.AdamW(p, 0.02), {"clip": 0.5}),
    ("sgd --lr 0.1 --clip-value 0.02", lambda p: o.SGD(p, 0.1), {"clip_value": 0.02}),
]
made = {
    "torch": torch.__version__,
    "batches": [{"x": floats(x), "y": y.tolist()} for x, y in batches],
    "rows": [{"optimizer": flags, **run(make, **(more[0] if more else {}))} for flags, make, *more in rows],
}
with open(os.path.join(HERE, "optimizers.json"), "w") as f:
    json.dump(made, f, indent=1)
    f.write("\n")
