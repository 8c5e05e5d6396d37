"""A model.onnx of Paddock in Python's onnxruntime, with nothing of ours in between.

    alone.py model.onnx rows.csv

Reads the rows with Python's csv module and feeds each column under its own name: numbers as float32 (NaN for a blank cell), the rest as
text. Prints one JSON object: {outputs: {label, probabilities} or {value}, classes}.
"""

import csv
import json
import sys

import numpy as np
import onnxruntime


def main(model, rows):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    metadata = session.get_modelmeta().custom_metadata_map
    # an input that could not keep its column's name says which column it takes
    column_of = {entry["input"]: entry["column"] for entry in json.loads(metadata["paddock"])["inputs"]}
    with open(rows, encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    feeds = {}
    for wanted in session.get_inputs():
        cells = [row[column_of[wanted.name]] for row in table]
        if wanted.type == "tensor(float)":
            values = np.array([float(cell) if cell.strip() else np.nan for cell in cells], dtype=np.float32)
        else:
            values = np.array(cells, dtype=object)
        feeds[wanted.name] = values.reshape(-1, 1)
    names = [output.name for output in session.get_outputs()]
    outputs = {name: value.tolist() for name, value in zip(names, session.run(names, feeds))}
    print(json.dumps({"outputs": outputs, "classes": json.loads(metadata.get("classes", "null"))}))


main(*sys.argv[1:])
