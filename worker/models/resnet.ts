// A small residual network for pictures (He et al. 2015, https://arxiv.org/abs/1512.03385), without normalisation: the last convolution of
// every branch begins at zero, so that the network begins as its short cuts and no statistics of batches are needed (Fixup: Zhang et al.
// 2019, https://arxiv.org/abs/1901.09321). Letters: B batch, S side, C channels.
import type { Value } from "../ops/builder.ts";
import { dropout, linear, type Net, normal, zeros } from "./layers.ts";

export interface ResnetConfig {
  /** Channels of the first stage; each later one has twice as many on half the side. */
  channels: number;
  stages: number;
  /** Residual blocks a stage. */
  blocks: number;
  /** How far the first convolution steps: 2 for larger pictures. */
  stride: number;
  dropout: number;
}

/** What suits pictures of that side and number: about as much as two processors go through in minutes. */
export function resnetFor(size: number, rows: number): ResnetConfig {
  return {
    channels: rows < 2000 && size > 40 ? 12 : 16,
    stages: size >= 48 ? 4 : size >= 14 ? 3 : 2,
    blocks: rows > 20_000 ? 2 : 1,
    stride: size >= 48 ? 2 : 1,
    dropout: rows < 5000 ? 0.2 : 0.1,
  };
}

/** Multiply-adds of one picture, forward. */
export function resnetMadds({ channels, stages, blocks, stride }: ResnetConfig, size: number): number {
  let side = Math.ceil(size / stride);
  let inputs = channels;
  let sum = side ** 2 * 27 * channels;
  for (let stage = 0; stage < stages; stage++) {
    const width = channels * 2 ** stage;
    if (stage > 0) side = Math.ceil(side / 2);
    sum += side ** 2 * width * (9 * inputs + 9 * width * (2 * blocks - 1) + (stage > 0 ? inputs : 0));
    inputs = width;
  }
  return sum;
}

/** Side that pictures are drawn at: their own, at least 16 and up to 64, where that is what they mostly have. */
export function sideFor(median: readonly [number, number]): number {
  const own = Math.max(...median);
  return own <= 28 ? Math.max(16, own) : own <= 32 ? 32 : own <= 48 ? 48 : 64;
}

/** Logits (B, classes). @param x (B, 3, S, S) float32, about -1 … 1 */
export function resnet(net: Net, c: ResnetConfig, x: Value, classes: number): Value {
  const { g } = net;
  let h = g.relu(convolve(net, "stem", x, c.channels, { stride: c.stride })); // (B, C, S', S')
  for (let stage = 0; stage < c.stages; stage++)
    for (let block = 0; block < c.blocks; block++)
      h = residual(net, `stage${stage}.block${block}`, h, c.channels * 2 ** stage, stage > 0 && block === 0 ? 2 : 1);
  const pooled = g.reduceMean(h, { axes: [2, 3], keepdims: false }); // (B, C')
  return linear(net, "out", dropout(net, pooled, c.dropout), classes, { gain: 1 }); // (B, classes)
}

/** relu(short + f(x)); the short cut is a 1 × 1 convolution where the shape changes. */
function residual(net: Net, name: string, x: Value, channels: number, stride: number): Value {
  const { g } = net;
  const h = g.relu(convolve(net, `${name}.first`, x, channels, { stride })); // (B, C', S/stride, S/stride)
  const f = convolve(net, `${name}.second`, h, channels, { init: zeros });
  const same = stride === 1 && x.dims[1] === channels;
  const short = same ? x : convolve(net, `${name}.short`, x, channels, { stride, size: 1, gain: 1 });
  return g.relu(g.add(short, f));
}

function convolve(
  net: Net,
  name: string,
  x: Value,
  channels: number,
  { stride = 1, size = 3, gain = 2, init = undefined as typeof zeros | undefined } = {},
): Value {
  const inputs = x.dims[1] as number;
  const pad = (size - 1) / 2;
  const w = net.weight(`${name}.weight`, [channels, inputs, size, size], init ?? normal(Math.sqrt(gain / (inputs * size * size))));
  const b = net.weight(`${name}.bias`, [channels], zeros);
  return net.g.op("Conv", [x, w, b], { kernel_shape: [size, size], strides: [stride, stride], pads: [pad, pad, pad, pad] });
}
