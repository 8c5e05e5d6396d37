// A trained model taken away.

export type ExportForm = "onnx" | "onnx-int8" | "tfjs" | "safetensors";

/** Of a language model: its adapter for PEFT and for llama.cpp, or the whole model with what it learned, as a Hugging Face folder or a GGUF file. */
export type TunedForm = "peft" | "gguf-lora" | "safetensors" | "gguf";

/**
 * What a language model does a little otherwise in the form that it was turned into: `nfc`: texts are not put into Unicode's composed form; `spaces`: a space is
 * put before a text that begins with one, and before what follows a special token; `strip`: spaces beside some special tokens stay; `gelu`: llama.cpp's formula of GELU is the
 * approximate one; `longrope`: it
 * chooses the factors of positions by the size of its context, not by the length of the text; `window`: the context ends where the model's attention window would begin to matter; `halves`: weights of a few bits are kept in 16.
 */
export type ConversionNote = "nfc" | "spaces" | "strip" | "gelu" | "longrope" | "window" | "halves";

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
  /** Of a language model that was turned into another form. */
  notes?: ConversionNote[];
}
