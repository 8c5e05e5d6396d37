// A trained model taken away.

/** `peft` and `gguf-lora` come with language models. */
export type ExportForm = "onnx" | "onnx-int8" | "tfjs" | "safetensors";

/** What was read back and set beside the trained model. */
export interface ExportComparison {
  /** What was compared: answers on rows of the run's data, or the bytes of the file or of the weights. */
  of: "probabilities" | "values" | "bytes" | "weights";
  /** Rows (pictures, texts), or weights. */
  count: number;
  /** The part that the rows are of. */
  part?: "test" | "validation" | "train";
  /** The largest difference of a probability or a value. */
  difference: number;
  /** The number that matters, on those rows, by the model and by what was written. */
  metric?: { name: string; before: number; after: number };
}

export interface ExportResult {
  format: ExportForm;
  /** The file or folder written. */
  out: string;
  /** Every file, by its path within `out`, or beside it. */
  files: string[];
  bytes: number;
  /** Of the run's model.onnx. */
  modelBytes: number;
  compared: ExportComparison;
}
