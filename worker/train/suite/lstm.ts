// A language model of letters on two LSTMs: https://doi.org/10.1162/neco.1997.9.8.1735. Letters: T steps, B batch, H units.
import { linear, normal, uniform } from "../../models/layers.ts";
import { crossEntropy, entry } from "./entry.ts";

export const lstm = entry({
  title: "LSTM 2×128, 32 steps, batch 32",
  full: { batch: 32, length: 32, letters: 96, width: 128, layers: 2 },
  small: { batch: 2, length: 4, letters: 7, width: 6, layers: 2 },
  build(net, { batch, length, letters, width, layers }) {
    const { g } = net;
    const ids = net.ids("ids", [length, batch], letters);
    const labels = net.ids("labels", [length, batch], letters);
    let x = g.gather(net.weight("letters.weight", [letters, width], normal(1)), ids); // (T, B, H)
    const start = uniform(-1 / Math.sqrt(width), 1 / Math.sqrt(width));
    for (let i = 0; i < layers; i++) {
      // gates in ONNX's order: input, output, forget, cell
      const w = net.weight(`lstm.${i}.w`, [1, 4 * width, width], start);
      const r = net.weight(`lstm.${i}.r`, [1, 4 * width, width], start);
      const b = net.weight(`lstm.${i}.b`, [1, 8 * width], start);
      x = g.squeeze(g.op("LSTM", [x, w, r, b], { hidden_size: width }, { outputs: 1 })[0]!, [1]);
    }
    return crossEntropy(net, linear(net, "head", x, letters, { gain: 1 }), labels);
  },
});
