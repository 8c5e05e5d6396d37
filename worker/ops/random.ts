// Random numbers. What is drawn does not depend on the inputs' values in a way that can be followed, so nothing flows back.
import { dtypeOf } from "../onnx/proto.ts";
import type { DType } from "../tensor.ts";
import { type Attrs, none, type Op, op } from "./op.ts";
import { between, normal, type SampleSpec } from "./samples.ts";

/** The type asked for, else the one given. */
const asked = (attrs: Attrs, otherwise: DType): DType => (attrs.has("dtype") ? dtypeOf(attrs.int("dtype"), "dtype") : otherwise);

const drawn = (samples: SampleSpec[]): Op =>
  op({
    arity: 0,
    random: true,
    infer: (_, { attrs }) => ({ dtype: asked(attrs, "float32"), dims: attrs.ints("shape") }),
    grad: none,
    samples,
  });
const drawnLike = (samples: SampleSpec[]): Op =>
  op({
    arity: 1,
    random: true,
    infer: ([x], { attrs }) => ({ dtype: asked(attrs, x.dtype), dims: x.dims }),
    grad: none,
    samples,
  });

export const random = {
  RandomNormal: drawn([{ inputs: [], attrs: { shape: [2, 3], mean: 1, scale: 0.5 } }]),
  RandomUniform: drawn([{ inputs: [], attrs: { shape: [2, 3], low: -1, high: 1 } }]),
  RandomNormalLike: drawnLike([{ inputs: [normal(2, 3)] }]),
  RandomUniformLike: drawnLike([{ inputs: [normal(2, 3)] }]),
  /** 1 with the probability x, else 0. */
  Bernoulli: drawnLike([{ inputs: [between(0, 1)(2, 3)] }]),
  /** Classes drawn from rows of unnormalised log probabilities. */
  Multinomial: op({
    arity: 1,
    random: true,
    infer: ([x], { attrs }) => ({
      dtype: asked(attrs, "int32"),
      dims: [x.dims[0]!, attrs.int("sample_size", 1)],
    }),
    grad: none,
    samples: [{ inputs: [normal(2, 3)], attrs: { sample_size: 4 } }],
  }),
} satisfies Record<string, Op>;
