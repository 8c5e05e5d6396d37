// A language model's layers as graph: weights as the file keeps them (floats, or 4 and 8 bits by groups), and, beside those that learn,
// low-rank adapters. Letters: B batch, T tokens, K inputs, N outputs.
import { AppError } from "../../../ipc/error.ts";
import { type BlockType, isBlocks, levels, toFloat32 } from "../../formats/language/levels.ts";
import type { Builder, Value } from "../../ops/builder.ts";
import type { Dim } from "../../onnx/graph.ts";
import { Random } from "../../random.ts";
import { float32, tensor, type Tensor } from "../../tensor.ts";
import type { Source } from "./source.ts";

/** Low-rank adapters: y = x Wᵀ + scale · (x Aᵀ) Bᵀ, A (rank, K), B (N, rank). https://arxiv.org/abs/2106.09685 */
export interface AdapterSpec {
  rank: number;
  /** scale = alpha / rank, or alpha / sqrt(rank) with rank-stabilised adapters (https://arxiv.org/abs/2312.03732). */
  alpha: number;
  stabilised?: boolean;
  /** Whether the layer of that name has one. */
  targets(name: string): boolean;
  /** Values of A and B by the names that `adapterNames` gives; where absent, A is drawn as PEFT draws it and B is 0. */
  given?: ReadonlyMap<string, Float32Array>;
  seed: number;
}

export interface NetOptions {
  /** Whether the weight of that name learns. Only plain floats can. */
  trained?: (name: string) => boolean;
  adapter?: AdapterSpec;
  /** Values that stand for those of the file: what was learned. */
  given?: ReadonlyMap<string, Float32Array>;
}

export const adapterNames = (layer: string): { a: string; b: string } => ({ a: `${layer}.lora_A.weight`, b: `${layer}.lora_B.weight` });

export class LanguageNet {
  readonly g: Builder;
  /** Layers that were given an adapter. */
  readonly adapted: { layer: string; inputs: number; outputs: number }[] = [];
  readonly #source: Source;
  readonly #options: NetOptions;

  constructor(g: Builder, source: Source, options: NetOptions = {}) {
    this.g = g;
    this.#source = source;
    this.#options = options;
  }

  has(name: string): boolean {
    return this.#source.has(name);
  }

  /** A weight as float32 of the dims that the model's settings imply. */
  tensor(name: string, dims: readonly number[]): Value {
    const { g } = this;
    if (g.graph.defines(name)) return g.value(name);
    this.#check(name, dims);
    const given = this.#options.given?.get(name);
    if (this.#options.trained?.(name)) return g.parameter(name, dims, given ?? this.#floats(name));
    return g.constant(given ? float32(dims, given) : this.#kept(name, () => float32(dims, this.#floats(name))), name);
  }

  /** The numbers of a small tensor that the graph is built by. */
  values(name: string): Float32Array {
    return this.#floats(name);
  }

  /** Rows of a table (N, K) for ids (B, T): (B, T, K). */
  embed(layer: string, ids: Value, dims: readonly [number, number]): Value {
    const { g } = this;
    const name = `${layer}.weight`;
    const packed = this.#packed(name, dims);
    if (!packed) return g.gather(this.tensor(name, dims), ids);
    const { q, scales, offsets, bits, group } = packed;
    const [, width] = dims;
    const bytes = g.gather(q, ids); // (B, T, K / group, bytes of a group)
    const low = bits === 4 ? g.op("BitwiseAnd", [bytes, g.scalar(15, "uint8")]) : bytes;
    const high = bits === 4 ? g.op("BitShift", [bytes, g.scalar(4, "uint8")], { direction: "RIGHT" }) : undefined;
    const level = high ? g.concat([g.unsqueeze(low, [4]), g.unsqueeze(high, [4])], { axis: 4 }) : low;
    const whole = g.cast(g.op("Reshape", [level, g.list([0, 0, width / group, group])]), "float32"); // (B, T, K / group, group)
    const zero = bits === 4 ? 8 : 128;
    const scaled = g.mul(g.sub(whole, zero), g.unsqueeze(g.gather(scales, ids), [3]));
    const moved = offsets ? g.add(scaled, g.unsqueeze(g.gather(offsets, ids), [3])) : scaled;
    return g.op("Reshape", [moved, g.list([0, 0, width])]);
  }

  /** x (B, T, K) · Wᵀ, plus the bias where the model has one, plus the adapter where one is asked for: (B, T, N). */
  linear(layer: string, x: Value, outputs: number, { bias = this.has(`${layer}.bias`) } = {}): Value {
    const { g } = this;
    const inputs = x.dims.at(-1) as number;
    const dims = [outputs, inputs] as const;
    const packed = this.#packed(`${layer}.weight`, dims);
    let y: Value;
    if (packed) {
      const { q, scales, offsets, bits, group } = packed;
      const flat = g.reshape(scales, [(outputs * inputs) / group]);
      y = g.op("MatMulNBits", [x, q, flat], { K: inputs, N: outputs, bits, block_size: group }, { domain: "com.microsoft" });
      if (offsets) {
        // Σ offset · x over a group: the groups' sums against one number a group
        const sums = g.reduceSum(g.op("Reshape", [x, g.list([0, 0, inputs / group, group])]), { axes: [3], keepdims: false });
        y = g.add(y, this.#rows(sums, offsets));
      }
      if (bias) y = g.add(y, this.tensor(`${layer}.bias`, [outputs]));
    } else y = this.#rows(x, this.tensor(`${layer}.weight`, dims), bias ? this.tensor(`${layer}.bias`, [outputs]) : undefined);
    return this.#adapted(layer, x, y);
  }

  /** x (B, T, K) times the rows of w (N, K), as they lie: (B, T, N). Gemm needs no second copy of w for the way back. */
  #rows(x: Value, w: Value, bias?: Value): Value {
    const { g } = this;
    const flat = g.gemm(g.reshape(x, [-1, w.dims[1]!]), w, bias, { transB: 1 });
    const dims: Dim[] = [...x.dims.slice(0, -1), w.dims[0]!];
    const open = dims.filter((d) => typeof d === "string").length;
    if (open <= 1) return g.reshape(flat, dims);
    const lead = g.op("Shape", [x], { start: 0, end: dims.length - 1 });
    return g.assume(g.reshape(flat, g.concat([lead, g.list([w.dims[0] as number])], { axis: 0 })), dims);
  }

  #adapted(layer: string, x: Value, y: Value): Value {
    const { g } = this;
    const spec = this.#options.adapter;
    if (!spec?.targets(layer)) return y;
    const [inputs, outputs] = [x.dims.at(-1) as number, y.dims.at(-1) as number];
    const { a, b } = adapterNames(layer);
    if (!g.graph.defines(a)) this.adapted.push({ layer, inputs, outputs });
    const down = g.graph.defines(a) ? g.value(a) : g.parameter(a, [spec.rank, inputs], spec.given?.get(a) ?? drawn(spec, a, inputs));
    const up = g.graph.defines(b)
      ? g.value(b)
      : g.parameter(b, [outputs, spec.rank], spec.given?.get(b) ?? new Float32Array(outputs * spec.rank));
    const scale = spec.alpha / (spec.stabilised ? Math.sqrt(spec.rank) : spec.rank);
    return g.add(y, g.mul(this.#rows(this.#rows(x, down), up), scale));
  }

  /** The weight in 4 or 8 bits, where the file keeps it so and it does not learn. */
  #packed(name: string, dims: readonly [number, number]) {
    const { g } = this;
    const [, inputs] = dims;
    if (this.#options.given?.has(name)) return undefined;
    const { type } = this.#source.info(name);
    if (!isBlocks(type)) return undefined;
    if (this.#options.trained?.(name))
      throw new AppError(
        "usage",
        `The weights '${name}' are kept as ${type}, which cannot learn.`,
        "Train adapters over them: lora or qlora.",
        {
          weight: name,
          type,
        },
      );
    const names = { q: `${name}:q`, scales: `${name}:scales`, offsets: `${name}:offsets` };
    const known = (n: string) => (g.graph.defines(n) ? g.value(n) : undefined);
    const [q, scales] = [known(names.q), known(names.scales)];
    if (q && scales) return { q, scales, offsets: known(names.offsets), ...shapeOf(q, inputs) };
    this.#check(name, dims);
    const { kept } = this.#source;
    if (!kept.has(names.q))
      for (const [own, value] of Object.entries(packed(type, dims, this.#source.read(name).bytes))) kept.set(names[own as "q"], value);
    const constant = (own: string) => g.constant(kept.get(own)!, own);
    const [bytes, scaled] = [constant(names.q), constant(names.scales)];
    return {
      q: bytes,
      scales: scaled,
      offsets: kept.has(names.offsets) ? constant(names.offsets) : undefined,
      ...shapeOf(bytes, inputs),
    };
  }

  #kept(name: string, make: () => Tensor): Tensor {
    const { kept } = this.#source;
    const known = kept.get(name);
    if (known) return known;
    const made = make();
    kept.set(name, made);
    return made;
  }

  #floats(name: string): Float32Array {
    const { type, dims, bytes } = this.#source.read(name);
    return toFloat32({ type, dims }, bytes);
  }

  #check(name: string, dims: readonly number[]): void {
    const { dims: has } = this.#source.info(name);
    if (has.join() !== dims.join())
      throw new AppError(
        "modelInvalid",
        `The weights '${name}' are ${has.join(" × ")}; the model's settings want ${dims.join(" × ")}.`,
        "The model is damaged, or its settings are another's.",
        {
          weight: name,
        },
      );
  }
}

/** Bits of a level and numbers of a group, by how the levels are laid out (N, groups, bytes of a group). */
function shapeOf(q: Value, inputs: number): { bits: 4 | 8; group: number } {
  const group = inputs / (q.dims[1] as number);
  return { bits: (q.dims[2] as number) * 2 === group ? 4 : 8, group };
}

/** Blocks as MatMulNBits has them: levels (N, K / group, bytes), scales and, where a type has no zero, offsets (N, K / group). */
function packed(type: BlockType, dims: readonly [number, number], stored: Uint8Array): { q: Tensor; scales: Tensor; offsets?: Tensor } {
  const [outputs, inputs] = dims;
  const made = levels({ type, dims }, stored);
  const { bits, group } = made;
  // Levels are moved so that the runtime's usual zero stands for 0 where the type has a zero, else for the middle of its levels (those with 8
  // bits here and no zero have 32); a number a group makes up for the rest.
  const middle = made.zero ?? (bits === 4 ? 8 : 16);
  const move = (bits === 4 ? 8 : 128) - middle;
  const bytes = new Uint8Array(bits === 4 ? made.q.length / 2 : made.q.length);
  if (bits === 4) for (let i = 0; i < bytes.length; i++) bytes[i] = (made.q[2 * i]! + move) | ((made.q[2 * i + 1]! + move) << 4);
  else for (let i = 0; i < bytes.length; i++) bytes[i] = made.q[i]! + move;
  const groups = inputs / group;
  return {
    q: tensor("uint8", [outputs, groups, bits === 4 ? group / 2 : group], bytes),
    scales: float32([outputs, groups], made.scales),
    ...(made.zero === undefined && {
      offsets: float32(
        [outputs, groups],
        made.offsets.map((o, n) => o + middle * made.scales[n]!),
      ),
    }),
  };
}

/** Kaiming's uniform with a = sqrt(5), as PEFT draws A: U(-1/sqrt(K), 1/sqrt(K)). */
function drawn({ rank, seed }: AdapterSpec, name: string, inputs: number): Float32Array {
  const random = new Random(seed, name);
  return Float32Array.from({ length: rank * inputs }, () => (random.uniform() * 2 - 1) / Math.sqrt(inputs));
}
