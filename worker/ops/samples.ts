// Inputs on which an operator's gradient is checked: seeded, and away from kinks and poles, so that tolerances can be tight.
import { type DType, fromNumbers, sizeOf, strings, type Tensor } from "../tensor.ts";
import type { Plain } from "./builder.ts";

/** Makes one input. "float" is float64 or float32, as the check needs. */
export interface Gen {
  dtype: DType | "float";
  dims: readonly number[];
  /** Given as a constant, as shapes and axes must be. */
  constant?: boolean;
  make(random: () => number): number[];
}

export interface SampleSpec {
  inputs: readonly (Gen | undefined)[];
  attrs?: Record<string, Plain>;
  outputs?: number;
  /** 1 for what is linear in each input: the difference quotient is then exact. Default 1e-4 in float64, 1e-2 in float32. */
  step?: number;
  /** To be checked in float32 alone. */
  float32?: boolean;
}
export type Sample = readonly Gen[] | SampleSpec;

export function sampleSpec(sample: Sample): SampleSpec {
  return "inputs" in sample ? sample : { inputs: sample };
}

const gen =
  (draw: (random: () => number) => number) =>
  (...dims: number[]): Gen => ({ dtype: "float", dims, make: (random) => Array.from({ length: sizeOf(dims) }, () => draw(random)) });

/** Bell-shaped around 0, deviation about 1, within ±3. */
export const normal = gen((r) => (r() + r() + r() + r() + r() + r() - 3) * Math.SQRT2);
/** Between 0.5 and 2. */
export const positive = gen((r) => 0.5 + 1.5 * r());
/** Of either sign, at least 0.2 from 0 and from every whole number and half. */
export const offGrid = gen((r) => Math.floor(r() * 6 - 3) + (r() < 0.5 ? 0.2 + 0.1 * r() : 0.7 + 0.1 * r()));
/** Between the limits. */
export const between = (low: number, high: number): ((...dims: number[]) => Gen) => gen((r) => low + (high - low) * r());
/** All different, at least 0.1 apart, in random order: for maxima. */
export const distinct = (...dims: number[]): Gen => ({
  dtype: "float",
  dims,
  make(random) {
    const values = Array.from({ length: sizeOf(dims) }, (_, i) => (i - sizeOf(dims) / 2) * 0.15);
    for (let i = values.length - 1; i > 0; i--) {
      const j = Math.floor(random() * (i + 1));
      [values[i], values[j]] = [values[j]!, values[i]!];
    }
    return values;
  },
});

/** These whole numbers, as a constant vector (dims given: of that shape). */
export const list = (values: readonly number[], dims: readonly number[] = [values.length], dtype: DType = "int64"): Gen => ({
  dtype,
  dims,
  constant: true,
  make: () => [...values],
});
/** These whole numbers as an input that is not known before the run. */
export const ids = (values: readonly number[], dims: readonly number[] = [values.length], dtype: DType = "int64"): Gen => ({
  dtype,
  dims,
  make: () => [...values],
});
/** These floats as an input: what is hard for a rule. */
export const given = (values: readonly number[], dims: readonly number[] = [values.length]): Gen => ({
  dtype: "float",
  dims,
  make: () => [...values],
});
/** A float constant. */
export const fixed = (values: readonly number[], dims: readonly number[] = []): Gen => ({
  dtype: "float",
  dims,
  constant: true,
  make: () => [...values],
});

/** The sample's tensors in a float type; the same seed gives the same values. */
export function drawInputs(sample: SampleSpec, float: "float32" | "float64", seed = 1): (Tensor | undefined)[] {
  const random = seeded(seed);
  return sample.inputs.map((g) => {
    if (!g) return undefined;
    const values = g.make(random);
    if (g.dtype === "string") return strings(g.dims, values.map(String));
    return fromNumbers(g.dtype === "float" ? float : g.dtype, g.dims, values);
  });
}

/** Numbers from 0 to below 1 from a seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
