// The shape that a language model of so many parameters usually has: layers as published for Llama, SmolLM and the like, the width that then gives
// the number, heads of 64 or 128, keys and values shared by groups of queries from a billion on.
import type { Shape } from "./family.ts";

/** Layers by parameters: SmolLM2 135M, 360M, TinyLlama 1.1B, Llama 3.2 3B, Llama 2 7B, 13B, 70B, Llama 3.1 405B; small ones as GPT-2's are told. */
const published: readonly (readonly [parameters: number, layers: number])[] = [
  [1e6, 4],
  [1e7, 6],
  [5e7, 8],
  [1.35e8, 30],
  [3.6e8, 32],
  [1.1e9, 22],
  [3.2e9, 28],
  [6.7e9, 32],
  [13e9, 40],
  [70e9, 80],
  [405e9, 126],
];

export function usualShape(parameters: number): Shape {
  const far = ([size]: readonly [number, number]) => Math.abs(Math.log(size / parameters));
  const layers = [...published].sort((a, b) => far(a) - far(b))[0]![1];
  // N = layers · (4 + 3 · 8/3) · width² + vocabulary · width
  const inLayers = 12 * layers;
  const solved = (vocabulary: number) => (-vocabulary + Math.sqrt(vocabulary * vocabulary + 4 * inLayers * parameters)) / (2 * inLayers);
  const vocabulary =
    parameters < 1e8 ? Math.max(256, Math.min(32_000, Math.round(Math.sqrt(parameters)))) : parameters < 2e9 ? 49_152 : 32_000;
  const headSize = parameters < 1e9 ? 64 : 128;
  const heads = Math.max(1, Math.round(solved(vocabulary) / headSize));
  const width = heads * headSize;
  const kvHeads = parameters < 1e9 ? heads : Math.max(1, Math.round(heads / 4));
  return { layers, width, heads, kvHeads, headSize, inner: Math.round((8 * width) / 3), vocabulary, context: 4096, tied: false };
}
