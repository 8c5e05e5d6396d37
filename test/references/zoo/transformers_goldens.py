"""
Writes text/*.onnx and text/*.json: a few networks of the sweep, exported, with inputs, loss and PyTorch's own gradients, for
test/gradients/zooText.test.ts. A gradient is stored as what it comes to on waves of the parameter's size (two numbers, see `measured`):
the files stay small.

    python test/references/zoo/transformers_goldens.py
"""
import base64
import json
import math
import os
import random

import numpy as np
import onnx
import torch

from transformers_sweep import WithLoss, export, here, match, perturb, quiet, reference, session, feeds
from transformers_zoo import zoo

chosen = {
    "mpt": "ts.17.dynamic.eval.eager",
    "phi": "dynamo.18.static.eval.eager",
    "xlnet": "ts.17.dynamic.eval.eager",
    "squeezebert": "ts.17.dynamic.eval.eager",
    "fnet": "dynamo.20.static.eval.eager",
    "gpt-neo": "ts.14.dynamic.eval.eager",
    "gemma2": "dynamo.21.dynamic.eval.sdpa",
    "qwen3-moe": "ts.17.static.eval.sdpa",
    "mamba": "dynamo.18.static.eval.eager",
}


def tensor(t):
    return {"dtype": str(t.dtype).removeprefix("torch."), "dims": list(t.shape), "base64": base64.b64encode(t.contiguous().numpy().tobytes()).decode()}


def measured(grad):
    """The norm, and the sums of the products with sin i and cos i: in float64, i counting from 1."""
    flat = grad.astype(np.float64).reshape(-1)
    i = np.arange(1, flat.size + 1)
    return [float(np.linalg.norm(flat)), float(flat @ np.sin(i)), float(flat @ np.cos(i))]


def strip(file):
    """Leaves out what exporters note about where the code stood, long names of values between nodes with it."""
    model = onnx.load(file)
    assert not any(a.type == onnx.AttributeProto.GRAPH for node in model.graph.node for a in node.attribute)
    outputs = {o.name for o in model.graph.output}
    short = {}
    for node in model.graph.node:
        node.name = ""
        for i, name in enumerate(node.input):
            node.input[i] = short.get(name, name)
        for i, name in enumerate(node.output):
            if name and name not in outputs:
                node.output[i] = short.setdefault(name, f"v{len(short)}")
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for value in [*model.graph.value_info, *model.graph.input, *model.graph.output, *model.graph.initializer]:
        del value.metadata_props[:]
        value.doc_string = ""
    del model.metadata_props[:], model.graph.metadata_props[:], model.graph.value_info[:]
    onnx.save(model, file)
    return model


def main():
    folder = os.path.join(here, "text")
    os.makedirs(folder, exist_ok=True)
    for name, setting in chosen.items():
        exporter, opset, kind, mode, attention = setting.split(".")
        torch.manual_seed(3)
        entry = zoo[name]
        model = entry.make(attention).train(mode == "train")
        names = list(entry.inputs(random.Random(1), 0))
        net = WithLoss(model, names, entry.loss).train(mode == "train")
        perturb(net)
        sizes = [list(entry.inputs(random.Random(1 + i), i).values()) for i in range(2 if kind == "dynamic" else 1)]
        truths = [reference(net, inputs) for inputs in sizes]
        net.zero_grad(set_to_none=True)
        params = {n: p.detach().numpy().copy() for n, p in net.named_parameters() if p.requires_grad}
        path = os.path.join(folder, f"{name}.{setting}.onnx")
        with quiet(300):
            export(net, sizes[0], names, entry.axes, setting, path)
        found, lost = match(params, strip(path))
        plain = session(path)
        wanted = {i.name for i in plain.get_inputs()}
        cases = []
        for inputs, (loss, truth) in zip(sizes, truths):
            mine = float(plain.run(None, feeds(plain, names, inputs))[0])
            assert abs(mine - loss) < 3e-5 * abs(loss), f"{name}: the file gives {mine}, torch {loss}"
            cases.append({
                "inputs": {n: tensor(t) for n, t in zip(names, inputs) if n in wanted},
                "loss": loss,
                "gradients": {n: measured(truth[n]) for n in found if n in truth},
            })
        stored = {n: [{"name": i, "turned": how == "turned"} for i, how in places] for n, places in found.items()}
        with open(os.path.join(folder, f"{name}.json"), "w") as f:
            json.dump({"torch": torch.__version__, "file": os.path.basename(path), "lost": lost,
                       "parameters": {n: {"dims": list(params[n].shape), "stored": stored[n]} for n in found}, "cases": cases}, f, indent=1)
        print(name, setting, os.path.getsize(path), os.path.getsize(os.path.join(folder, f"{name}.json")), "lost", lost)


if __name__ == "__main__":
    main()
