// What the nets of images share: convolution and batch normalisation as PyTorch's layers have them.
import type { Value } from "../../ops/builder.ts";
import { type Net, normal } from "../../models/layers.ts";
import { filled, type SuiteNet } from "./entry.ts";

export interface Window {
  size: number;
  stride?: number;
  pad?: number;
  bias?: boolean;
}

/** Convolution with He's start. x (B, C, H, W) → (B, channels, H', W') */
export function conv(net: Net, name: string, x: Value, channels: number, { size, stride = 1, pad = 0, bias = true }: Window): Value {
  const inputs = x.dims[1] as number;
  const w = net.weight(`${name}.weight`, [channels, inputs, size, size], normal(Math.sqrt(2 / (inputs * size * size))));
  const b = bias ? net.weight(`${name}.bias`, [channels], filled(0)) : undefined;
  return net.g.op("Conv", [x, w, b], { kernel_shape: [size, size], strides: [stride, stride], pads: [pad, pad, pad, pad] });
}

/** Normalised by the batch's own mean and variance; the running ones follow. https://arxiv.org/abs/1502.03167 */
export function batchNorm(net: SuiteNet, name: string, x: Value): Value {
  const dims = [x.dims[1] as number];
  const scale = net.weight(`${name}.weight`, dims, filled(1));
  const bias = net.weight(`${name}.bias`, dims, filled(0));
  const mean = net.fixed(`${name}.running_mean`, dims, filled(0));
  const variance = net.fixed(`${name}.running_var`, dims, filled(1));
  return net.g.op(
    "BatchNormalization",
    [x, scale, bias, mean, variance],
    { training_mode: 1, epsilon: 1e-5, momentum: 0.9 },
    { outputs: 3 },
  )[0]!;
}

export const maxPool = ({ g }: Net, x: Value, { size, stride = 1, pad = 0 }: Window): Value =>
  g.op("MaxPool", [x], { kernel_shape: [size, size], strides: [stride, stride], pads: [pad, pad, pad, pad] });
