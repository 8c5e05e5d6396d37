// Values out of nothing but attributes and shapes.
import { type DType, float32, fromNumbers, int64, strings, type Tensor } from "../tensor.ts";
import { type Attrs, none, type Op, op } from "./op.ts";
import { list, normal } from "./samples.ts";
import { known, mismatch, unknown } from "./shapes.ts";

/** What a Constant node holds, however it says so. */
function constantValue(attrs: Attrs): Tensor {
  const value = attrs.all["value"];
  if (value?.type === "tensor") return value.value;
  if (attrs.has("value_float")) return float32([], [attrs.float("value_float")]);
  if (attrs.has("value_int")) return int64([], [attrs.int("value_int")]);
  if (attrs.has("value_string")) return strings([], [attrs.string("value_string")]);
  if (attrs.has("value_ints")) return int64([attrs.ints("value_ints").length], attrs.ints("value_ints"));
  const other = attrs.all["value_floats"] ?? attrs.all["value_strings"];
  if (other?.type === "floats") return float32([other.value.length], other.value);
  if (other?.type === "strings") return strings([other.value.length], [...other.value]);
  throw mismatch("it holds no value that can be read.", "Export the model again with a current tool.");
}

export const sources = {
  Constant: op({
    arity: 0,
    infer: (_, { attrs }) => {
      const { dtype, dims } = constantValue(attrs);
      return { dtype, dims };
    },
    grad: none,
    samples: [{ inputs: [], attrs: { value: fromNumbers("float32", [2], [1, 2]) } }],
  }),
  ConstantOfShape: op({
    arity: 1,
    infer([shape], call) {
      const value = call.attrs.all["value"];
      const dtype: DType = value?.type === "tensor" ? value.value.dtype : "float32";
      return { dtype, dims: call.shapeIn(0) ?? unknown(call, shape.dims[0]) };
    },
    grad: none,
    samples: [[list([2, 3])]],
  }),
  Shape: op({
    arity: 1,
    infer([x], { attrs }) {
      const rank = x.dims.slice(attrs.int("start", 0), attrs.has("end") ? attrs.int("end") : undefined).length;
      return { dtype: "int64", dims: [rank] };
    },
    grad: none,
    samples: [[normal(2, 3)], { inputs: [normal(2, 3)], attrs: { start: 1 } }],
  }),
  Size: op({ arity: 1, infer: () => ({ dtype: "int64", dims: [] }), grad: none, samples: [[normal(2, 3)]] }),
  /** start, start + delta, … below limit. */
  Range: op({
    arity: 3,
    infer([start], call) {
      if (![0, 1, 2].every((i) => call.constant(i))) return { dtype: start.dtype, dims: [call.symbol()] };
      const [from, to, by] = [0, 1, 2].map((i) => known(call, i, "limits")[0]!) as [number, number, number];
      return { dtype: start.dtype, dims: [Math.max(0, Math.ceil((to - from) / by))] };
    },
    grad: none,
    samples: [[list([1], []), list([7], []), list([2], [])]],
  }),
} satisfies Record<string, Op>;
