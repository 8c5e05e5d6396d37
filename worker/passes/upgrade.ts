// One node of an older operator set as one of ours: a table by operator. An entry gives the node in the new form, or the values that take
// its place. Sources: the version tables of https://github.com/onnx/onnx/blob/main/docs/Changelog.md
import { AppError } from "../../ipc/error.ts";
import type { Attribute, Node } from "../onnx/graph.ts";
import { dtypeCode } from "../onnx/proto.ts";
import type { Builder, Value } from "../ops/builder.ts";
import { constantOf } from "../ops/infer.ts";
import { Attrs } from "../ops/op.ts";
import { axisOf, lengthOf, requireInputs } from "../ops/shapes.ts";
import { bools, float32, fromNumbers, int64, strings, type Tensor } from "../tensor.ts";

/** A node in the new form, its inputs as values. */
export interface Call {
  node: Node;
  x: readonly (Value | undefined)[];
}
export type Upgraded = Call | readonly (Value | undefined)[];
type Upgrade = (g: Builder, call: Call, from: number) => Upgraded;

export const upgradedTypes = (): string[] => Object.keys(upgrades);

/** The node as the operator set of today has it. Throws `modelInvalid` for what has no equal there. */
export function upgrade(g: Builder, call: Call, from: number): Upgraded {
  const { type, domain } = call.node;
  const entry = domain === "" && Object.hasOwn(upgrades, type) ? upgrades[type] : undefined;
  if (!entry) return call;
  requireInputs(call.x, least[type] ?? 1);
  return entry(g, call, from);
}

/** How many inputs must be there for a node to be read at all, where it is not one. */
const least: Record<string, number> = { Constant: 0, Scan: 0, CastLike: 2, GroupNormalization: 3 };

const attrsOf = ({ node }: Call): Attrs => new Attrs(node.type, node.attrs);

/** The call with attributes dropped or set, and other inputs. */
function changed(
  { node, x }: Call,
  {
    drop = [],
    set = {},
    inputs = x,
    type = node.type,
  }: { drop?: string[]; set?: Record<string, Attribute>; inputs?: Call["x"]; type?: string },
): Call {
  const kept = Object.entries(node.attrs).filter(([name]) => !drop.includes(name));
  return { node: { ...node, type, attrs: { ...Object.fromEntries(kept), ...set } }, x: inputs };
}

const int = (value: number): Attribute => ({ type: "int", value });
const text = (value: string): Attribute => ({ type: "string", value });

/** A list of whole numbers that was an attribute and is now an input. */
const listToInput =
  (name: string, place = 1): Upgrade =>
  (g, call) => {
    if (!call.node.attrs[name]) return call;
    const inputs = [...call.x.slice(0, place)];
    inputs[place] = g.list(attrsOf(call).ints(name));
    return changed(call, { drop: [name], inputs });
  };

function refuse({ node }: Call, what: string): AppError {
  return new AppError(
    "modelInvalid",
    `${node.type} '${node.name || node.outputs[0]}' of an older operator set ${what}.`,
    "Export the model again with opset 17 or newer.",
    { operator: node.type, node: node.name },
  );
}

/** Before 13 these saw their input as a matrix, cut at `axis` (1 where not given). */
const flattened: Upgrade = (g, call, from) => {
  const x = call.x[0];
  if (from >= 13 || !x) return call;
  const rank = x.dims.length;
  const axis = axisOf(attrsOf(call).int("axis", 1), rank);
  if (axis === rank - 1) return changed(call, { set: { axis: int(-1) } });
  const flat = g.reshape(x, g.list([...x.dims.slice(0, axis).map(() => 0), -1]));
  return [g.reshapeLike(g.op(call.node.type, [flat], { axis: -1 }), x)];
};

const reductions = ["Max", "Min", "Mean", "Prod", "L1", "L2", "LogSum", "LogSumExp", "SumSquare", "Sum"].map(
  (name) => [`Reduce${name}`, listToInput("axes")] as const,
);

const upgrades: Record<string, Upgrade> = {
  ...Object.fromEntries(reductions),
  Squeeze: listToInput("axes"),
  Unsqueeze: listToInput("axes"),
  Softmax: flattened,
  LogSoftmax: flattened,
  Hardmax: flattened,

  /** A matrix, cut at `axis`: a Reshape of which one length is left open. */
  Flatten(g, call) {
    const x = call.x[0]!;
    const rank = x.dims.length;
    const axis = attrsOf(call).int("axis", 1);
    const at = axis < 0 ? axis + rank : axis;
    const [before, after] = [lengthOf(x.dims.slice(0, at)), lengthOf(x.dims.slice(at))];
    if (at === 1) return [g.reshape(x, g.list([0, typeof after === "number" ? after : -1]))];
    if (typeof after === "number") return [g.reshape(x, g.list([-1, after]))];
    if (typeof before === "number") return [g.reshape(x, g.list([before, -1]))];
    const lengths = g.concat(
      [g.op("Shape", [x], { start: 0, end: at }), g.op("Shape", [x], { start: at })].map((s) => g.op("ReduceProd", [s, g.list([0])])),
      {
        axis: 0,
      },
    );
    return [g.assume(g.reshape(x, lengths), [before, after])];
  },

  Constant(g, { node }) {
    const [name, attr] = Object.entries(node.attrs)[0] ?? [];
    const value = attr && constantValue(name!, attr);
    return value ? [g.constant(value)] : { node, x: [] };
  },

  Split(g, call, from) {
    const made = listToInput("split")(g, call, from) as Call;
    const equal = !made.x[1] && !made.node.attrs["num_outputs"];
    return equal ? changed(made, { set: { num_outputs: int(made.node.outputs.length) } }) : made;
  },

  Slice(g, call) {
    const attrs = attrsOf(call);
    if (!attrs.has("starts")) return call;
    const axes = attrs.has("axes") ? [g.list(attrs.ints("axes"))] : [];
    const inputs = [call.x[0], g.list(attrs.ints("starts")), g.list(attrs.ints("ends")), ...axes];
    return changed(call, { drop: ["starts", "ends", "axes"], inputs });
  },

  Pad(g, call) {
    const attrs = attrsOf(call);
    if (!attrs.has("pads")) return call;
    const value = g.constant(fromNumbers(call.x[0]!.dtype, [], [attrs.float("value", 0)]));
    return changed(call, { drop: ["pads", "value"], inputs: [call.x[0], g.list(attrs.ints("pads")), value] });
  },

  Clip(g, call, from) {
    if (from >= 11) return call;
    const attrs = attrsOf(call);
    const bound = (name: string) => (attrs.has(name) ? g.scalar(attrs.float(name), call.x[0]!.dtype) : undefined);
    return changed(call, { drop: ["min", "max"], inputs: [call.x[0], bound("min"), bound("max")] });
  },

  /** Training was not said in the node before 12: a file is then meant for use. */
  Dropout(g, call, from) {
    const [x, , training] = call.x;
    const flag = training && constantOf(g.graph, training.name);
    if (from >= 12 && training && (!flag || flag.data[0])) return call;
    const mask = call.node.outputs[1] ? g.expandLike(g.constant(bools([], [true])), x!) : undefined;
    return [x, mask];
  },

  TopK(g, call) {
    if (!call.node.attrs["k"]) return call;
    return changed(call, { drop: ["k"], inputs: [call.x[0], g.list([attrsOf(call).int("k")])] });
  },

  CastLike(_, call) {
    const [x, like] = call.x;
    if (x!.dtype === like!.dtype) return [x];
    return changed(call, { type: "Cast", drop: ["saturate"], set: { to: int(dtypeCode(like!.dtype)) }, inputs: [x] });
  },

  Scan(_, call, from) {
    if (from < 9) throw refuse(call, "runs over batches");
    return call;
  },

  Scatter: (_, call) => changed(call, { type: "ScatterElements" }),

  Upsample(g, call) {
    const attrs = attrsOf(call);
    if (!attrs.has("scales")) return asResize(call, call.x[1]);
    const scales = floatsOf(attrs, "scales");
    return asResize(call, g.constant(float32([scales.length], scales)));
  },

  Resize(_, call, from) {
    if (from < 11) return asResize(call, call.x[1]);
    const attrs = attrsOf(call);
    if (attrs.string("coordinate_transformation_mode", "half_pixel") === "tf_half_pixel_for_nn")
      throw refuse(call, "rounds as no newer one does");
    // Before 13 what is absent was given as an empty tensor.
    const there = (v: Value | undefined) => (v && v.dims.length === 1 && v.dims[0] === 0 ? undefined : v);
    const roi = attrs.string("coordinate_transformation_mode", "half_pixel") === "tf_crop_and_resize" ? call.x[1] : undefined;
    return changed(call, { inputs: [call.x[0], roi, there(call.x[2]), there(call.x[3])] });
  },

  /** Before 14 more than one output meant training; the saved statistics, which only a gradient of that time read, are gone since. */
  BatchNormalization(_, call, from) {
    if (from >= 14) return call;
    if (attrsOf(call).int("spatial", 1) !== 1) throw refuse(call, "has statistics for each place");
    const training = call.node.outputs.slice(1).some((name) => name);
    const made = changed(call, { drop: ["spatial", "is_test", "consumed_inputs"], set: { training_mode: int(training ? 1 : 0) } });
    return { ...made, node: { ...made.node, outputs: call.node.outputs.slice(0, training ? 3 : 1) } };
  },

  /** Before 21 scale and bias stood for groups, not channels. */
  GroupNormalization(g, call, from) {
    const [x, scale, bias] = call.x;
    const channels = x!.dims[1];
    if (from >= 21 || typeof channels !== "number") return call;
    const groups = attrsOf(call).int("num_groups");
    const wide = (v: Value | undefined) => v && g.reshape(g.expand(g.reshape(v, [groups, 1]), [groups, channels / groups]), [channels]);
    return changed(call, { inputs: [x, wide(scale), wide(bias)] });
  },

  /** Before 20 the axis was an attribute, by default 1. */
  DFT(g, call, from) {
    if (from >= 20) return call;
    const axis = g.scalar(attrsOf(call).int("axis", 1), "int64");
    return changed(call, { drop: ["axis"], inputs: [call.x[0], call.x[1], axis] });
  },

  GridSample(_, call, from) {
    const mode = attrsOf(call).string("mode", "bilinear");
    const today: Record<string, string> = { bilinear: "linear", bicubic: "cubic" };
    return from < 20 ? changed(call, { set: { mode: text(today[mode] ?? mode) } }) : call;
  },
};

function asResize(call: Call, scales: Value | undefined): Call {
  const set = {
    mode: text(
      attrsOf(call)
        .string("mode", "nearest")
        .replace(/^bilinear$/, "linear"),
    ),
    coordinate_transformation_mode: text("asymmetric"),
    nearest_mode: text("floor"),
  };
  return changed(call, { type: "Resize", drop: ["scales", "width_scale", "height_scale"], set, inputs: [call.x[0], undefined, scales] });
}

function floatsOf(attrs: Attrs, name: string): readonly number[] {
  const attr = attrs.all[name];
  if (attr?.type === "floats") return attr.value;
  throw new AppError("modelInvalid", `The attribute '${name}' of ${attrs.type} must be a list of floats.`, "Export the model again.", {});
}

/** What a Constant node holds in a form other than a tensor. */
function constantValue(name: string, attr: Attribute): Tensor | undefined {
  if (attr.type === "tensor") return attr.value;
  if (name === "value_float" && attr.type === "float") return float32([], [attr.value]);
  if (name === "value_int" && attr.type === "int") return int64([], [attr.value]);
  if (name === "value_string" && attr.type === "string") return strings([], [attr.value]);
  if (attr.type === "floats") return float32([attr.value.length], attr.value);
  if (attr.type === "ints") return int64([attr.value.length], attr.value);
  if (attr.type === "strings") return strings([attr.value.length], [...attr.value]);
  return undefined;
}
