// What each ONNX operator is in TensorFlow, images aside (windows.ts).
import { dtypeOf } from "../../onnx/proto.ts";
import { float32 } from "../../tensor.ts";
import { attr, type GraphDef, type TfType, tfType, type TfValue } from "./graphDef.ts";
import { type Entry, type Step, type Translation, transposed } from "./translate.ts";
import { windows } from "./windows.ts";

const alike = (write: Entry): Translation => ({ write, alike: true });
const same = (op: string): Translation => alike(({ out, x }) => out.node(op, [x(0)]));
const truth = (op: string): Translation => alike(({ out, x }) => out.node(op, [x(0), x(1)], {}, "bool"));
const two = (op: string, whole = op): Translation => alike(({ out, x }) => out.node(x(0).dtype === "int32" ? whole : op, [x(0), x(1)]));
const folded = (op: string): Translation =>
  alike(({ out, node, x }) => node.inputs.map((_, i) => x(i)).reduce((a, b) => out.node(op, [a, b])));

const scalarOf = (out: GraphDef, value: number, like: TfValue): TfValue => out.scalar(value, like.dtype);
const mul = (out: GraphDef, a: TfValue, b: TfValue | number): TfValue =>
  out.node("Mul", [a, typeof b === "number" ? scalarOf(out, b, a) : b]);
const add = (out: GraphDef, a: TfValue, b: TfValue | number): TfValue =>
  out.node("AddV2", [a, typeof b === "number" ? scalarOf(out, b, a) : b]);
const clipped = (out: GraphDef, x: TfValue, least: TfValue, most: TfValue): TfValue =>
  out.node("Minimum", [out.node("Maximum", [x, least]), most]);

const axisIn = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

/** The shape that a Reshape gives: what is known, and -1 for the one length that is not. */
function reshape({ out, x, has, constant, result, refuse }: Step): TfValue {
  if (has(1) && !constant(1)) return out.node("Reshape", [x(0), x(1)]);
  const wanted = result.map((d) => (typeof d === "number" ? d : -1));
  if (wanted.filter((d) => d < 0).length > 1) throw refuse("more than one length of its result is not known");
  return out.node("Reshape", [x(0), out.ints(wanted)]);
}

function cast({ out, x, attrs }: Step): TfValue {
  const to = tfType(dtypeOf(attrs.int("to"), "Cast"));
  const from = x(0);
  return from.dtype === to
    ? from
    : out.node("Cast", [from], { SrcT: attr.type(from.dtype), DstT: attr.type(to), Truncate: attr.bool(false) }, to);
}

function reduce(op: string): Translation {
  return {
    write(s) {
      const { out, x, dims, attrs, has, numbers } = s;
      const rank = dims(0).length;
      const axes = has(1) ? numbers(1) : attrs.has("axes") ? attrs.ints("axes") : [];
      if (!axes.length && attrs.int("noop_with_empty_axes", 0)) return x(0);
      const over = axes.length ? axes.map((a) => axisIn(a, rank)) : [...Array(rank).keys()];
      return out.node(op, [x(0), out.ints(over)], { keep_dims: attr.bool(attrs.int("keepdims", 1) !== 0) });
    },
  };
}

function softmax(op: string): Translation {
  return {
    write({ out, x, dims, attrs }) {
      const rank = dims(0).length;
      const axis = axisIn(attrs.int("axis", -1), rank);
      if (axis === rank - 1) return out.node(op, [x(0)]);
      const perm = [...Array(rank).keys()];
      [perm[axis], perm[rank - 1]] = [rank - 1, axis];
      return transposed(out, out.node(op, [transposed(out, x(0), perm)]), perm);
    },
  };
}

function slice({ out, x, dims, has, numbers }: Step): TfValue {
  const rank = dims(0).length;
  const [starts, ends] = [numbers(1), numbers(2)];
  const axes = has(3) ? numbers(3).map((a) => axisIn(a, rank)) : [...starts.keys()];
  const steps = has(4) ? numbers(4) : starts.map(() => 1);
  const begin = Array<number>(rank).fill(0);
  const end = Array<number>(rank).fill(0);
  const stride = Array<number>(rank).fill(1);
  let [fromStart, toEnd] = [2 ** rank - 1, 2 ** rank - 1]; // bits of the axes that are taken whole
  const most = 2 ** 31 - 1;
  axes.forEach((axis, i) => {
    [begin[axis], end[axis], stride[axis]] = [starts[i]!, Math.max(-most, Math.min(most, ends[i]!)), steps[i]!];
    if (Math.abs(starts[i]!) < most) fromStart &= ~(1 << axis);
    if (Math.abs(ends[i]!) < most) toEnd &= ~(1 << axis);
  });
  return out.node("StridedSlice", [x(0), out.ints(begin), out.ints(end), out.ints(stride)], {
    begin_mask: attr.int(fromStart),
    end_mask: attr.int(toEnd),
    ellipsis_mask: attr.int(0),
    new_axis_mask: attr.int(0),
    shrink_axis_mask: attr.int(0),
  });
}

function split({ out, x, dims, attrs, has, numbers, node, refuse }: Step): TfValue[] {
  const axis = axisIn(attrs.int("axis", 0), dims(0).length);
  const length = dims(0)[axis];
  if (!has(1) && typeof length !== "number") throw refuse("the length that it cuts is not known");
  const each = Math.ceil(Number(length) / node.outputs.length);
  const sizes = has(1) ? numbers(1) : node.outputs.map((_, i) => Math.min(each, Number(length) - i * each));
  const made = out.node("SplitV", [x(0), out.ints(sizes), out.scalar(axis, "int32")], { num_split: attr.int(sizes.length) });
  return sizes.map((_, i) => out.result(made, i));
}

function pad({ out, x, dims, attrs, has, numbers, refuse }: Step): TfValue {
  if (attrs.string("mode", "constant") !== "constant") throw refuse("only borders of one number are");
  const rank = dims(0).length;
  const pads = numbers(1);
  const axes = has(3) ? numbers(3).map((a) => axisIn(a, rank)) : [...Array(rank).keys()];
  if (pads.some((p) => p < 0)) throw refuse("its borders cut something off");
  const borders = Array.from({ length: rank }, (_, i) => {
    const at = axes.indexOf(i);
    return at < 0 ? [0, 0] : [pads[at]!, pads[at + axes.length]!];
  });
  return padded(out, x(0), borders, has(2) ? x(2) : out.scalar(0, x(0).dtype));
}

export function padded(out: GraphDef, x: TfValue, borders: readonly (readonly number[])[], fill: TfValue): TfValue {
  const table = out.node("Reshape", [out.ints(borders.flat()), out.ints([borders.length, 2])]);
  return out.node("PadV2", [x, table, fill]);
}

function gemm({ out, x, attrs, has }: Step): TfValue {
  const product = out.node("MatMul", [x(0), x(1)], {
    transpose_a: attr.bool(attrs.int("transA", 0) !== 0),
    transpose_b: attr.bool(attrs.int("transB", 0) !== 0),
  });
  const alpha = attrs.float("alpha", 1);
  const beta = attrs.float("beta", 1);
  const scaled = alpha === 1 ? product : mul(out, product, alpha);
  return has(2) ? add(out, scaled, beta === 1 ? x(2) : mul(out, x(2), beta)) : scaled;
}

/** Vectors are matrices of one row or column on the way. */
function matmul({ out, x, dims, refuse }: Step): TfValue {
  if (dims(0).length < 2 || dims(1).length < 2) throw refuse("one of its factors is a vector");
  const plain = dims(0).length === 2 && dims(1).length === 2;
  const no = attr.bool(false);
  return plain
    ? out.node("MatMul", [x(0), x(1)], { transpose_a: no, transpose_b: no })
    : out.node("BatchMatMulV2", [x(0), x(1)], { adj_x: no, adj_y: no });
}

function unsqueeze({ out, x, dims, numbers }: Step): TfValue {
  const axes = numbers(1);
  const rank = dims(0).length + axes.length;
  return axes
    .map((a) => axisIn(a, rank))
    .sort((a, b) => a - b)
    .reduce((y, axis) => out.node("ExpandDims", [y, out.scalar(axis, "int32")]), x(0));
}

function expand({ out, x, constant, dims, result }: Step): TfValue {
  if (!constant(1)) return out.node("BroadcastTo", [x(0), x(1)], {});
  if (dims(0).join() === result.join()) return x(0);
  if (result.every((d) => typeof d === "number")) return out.node("BroadcastTo", [x(0), out.ints(result as number[])], {});
  const ones = float32(result.map(() => 1), Float32Array.of(1)); // prettier-ignore
  return mul(out, x(0), cast2(out, out.constant(ones), x(0).dtype));
}

const cast2 = (out: GraphDef, x: TfValue, to: TfType): TfValue =>
  x.dtype === to ? x : out.node("Cast", [x], { SrcT: attr.type(x.dtype), DstT: attr.type(to), Truncate: attr.bool(false) }, to);

const layerNorm: Entry = ({ out, x, dims, attrs, has }) => {
  const rank = dims(0).length;
  const from = axisIn(attrs.int("axis", -1), rank);
  const axes = out.ints([...Array(rank).keys()].slice(from));
  const keep = { keep_dims: attr.bool(true) };
  const centred = out.node("Sub", [x(0), out.node("Mean", [x(0), axes], keep)]);
  const variance = out.node("Mean", [out.node("Square", [centred]), axes], keep);
  const even = mul(out, centred, out.node("Rsqrt", [add(out, variance, attrs.float("epsilon", 1e-5))]));
  const scaled = mul(out, even, x(1));
  return has(2) ? add(out, scaled, x(2)) : scaled;
};

const gelu: Entry = ({ out, x, attrs }) => {
  const v = x(0);
  const inner =
    attrs.string("approximate", "none") === "tanh"
      ? out.node("Tanh", [mul(out, add(out, v, mul(out, mul(out, mul(out, v, v), v), 0.044715)), Math.sqrt(2 / Math.PI))])
      : out.node("Erf", [mul(out, v, Math.SQRT1_2)]);
  return mul(out, mul(out, v, add(out, inner, 1)), 0.5);
};

const hardSigmoid: Entry = ({ out, x, attrs, node }) => {
  const swish = node.type === "HardSwish";
  const slope = swish ? 1 / 6 : attrs.float("alpha", 0.2);
  const shift = swish ? 0.5 : attrs.float("beta", 0.5);
  const gate = clipped(out, add(out, mul(out, x(0), slope), shift), out.scalar(0), out.scalar(1));
  return swish ? mul(out, x(0), gate) : gate;
};

const plain = (write: Entry): Translation => ({ write });

export const entries: Record<string, Translation> = {
  Identity: alike(({ x }) => x(0)),
  Dropout: alike(({ x }) => x(0)),
  Add: two("AddV2"),
  Sub: two("Sub"),
  Mul: two("Mul"),
  Div: two("RealDiv", "FloorDiv"), // whole numbers here are never negative
  Mod: alike(({ out, x, attrs, refuse }) => {
    if (attrs.int("fmod", 0)) throw refuse("only remainders with the sign of the divisor are");
    return out.node("FloorMod", [x(0), x(1)]);
  }),
  Pow: two("Pow"),
  Max: folded("Maximum"),
  Min: folded("Minimum"),
  Sum: folded("AddV2"),
  ...Object.fromEntries(
    "Abs Neg Exp Log Sqrt Reciprocal Sin Cos Tan Tanh Sigmoid Relu Elu Selu Softplus Erf Floor Ceil Round Sign"
      .split(" ")
      .map((name) => [name, same(name)]),
  ),
  LeakyRelu: alike(({ out, x, attrs }) => out.node("LeakyRelu", [x(0)], { alpha: attr.float(attrs.float("alpha", 0.01)) })),
  Gelu: alike(gelu),
  HardSigmoid: alike(hardSigmoid),
  HardSwish: alike(hardSigmoid),
  PRelu: alike(({ out, x }) => {
    const zero = out.scalar(0);
    return add(out, out.node("Maximum", [x(0), zero]), mul(out, out.node("Minimum", [x(0), zero]), x(1)));
  }),
  Clip: alike(({ out, x, has }) => {
    const least = has(1) ? out.node("Maximum", [x(0), x(1)]) : x(0);
    return has(2) ? out.node("Minimum", [least, x(2)]) : least;
  }),
  Equal: truth("Equal"),
  Greater: truth("Greater"),
  GreaterOrEqual: truth("GreaterEqual"),
  Less: truth("Less"),
  LessOrEqual: truth("LessEqual"),
  And: truth("LogicalAnd"),
  Or: truth("LogicalOr"),
  Not: alike(({ out, x }) => out.node("LogicalNot", [x(0)], {}, "bool")),
  IsNaN: alike(({ out, x }) => out.node("IsNan", [x(0)], {}, "bool")),
  IsInf: alike(({ out, x }) => out.node("IsInf", [x(0)], {}, "bool")),
  Where: alike(({ out, x }) => out.node("SelectV2", [x(0), x(1), x(2)], {}, x(1).dtype)),
  Cast: alike(cast),
  MatMul: plain(matmul),
  Gemm: plain(gemm),
  ReduceSum: reduce("Sum"),
  ReduceMean: reduce("Mean"),
  ReduceMax: reduce("Max"),
  ReduceMin: reduce("Min"),
  Softmax: softmax("Softmax"),
  LogSoftmax: softmax("LogSoftmax"),
  LayerNormalization: plain(layerNorm),
  Reshape: plain(reshape),
  Shape: plain(({ out, x }) => out.node("Shape", [x(0)], { out_type: attr.type("int32") }, "int32")),
  Transpose: plain(({ out, x, dims, attrs }) =>
    transposed(out, x(0), attrs.has("perm") ? attrs.ints("perm") : [...dims(0).keys()].reverse()),
  ),
  Concat: plain(({ out, node, x, dims, attrs }) => {
    const axis = out.scalar(axisIn(attrs.int("axis"), dims(0).length), "int32");
    const all = node.inputs.map((_, i) => x(i));
    return out.node("ConcatV2", [...all, axis], { N: attr.int(all.length) });
  }),
  Split: plain(split),
  Slice: plain(slice),
  Pad: plain(pad),
  Squeeze: plain(reshape2),
  Unsqueeze: plain(unsqueeze),
  Expand: plain(expand),
  Tile: plain(({ out, x, numbers }) => out.node("Tile", [x(0), out.ints(numbers(1))])),
  Gather: plain(({ out, x, dims, attrs }) =>
    out.node("GatherV2", [x(0), x(1), out.scalar(axisIn(attrs.int("axis", 0), dims(0).length), "int32")], { batch_dims: attr.int(0) }),
  ),
  Einsum: plain(
    ({ out, node, x, attrs }) =>
    out.node("Einsum", node.inputs.map((_, i) => x(i)), { N: attr.int(node.inputs.length), equation: attr.text(attrs.string("equation")) }), // prettier-ignore
  ),
  ...windows,
};

/** A Squeeze of axes that are known. */
function reshape2({ out, x, dims, has, numbers }: Step): TfValue {
  const rank = dims(0).length;
  const axes = has(1) ? numbers(1).map((a) => axisIn(a, rank)) : [...dims(0).keys()].filter((i) => dims(0)[i] === 1);
  return out.node("Squeeze", [x(0)], { squeeze_dims: attr.ints(axes) });
}
