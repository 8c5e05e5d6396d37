// StringNormalizer is left out: the runtime asks the system for an English locale, which many do not have.
// Text and lookups by value, for the preprocessing inside a table's model. Nothing here is differentiable: text has no slope.
import type { DType } from "../tensor.ts";
import { type Attrs, none, type Op, op } from "./op.ts";
import type { Gen } from "./samples.ts";
import { broadcast, mismatch } from "./shapes.ts";

const words: Gen = { dtype: "string", dims: [3], make: () => [1, 2, 3] };

const kinds = [
  ["strings", "string"],
  ["int64s", "int64"],
  ["floats", "float32"],
] as const;

/** The element type that LabelEncoder's attributes speak of. */
function typeOf(attrs: Attrs, what: "keys" | "values"): DType {
  const tensor = attrs.all[`${what}_tensor`];
  if (tensor?.type === "tensor") return tensor.value.dtype;
  const kind = kinds.find(([suffix]) => attrs.has(`${what}_${suffix}`));
  if (!kind) throw mismatch(`it has no ${what}.`, "Export the model again with a current tool.");
  return kind[1];
}

export const text = {
  /** Each key to its value; others to the default. */
  LabelEncoder: op({
    domain: "ai.onnx.ml",
    arity: 1,
    infer([x], { attrs }) {
      if (x.dtype !== typeOf(attrs, "keys")) throw mismatch(`its keys are ${typeOf(attrs, "keys")}, its input is ${x.dtype}.`);
      return { dtype: typeOf(attrs, "values"), dims: x.dims };
    },
    grad: none,
    samples: [{ inputs: [words], attrs: { keys_strings: ["1", "2"], values_int64s: [5, 6], default_int64: -1 } }],
  }),
  StringConcat: op({
    arity: 2,
    infer: ([a, b]) => ({ dtype: "string", dims: broadcast(a.dims, b.dims) }),
    grad: none,
    samples: [[words, words]],
  }),
  /** Parts along a new last axis, filled up with ""; and how many there are. */
  StringSplit: op({
    arity: 1,
    infer: ([x], call) => [
      { dtype: "string", dims: [...x.dims, call.symbol()] },
      { dtype: "int64", dims: x.dims },
    ],
    grad: none,
    samples: [{ inputs: [words], attrs: { delimiter: "-" }, outputs: 2 }],
  }),
  /** Whether the whole text matches the RE2 pattern. */
  RegexFullMatch: op({
    arity: 1,
    infer: ([x]) => ({ dtype: "bool", dims: x.dims }),
    grad: none,
    samples: [{ inputs: [words], attrs: { pattern: "[12]" } }],
  }),
} satisfies Record<string, Op>;
