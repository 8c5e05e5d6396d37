// ViT-tiny: https://arxiv.org/abs/2010.11929 in the size of https://arxiv.org/abs/2012.12877, at 64² with patches of 8².
import { linear, normal } from "../../models/layers.ts";
import { crossEntropy, entry } from "./entry.ts";
import { conv } from "./images.ts";
import { block, layerNorm } from "./transformer.ts";

export const vit = entry({
  title: "ViT-tiny at 64², patches 8², batch 8",
  full: { batch: 8, side: 64, patch: 8, width: 192, layers: 12, heads: 3, classes: 200 },
  small: { batch: 2, side: 8, patch: 4, width: 12, layers: 2, heads: 3, classes: 5 },
  build(net, { batch, side, patch, width, layers, heads, classes }) {
    const { g } = net;
    const labels = net.ids("labels", [batch], classes);
    const image = net.floats("x", [batch, 3, side, side]);
    const count = (side / patch) ** 2;
    const patches = g.reshape(conv(net, "patches", image, width, { size: patch, stride: patch }), [batch, width, count]);
    const first = g.expand(net.weight("first", [1, 1, width], normal(0.02)), [batch, 1, width]);
    let x = g.concat([first, g.transpose(patches, [0, 2, 1])], { axis: 1 }); // (B, T, D), T = count + 1
    x = g.add(x, net.weight("positions", [1, count + 1, width], normal(0.02)));
    for (let i = 0; i < layers; i++) x = block(net, `blocks.${i}`, x, { heads, causal: false, gelu: "none" });
    const seen = g.gather(layerNorm(net, "norm", x), g.scalar(0, "int64"), { axis: 1 }); // (B, D)
    return crossEntropy(net, linear(net, "head", seen, classes, { gain: 1 }), labels);
  },
});
