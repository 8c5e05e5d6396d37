"""Writes what test/gradients/zoo.test.ts reads: a few of the zoo's graphs, with the loss and the gradients that PyTorch finds.

    python test/references/zoo/goldens.py [FAMILY…]

Each file holds a list; tensors and graphs are base64, a tensor row by row. Only ways of export that keep the parameters' names are taken.
"""
import base64
import json
import os
import sys
import tempfile

import onnx

from sweep import cases, export, here, made, reference, ways

most = 195_000
kept = {
    "kinks": [(n, "ts17" if n == "tie.scatter_prod" or n == "tie.scatter_amax" or n == "tie.grid" else "ts14") for n in cases if n.startswith("tie.") and n.split(".")[1] in (
        "relu abs leaky_relu elu selu celu relu6 hardsigmoid hardswish clamp clamp_min clamp_max softshrink hardshrink softsign prelu maximum maximum_both minimum max_pairs norm_zero norm1 norm_rows pow0 pow_float normalize_zero fmod "
        "remainder prod_zero prod_one_zero logsumexp_ties where_nan amax amin max_whole max_pool max_pool_pad adaptive_max max_pool1d lp_pool_zero std_zero prod logsumexp_inf cdist_zero scatter_prod scatter_amax gather_twice grid sigmoid_far_silu").split()],
    "functions": [("fn." + n, w) for n, w in {
        "amax": "ts13", "var": "ts14", "norms": "ts16", "logsumexp": "ts17", "cumsum": "ts17", "topk": "ts17", "index_grid": "dy18", "index_pairs": "dy18", "scatter_reduce_prod": "ts17", "slice_assign": "ts17", "roll": "ts13", "flip": "ts13",
        "repeat": "ts17t", "repeat_interleave": "ts14", "tril_triu": "ts14", "strided_back": "ts17", "as_windows": "ts14", "pad_modes": "ts20", "pad_circular": "ts20", "unfold": "ts14", "fold": "ts20", "baddbmm": "ts14", "einsum6": "ts14", "einsum7": "dy18", "det": "ts14",
        "scaled_dot_mask": "dy18", "dynamic_full": "ts13", "batch_slice": "ts13",
    }.items()],
    "nets.small": [("mobilenet_v3", "ts13t")],
    "nets.shuffled": [("shufflenet_v2", "dy18")],
    "nets.images": [("bit_resnet", "dy18")],
    "nets.windows": [("swin", "dy18")],
    "nets.patches": [("levit", "ts17t"), ("xcit", "dy18"), ("mobilevit_v2", "dy18")],
    "nets.dense": [("unet", "dy18"), ("vq_vae", "dy18"), ("segformer", "ts13")],
    "nets.boxes": [("detection", "dy18"), ("yolo", "ts13"), ("spatial_transformer", "dy18")],
    "nets.groups": [("stylegan", "ts14")],
    "nets.plain": [("wavenet", "dy18"), ("cells", "dy18"), ("embedding_bag_sum", "dy18"), ("graph_net", "dy18"), ("point_net", "ts17t"), ("flow", "ts13"), ("mixture_density", "ts14"), ("experts", "dy18"), ("tabnet", "ts17t")],
    "nets.others": [("lstm_both", "ts14"), ("gru_two", "ts14"), ("recommend", "dy18"), ("memory", "ts14"), ("half_weights", "dy18"), ("double", "ts14"), ("whole_inputs", "ts14"), ("lora_tied", "ts14"), ("loss.Contrastive", "ts13"), ("loss.Barlow", "ts14"), ("deep_sets", "dy18")],
}


def tensor(t):
    t = t.contiguous() if hasattr(t, "contiguous") else t
    values = t.numpy() if hasattr(t, "numpy") else t
    return {"dtype": str(values.dtype), "dims": list(values.shape), "base64": base64.b64encode(values.tobytes()).decode()}


def bare(path):
    """The file without what exporters note about where the code stood."""
    model = onnx.load(path)
    graphs = [model.graph]
    while graphs:
        graph = graphs.pop()
        for node in graph.node:
            node.doc_string = ""
            del node.metadata_props[:]
            graphs += [a.g for a in node.attribute if a.type == onnx.AttributeProto.GRAPH]
        for value in [*graph.value_info, *graph.input, *graph.output, *graph.initializer]:
            value.doc_string = ""
            del value.metadata_props[:]
        del graph.value_info[:], graph.metadata_props[:]
    del model.metadata_props[:]
    return model.SerializeToString()


folder = tempfile.mkdtemp()
for family, members in kept.items():
    if len(sys.argv) > 1 and family not in sys.argv[1:]:
        continue
    records = []
    for name, way in members:
        if name not in cases:
            continue
        case, train = cases[name], ways[way][4] == "train"
        loss, single, _ = reference(lambda: made(case, train), case.inputs)
        path = os.path.join(folder, "model.onnx")
        try:
            model = export(case, made(case, train), way, path)
        except Exception as error:
            print(name, way, str(error)[:120], file=sys.stderr)
            continue
        inputs = dict(zip([i.name for i in model.graph.input], case.inputs))
        records.append({"name": f"{name}, {way}", "loss": loss, "output": model.graph.output[0].name, "inputs": {n: tensor(t) for n, t in inputs.items()},
                        "gradients": {n: tensor(g) for n, g in single.items()}, "model": base64.b64encode(bare(path)).decode()})
    text = "[\n" + ",\n".join(json.dumps(r) for r in records) + "\n]\n"
    target = here / "goldens" / f"{family}.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(text)
    print(family, len(records), len(text), "TOO LARGE" if len(text) > most else "", [(r["name"], len(json.dumps(r))) for r in records if len(json.dumps(r)) > 40_000])
