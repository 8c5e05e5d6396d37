// An imported model and its answer, made up.
import type { FoundModel, ImportedModel } from "../../ipc/host.ts";
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

export const foundModels: FoundModel[] = [
  {
    id: "found-1",
    app: "LM Studio",
    name: "small-chat-Q4_K_M",
    path: "~/.lmstudio/models/small-chat-Q4_K_M.gguf",
    format: "gguf",
    bytes: 1_110_000_000,
  },
];

/** A language model of another program. */
export const foundModel: ImportedModel = {
  id: "found-1",
  name: "small-chat-Q4_K_M",
  format: "gguf",
  file: "small-chat-Q4_K_M.gguf",
  origin: foundModels[0]!.path,
  imported: 0,
  place: { app: "LM Studio", path: foundModels[0]!.path },
  profile: {
    ...importedModel.profile,
    file: "small-chat-Q4_K_M.gguf",
    format: "gguf",
    family: "Qwen 2",
    bytes: 1_110_000_000,
    opsets: {},
    parameters: 1_540_000_000,
    bits: 4,
    weights: [{ dtype: "Q4_K", count: 1_540_000_000, bytes: 1_100_000_000 }],
    inputs: [{ name: "ids", dtype: "int64", dims: ["batch", "tokens"], use: "tensor" }],
    outputs: [{ name: "logits", dtype: "float32", dims: ["batch", "tokens", 151_936], use: "tensor" }],
    operators: [],
    nodes: 0,
    about: { licence: "apache-2.0" },
    memory: { weights: 1_100_000_000, activations: 117_440_512, total: 1_280_000_000 },
    measured: { why: "A language model is timed when it is talked to." },
    context: 32_768,
    template: true,
    licence: "apache-2.0",
    language: {
      architecture: "qwen2",
      known: true,
      layers: 28,
      width: 1536,
      heads: 12,
      kvHeads: 2,
      vocabulary: 151_936,
      cachePerToken: 28_672,
      reckonedContext: 4096,
    },
  },
};
delete foundModel.profile.labels;
delete foundModel.profile.columns;
