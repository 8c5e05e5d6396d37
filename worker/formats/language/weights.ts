// Weights of a language model as they lie in its file: named matrices of one of the types below, read row by row on demand, so that a
// model is never in memory twice. GGUF files and safetensors folders both answer as this.

/** How numbers are stored: plain floats, or llama.cpp's blocks (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md). */
export type WeightType = "F32" | "F16" | "BF16" | "Q4_0" | "Q4_1" | "Q5_0" | "Q5_1" | "Q8_0" | "Q4_K" | "Q5_K" | "Q6_K";

/** Numbers in a block, and the bytes that it takes. */
export const blocks: Readonly<Record<WeightType, readonly [numbers: number, bytes: number]>> = {
  F32: [1, 4],
  F16: [1, 2],
  BF16: [1, 2],
  Q4_0: [32, 18],
  Q4_1: [32, 20],
  Q5_0: [32, 22],
  Q5_1: [32, 24],
  Q8_0: [32, 34],
  Q4_K: [256, 144],
  Q5_K: [256, 176],
  Q6_K: [256, 210],
};

export interface WeightInfo {
  name: string;
  type: WeightType;
  /** Outermost first: (outputs, inputs) of a matrix. Blocks lie along the last. */
  dims: readonly number[];
  bytes: number;
}

export interface WeightFile {
  readonly infos: ReadonlyMap<string, WeightInfo>;
  /** The stored bytes of one tensor. Throws `fileChanged` when the file is no longer as long as it was. */
  bytes(name: string): Uint8Array;
  close(): void;
}

/** Bytes that so many numbers take, the last axis in whole blocks; NaN where it is not. */
export function bytesFor(type: WeightType, dims: readonly number[]): number {
  const [numbers, size] = blocks[type];
  const width = dims.at(-1) ?? 1;
  if (width % numbers) return NaN;
  return (dims.reduce((product, d) => product * d, 1) / numbers) * size;
}
