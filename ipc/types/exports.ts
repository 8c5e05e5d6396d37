// A trained model taken away.

export type ExportForm = "onnx" | "onnx-int8" | "tfjs" | "safetensors";

/** Of a fine-tuned language model: its adapter for PEFT and for llama.cpp, or the whole model with what it learned, as the base came. */
export type TunedForm = "peft" | "gguf-lora" | "safetensors" | "gguf";

/** What was read back and set beside the trained model. */
export interface ExportComparison {
  /** What was compared: answers on rows of the run's data, or the bytes of the file or of the weights. */
  of: "probabilities" | "values" | "bytes" | "weights" | "logits";
  /** Rows (pictures, texts), weights, or tokens. */
  count: number;
  /** The part that the rows are of. */
  part?: "test" | "validation" | "train";
  /** The largest difference of a probability or a value; of logits by the largest of them. */
  difference: number;
  /** The number that matters, on those rows, by the model and by what was written. */
  metric?: { name: string; before: number; after: number };
}

export interface ExportResult {
  format: ExportForm | TunedForm;
  /** The file or folder written. */
  out: string;
  /** Every file, by its path within `out`, or beside it. */
  files: string[];
  bytes: number;
  /** Of the run's model.onnx. */
  modelBytes: number;
  compared: ExportComparison;
}
