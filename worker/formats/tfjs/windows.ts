// Convolutions, pools and norms of images (N, C, H, W): in TensorFlow with the channels last.
import { slideShape, windowOf, reachOf } from "../../ops/window.ts";
import { float32, type Tensor } from "../../tensor.ts";
import { attr, type GraphDef, type TfValue } from "./graphDef.ts";
import type { Entry, Step, Translation } from "./translate.ts";

const image = (write: Entry): Translation => ({ write, image: true });
const valid = { padding: attr.text("VALID"), data_format: attr.text("NHWC") };
const lowest = -3.4028234663852886e38;

/** (M, C, h, w) → (h, w, C, M), or (h, w, G, M / G) of a depthwise kernel. */
function kernelOf({ dims, data }: Tensor, depthwise: boolean): Tensor {
  const [m, c, h, w] = dims as [number, number, number, number];
  const turned = new Float32Array(data.length);
  for (let i = 0; i < m; i++)
    for (let j = 0; j < c; j++)
      for (let at = 0; at < h * w; at++)
        turned[at * m * c + (depthwise ? i : j * m + i)] = (data as Float32Array)[(i * c + j) * h * w + at]!;
  return float32(depthwise ? [h, w, m, 1] : [h, w, c, m], turned);
}

function bordered(out: GraphDef, x: TfValue, begin: readonly number[], end: readonly number[], fill = 0): TfValue {
  if ([...begin, ...end].every((p) => p === 0)) return x;
  const borders = [0, 0, begin[0]!, end[0]!, begin[1]!, end[1]!, 0, 0];
  return out.node("PadV2", [x, out.node("Reshape", [out.ints(borders), out.ints([4, 2])]), out.scalar(fill)]);
}

function flat(s: Step): void {
  if (s.dims(0).length !== 4) throw s.refuse("only images of two axes are");
}

const conv: Entry = (s) => {
  flat(s);
  const { out, attrs, dims, constant, has, last, refuse } = s;
  const kernel = constant(1);
  if (kernel?.dtype !== "float32") throw refuse("its kernel is not constant");
  const [m, c] = kernel.dims as [number, number];
  const group = attrs.int("group", 1);
  const window = windowOf(attrs, dims(0), kernel.dims.slice(2));
  const x = bordered(out, last(0), window.begin, window.end);
  const shape = {
    strides: attr.ints([1, ...window.strides, 1]),
    dilations: attr.ints([1, ...window.dilations, 1]),
    ...valid,
  };
  const bias = (y: TfValue) => (has(2) ? out.node("AddV2", [y, s.x(2)]) : y);
  if (group === 1) return bias(out.node("Conv2D", [x, out.constant(kernelOf(kernel, false))], shape));
  if (c === 1 && m === group && window.strides[0] === window.strides[1])
    return bias(out.node("DepthwiseConv2dNative", [x, out.constant(kernelOf(kernel, true))], shape));
  // Groups one by one.
  const inputs = out.node("SplitV", [x, out.ints(Array<number>(group).fill(c)), out.scalar(3, "int32")], { num_split: attr.int(group) });
  const each = kernel.data.length / group;
  const made = Array.from({ length: group }, (_, i) => {
    const part = float32([m / group, ...kernel.dims.slice(1)], kernel.data.slice(i * each, (i + 1) * each));
    return out.node("Conv2D", [out.result(inputs, i), out.constant(kernelOf(part, false))], shape);
  });
  return bias(out.node("ConcatV2", [...made, out.scalar(3, "int32")], { N: attr.int(group) }));
};

/** Borders are made beforehand, on the right as far as the last window reaches. */
function pool(op: "MaxPool" | "AvgPool"): Entry {
  return (s) => {
    flat(s);
    const { out, attrs, dims, node, last, refuse } = s;
    if (node.outputs.length > 1) throw refuse("the places of its maxima are asked for");
    const window = windowOf(attrs, dims(0));
    if (window.dilations.some((d) => d !== 1)) throw refuse("its windows are dilated");
    const places = slideShape(dims(0), window, { symbol: () => "?" }, attrs.int("ceil_mode", 0) !== 0) as number[];
    const end = places.map((o, i) =>
      Math.max(0, (o - 1) * window.strides[i]! + reachOf(window, i) - window.begin[i]! - Number(dims(0)[i + 2])),
    );
    const bordering = [...window.begin, ...end].some((p) => p > 0);
    if (op === "AvgPool" && bordering && !attrs.int("count_include_pad", 0)) return averaged(s, window.begin, end);
    const x = bordered(out, last(0), window.begin, end, op === "MaxPool" ? lowest : 0);
    return out.node(op, [x], { ksize: attr.ints([1, ...window.kernel, 1]), strides: attr.ints([1, ...window.strides, 1]), ...valid });
  };
}

/** The mean of what is inside: the mean with zeros, over the share that is inside. */
function averaged({ out, attrs, dims, last }: Step, begin: readonly number[], end: readonly number[]): TfValue {
  const window = windowOf(attrs, dims(0));
  const shape = { ksize: attr.ints([1, ...window.kernel, 1]), strides: attr.ints([1, ...window.strides, 1]), ...valid };
  const sums = out.node("AvgPool", [bordered(out, last(0), begin, end)], shape);
  const [h, w] = dims(0).slice(2) as [number, number];
  const inside = out.constant(float32([1, h, w, 1], new Float32Array(h * w).fill(1)));
  return out.node("RealDiv", [sums, out.node("AvgPool", [bordered(out, inside, begin, end)], shape)]);
}

const overAll = (op: "Mean" | "Max"): Entry => {
  return (s) => {
    flat(s);
    return s.out.node(op, [s.last(0), s.out.ints([1, 2])], { keep_dims: attr.bool(true) });
  };
};

/** (x - mean) / sqrt(variance + ε) · scale + bias as one product and one sum, for statistics that are constant. */
const batchNorm: Entry = (s) => {
  flat(s);
  const { out, attrs, constant, last, refuse } = s;
  const [scale, bias, mean, variance] = [1, 2, 3, 4].map((i) => constant(i)?.data as Float32Array | undefined);
  if (!scale || !bias || !mean || !variance || attrs.int("training_mode", 0)) throw refuse("its statistics are not constant");
  const epsilon = attrs.float("epsilon", 1e-5);
  const factor = Float32Array.from(scale, (v, i) => v / Math.sqrt(variance[i]! + epsilon));
  const shift = Float32Array.from(bias, (v, i) => v - mean[i]! * factor[i]!);
  const times = out.node("Mul", [last(0), out.constant(float32([factor.length], factor))]);
  return out.node("AddV2", [times, out.constant(float32([shift.length], shift))]);
};

export const windows: Record<string, Translation> = {
  Conv: image(conv),
  MaxPool: image(pool("MaxPool")),
  AveragePool: image(pool("AvgPool")),
  GlobalAveragePool: image(overAll("Mean")),
  GlobalMaxPool: image(overAll("Max")),
  BatchNormalization: image(batchNorm),
};
