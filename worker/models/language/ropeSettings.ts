// Settings of rotary positions from config.json as GGUF's, and back. transformers' modeling_rope_utils.py; llama.cpp's convert_hf_to_gguf.py.
import { AppError } from "../../../ipc/error.ts";
import type { InGguf } from "./conversion.ts";
import type { Facts } from "./facts.ts";
import type { Shape } from "./family.ts";
import { plainFrequencies } from "./sequence.ts";

const unsayable = (what: string): AppError =>
  new AppError(
    "exportUnsupported",
    `llama.cpp cannot compute this model: ${what}.`,
    "Take it away as a Hugging Face folder (safetensors).",
    {},
  );

interface Options {
  /** Numbers of a head that turn. */
  size: number;
  /** Base where config.json says none. */
  base?: number;
  /** Settings within rope_parameters that count. */
  group?: string;
  /** Whether llama.cpp reads factors of the turns from a tensor `rope_freqs` of this family. */
  slowedTensor?: boolean;
  /** Whether it reads longrope's factors from tensors. */
  longTensors?: boolean;
}

/** Adds the settings of the rotary positions. Throws exportUnsupported for those that llama.cpp has not. */
export function ropeInGguf(out: InGguf, facts: Facts, c: Shape, o: Options): void {
  const all = facts.inner("rope_parameters");
  const told = (o.group !== undefined && all?.inner(o.group)) || all || facts.inner("rope_scaling");
  const usual = facts.real("rope_theta", o.base ?? 10_000);
  const base = all && told ? told.real("rope_theta", usual) : usual;
  const kind = told ? told.text("rope_type", told.text("type", "default")) : "default";
  const { entries, tensors } = out;
  entries.set("rope.dimension_count", { type: "u32", value: o.size });
  entries.set("rope.freq_base", { type: "f32", value: base });
  if (!told || kind === "default") return;
  const scaling = (type: string, factor: number) => {
    entries.set("rope.scaling.type", { type: "text", value: type });
    entries.set("rope.scaling.factor", { type: "f32", value: factor });
  };
  const original = (usual: number) => told.whole("original_max_position_embeddings", usual);
  const plain = plainFrequencies(o.size, base);
  if (kind === "linear") return scaling("linear", told.real("factor"));
  if (kind === "llama3" && o.slowedTensor) {
    tensors.set(
      "rope_freqs.weight",
      llama3Factors(plain, told.real("factor"), told.real("low_freq_factor"), told.real("high_freq_factor"), original(0)),
    );
    return;
  }
  if (kind === "yarn") {
    const factor = told.real("factor");
    const [mscale, fast, slow] = [0.1 * Math.log(factor) + 1, 32, 1];
    if (
      Math.abs(told.real("attention_factor", mscale) - mscale) > 1e-6 ||
      told.real("beta_fast", fast) !== fast ||
      told.real("beta_slow", slow) !== slow ||
      told.has("mscale") ||
      (told.has("truncate") && !told.flag("truncate", true))
    )
      throw unsayable("its yarn has other settings than the usual ones");
    scaling("yarn", factor);
    entries.set("rope.scaling.original_context_length", { type: "u32", value: original(c.context) });
    return;
  }
  if ((kind === "longrope" || kind === "su") && o.longTensors) {
    const [short, long] = [told.numbers("short_factor"), told.numbers("long_factor")];
    if (short?.length !== o.size / 2 || long?.length !== o.size / 2) throw unsayable("its longrope has not one factor a pair");
    const old = told.has("original_max_position_embeddings") ? original(0) : facts.whole("original_max_position_embeddings", c.context);
    const ratio = told.has("factor") ? told.real("factor") : c.context / old;
    const factor = ratio <= 1 ? 1 : Math.sqrt(1 + Math.log(ratio) / Math.log(old));
    entries.set("rope.scaling.original_context_length", { type: "u32", value: old });
    entries.set("rope.scaling.attn_factor", { type: "f32", value: told.real("attention_factor", factor) });
    out.notes.push("longrope");
    tensors.set("rope_factors_short.weight", Float32Array.from(short));
    tensors.set("rope_factors_long.weight", Float32Array.from(long));
    return;
  }
  throw unsayable(`it has the rotary positions '${kind}', which llama.cpp does not know of this family`);
}

/** By how much each turn is slowed. */
function llama3Factors(plain: readonly number[], factor: number, low: number, high: number, old: number): Float32Array {
  return Float32Array.from(plain, (f) => {
    const wave = (2 * Math.PI) / f;
    if (wave > old / low) return factor;
    if (wave < old / high) return 1;
    const smooth = (old / wave - low) / (high - low);
    return 1 / ((1 - smooth) / factor + smooth);
  });
}

/** rope_theta and rope_scaling of config.json. @param o.slowed llama.cpp's factors of the turns; o.short, o.long those of longrope */
export function ropeOfGguf(
  facts: Facts,
  c: Shape,
  o: { size: number; base?: number; slowed?: Float32Array | undefined; short?: Float32Array | undefined; long?: Float32Array | undefined },
): { rope_theta: number; rope_scaling?: Record<string, unknown>; original_max_position_embeddings?: number } {
  const base = exact(facts.real("rope.freq_base", o.base ?? 10_000));
  const kind = facts.text("rope.scaling.type", "none");
  const old = () => facts.whole("rope.scaling.original_context_length", c.context);
  if (o.slowed) return { rope_theta: base, rope_scaling: llama3Settings(plainFrequencies(o.size, base), o.slowed) };
  if (o.short && o.long) {
    const original = old();
    return {
      rope_theta: base,
      original_max_position_embeddings: original,
      rope_scaling: {
        rope_type: "longrope",
        type: "longrope",
        short_factor: [...o.short].map(exact),
        long_factor: [...o.long].map(exact),
        factor: c.context / original,
        attention_factor: exact(facts.real("rope.scaling.attn_factor", 1)),
      },
    };
  }
  const factor = () => exact(facts.real("rope.scaling.factor", 1));
  if (kind === "linear") return { rope_theta: base, rope_scaling: { rope_type: "linear", type: "linear", factor: factor() } };
  if (kind === "yarn")
    return {
      rope_theta: base,
      rope_scaling: { rope_type: "yarn", type: "yarn", factor: factor(), original_max_position_embeddings: old() },
    };
  return { rope_theta: base };
}

/** A float32 as the shortest decimal that is it. */
export function exact(x: number): number {
  for (let digits = 1; digits < 17; digits++) {
    const short = Number(x.toPrecision(digits));
    if (Math.fround(short) === Math.fround(x)) return short;
  }
  return x;
}

/**
 * The settings that llama.cpp's factors were made of. With waves w, 1/f = (1-s)/F + s, s = a/w - b between the slow and the fast ones, where low
 * may be taken as 1: b = 1/(high-1), a = old · b.
 */
function llama3Settings(plain: readonly number[], factors: Float32Array): Record<string, unknown> {
  const factor = exact(Math.max(...factors));
  const waves = plain.map((f) => (2 * Math.PI) / f);
  const between = [...factors].flatMap((f, i) =>
    f > 1.0001 && f < factor * 0.9999 ? [{ w: waves[i]!, s: (1 / f - 1 / factor) / (1 - 1 / factor) }] : [],
  );
  const tries: [old: number, low: number, high: number][] = [];
  const [first, last] = [between[0], between.at(-1)];
  if (first && last && first !== last) {
    const a = (first.s - last.s) / (1 / first.w - 1 / last.w);
    const b = a / first.w - first.s;
    for (const times of [1, 2, 4]) tries.push([Math.round((times * a) / b), times, Number((times * (1 + 1 / b)).toPrecision(5))]);
  } else if (first) tries.push([Math.round(3 * (first.s + 1 / 3) * first.w), 1, 4]);
  for (let old = 16; old <= 2 ** 20; old *= 2) tries.push([old, 1, 4]);
  for (const [old, low, high] of tries) {
    if (!(old >= 1 && high > low)) continue;
    const made = llama3Factors(plain, factor, low, high, old);
    if (made.every((f, i) => Math.abs(f / factors[i]! - 1) < 1e-3))
      return { rope_type: "llama3", factor, low_freq_factor: low, high_freq_factor: high, original_max_position_embeddings: old };
  }
  throw new AppError(
    "exportUnsupported",
    "The factors of the model's positions (rope_freqs) follow from no settings that transformers has.",
    "Take it away as a GGUF file.",
  );
}
