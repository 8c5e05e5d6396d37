// QLoRA: a GPT whose weights stay as they are, in 4 bits by blocks of 32, and beside each matrix two narrow ones that learn.
// https://arxiv.org/abs/2106.09685, https://arxiv.org/abs/2305.14314
import type { Value } from "../../ops/builder.ts";
import { type Init, normal } from "../../models/layers.ts";
import { Random } from "../../random.ts";
import { tensor } from "../../tensor.ts";
import { crossEntropy, entry, filled, type SuiteNet } from "./entry.ts";
import { block, layerNorm } from "./transformer.ts";

const size = 32;

export const lora = entry({
  title: "LoRA of rank 8 over a 4-bit GPT 4×512, 64 positions, batch 4",
  full: { batch: 4, length: 64, words: 1000, width: 512, layers: 4, heads: 8, rank: 8 },
  small: { batch: 2, length: 6, words: 20, width: 32, layers: 2, heads: 2, rank: 2 },
  build(net, { batch, length, words, width, layers, heads, rank }) {
    const { g } = net;
    const fixed = (name: string, dims: readonly number[], init: Init) => net.fixed(name, dims, init);
    const ids = net.ids("ids", [batch, length], words);
    const labels = net.ids("labels", [batch, length], words);
    const table = fixed("words.weight", [words, width], normal(0.02));
    let x = g.add(g.gather(table, ids), fixed("positions", [length, width], normal(0.02))); // (B, T, D)
    const linear = (name: string, of: Value, to: number) => adapted(net, name, of, to, rank);
    for (let i = 0; i < layers; i++) x = block(net, `blocks.${i}`, x, { heads, causal: true, gelu: "tanh", linear, weight: fixed });
    return crossEntropy(net, g.matmul(layerNorm(net, "norm", x, { weight: fixed }), g.transpose(table)), labels);
  },
});

/** x · W + bias + 2 · x A B: W (D, width) in 4 bits, A (D, rank), B (rank, width). B begins small, not at 0, so that A learns at once. */
function adapted(net: SuiteNet, name: string, x: Value, width: number, rank: number): Value {
  const { g } = net;
  const inputs = x.dims.at(-1) as number;
  const bias = net.fixed(`${name}.bias`, [width], filled(0));
  const base = g.op("MatMulNBits", [x, ...quarters(net, name, inputs, width)], { K: inputs, N: width, bits: 4, block_size: size }, { domain: "com.microsoft" }); // prettier-ignore
  const a = net.weight(`${name}.a`, [inputs, rank], normal(1 / Math.sqrt(inputs)));
  const b = net.weight(`${name}.b`, [rank, width], normal(0.01));
  return g.add(g.add(base, bias), g.mul(g.matmul(g.matmul(x, a), b), 2));
}

/** Random weights in 4 bits: two to a byte (width, D / 32, 16), 8 standing for 0, and a scale for each block. */
function quarters(net: SuiteNet, name: string, inputs: number, width: number): Value[] {
  const random = new Random(0, `${name}.bytes`);
  const blocks = inputs / size;
  const bytes = Uint8Array.from({ length: (width * inputs) / 2 }, () => random.next() & 255);
  const spread = Math.sqrt((16 ** 2 - 1) / 12); // of even levels
  return [
    net.kept(`${name}.bytes`, tensor("uint8", [width, blocks, size / 2], bytes)),
    net.fixed(`${name}.scales`, [width * blocks], filled(1 / spread / Math.sqrt(inputs))),
  ];
}
