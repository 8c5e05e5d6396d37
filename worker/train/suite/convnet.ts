// A small net of images of the kind that CIFAR-10 is taught with: three convolutions, each halved by pooling, and two layers on top.
import { linear } from "../../models/layers.ts";
import { crossEntropy, entry } from "./entry.ts";
import { conv, maxPool } from "./images.ts";

export const convnet = entry({
  title: "Convnet 32-64-128 at 32², batch 32",
  full: { batch: 32, side: 32, channels: [32, 64, 128], width: 256, classes: 10 },
  small: { batch: 2, side: 8, channels: [4, 6], width: 8, classes: 5 },
  build(net, { batch, side, channels, width, classes }) {
    const { g } = net;
    const labels = net.ids("labels", [batch], classes);
    let x = net.floats("x", [batch, 3, side, side]);
    channels.forEach((count, i) => {
      x = g.relu(conv(net, `layers.${i}`, x, count, { size: 3, pad: 1 })); // (B, count, side, side)
      x = maxPool(net, x, { size: 2, stride: 2 }); // (B, count, side/2, side/2)
    });
    const rest = side / 2 ** channels.length;
    const flat = g.reshape(x, [batch, channels.at(-1)! * rest * rest]);
    return crossEntropy(net, linear(net, "head", g.relu(linear(net, "hidden", flat, width)), classes, { gain: 1 }), labels);
  },
});
