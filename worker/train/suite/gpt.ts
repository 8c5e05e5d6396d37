// GPT-2 in small, its table of words tied to the output: https://openai.com/research/better-language-models
import { normal } from "../../models/layers.ts";
import { crossEntropy, entry } from "./entry.ts";
import { block, layerNorm } from "./transformer.ts";

export const gpt = entry({
  title: "GPT 4×128, 128 positions, batch 8",
  full: { batch: 8, length: 128, words: 1000, width: 128, layers: 4, heads: 4 },
  small: { batch: 2, length: 6, words: 20, width: 8, layers: 2, heads: 2 },
  build(net, { batch, length, words, width, layers, heads }) {
    const { g } = net;
    const ids = net.ids("ids", [batch, length], words);
    const labels = net.ids("labels", [batch, length], words);
    const table = net.weight("words.weight", [words, width], normal(0.02));
    let x = g.add(g.gather(table, ids), net.weight("positions", [length, width], normal(0.02))); // (B, T, D)
    for (let i = 0; i < layers; i++) x = block(net, `blocks.${i}`, x, { heads, causal: true, gelu: "tanh" });
    return crossEntropy(net, g.matmul(layerNorm(net, "norm", x), g.transpose(table)), labels); // scores (B, T, words)
  },
});
