// What the families share: weights that are drawn or given, and the few layers made of them. Letters: B batch, K members, F inputs,
// D width. A weight's first values depend on the seed and its name alone, never on the order in which layers are made.
import type { Builder, Value } from "../ops/builder.ts";
import { Random } from "../random.ts";
import { float32, type Tensor } from "../tensor.ts";

/** How a weight begins: fills `values`, drawing from `random`. */
export type Init = (values: Float32Array, random: Random) => void;

/** A network being built. */
export interface Net {
  g: Builder;
  /** Whether dropout is there. */
  training: boolean;
  /** A trainable tensor; its values are the given ones, or drawn. */
  weight(name: string, dims: readonly number[], init: Init): Value;
}

/** @param given trained weights by name; those absent are drawn from the seed */
export function openNet(g: Builder, options: { training: boolean; seed?: number; given?: ReadonlyMap<string, Tensor> }): Net {
  const { training, seed = 0, given } = options;
  return {
    g,
    training,
    weight(name, dims, init) {
      const values = new Float32Array(dims.reduce((size, d) => size * d, 1));
      const known = given?.get(name);
      if (known?.dtype === "float32") values.set(known.data);
      else init(values, new Random(seed, name));
      return g.parameter(name, dims, float32(dims, values).data);
    },
  };
}

export const zeros: Init = () => {};
export const normal =
  (std: number): Init =>
  (values, random) => {
    for (let i = 0; i < values.length; i++) values[i] = random.normal() * std;
  };
export const uniform =
  (from: number, to: number): Init =>
  (values, random) => {
    for (let i = 0; i < values.length; i++) values[i] = from + (to - from) * random.uniform();
  };

export const activations = ["relu", "silu", "gelu", "tanh"] as const;
export type Activation = (typeof activations)[number];

export function activate(g: Builder, name: Activation, x: Value): Value {
  return name === "gelu" ? g.gelu(x, "tanh") : g[name](x);
}

/** Length of the last axis, which is always known. */
export function widthOf(x: Value): number {
  const width = x.dims.at(-1);
  if (typeof width !== "number") throw new TypeError(`the last axis of '${x.name}' has no known length`);
  return width;
}

/**
 * x · W + b with He's start: https://arxiv.org/abs/1502.01852
 * @param members K biases over one matrix; `apart`: K matrices too
 */
export function linear(net: Net, name: string, x: Value, width: number, { gain = 2, members = 0, apart = false } = {}): Value {
  const inputs = widthOf(x);
  const w = net.weight(`${name}.weight`, [...(apart ? [members] : []), inputs, width], normal(Math.sqrt(gain / inputs))); // (F, D) or (K, F, D)
  const b = net.weight(`${name}.bias`, members ? [members, 1, width] : [width], zeros);
  return net.g.add(net.g.matmul(x, w), b); // (…, D)
}

export function dropout(net: Net, x: Value, ratio: number): Value {
  return net.training && ratio > 0 ? net.g.dropout(x, ratio) : x;
}

/**
 * Category codes as numbers, in two look-ups whatever the count of columns. Few values: one 0/1 input each; more: a learned vector each.
 * Code 0 (unknown or missing) adds nothing in the first, and begins at zero in the second.
 * @param codes (B, Q) int64
 * @param categories cardinality of each column, code 0 included
 * @param members K tables of vectors, where members learn apart
 * @returns (1, B, …) or (K, B, …) values to put beside the numeric ones
 */
export function embedCategories(
  net: Net,
  codes: Value,
  categories: readonly number[],
  { size, few, members = 1 }: { size: number; few: number; members?: number },
): Value[] {
  const { g } = net;
  const columns = categories.map((cardinality, column) => ({ column, cardinality }));
  const small = columns.filter((c) => c.cardinality <= few + 1);
  const large = columns.filter((c) => c.cardinality > few + 1);
  const parts: Value[] = [];
  if (small.length) {
    const width = small.reduce((sum, c) => sum + c.cardinality - 1, 0);
    const rows = small.reduce((sum, c) => sum + c.cardinality, 0);
    const table = new Float32Array(rows * width); // row of (column, code): a single 1, or none for code 0
    let row = 0;
    let place = 0;
    for (const { cardinality } of small) {
      for (let code = 0; code < cardinality; code++, row++) if (code > 0) table[row * width + place++] = 1;
    }
    const found = g.gather(g.constant(float32([rows, width], table)), offsets(g, codes, small)); // (B, q, width)
    parts.push(g.unsqueeze(g.reduceSum(found, { axes: [1], keepdims: false }), [0])); // (1, B, width)
  }
  if (large.length) {
    const rows = large.reduce((sum, c) => sum + c.cardinality, 0);
    const table = net.weight("categories.table", [members, rows, size], (values, random) => {
      normal(1 / Math.sqrt(size))(values, random);
      let row = 0;
      for (let k = 0; k < members; k++)
        for (const { cardinality } of large) {
          values.fill(0, row * size, (row + 1) * size);
          row += cardinality;
        }
    });
    const found = g.gather(table, offsets(g, codes, large), { axis: 1 }); // (K, B, q, size)
    parts.push(g.reshape(found, [members, "B", large.length * size])); // (K, B, q · size)
  }
  return parts;
}

/** Codes of the chosen columns as rows of one table that holds theirs one after another: (B, q). */
function offsets(g: Builder, codes: Value, chosen: readonly { column: number; cardinality: number }[]): Value {
  let sum = 0;
  const starts = chosen.map(({ cardinality }) => (sum += cardinality) - cardinality);
  const picked = chosen.length === widthOf(codes) ? codes : g.gather(codes, g.list(chosen.map((c) => c.column)), { axis: 1 });
  return g.add(picked, g.list(starts));
}

/**
 * Each number as itself and `size` - 1 learned functions of it, which lets a network bend sharply where the answer does:
 *   waves   v = A · cos(2π · w · x + b) + c for each input alone, PBLD of RealMLP, https://arxiv.org/abs/2407.04491
 *   bins    + D · ple(x), where ple(x) is 1 for each bin below x, 0 above, and the part passed of the one that x lies in: any function that is
 *           straight between quantiles, and for whole numbers that stand for kinds any at all (https://arxiv.org/abs/2203.05556). D begins at 0.
 * @param x (B, F)
 * @param bins edges of the first inputs' bins, in order
 * @param members K, where members learn apart
 * @returns (1, B, F · (size - 1)) or (K, B, F · (size - 1)), to put beside x
 */
export function waves(
  net: Net,
  name: string,
  x: Value,
  options: { size: number; frequencies: number; sigma: number; bins?: readonly (readonly number[])[]; members?: number },
): Value {
  const { size, frequencies, sigma, bins = [], members = 1 } = options;
  const { g } = net;
  const inputs = widthOf(x);
  const w = net.weight(`${name}.frequency`, [members, inputs, 1, frequencies], normal(2 * Math.PI * sigma)); // (K, F, 1, H)
  const b = net.weight(`${name}.phase`, [members, inputs, 1, frequencies], uniform(-Math.PI, Math.PI)); // (K, F, 1, H)
  const a = net.weight(`${name}.weight`, [members, inputs, frequencies, size - 1], normal(1 / Math.sqrt(frequencies))); // (K, F, H, E)
  const c = net.weight(`${name}.bias`, [members, inputs, 1, size - 1], zeros);
  const column = g.unsqueeze(g.transpose(x), [0, 3]); // (1, F, B, 1)
  const z = g.cos(g.add(g.mul(column, w), b)); // (K, F, B, H)
  let v = g.add(g.matmul(z, a), c); // (K, F, B, E)
  const most = Math.max(0, ...bins.map((edges) => edges.length - 1));
  if (most > 0) {
    const d = net.weight("bins.weight", [members, inputs, most, size - 1], zeros); // (K, F, T, E)
    v = g.add(v, g.matmul(passed(g, column, bins, inputs, most), d));
  }
  return g.reshape(g.transpose(v, [0, 2, 1, 3]), [members, "B", inputs * (size - 1)]); // (K, B, F · E)
}

/** Part of each bin that a number has passed: (1, F, B, 1) → (1, F, B, T), 0 to 1; 0 for bins that an input does not have. */
function passed(g: Builder, column: Value, bins: readonly (readonly number[])[], inputs: number, most: number): Value {
  const from = new Float32Array(inputs * most);
  const slope = new Float32Array(inputs * most);
  for (const [f, edges] of bins.entries())
    for (let t = 0; t + 1 < edges.length; t++) {
      from[f * most + t] = edges[t]!;
      slope[f * most + t] = 1 / (edges[t + 1]! - edges[t]!);
    }
  const table = (values: Float32Array): Value => g.constant(float32([inputs, 1, most], values));
  return g.clip(g.mul(g.sub(column, table(from)), table(slope)), 0, 1);
}
