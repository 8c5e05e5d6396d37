"""Exports the zoo's models in many ways, has their gradient graphs made (driver.mjs), and holds every gradient of every parameter against
PyTorch's. Prints one line a graph: case, way of export, worst relative error (norm of the difference over norm), or what went wrong.

    python test/references/zoo/sweep.py [--only PATTERN] [--ways PATTERN] [--keep DIR] [--all]

Needs torch, onnx, onnxscript and onnxruntime, and the checkout's node_modules.
"""
import argparse
import collections
import importlib
import inspect
import json
import logging
import os
import re
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import numpy_helper
from torch import nn

warnings.filterwarnings("ignore")
logging.disable(logging.ERROR)
os.environ.setdefault("TORCHDYNAMO_DISABLE_VERBOSE", "1")
torch.set_num_threads(1)
here = Path(__file__).parent
sys.path.insert(0, str(here))
from cases import Case, cases  # noqa: E402

for module in ("vision", "mobile", "patches", "dense", "plain", "layers", "functions"):
    if (here / f"{module}.py").exists():
        importlib.import_module(module)

# A way: exporter, opset, folded, batch left open, mode of the module.
ways = {
    "ts13": ("ts", 13, False, True, "eval"),
    "ts13t": ("ts", 13, False, False, "train"),
    "ts14": ("ts", 14, False, False, "preserve"),
    "ts16": ("ts", 16, True, True, "eval"),
    "ts17": ("ts", 17, True, False, "eval"),
    "ts20": ("ts", 20, False, True, "eval"),
    "ts17t": ("ts", 17, False, True, "train"),
    "ts20t": ("ts", 20, True, False, "train"),
    "dy18": ("dynamo", 18, False, True, "eval"),
    "dy20": ("dynamo", 20, True, False, "eval"),
    "dy21": ("dynamo", 21, True, True, "eval"),
    "dy18t": ("dynamo", 18, False, False, "train"),
}
usual = ["ts13", "ts17", "ts17t", "dy18", "dy20"]


class Driver:
    """The process that makes gradient graphs."""

    def __init__(self):
        self.process = subprocess.Popen(["node", here / "driver.mjs"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        json.loads(self.process.stdout.readline())

    def __call__(self, **task):
        self.process.stdin.write(json.dumps(task) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


def made(case: Case, train: bool) -> nn.Module:
    """The module, off the flat places where biases are zero and scales one; dropout lets all through."""
    torch.manual_seed(3)
    module = case.make()
    for name, p in module.named_parameters():
        if p.is_floating_point() and not getattr(module, "exact", False):
            p.data += 0.03 * torch.randn_like(p)
    for m in module.modules():
        if isinstance(m, nn.modules.batchnorm._NormBase) and m.running_mean is not None:
            m.running_mean += 0.1 * torch.randn_like(m.running_mean)
            m.running_var += 0.5 * torch.rand_like(m.running_var)
        if isinstance(m, nn.modules.dropout._DropoutNd):
            m.p = 0.0
    return module.train(train)


def export(case, module, way, path):
    kind, opset, fold, dynamic, mode = ways[way]
    axes = case.dynamic if dynamic else ()
    if kind == "ts":
        training = {"eval": torch.onnx.TrainingMode.EVAL, "preserve": torch.onnx.TrainingMode.PRESERVE, "train": torch.onnx.TrainingMode.TRAINING}[mode]
        torch.onnx.export(
            module, case.inputs, path, dynamo=False, opset_version=opset, input_names=list(case.names), output_names=["loss"],
            dynamic_axes={case.names[i]: {0: "batch"} for i in axes}, do_constant_folding=fold, training=training)
    else:
        batch = torch.export.Dim("batch", min=2, max=1024)
        shapes = tuple({0: batch} if i in axes else None for i in range(len(case.inputs))) if axes else None
        if shapes and any(p.kind is p.VAR_POSITIONAL for p in inspect.signature(module.forward).parameters.values()):
            shapes = (shapes,)
        program = torch.onnx.export(
            module, case.inputs, dynamo=True, opset_version=opset, input_names=list(case.names), output_names=["loss"],
            dynamic_shapes=shapes, optimize=fold, verbose=False)
        program.save(path, external_data=False)
    return onnx.load(path)


def reference(make, inputs):
    """Loss and gradients in float32, and gradients in float64 to tell rounding by."""
    def run(m, x):
        loss = m(*x)
        loss.backward()
        return loss.item(), {n: p.grad.detach().numpy().copy() for n, p in m.named_parameters() if p.grad is not None}
    loss, single = run(make(), inputs)
    try:
        _, double = run(make().double(), [x.double() if x.dtype == torch.float32 else x for x in inputs])
    except Exception:
        double = single
    return loss, single, double


def folded(module):
    """What exporters make of a convolution and the frozen normalisation after it: (weight, bias, names, gradients from theirs)."""
    found = []
    layers = [(n, m) for n, m in module.named_modules() if isinstance(m, (nn.modules.conv._ConvNd, nn.modules.batchnorm._BatchNorm, nn.Linear))]
    norms = [(n, m) for n, m in layers if isinstance(m, nn.modules.batchnorm._BatchNorm) and m.running_var is not None]
    for name, conv in layers:
        if isinstance(conv, nn.modules.batchnorm._BatchNorm):
            continue
        for other, norm in norms:
            up = isinstance(conv, nn.modules.conv._ConvTransposeNd)
            out = conv.weight.shape[0] if isinstance(conv, nn.Linear) else conv.out_channels
            if norm.num_features != out:
                continue
            scale = 1 / torch.sqrt(norm.running_var + norm.eps)
            scale = scale * norm.weight if norm.affine else scale
            shape = [1, -1] + [1] * (conv.weight.dim() - 2) if up else [-1] + [1] * (conv.weight.dim() - 1)
            if up and conv.groups > 1:
                continue
            with torch.no_grad():
                found.append((name, other, (conv.weight * scale.reshape(shape)).numpy(), scale.reshape(shape).numpy()))
    return found


def gathered(model, out, module, gradients):
    """For each parameter its gradient as the graph gives it: by name, by the exact values of what the exporter turned or joined, or through
    the folding of a normalisation. Also the names of those that are nowhere."""
    inits = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer if i.data_type in (1, 11, 10)}
    params = {n: p.detach().numpy() for n, p in module.named_parameters()}
    names = {id(p): n for n, p in module.named_parameters()}
    also = {}  # other names of shared parameters
    for n, p in module.named_parameters(remove_duplicate=False):
        also.setdefault(names[id(p)], []).append(n)
    got, used = {}, set()
    for n in gradients:
        same = [i for i in also[n] if f"grad:{i}" in out and inits[i].shape == params[n].shape and np.allclose(inits[i], params[n], rtol=1e-6)]
        if same:
            got[n] = out[f"grad:{same[0]}"]
            used.add(same[0])
    rest = {n for n in gradients if n not in got}
    free = {i: v for i, v in inits.items() if i not in used and f"grad:{i}" in out and v.size}
    where = {}
    for n in gradients if not getattr(module, "exact", False) else ():
        for at, bits in enumerate(params[n].ravel()):
            where.setdefault(float(bits), []).append((n, at))
    # What an exporter copied, turned or joined adds to what the parameter itself gets.
    sums = {n: np.zeros(params[n].size, params[n].dtype) for n in gradients}
    hits = {n: np.zeros(params[n].size, bool) for n in gradients}
    for i, v in list(free.items()):
        flat = v.ravel()
        if not all(float(b) in where for b in flat):
            continue
        del free[i]
        votes = collections.Counter(n for b in flat for n, _ in where[float(b)])
        for place, b in enumerate(flat):
            most = max(votes[n] for n, _ in where[float(b)])  # a number that two parameters share belongs to the one that is here in full
            for n, at in where[float(b)]:
                if votes[n] < most:
                    continue
                sums[n][at] += out[f"grad:{i}"].ravel()[place]
                hits[n][at] = True
    for n in gradients:
        if n in rest and hits[n].all() or n in got:
            got[n] = got.get(n, 0) + sums[n].reshape(params[n].shape)
    rest = {n for n in rest if n not in got}
    for conv, norm, weight, scale in folded(module) if rest else ():
        for i, v in list(free.items()):
            turned = v if v.shape == weight.shape else v.T if v.T.shape == weight.shape else None
            if turned is None or not np.allclose(turned, weight, rtol=1e-4, atol=1e-6):
                continue
            dx = out[f"grad:{i}"]
            got[f"{conv}.weight"] = (dx if v.shape == weight.shape else dx.T) * scale
            rest -= {f"{conv}.weight", f"{conv}.bias", f"{norm}.weight", f"{norm}.bias"}
            break
    return got, rest


def distance(got, single, double, whole):
    """Relative error, 0 where PyTorch's own rounding is of that size."""
    norm = lambda v: float(np.linalg.norm(v.astype(np.float64).ravel()))
    if got.shape != single.shape or not np.isfinite(got).all() and np.isfinite(single).all():
        return float("inf")
    gap = norm(got - single)
    if gap <= 1e-4 * norm(single):
        return gap / max(norm(single), 1e-30)
    if norm(got - double) <= 3 * norm(single - double) + 2e-7 * whole:
        return 0.0
    return gap / max(norm(single), 1e-30)


def run(path, given):
    """Everything a graph gives, by name."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    wanted = {i.name for i in session.get_inputs()}
    values = session.run(None, {n: v.numpy() for n, v in given.items() if n in wanted})
    return dict(zip([o.name for o in session.get_outputs()], values))


def check(case, way, driver, folder):
    """A line about one graph: (status, worst, text)."""
    kind, _, fold, _, mode = ways[way]
    base = folder / re.sub(r"\W", "_", f"{case.name}-{way}")
    module = made(case, mode == "train")
    loss, single, double = reference(lambda: made(case, mode == "train"), case.inputs)
    try:
        model = export(case, made(case, mode == "train"), way, str(base) + ".onnx")
    except Exception as error:
        return "export", None, f"{type(error).__name__}: {' '.join(str(error).split())[-200:] if kind == 'dynamo' else ' '.join(str(error).split())[:160]}"
    answer = driver(model=str(base) + ".onnx", loss=model.graph.output[0].name, out=str(base) + ".grad.onnx")
    # The graph's own order of inputs, whatever the exporter called them.
    inputs = [i.name for i in model.graph.input]
    given = dict(zip(inputs if len(inputs) == len(case.inputs) else case.names, case.inputs))
    try:
        if "message" in answer:
            raise ValueError(answer["message"])
        out = run(str(base) + ".grad.onnx", given)
    except Exception as error:
        try:
            run(str(base) + ".onnx", given)
        except Exception as own:
            return "export", None, f"the exported graph itself: {str(own)[:160]}"
        return "refused" if "message" in answer else "run", None, str(error)[:600]
    got, missing = gathered(model, out, module, single)
    flat = [n for n in missing if not np.any(single[n])]
    missing = [n for n in missing if n not in flat]
    whole = max([float(np.linalg.norm(v)) for v in single.values()], default=0.0)
    gap = abs(float(out[model.graph.output[0].name].ravel()[0]) - loss) / max(abs(loss), 1e-6)
    errors = {n: distance(v, single[n], double[n], whole) for n, v in got.items()}
    worst = max(errors, key=errors.get, default=None)
    text = f"{len(got)} of {len(single)}"
    if not gap <= 1e-4:
        own = float(run(str(base) + ".onnx", given)[model.graph.output[0].name].ravel()[0])
        if not abs(own - loss) <= 1e-4 * max(abs(loss), 1e-6):
            return "export", gap, f"the exported graph gives {own}, PyTorch {loss}"
        return "loss", gap, f"the loss is {float(out[model.graph.output[0].name].ravel()[0])}, not {loss}"
    if worst and errors[worst] > 1e-4:
        bad = [f"{n} {e:.1e}" for n, e in errors.items() if e > 1e-4]
        return "wrong", errors[worst], "; ".join(bad[:6])
    if missing and not fold:
        return "missing", errors.get(worst, 0.0), ", ".join(sorted(missing)[:6])
    return "ok", errors.get(worst, 0.0), text + (f", {len(missing)} folded away" if missing else "")


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--only", default=".")
    options.add_argument("--ways", default=None)
    options.add_argument("--all", action="store_true")
    options.add_argument("--keep", default=None)
    options.add_argument("--quiet", action="store_true", help="print only what is not right")
    args = options.parse_args()
    driver = Driver()
    folder = Path(args.keep or tempfile.mkdtemp())
    folder.mkdir(exist_ok=True, parents=True)
    counts, greatest, failed = {}, 0.0, []
    chosen = [w for w in (ways if args.all or args.ways else usual) if re.search(args.ways or ".", w)]
    for case in cases.values():
        if not re.search(args.only, case.name):
            continue
        for way in chosen:
            if ways[way][4] == "train" and not case.train or ways[way][0] in case.skip or way in case.skip:
                continue
            started = time.time()
            stdout = sys.stdout
            sys.stdout = open(os.devnull, "w")
            try:
                status, worst, text = check(case, way, driver, folder)
            except Exception as error:
                status, worst, text = "script", None, repr(error)[:400]
            finally:
                sys.stdout = stdout
            counts[status] = counts.get(status, 0) + 1
            if status == "ok":
                greatest = max(greatest, worst)
                if not args.keep:
                    for file in folder.glob(re.sub(r"\W", "_", f"{case.name}-{way}") + "*"):
                        file.unlink()
            else:
                failed.append((case.name, way, status, text))
            if status != "ok" or not args.quiet:
                print(f"{case.name:28} {way:6} {status:8} {'' if worst is None else f'{worst:.1e}':8} {time.time() - started:5.1f}s  {text}", flush=True)
    print(json.dumps({"counts": counts, "worst": greatest}))


main()
