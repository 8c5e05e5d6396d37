// An imported model and its answer, made up.
import type { ImportedModel } from "../../ipc/host.ts";
import type { ModelAnswer } from "../../ipc/types.ts";

export const importedModel: Omit<ImportedModel, "id" | "imported"> = {
  name: "classifier",
  format: "onnx",
  file: "classifier.onnx",
  origin: "classifier.onnx",
  profile: {
    kind: "model",
    file: "classifier.onnx",
    format: "onnx",
    family: "mlp",
    bytes: 1480,
    files: [],
    fingerprint: "0f".repeat(32),
    opsets: { "ai.onnx": 17 },
    parameters: 51,
    bits: 32,
    weights: [{ dtype: "float32", count: 51, bytes: 204 }],
    inputs: [{ name: "x", dtype: "float32", dims: ["n", 2], use: "numbers" }],
    outputs: [{ name: "shares", dtype: "float32", dims: ["n", 3], use: "numbers" }],
    operators: [
      { name: "MatMul", count: 2, gradient: "rule" },
      { name: "Softmax", count: 1, gradient: "rule" },
    ],
    nodes: 6,
    labels: ["low", "mid", "high"],
    about: { licence: "MIT", producer: "pytorch" },
    memory: { weights: 204, activations: 96, total: 17_826_000 },
    measured: { ms: 0.12 },
    training: { full: { fits: true }, head: { fits: true } },
    columns: 2,
    problems: [],
  },
};

export const modelAnswer: ModelAnswer = {
  ms: 0.14,
  outputs: [
    {
      name: "shares",
      dtype: "float32",
      dims: [1, 3],
      shown: "classes",
      probabilities: true,
      top: [
        { index: 2, label: "high", value: 0.82 },
        { index: 0, label: "low", value: 0.11 },
        { index: 1, label: "mid", value: 0.07 },
      ],
      values: [0.11, 0.07, 0.82],
      summary: { min: 0.07, max: 0.82, mean: 0.333, count: 3 },
    },
  ],
};
