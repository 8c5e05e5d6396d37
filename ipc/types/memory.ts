// What a model needs in memory, by parts and against each device: forecast, corrected by what was measured.

/** "inference": it only answers. full: all weights learn; head: the output layer; lora, qlora: adapters beside weights that stay (in 4 bits). */
export type MemoryMethod = "inference" | "full" | "head" | "lora" | "qlora";
export type MemoryBits = 32 | 16 | 8 | 4;

/** What is planned for; what is absent is chosen by the model. */
export interface MemorySettings {
  method?: MemoryMethod;
  /** Bits of a weight that does not learn. */
  bits?: MemoryBits;
  /** Rows at once. */
  batch?: number;
  /** Language models: tokens of a row. */
  context?: number;
}

export interface MemoryBytes {
  weights: number;
  gradients: number;
  /** Moments of the optimizer. */
  optimizer: number;
  /** The most that is alive on the way forward and back. */
  activations: number;
  /** Keys and values of the tokens before. */
  cache: number;
  /** The program, its libraries, the runtime's sessions and what they copy. */
  runtime: number;
}

export interface MemoryNeed {
  settings: Required<Omit<MemorySettings, "context">> & { context: number | null };
  bytes: MemoryBytes;
  total: number;
}

/** What a worker says. */
export interface MemoryForecast extends MemoryNeed {
  /** Its name, or the size as it was given. */
  name: string;
  kind: "size" | "language" | "onnx" | "data";
  parameters: number;
  trainable: number;
  /** Of a language model; `assumed`: the usual one of its size. */
  shape?: { layers: number; width: number; heads: number; kvHeads: number; vocabulary: number; assumed: boolean };
  /** The same with less, in the order in which one would give it up. */
  smaller: MemoryNeed[];
}

export interface MemoryFit {
  device: string;
  name: string;
  memoryBytes: number | null;
  /** What nobody uses now. */
  freeBytes: number | null;
  /** With the settings that were asked for. */
  fits: boolean;
  /** What was compared: free memory, all memory, or nothing as the device does not work or does not tell. */
  by: "free" | "all" | "unknown" | "broken";
  /** A sentence in English. */
  why: string;
  /** Settings with which it fits, where it does not as asked. */
  with?: MemoryNeed;
}

/** The forecast after what was measured before, beside each device. */
export interface MemoryPlan extends Omit<MemoryForecast, "smaller"> {
  /** Bytes before the correction. */
  uncorrected: number;
  /** Measurements on this machine that went into it. */
  learnedFrom: number;
  /** The last measurement of this very plan. */
  measured?: { bytes: number; at: number };
  fits: MemoryFit[];
}
