"""
Five steps of AdamW: `paddock train-step` on exported networks of the zoo, run by onnxruntime, against torch.optim.AdamW on the same batch.

    python test/references/zoo/transformers_steps.py [--models bert,gpt2,…] [--setting ts.17.static.train.eager]

Prints the worst |difference| / |parameter| after the last step (norms), and the losses of both. Left out are elements whose gradient is zero but
for rounding (a bias of attention keys): AdamW divides by its size, so that rounding alone decides where they go.
"""
import argparse
import os
import random
import tempfile

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from transformers_sweep import Paddock, WithLoss, aligned, export, match, perturb, quiet, session
from transformers_zoo import zoo

dtypes = {"float32": np.float32, "int64": np.int64}


def steps(paddock, name, setting, folder, count=5, lr=1e-3, decay=0.01):
    attention, mode = setting.split(".")[4], setting.split(".")[3]
    entry = zoo[name]
    torch.manual_seed(3)
    model = entry.make(attention)
    made = entry.inputs(random.Random(1), 0)
    net = WithLoss(model, list(made), entry.loss).train(mode == "train")
    perturb(net)
    first = {n: p.detach().numpy().copy() for n, p in net.named_parameters() if p.requires_grad}
    path, out = os.path.join(folder, f"{name}.onnx"), os.path.join(folder, f"{name}.step.onnx")
    with quiet(300):
        export(net, list(made.values()), list(made), entry.axes, setting, path, fold=False)
    found, lost = match(first, onnx.load(path))
    answer = paddock.ask("step", model=path, loss="loss", optimizer="adamw", lr=lr, settings={"weightDecay": decay}, out=out)
    assert answer["ok"], answer["error"]["message"]
    result = answer["value"]
    initial = {t.name: numpy_helper.to_array(t) for t in onnx.load(out).graph.initializer}
    state = {}
    for s in result["states"]:
        start = s["initial"]
        state[s["name"]] = initial["initial:" + start["initializer"]] if isinstance(start, dict) else np.full(s["shape"], start, dtypes[s["dtype"]])
    run = session(out)
    wanted = {i.name for i in run.get_inputs()}
    nexts = {s["name"]: s["next"] for s in result["states"] if s["next"]}
    optimizer = torch.optim.AdamW(net.parameters(), lr=lr, weight_decay=decay)
    losses, real = [], {}
    for _ in range(count):
        optimizer.zero_grad(set_to_none=True)
        loss = net(*made.values())
        loss.backward()
        sizes = {n: p.grad.abs() for n, p in net.named_parameters() if p.grad is not None}
        largest = max(float(v.max()) for v in sizes.values())
        real = {n: real.get(n, True) & (v > 1e-6 * largest).numpy() for n, v in sizes.items()}
        optimizer.step()
        feeds = {**{k: v.numpy() for k, v in made.items()}, "lr": np.array(lr, np.float32), **state}
        values = run.run(["loss", *nexts.values()], {k: v for k, v in feeds.items() if k in wanted})
        state |= dict(zip(nexts, values[1:]))
        losses.append((loss.item(), float(values[0])))
    worst, where = 0.0, ""
    for n, p in net.named_parameters():
        places = found.get(n, [])
        if len(places) != 1 or p.grad is None:
            continue  # stored more than once: the file trains the copies apart
        stored, how = places[0]
        mine, truth = aligned(state[stored], how, first[n]), p.detach().numpy()
        error = float(np.linalg.norm((mine - truth)[real[n]]) / np.linalg.norm(truth))
        if error > worst:
            worst, where = error, n
    return worst, where, losses, sum(len(v) > 1 for v in found.values()), len(lost)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--models", default="bert,gpt2,llama,t5,mamba,vit,convnext,resnet")
    parser.add_argument("--setting", default="ts.17.static.train.eager")
    args = parser.parse_args()
    paddock = Paddock()
    folder = tempfile.mkdtemp(prefix="zoo-")
    for name in args.models.split(","):
        worst, where, losses, twice, lost = steps(paddock, name, args.setting, folder)
        print(f"{'ok' if worst < 1e-4 else 'FAIL':5} {name:12} {args.setting} worst {worst:.1e} {where} losses {losses[0]} … {losses[-1]} stored twice {twice} lost {lost}", flush=True)
