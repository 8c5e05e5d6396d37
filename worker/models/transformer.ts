// The block of transformers (https://arxiv.org/abs/1706.03762): attention and two layers, each normalised before and added to what came in.
// Letters: B batch, T positions, P positions before, S = P + T, D width, H heads, E = D / H.
import type { Value } from "../ops/builder.ts";
import { dropout, type Init, type Net, normal, widthOf, zeros } from "./layers.ts";

export interface BlockOptions {
  heads: number;
  /** Added to the scores (…, T, S). */
  mask: Value;
  dropout: number;
  /** Layers in all: what is added to the stream begins smaller the more there are. */
  deep: number;
  /** Keys and values of the positions before, (B, H, P, E). */
  past?: { key: Value; value: Value } | undefined;
}

/** First values as in GPT-2 and nanoGPT. */
const small = 0.02;
const ones: Init = (values) => void values.fill(1);

/** x (B, T, D) → the same, and the keys and values (B, H, S, E). */
export function block(net: Net, name: string, x: Value, options: BlockOptions): { x: Value; key: Value; value: Value } {
  const { g } = net;
  const added = small / Math.sqrt(2 * options.deep);
  const { mixed, key, value } = attention(net, `${name}.attention`, layerNorm(net, `${name}.norm1`, x), options);
  const seen = g.add(x, dropout(net, dense(net, `${name}.attention.out`, mixed, widthOf(x), added), options.dropout)); // (B, T, D)
  const inner = g.gelu(dense(net, `${name}.up`, layerNorm(net, `${name}.norm2`, seen), 4 * widthOf(x), small), "tanh"); // (B, T, 4D)
  const down = dense(net, `${name}.down`, inner, widthOf(x), added);
  return { x: g.add(seen, dropout(net, down, options.dropout)), key, value };
}

function attention(net: Net, name: string, x: Value, { heads, mask, past }: BlockOptions): { mixed: Value; key: Value; value: Value } {
  const { g } = net;
  const width = widthOf(x);
  const each = width / heads;
  const parts = g.split(dense(net, `${name}.qkv`, x, 3 * width, small), [width, width, width], { axis: 2 });
  const apart = (part: Value): Value => g.transpose(g.reshape(part, g.list([0, 0, heads, each])), [0, 2, 1, 3]); // (B, H, T, E)
  const [query, ownKey, ownValue] = parts.map(apart) as [Value, Value, Value];
  const key = past ? g.concat([past.key, ownKey], { axis: 2 }) : ownKey; // (B, H, S, E)
  const value = past ? g.concat([past.value, ownValue], { axis: 2 }) : ownValue;
  const scores = g.mul(g.matmul(query, g.swapLast(key)), 1 / Math.sqrt(each)); // (B, H, T, S)
  const weighted = g.matmul(g.softmax(g.add(scores, mask)), value); // (B, H, T, E)
  return { mixed: g.reshape(g.transpose(weighted, [0, 2, 1, 3]), g.list([0, 0, width])), key, value };
}

/** x · W + b */
export function dense(net: Net, name: string, x: Value, width: number, std: number): Value {
  const w = net.weight(`${name}.weight`, [widthOf(x), width], normal(std)); // (F, D)
  return net.g.add(net.g.matmul(x, w), net.weight(`${name}.bias`, [width], zeros));
}

export function layerNorm(net: Net, name: string, x: Value): Value {
  const dims = [widthOf(x)];
  return net.g.layerNorm(x, net.weight(`${name}.scale`, dims, ones), net.weight(`${name}.bias`, dims, zeros));
}
