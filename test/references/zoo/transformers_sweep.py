"""The sweep: networks of Hugging Face transformers, exported, differentiated by `paddock grad`, and compared with torch's autograd.

    python test/references/zoo/transformers_sweep.py [--models bert,gpt2] [--settings ts.17.dynamic.eval.sdpa,…] [--out results.jsonl]

A setting is exporter.opset.axes.mode.attention: ts (TorchScript) or dynamo; 14 … 23; static or dynamic; eval or train (dropout 0);
eager or sdpa. Each file that was written is differentiated, run by onnxruntime at the sizes of the export and, where its axes are dynamic,
at others, and every parameter's gradient is compared: |difference| / max(|gradient|, 1e-3 · |all gradients|), as norms; the floor is for
gradients that are zero but for rounding (a bias of attention keys). Prints model × setting: the worst error, what is missing, or the message.
"""
import argparse
import contextlib
import copy
import io
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings

os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
warnings.filterwarnings("ignore")
import logging

logging.disable(logging.WARNING)
import numpy as np
import onnx
import onnxruntime as ort
import torch

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from transformers_zoo import zoo  # noqa: E402

torch.set_num_threads(1)
here = os.path.dirname(os.path.abspath(__file__))

#: What each model is tried with by default; the rest of the grid is asked for with --settings.
rounds = {
    "a": ["ts.17.dynamic.eval.sdpa", "dynamo.18.static.eval.eager"],
    "b": ["ts.14.static.train.eager", "dynamo.21.dynamic.eval.sdpa"],
    "c": ["ts.20.static.eval.sdpa", "dynamo.20.dynamic.train.eager"],
    "d": ["ts.18.dynamic.train.eager", "dynamo.23.static.eval.sdpa"],
}


class Paddock:
    """The worker, asked one thing after another."""

    def __init__(self):
        driver = os.path.join(here, "transformers_driver.mjs")
        self.process = subprocess.Popen(["node", "--max-old-space-size=6000", driver], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n", "the driver did not start"

    def ask(self, call, **spec):
        print(json.dumps({"call": call, "spec": spec}), file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline())


class WithLoss(torch.nn.Module):
    """A network whose only output is its loss."""

    def __init__(self, model, names, loss):
        super().__init__()
        self.model, self.names, self.loss = model, names, loss

    def forward(self, *inputs):
        return self.loss(self.model, dict(zip(self.names, inputs)))


def perturb(net):
    """Off the flat places where biases are zero and scales one; and no two parameters are alike."""
    g = torch.Generator().manual_seed(11)
    with torch.no_grad():
        for p in net.parameters():
            p.add_(0.05 * torch.randn(p.shape, generator=g))


def reference(net, inputs):
    mode = net.training
    net.train(not mode).train(mode)  # some keep what they reckoned in the last mode
    net.zero_grad(set_to_none=True)
    loss = net(*inputs)
    loss.backward()
    grads = {name: p.grad.detach().clone().numpy() for name, p in net.named_parameters() if p.grad is not None}
    return loss.item(), grads


@contextlib.contextmanager
def quiet(seconds):
    def late(*_):
        raise TimeoutError(f"no end after {seconds} s")

    signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    out = io.StringIO()
    kept = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the exporter prints whole graphs, past Python
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            yield
    finally:
        signal.alarm(0)
        os.dup2(kept, 1)
        os.close(kept)


def export(net, inputs, names, axes, setting, path, fold=True):
    exporter, opset, kind, mode, _ = setting.split(".")
    dynamic = kind == "dynamic"
    if exporter == "ts":
        training = torch.onnx.TrainingMode.TRAINING if mode == "train" else torch.onnx.TrainingMode.EVAL
        torch.onnx.export(net, tuple(inputs), path, dynamo=False, opset_version=int(opset), input_names=names, output_names=["loss"],
                          dynamic_axes={n: a for n, a in axes.items() if a} if dynamic else None, training=training,
                          do_constant_folding=fold and mode != "train")
        return
    shapes = None
    if dynamic:
        shapes = (tuple({i: torch.export.Dim.DYNAMIC for i in axes.get(n, {})} for n in names),)
    program = torch.onnx.export(net, tuple(inputs), dynamo=True, opset_version=int(opset), input_names=names, output_names=["loss"],
                                dynamic_shapes=shapes, optimize=fold and mode != "train", verbose=False)
    program.save(path, external_data=False)




def form(v, p):
    """How a stored tensor is a parameter: as it is, transposed, or with other axes of length 1. None where it is not."""
    if v.shape == p.shape and np.array_equal(v, p):
        return "same"
    if p.ndim == 2 and v.ndim >= 2 and np.array_equal(v.reshape(-1), p.T.reshape(-1)):
        return "turned"
    if np.array_equal(v.reshape(-1), p.reshape(-1)):
        return "reshaped"
    return None


def match(params, file):
    """
    Initializers that hold a parameter → ({parameter: [(initializer, form)]}, parameters without). An exporter may store one several times
    (a tied table, once as rows and once turned); its gradient is their sum. No two parameters are alike, so values tell.
    """
    from onnx import numpy_helper

    stored = {}
    for tensor in file.graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT:
            value = numpy_helper.to_array(tensor)
            stored.setdefault(value.size, []).append((tensor.name, value))
    found = {}
    for name, p in params.items():
        hits = [(n, how) for n, v in stored.get(p.size, []) if (how := form(v, p))]
        if p.size < 4:  # too short to be told by value
            hits = [(n, how) for n, how in hits if n == name] or hits
        if hits:
            found[name] = hits
    return found, [n for n in params if n not in found]


def aligned(grad, how, p):
    return grad.reshape(p.shape[::-1]).T if how == "turned" else grad.reshape(p.shape)


def session(path, optimize=True):
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    if not optimize:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def feeds(run, names, inputs):
    wanted = {i.name for i in run.get_inputs()}
    return {n: t.numpy() for n, t in zip(names, inputs) if n in wanted}


def compare(got, truth, params, found):
    whole = np.sqrt(sum(float((g.astype(np.float64) ** 2).sum()) for g in truth.values()))
    worst, where = 0.0, ""
    for name, places in found.items():
        g = truth.get(name)
        mine = sum(aligned(got[stored], how, params[name]).astype(np.float64) for stored, how in places)
        g = np.zeros_like(mine) if g is None else g.astype(np.float64)
        error = float(np.linalg.norm(mine - g) / max(np.linalg.norm(g), 1e-3 * whole, 1e-30))
        if not np.isfinite(error):
            error = float("inf")
        if error > worst:
            worst, where = error, name
    return worst, where


def slopes(path, gradients, name, inputs, step=2e-2):
    """How fast the file's loss rises along the gradient found for one initializer: as the gradient says, and by a difference."""
    from onnx import numpy_helper

    dx = session(gradients).run([f"grad:{name}"], inputs)[0].astype(np.float64)
    norm = float(np.linalg.norm(dx))
    model = onnx.load(path)
    tensor = next(t for t in model.graph.initializer if t.name == name)
    value = numpy_helper.to_array(tensor).astype(np.float64)
    losses = []
    for sign in (1, -1):
        tensor.CopyFrom(numpy_helper.from_array((value + sign * step * dx / max(norm, 1e-30)).astype(np.float32), name))
        onnx.save(model, path + ".moved")
        losses.append(float(np.asarray(session(path + ".moved").run(None, inputs)[0])))
    os.unlink(path + ".moved")
    return norm, (losses[0] - losses[1]) / (2 * step)


def trial(paddock, name, entry, setting, folder, limit, fold=True):
    row = {"model": name, "setting": setting}
    exporter, opset, kind, mode, attention = setting.split(".")
    step = "build"
    try:
        with quiet(limit):
            torch.manual_seed(3)
            model = entry.make(attention)
            model.train(mode == "train")
            names = list(entry.inputs(random.Random(1), 0))
            net = WithLoss(model, names, entry.loss)
            net.train(mode == "train")
            perturb(net)
            sizes = [list(entry.inputs(random.Random(1 + i), i).values()) for i in range(2 if kind == "dynamic" else 1)]
            step = "torch"
            torch_buffers = copy.deepcopy(net.state_dict())
            truths = []
            for inputs in sizes:
                net.load_state_dict(torch_buffers)
                truths.append(reference(net, inputs))
            net.load_state_dict(torch_buffers)
            net.zero_grad(set_to_none=True)
            params = {n: p.detach().numpy().copy() for n, p in net.named_parameters() if p.requires_grad}
            step = "export"
            stem = os.path.join(folder, f"{name}.{setting}" + ("" if fold else ".bare"))
            path = f"{stem}.onnx"
            if os.path.exists(path):
                os.unlink(path)
            started = time.time()
            export(net, sizes[0], names, entry.axes, setting, path, fold)
            row["exportSeconds"] = round(time.time() - started, 1)
        step = "read"
        file = onnx.load(path)
        row["nodes"] = len(file.graph.node)
        found, lost = match(params, file)
        step = "grad"
        out = f"{stem}.grad.onnx"
        answer = paddock.ask("grad", model=path, loss=file.graph.output[0].name, out=out)
        row["seconds"] = round(answer["seconds"], 2)
        if not answer["ok"]:
            row["error"] = {"step": "grad", **answer["error"]}
            # Is it the file?
            try:
                run = session(path)
                loss = float(run.run(None, feeds(run, names, sizes[0]))[0])
                if abs(loss - truths[0][0]) > 1e-3 * max(1, abs(truths[0][0])):
                    row["exporter"] = f"loss {loss} against {truths[0][0]}"
            except Exception as error:
                row["exporter"] = str(error)[:300]
            return row
        outputs = {o["name"] for o in answer["value"]["outputs"]}
        missing = [n for n, places in found.items() if any(f"grad:{stored}" not in outputs for stored, _ in places)]
        row["missing"] = missing
        # What autograd reaches and the file does not hold as it was
        row["lost"] = [n for n in lost if n in truths[0][1] and np.linalg.norm(truths[0][1][n]) > 0]
        # A file that was traced may hold for the size of its trace alone.
        plain = session(path)
        whole = []
        for inputs, (loss, truth) in zip(sizes, truths):
            try:
                off = abs(float(np.asarray(plain.run(None, feeds(plain, names, inputs))[0])) - loss) / max(1e-6, abs(loss))
            except Exception as error:
                off = str(error)[:200]
            if isinstance(off, float) and off < 3e-5:
                whole.append((inputs, loss, truth))
            else:
                row["sizeBound"] = off
        if not whole:
            row["exporter"] = f"the file's own loss is off: {row['sizeBound']}"
            return row
        step = "run"
        run = session(out)
        have = [n for n in found if n not in missing]
        wanted = sorted({stored for n in have for stored, _ in found[n]})
        worst, where = 0.0, ""
        for at, (inputs, loss, truth) in enumerate(whole):
            got = run.run([answer["value"]["loss"]] + [f"grad:{n}" for n in wanted], feeds(run, names, inputs))
            row["lossError"] = max(row.get("lossError", 0), abs(float(got[0]) - loss) / max(1e-6, abs(loss)))
            # What torch keeps out of its gradients (no_grad around it) is used all the same, which a file cannot tell.
            hidden = [n for n in have if n not in truth and any(np.any(got[1 + wanted.index(stored)]) for stored, _ in found[n])]
            row["untracked"] = hidden
            error, name_ = compare(dict(zip(wanted, got[1:])), truth, params, {n: found[n] for n in have if n not in hidden})
            if error > worst:
                worst, where = error, f"{name_}@{at}"
        row["worst"], row["where"] = worst, where
        if worst > 1e-4 and fold and np.isfinite(worst) and mode == "eval":
            # A use of the parameter that the exporter reckoned beforehand (1 - p, a row of p) is lost in the file: is that all?
            bare = trial(paddock, name, entry, setting, folder, limit, fold=False)
            if verdict(bare) == "ok":
                return {**bare, "folded": f"{where} {worst:.1e}"}
        if worst > 1e-4 and np.isfinite(worst):
            # Or the file computes something else than torch does: then its own slope is what was found.
            place = found[where.rsplit("@", 1)[0]][0][0]
            said, seen = slopes(path, out, place, feeds(plain, names, whole[int(where.rsplit("@", 1)[1])][0]))
            if abs(said - seen) < 0.03 * abs(seen):
                row["exporter"] = f"the file is not what torch computes: along {place} its own loss rises by {seen:.3e}, as found ({said:.3e})"
    except Exception as error:
        row["error"] = {"step": step, "code": type(error).__name__, "message": str(error)[-1500:] if step == "export" else str(error)[:1500]}
        if os.environ.get("TRACE"):
            traceback.print_exc()
    return row


def verdict(row):
    if "error" in row:
        return "exporter" if row["error"]["step"] in ("export", "torch", "build") or "exporter" in row else "FAIL"
    if "exporter" in row:
        return "exporter"
    if not np.isfinite(row["worst"]) or row["worst"] > 1e-4 or row["missing"]:
        return "FAIL"
    return "ok"


def told(row):
    head = f"{verdict(row):8} {row['model']:24} {row['setting']:30}"
    if "error" in row:
        e = row["error"]
        return f"{head} {e['step']}: {e['code']} {e['message'][:230]!r}" + (f" [file: {row['exporter'][:80]}]" if "exporter" in row else "")
    if "worst" not in row:
        return f"{head} {row['exporter']}"
    text = f"{head} worst {row['worst']:.1e} {row['where'] if row['worst'] > 1e-5 else ''} loss {row['lossError']:.0e} nodes {row['nodes']} {row['seconds']}s"
    if row["missing"]:
        text += f" MISSING {row['missing'][:3]}"
    if row["lost"]:
        text += f" merged-by-exporter {len(row['lost'])}: {row['lost'][:2]}"
    if "sizeBound" in row:
        text += f" (the file holds for one size: {str(row['sizeBound'])[:60]})"
    if row.get("untracked"):
        text += f" under torch's no_grad {row['untracked'][:2]}"
    if "folded" in row:
        text += f" without folding; with it the exporter drops uses of {row['folded']}"
    return text + (f" [{row['exporter']}]" if "exporter" in row else "")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--models")
    parser.add_argument("--settings")
    parser.add_argument("--rounds", default="a")
    parser.add_argument("--out", default="")
    parser.add_argument("--keep", default="")
    parser.add_argument("--again", help="results of an earlier sweep: what did not pass there is tried once more")
    parser.add_argument("--limit", type=int, default=300)
    parser.add_argument("--shard", default="0/1")
    args = parser.parse_args()
    settings = args.settings.split(",") if args.settings else [s for r in args.rounds for s in rounds[r]]
    names = args.models.split(",") if args.models else list(zoo)
    i, n = map(int, args.shard.split("/"))
    names = [name for k, name in enumerate(names) if k % n == i]
    folder = args.keep or tempfile.mkdtemp(prefix="zoo-")
    os.makedirs(folder, exist_ok=True)
    paddock = Paddock()
    done = set()
    if args.out and os.path.exists(args.out):
        done = {(r["model"], r["setting"]) for r in map(json.loads, open(args.out))}
    rows = []
    todo = [(name, setting) for name in names for setting in settings]
    if args.again:
        latest = {(r["model"], r["setting"]): r for r in map(json.loads, open(args.again))}
        todo = [key for key, row in latest.items() if verdict(row) == "FAIL" and (not args.models or key[0] in names)]
    for name, setting in todo:
        if (name, setting) in done:
            continue
        row = trial(paddock, name, zoo[name], setting, folder, args.limit)
        rows.append(row)
        print(told(row), flush=True)
        if args.out:
            with open(args.out, "a") as f:
                f.write(json.dumps(row) + "\n")
        if not args.keep:
            for end in ("onnx", "grad.onnx", "bare.onnx", "bare.grad.onnx"):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(os.path.join(folder, f"{name}.{setting}.{end}"))
    count = lambda v: sum(verdict(r) == v for r in rows)
    worst = max((r["worst"] for r in rows if verdict(r) == "ok"), default=0)
    print(f"{len(rows)} tried: {count('ok')} pass (worst {worst:.1e}), {count('FAIL')} fail, {count('exporter')} not exported or not as torch computes")


if __name__ == "__main__":
    main()
