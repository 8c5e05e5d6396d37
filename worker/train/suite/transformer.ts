// The block of GPT-2 and ViT: attention and two layers, each normalised before and added to what came in.
// https://arxiv.org/abs/1706.03762. B batch, T positions, D width, H heads, E = D / H.
import type { Value } from "../../ops/builder.ts";
import { linear as layer, type Net } from "../../models/layers.ts";
import { fromNumbers } from "../../tensor.ts";
import { filled } from "./entry.ts";

export interface BlockOptions {
  heads: number;
  /** Whether a position sees only what stands before it. */
  causal: boolean;
  gelu: "none" | "tanh";
  /** How a linear layer is made; by default of plain weights. */
  linear?: (name: string, x: Value, width: number) => Value;
  /** How other weights are made; by default they learn. */
  weight?: Net["weight"];
}

/** x (B, T, D) → (B, T, D) */
export function block(net: Net, name: string, x: Value, options: BlockOptions): Value {
  const { g } = net;
  const { linear = (own, of, width) => layer(net, own, of, width, { gain: 1 }) } = options;
  const width = x.dims[2] as number;
  const mixed = attention(net, `${name}.attention`, layerNorm(net, `${name}.norm1`, x, options), { ...options, linear });
  const seen = g.add(x, mixed);
  const inner = g.gelu(linear(`${name}.up`, layerNorm(net, `${name}.norm2`, seen, options), 4 * width), options.gelu); // (B, T, 4D)
  return g.add(seen, linear(`${name}.down`, inner, width));
}

export function layerNorm(net: Net, name: string, x: Value, options: Pick<BlockOptions, "weight"> = {}): Value {
  const make = options.weight ?? ((own, dims, init) => net.weight(own, dims, init));
  const dims = [x.dims.at(-1) as number];
  return net.g.layerNorm(x, make(`${name}.weight`, dims, filled(1)), make(`${name}.bias`, dims, filled(0)));
}

function attention(
  { g }: Net,
  name: string,
  x: Value,
  { heads, causal, linear }: Required<Pick<BlockOptions, "linear">> & BlockOptions,
): Value {
  const [batch, length, width] = x.dims as [number, number, number];
  const each = width / heads;
  const parts = g.split(linear(`${name}.qkv`, x, 3 * width), [width, width, width], { axis: 2 });
  const apart = (part: Value, order: number[]) => g.transpose(g.reshape(part, [batch, length, heads, each]), order);
  const q = apart(parts[0]!, [0, 2, 1, 3]); // (B, H, T, E)
  const k = apart(parts[1]!, [0, 2, 3, 1]); // (B, H, E, T)
  const v = apart(parts[2]!, [0, 2, 1, 3]);
  let scores = g.mul(g.matmul(q, k), 1 / Math.sqrt(each)); // (B, H, T, T)
  if (causal) {
    const later = Array.from({ length: length * length }, (_, i) => (i % length > Math.floor(i / length) ? -Infinity : 0));
    scores = g.add(scores, g.constant(fromNumbers("float32", [length, length], later), `causal.${length}`));
  }
  const mixed = g.transpose(g.matmul(g.softmax(scores), v), [0, 2, 1, 3]); // (B, T, H, E)
  return linear(`${name}.out`, g.reshape(mixed, [batch, length, width]), width);
}
