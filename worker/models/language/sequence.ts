// Tokens as a model reads them, attention between them, and rotary positions. Letters: B batch, T tokens, S tokens that are seen (T, or more
// with a cache), H heads, V heads of keys and values, G = H / V, E size of a head.
import { AppError } from "../../../ipc/error.ts";
import type { Builder, Value } from "../../ops/builder.ts";
import { float32 } from "../../tensor.ts";
import type { Facts } from "./facts.ts";

export interface Sequence {
  /** (B, T) int64 */
  ids: Value;
  /** (B, T) int64: the place of each token in its text. */
  positions: Value;
  /** (B, T) int64: texts packed into one row have numbers of their own and do not see each other. */
  segments?: Value;
  /** Keys and values of earlier tokens. */
  cache?: Cache;
}

/** Takes the new keys and values (B, V, T, E) of a layer, gives all that are seen (B, V, S, E). */
export interface Cache {
  /** (S) int64: positions of the tokens seen. */
  positions(g: Builder): Value;
  extend(layer: number, keys: Value, values: Value): { keys: Value; values: Value };
}

const hidden = -1e30;

export interface Attention {
  heads: number;
  kvHeads: number;
  headSize: number;
  /** Scores are multiplied by it: usually 1 / sqrt(E). */
  scale: number;
  /** How many tokens back a token sees, itself included. */
  window?: number | undefined;
  /** Scores go through cap · tanh(score / cap). */
  softcap?: number | undefined;
  /** (H) slopes of what is taken off for distance: https://arxiv.org/abs/2108.12409 */
  alibi?: readonly number[] | undefined;
  /** Turns queries and keys (B, heads, T, E) by their positions. */
  rotate?: ((x: Value) => Value) | undefined;
  layer: number;
}

/** Attention of q (B, T, H·E) to k and v (B, T, V·E), each token to those before it: (B, T, H·E). */
export function attend(g: Builder, q: Value, k: Value, v: Value, sequence: Sequence, a: Attention): Value {
  const apart = (x: Value, heads: number) => g.transpose(g.op("Reshape", [x, g.list([0, 0, heads, a.headSize])]), [0, 2, 1, 3]);
  return attendApart(g, apart(q, a.heads), apart(k, a.kvHeads), apart(v, a.kvHeads), sequence, a);
}

/** The same of q (B, H, T, E), k and v (B, V, T, E). */
export function attendApart(g: Builder, q: Value, k: Value, v: Value, sequence: Sequence, a: Attention): Value {
  const { rotate = (x: Value) => x, cache } = sequence.cache ? { rotate: a.rotate, cache: sequence.cache } : { rotate: a.rotate };
  const groups = a.heads / a.kvHeads;
  let [queries, keys, values] = [rotate(q), rotate(k), v];
  if (cache) ({ keys, values } = cache.extend(a.layer, keys, values));
  if (groups > 1) {
    queries = g.op("Reshape", [queries, g.list([0, a.kvHeads, groups, -1, a.headSize])]); // (B, V, G, T, E)
    keys = g.unsqueeze(keys, [2]); // (B, V, 1, S, E)
    values = g.unsqueeze(values, [2]);
  }
  let scores = g.mul(g.matmul(queries, g.swapLast(keys)), a.scale); // (B, V, [G,] T, S)
  if (a.softcap) scores = g.mul(g.tanh(g.div(scores, a.softcap)), a.softcap);
  if (a.alibi) scores = g.add(scores, distances(g, sequence, a.alibi, a.kvHeads));
  scores = g.add(scores, mask(g, sequence, a.window, groups > 1 ? 2 : 1));
  const mixed = g.matmul(g.softmax(scores), values); // (B, V, [G,] T, E)
  const whole = groups > 1 ? g.op("Reshape", [mixed, g.list([0, a.heads, -1, a.headSize])]) : mixed;
  return g.op("Reshape", [g.transpose(whole, [0, 2, 1, 3]), g.list([0, 0, a.heads * a.headSize])]);
}

/** 0 where a token sees another, else far below every score: (B, 1, [1,] T, S), or (T, S) where all rows are alike. */
function mask(g: Builder, { ids, positions, segments, cache }: Sequence, window: number | undefined, axes: 1 | 2): Value {
  const length = ids.dims[1];
  if (!cache && !segments && typeof length === "number") {
    const seen = (i: number, j: number) => j <= i && (window === undefined || j > i - window);
    const values = Float32Array.from({ length: length * length }, (_, n) => (seen(Math.floor(n / length), n % length) ? 0 : hidden));
    const name = `mask.${length}.${window ?? ""}`;
    return g.graph.defines(name) ? g.value(name) : g.constant(float32([length, length], values), name);
  }
  const here = g.unsqueeze(positions, [2]); // (B, T, 1)
  const there = cache ? g.unsqueeze(cache.positions(g), [0, 1]) : g.unsqueeze(positions, [1]); // (B, 1, S)
  let seen = g.lessOrEqual(there, here); // (B, T, S)
  if (window !== undefined) seen = g.and(seen, g.greater(there, g.sub(here, window)));
  if (segments) seen = g.and(seen, g.equal(g.unsqueeze(segments, [1]), g.unsqueeze(segments, [2])));
  const values = g.where(seen, g.scalar(0), g.scalar(hidden));
  return g.unsqueeze(values, axes === 2 ? [1, 2] : [1]);
}

/** slope · position of what is seen: (H, 1, S) or (B, H, 1, S). A softmax is the same with distances. */
function distances(g: Builder, { positions, cache }: Sequence, slopes: readonly number[], heads: number): Value {
  const there = g.cast(cache ? g.unsqueeze(cache.positions(g), [0]) : positions, "float32"); // (B, S)
  return g.mul(g.unsqueeze(there, [1, 2]), g.constant(float32([heads, 1, 1], slopes)));
}

export interface Rotary {
  /** Numbers of a head that turn. */
  size: number;
  /** One a pair: how fast it turns. */
  frequencies: readonly number[];
  /** What cosines and sines are multiplied by (longrope, yarn). */
  factor: number;
}

/**
 * Rotary positions, halves apart as transformers has them: (x₁ cos − x₂ sin, x₂ cos + x₁ sin). https://arxiv.org/abs/2104.09864
 * @returns what turns x (B, heads, T, E) by the positions (B, T)
 */
export function rotation(g: Builder, positions: Value, { size, frequencies, factor }: Rotary): (x: Value) => Value {
  const angle = g.mul(g.unsqueeze(g.cast(positions, "float32"), [1, 3]), g.constant(float32([size / 2], frequencies))); // (B, 1, T, size / 2)
  const [cos, sin] = [g.mul(g.cos(angle), factor), g.mul(g.sin(angle), factor)];
  return (x) => {
    const rest = (x.dims[3] as number) - size;
    const parts = g.split(x, rest ? [size / 2, size / 2, rest] : [size / 2, size / 2], { axis: 3 });
    const [a, b] = parts as [Value, Value];
    const turned = [g.sub(g.mul(a, cos), g.mul(b, sin)), g.add(g.mul(b, cos), g.mul(a, sin))];
    return g.concat([...turned, ...parts.slice(2)], { axis: 3 });
  };
}

/** 1 / base^(2i / size) for each pair. Throws `modelInvalid` for a size that no head has. */
export function plainFrequencies(size: number, base: number): number[] {
  if (!(size >= 2 && size % 2 === 0 && size <= 4096 && base > 0))
    throw new AppError(
      "modelInvalid",
      `The model turns ${size} numbers of a head, by the base ${base}, which cannot be.`,
      "The model is damaged: copy it again.",
      { size, base },
    );
  return Array.from({ length: size / 2 }, (_, i) => 1 / base ** ((2 * i) / size));
}

/**
 * Rotary positions as config.json says them: plain, `linear`, `llama3`, `yarn`, `longrope` (transformers, modeling_rope_utils.py). Longrope's short
 * factors are used: the long ones are for texts beyond the model's first context.
 */
export function rotaryOf(facts: Facts, size: number, context: number, usualBase = 10_000, group?: string): Rotary {
  const all = facts.inner("rope_parameters");
  const told = (group !== undefined && all?.inner(group)) || all || facts.inner("rope_scaling");
  const base = all ? (told?.real("rope_theta", facts.real("rope_theta", usualBase)) ?? usualBase) : facts.real("rope_theta", usualBase);
  const kind = told ? told.text("rope_type", told.text("type", "default")) : "default";
  const plain = plainFrequencies(size, base);
  if (!told || kind === "default") return { size, frequencies: plain, factor: 1 };
  if (kind === "linear") return { size, frequencies: plain.map((f) => f / told.real("factor")), factor: 1 };
  if (kind === "llama3") return { size, frequencies: llama3(plain, told), factor: 1 };
  if (kind === "yarn") return yarnOf(size, base, context, told);
  if (kind === "longrope" || kind === "su") return longrope(size, plain, context, facts, told);
  throw told.refuse(`has the rotary positions '${kind}', which are not known here`, "default, linear, llama3, yarn and longrope are.");
}

/** Slow turns are slowed by `factor`, fast ones stay, between them a blend. */
export function llama3(plain: readonly number[], told: Facts): number[] {
  const [factor, low, high] = [told.real("factor"), told.real("low_freq_factor"), told.real("high_freq_factor")];
  const old = told.whole("original_max_position_embeddings");
  return plain.map((f) => {
    const wave = (2 * Math.PI) / f;
    if (wave > old / low) return f / factor;
    if (wave < old / high) return f;
    const smooth = (old / wave - low) / (high - low);
    return ((1 - smooth) * f) / factor + smooth * f;
  });
}

function yarnOf(size: number, base: number, context: number, told: Facts): Rotary {
  const old = told.whole("original_max_position_embeddings", context);
  const [fast, slow] = [told.real("beta_fast", 32), told.real("beta_slow", 1)];
  const made = yarn(size, base, { factor: told.real("factor"), old, fast, slow });
  return { ...made, factor: told.real("attention_factor", made.factor) };
}

/** Turns of more than `fast` rounds within the old context stay, those of less than `slow` are slowed. https://arxiv.org/abs/2309.00071 */
export function yarn(
  size: number,
  base: number,
  { factor, old, fast = 32, slow = 1 }: { factor: number; old: number; fast?: number; slow?: number },
): Rotary {
  const place = (turns: number) => (size * Math.log(old / (turns * 2 * Math.PI))) / (2 * Math.log(base));
  const low = Math.max(0, Math.floor(place(fast)));
  const high = Math.min(size - 1, Math.ceil(place(slow)));
  const frequencies = plainFrequencies(size, base).map((f, i) => {
    const ramp = Math.min(1, Math.max(0, (i - low) / Math.max(0.001, high - low)));
    return (f / factor) * ramp + f * (1 - ramp);
  });
  return { size, frequencies, factor: factor > 1 ? 0.1 * Math.log(factor) + 1 : 1 };
}

/** Rotary positions as GGUF's metadata say them: none, `linear` and `yarn`; others are refused. */
export function rotaryOfGguf(facts: Facts, shape: { headSize: number; context: number }): Rotary {
  const size = facts.whole("rope.dimension_count", shape.headSize);
  const base = facts.real("rope.freq_base", 10_000);
  const kind = facts.text("rope.scaling.type", "none");
  const plain = plainFrequencies(size, base);
  if (kind === "none" || kind === "longrope") return { size, frequencies: plain, factor: 1 };
  const factor = facts.real("rope.scaling.factor", 1);
  if (kind === "linear") return { size, frequencies: plain.map((f) => f / factor), factor: 1 };
  if (kind === "yarn")
    return yarn(size, base, {
      factor,
      old: facts.whole("rope.scaling.original_context_length", shape.context),
      fast: facts.real("rope.scaling.yarn_beta_fast", 32),
      slow: facts.real("rope.scaling.yarn_beta_slow", 1),
    });
  throw facts.refuse(`has the rotary scaling '${kind}', which is not known here`, "Choose a file without it.");
}

function longrope(size: number, plain: readonly number[], context: number, facts: Facts, told: Facts): Rotary {
  const short = told.numbers("short_factor");
  if (short?.length !== size / 2) throw told.refuse(`has ${short?.length ?? 0} short factors for ${size / 2} pairs`);
  const old = told.has("original_max_position_embeddings")
    ? told.whole("original_max_position_embeddings")
    : facts.whole("original_max_position_embeddings", context);
  const ratio = told.has("factor") ? told.real("factor") : context / old;
  const usual = ratio <= 1 ? 1 : Math.sqrt(1 + Math.log(ratio) / Math.log(old));
  return { size, frequencies: plain.map((f, i) => f / short[i]!), factor: told.real("attention_factor", usual) };
}
