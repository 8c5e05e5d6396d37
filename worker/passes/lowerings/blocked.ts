// Convolutions in the runtime's own blocked layout (N, C / b, …spatial, b), b being as wide as the processor's vectors. The runtime chooses it by
// itself for weights that never change; in training they are put into that order at every step. These are operators of the runtime, so the pass
// is for a graph that is about to be run here, never for a file. Handled: 2-D Conv, and ConvTranspose of stride 1 (the gradient of an input),
// with one group or depthwise, channels a multiple of b. Left alone: what is too small to be worth it, and constant weights.
import { AppError } from "../../../ipc/error.ts";
import type { Attribute } from "../../onnx/graph.ts";
import type { Builder, Value } from "../../ops/builder.ts";
import { constantOf } from "../../ops/infer.ts";
import { Attrs } from "../../ops/op.ts";
import { placesOf, reachOf, type Window, windowOf } from "../../ops/window.ts";
import { sizeOf } from "../../tensor.ts";
import type { Pass } from "../pass.ts";
import { rewrite } from "../rewrite.ts";

export const blockedDomain = "com.microsoft.nchwc";

/**
 * Measured (AVX-512, one thread, with all reordering): 3 × 3, 32 to 128 channels, 16² to 32²: 0.75 of the time of Conv, 0.7 of that of ConvTranspose;
 * depthwise 3 × 3 a fifth to a third, 7 × 7 a seventh.
 */
const worth = {
  /** Places of the result, from which on reordering the weights is little beside the work. */
  places: 64,
  depthwisePlaces: 16,
  /** Channels times places of the kernel, from which on reordering the images is. */
  depth: 256,
};

/** The pass for blocks of `size` channels (see blockSize in worker/run). */
export function blocked(size: number): Pass {
  return {
    name: `blocks of ${size} channels`,
    requires() {
      if (!(size >= 4)) throw new AppError("internal", `There are no blocks of ${size} channels.`, "Ask blockSize first.");
    },
    run(graph) {
      let changed = false;
      const made = new Map<string, Value>();
      const after = rewrite(graph, (g, node, x) => {
        if (node.domain !== "" || (node.type !== "Conv" && node.type !== "ConvTranspose")) return undefined;
        const [image, weights, bias] = x;
        const y = graph.info(node.outputs[0]!);
        if (!image || !weights || !y || constantOf(g.graph, weights.name) || image.dtype !== "float32") return undefined;
        const attrs = new Attrs(node.type, node.attrs);
        const plan = node.type === "Conv" ? forward(attrs, image, weights, y, size) : backward(attrs, image, weights, y, size);
        if (!plan) return undefined;
        changed = true;
        const ready = made.get(image.name) ?? own(g, "ReorderInput", [image], {}, image.dims);
        made.set(image.name, ready);
        const filter = plan.filter(g, weights);
        const result = own(g, "Conv", [ready, filter, ...(bias ? [bias] : [])], plan.attrs, y.dims);
        return [own(g, "ReorderOutput", [result], { channels: { type: "int", value: y.dims[1] as number } }, y.dims)];
      });
      return { graph: after, changed };
    },
    ensures() {},
  };
}

interface Plan {
  attrs: Record<string, Attribute>;
  /** The weights in the order of the blocks. */
  filter(g: Builder, weights: Value): Value;
}

/** Lengths that decide, where all are known and the channels fit. */
function fits(attrs: Attrs, image: Value, weights: Value, y: Value, size: number): { group: number; depthwise: boolean } | undefined {
  const [, c, ...spatial] = image.dims;
  const [, m, ...out] = y.dims;
  if (image.dims.length !== 4 || ![c, m, ...spatial, ...out, ...weights.dims].every((d) => typeof d === "number")) return undefined;
  const group = attrs.int("group", 1);
  const depthwise = group > 1 && group === c && group === m;
  if ((c as number) % size || (m as number) % size || (group > 1 && !depthwise)) return undefined;
  const places = Math.min(sizeOf(out as number[]), sizeOf(spatial as number[]));
  const depth = (c as number) * sizeOf(weights.dims.slice(2) as number[]);
  const pays = depthwise ? places >= worth.depthwisePlaces : places >= worth.places && depth >= worth.depth && weights.dims[2] !== 1;
  return pays ? { group, depthwise } : undefined;
}

function forward(attrs: Attrs, image: Value, weights: Value, y: Value, size: number): Plan | undefined {
  const found = fits(attrs, image, weights, y, size);
  if (!found) return undefined;
  const window = windowOf(attrs, image.dims, weights.dims.slice(2) as number[]);
  return { attrs: attributes(window, found.group), filter: (g, w) => inBlocks(g, w, size, found.depthwise, false) };
}

/** The image seen from the result: the same window turned round, its padding what is left of its reach. */
function backward(attrs: Attrs, dy: Value, weights: Value, y: Value, size: number): Plan | undefined {
  if (attrs.has("auto_pad") || attrs.has("output_shape")) return undefined;
  const kernel = weights.dims.slice(2) as number[];
  const found = fits(attrs, dy, weights, y, size);
  if (!found || attrs.ints("strides", [1]).some((s) => s !== 1) || attrs.ints("output_padding", [0]).some((p) => p)) return undefined;
  const window = windowOf(attrs, dy.dims, kernel);
  const turn = (pads: readonly number[]) => pads.map((p, i) => reachOf(window, i) - 1 - p);
  const turned = { ...window, begin: turn(window.begin), end: turn(window.end) };
  if ([...turned.begin, ...turned.end].some((p) => p < 0)) return undefined;
  return { attrs: attributes(turned, found.group), filter: (g, w) => inBlocks(g, w, size, found.depthwise, true) };
}

const attributes = (w: Window, group: number): Record<string, Attribute> => ({
  kernel_shape: { type: "ints", value: w.kernel },
  strides: { type: "ints", value: w.strides },
  dilations: { type: "ints", value: w.dilations },
  pads: { type: "ints", value: [...w.begin, ...w.end] },
  group: { type: "int", value: group },
});

/** Weights (M, C, …k) as (M / b, C / b, …k, b of C, b of M), depthwise (C / b, 1, …k, b); turned: as those of C by M, the window backwards. */
function inBlocks(g: Builder, weights: Value, b: number, depthwise: boolean, turned: boolean): Value {
  const [m, c, ...kernel] = weights.dims as number[];
  const places = placesOf(kernel).length;
  const split = g.reshape(weights, depthwise ? [m! / b, b, places] : [m! / b, b, c! / b, b, places]);
  const ordered = g.transpose(split, depthwise ? [0, 2, 1] : turned ? [2, 0, 4, 1, 3] : [0, 2, 4, 3, 1]);
  const back = g.list(Array.from({ length: places }, (_, i) => places - 1 - i));
  const filter = turned && places > 1 ? g.gather(ordered, back, { axis: depthwise ? 1 : 2 }) : ordered;
  return g.reshape(filter, turned && !depthwise ? [c!, m!, ...kernel] : weights.dims);
}

/** A node of the runtime's own set, which the table of operators does not have. */
function own(g: Builder, type: string, x: readonly Value[], attrs: Record<string, Attribute>, dims: Value["dims"]): Value {
  const name = g.graph.fresh(`blocked.${type}`);
  g.graph.addNode({ type, domain: blockedDomain, name, inputs: x.map((v) => v.name), outputs: [name], attrs });
  const value: Value = { name, dtype: "float32", dims };
  g.graph.setInfo(value);
  return value;
}
