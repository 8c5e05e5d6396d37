// Layers one after another, each a matrix and ReLU, on pictures as rows.
import { linear } from "../../models/layers.ts";
import { crossEntropy, entry } from "./entry.ts";

export const mlp = entry({
  title: "MLP 784-512-256-10, batch 128",
  full: { batch: 128, widths: [784, 512, 256], classes: 10 },
  small: { batch: 8, widths: [20, 16, 12], classes: 5 },
  build(net, { batch, widths, classes }) {
    const labels = net.ids("labels", [batch], classes);
    let x = net.floats("x", [batch, widths[0]!]);
    widths.slice(1).forEach((width, i) => (x = net.g.relu(linear(net, `layers.${i}`, x, width)))); // (B, width)
    return crossEntropy(net, linear(net, "head", x, classes, { gain: 1 }), labels);
  },
});
