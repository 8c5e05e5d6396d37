"""Writes operators.json: every operator of ONNX's own domain up to operator set 23 and of ai.onnx.ml, with the versions that changed it.

    python test/references/operators.py
"""
import json
import os
from onnx import defs

found = {}
for schema in defs.get_all_schemas_with_history():
    if schema.domain not in ("", "ai.onnx.ml") or (schema.domain == "" and schema.since_version > 23):
        continue
    name = f"{schema.domain}.{schema.name}" if schema.domain else schema.name
    found.setdefault(name, []).append(schema.since_version)
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "operators.json"), "w") as f:
    lines = [f"  {json.dumps(name)}: {json.dumps(sorted(versions))}" for name, versions in sorted(found.items())]
    f.write("{\n" + ",\n".join(lines) + "\n}\n")
