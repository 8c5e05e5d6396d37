// ResNet-18: https://arxiv.org/abs/1512.03385, as torchvision writes it, with the 200 classes of Tiny ImageNet.
import type { Value } from "../../ops/builder.ts";
import { linear } from "../../models/layers.ts";
import { crossEntropy, entry, type SuiteNet } from "./entry.ts";
import { batchNorm, conv, maxPool } from "./images.ts";

export const resnet18 = entry({
  title: "ResNet-18 at 64², batch 16",
  full: { batch: 16, side: 64, channels: [64, 128, 256, 512], blocks: 2, classes: 200 },
  small: { batch: 4, side: 16, channels: [4, 6], blocks: 1, classes: 5 },
  build(net, { batch, side, channels, blocks, classes }) {
    const { g } = net;
    const labels = net.ids("labels", [batch], classes);
    let x = net.floats("x", [batch, 3, side, side]);
    x = conv(net, "stem", x, channels[0]!, { size: 7, stride: 2, pad: 3, bias: false }); // (B, 64, side/2, side/2)
    x = maxPool(net, g.relu(batchNorm(net, "norm", x)), { size: 3, stride: 2, pad: 1 }); // (B, 64, side/4, side/4)
    channels.forEach((count, stage) => {
      for (let i = 0; i < blocks; i++) x = block(net, `stages.${stage}.${i}`, x, count, stage > 0 && i === 0 ? 2 : 1);
    });
    const pooled = g.reshape(g.op("GlobalAveragePool", [x]), [batch, channels.at(-1)!]);
    return crossEntropy(net, linear(net, "head", pooled, classes, { gain: 1 }), labels);
  },
});

/** x + two convolutions of it; where the shape changes, x goes through one of size 1. */
function block(net: SuiteNet, name: string, x: Value, channels: number, stride: number): Value {
  const { g } = net;
  let y = conv(net, `${name}.conv1`, x, channels, { size: 3, stride, pad: 1, bias: false });
  y = g.relu(batchNorm(net, `${name}.norm1`, y));
  y = batchNorm(net, `${name}.norm2`, conv(net, `${name}.conv2`, y, channels, { size: 3, pad: 1, bias: false }));
  const same = stride === 1 && x.dims[1] === channels;
  const short = same ? x : batchNorm(net, `${name}.norm3`, conv(net, `${name}.conv3`, x, channels, { size: 1, stride, bias: false }));
  return g.relu(g.add(y, short));
}
