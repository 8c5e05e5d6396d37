// Windows that slide over the spatial axes, which are those after batch and channels. Letters: N batch, C channels, k a place in the window,
// o a place in the result; window o covers the input at o · stride + k · dilation - begin.
import type { Dim } from "../onnx/graph.ts";
import { sizeOf } from "../tensor.ts";
import type { Builder, Value } from "./builder.ts";
import type { Attrs, Call } from "./op.ts";
import { mismatch, show } from "./shapes.ts";

export interface Window {
  kernel: readonly number[];
  strides: readonly number[];
  dilations: readonly number[];
  /** Padding before and after each spatial axis. */
  begin: readonly number[];
  end: readonly number[];
}

/** Spatial lengths, all known. Throws `shapeMismatch` for what has none or a symbolic one. */
export function spatialOf(dims: readonly Dim[]): number[] {
  return dims.slice(2).map((d) => {
    if (typeof d === "string")
      throw mismatch(`the spatial length ${d} of ${show(dims)} must be known for the gradient.`, "Fix the size of the pictures.");
    return d;
  });
}

/** How far a window reaches: (k - 1) · dilation + 1. */
export const reachOf = (w: Pick<Window, "kernel" | "dilations">, i: number): number => (w.kernel[i]! - 1) * w.dilations[i]! + 1;

/** The window that the attributes tell, with automatic padding reckoned out for an input of these dims. */
export function windowOf(attrs: Attrs, dims: readonly Dim[], kernel: readonly number[] = attrs.ints("kernel_shape")): Window {
  const spatial = dims.slice(2);
  const n = spatial.length;
  const list = (name: string, fallback: number, length = n) => {
    const values = attrs.ints(name, Array<number>(length).fill(fallback));
    if (values.length !== length) throw mismatch(`its ${name} [${values.join(", ")}] must have ${length} numbers for ${show(dims)}.`);
    return values;
  };
  if (dims.length < 3 || kernel.length !== n)
    throw mismatch(`a window of [${kernel.join(", ")}] cannot slide over ${show(dims)}.`, "It needs batch, channels and its spatial axes.");
  const window = { kernel, strides: list("strides", 1), dilations: list("dilations", 1) };
  if ([...kernel, ...window.strides, ...window.dilations].some((v) => !(v >= 1 && Number.isFinite(v))))
    throw mismatch("its kernel, strides and dilations must be 1 or more.");
  const mode = attrs.string("auto_pad", "NOTSET");
  if (mode === "NOTSET") {
    const pads = list("pads", 0, 2 * n);
    return { ...window, begin: pads.slice(0, n), end: pads.slice(n) };
  }
  if (mode === "VALID") return { ...window, begin: Array<number>(n).fill(0), end: Array<number>(n).fill(0) };
  if (mode !== "SAME_UPPER" && mode !== "SAME_LOWER")
    throw mismatch(`its auto_pad '${mode}' is none of NOTSET, VALID, SAME_UPPER and SAME_LOWER.`);
  const totals = spatial.map((d, i) => {
    const stride = window.strides[i]!;
    if (typeof d === "string" && stride > 1) throw mismatch(`padding to the same size needs the length ${d} to be known.`);
    const reach = reachOf(window, i);
    return typeof d === "string" ? reach - 1 : Math.max(0, (Math.ceil(d / stride) - 1) * stride + reach - d);
  });
  const less = totals.map((t) => Math.floor(t / 2));
  const more = totals.map((t, i) => t - less[i]!);
  return mode === "SAME_UPPER" ? { ...window, begin: less, end: more } : { ...window, begin: more, end: less };
}

/** How many places the window has along each spatial axis. */
export function slideShape(dims: readonly Dim[], w: Window, call: Pick<Call, "symbol">, ceil = false): Dim[] {
  return dims.slice(2).map((d, i) => {
    const [stride, begin, end, reach] = [w.strides[i]!, w.begin[i]!, w.end[i]!, reachOf(w, i)];
    if (typeof d === "string") return stride === 1 && begin + end === reach - 1 ? d : call.symbol();
    const room = d + begin + end - reach;
    const places = (ceil ? Math.ceil(room / stride) : Math.floor(room / stride)) + 1; // ceil: a window may be longer than all there is
    if (places < 1) throw mismatch(`a window that reaches over ${reach} does not fit into ${d} with padding ${begin} and ${end}.`);
    // A window may not begin behind the input and its first padding.
    return ceil && (places - 1) * stride >= d + begin ? places - 1 : places;
  });
}

/** All places of a window, the last axis fastest. */
export function placesOf(kernel: readonly number[]): number[][] {
  return kernel.reduce<number[][]>((places, k) => places.flatMap((p) => Array.from({ length: k }, (_, i) => [...p, i])), [[]]);
}

/**
 * What each place of the window sees: for every k a (R, …out), from x of (R, …spatial); `fill` stands where the padding is.
 * Strided slices copy one element at a time. Where there are more of them than phases, SpaceToDepth parts x once, and the slices copy rows:
 * measured 0.6 of the time for 3 × 3 windows of stride 2, a tenth for 7 × 7. (A Transpose does the same in four times the time of SpaceToDepth.)
 */
export function views(g: Builder, x: Value, w: Window, out: readonly number[], fill = 0): Value[] {
  const spatial = x.dims.slice(1) as number[]; // callers ask spatialOf first
  const axes = spatial.map((_, i) => i + 1);
  const needed = out.map((o, i) => (o - 1) * w.strides[i]! + reachOf(w, i));
  const phased = out.length === 2 && w.strides[0] === w.strides[1] && w.strides[0]! > 1 && sizeOf(w.kernel) > sizeOf(w.strides);
  const whole = phased ? needed.map((l, i) => Math.ceil(l / w.strides[i]!) * w.strides[i]!) : needed; // phases are of one length
  const kept = spatial.map((l, i) => Math.min(l, whole[i]! - w.begin[i]!));
  let padded = x;
  if (kept.some((l, i) => l < spatial[i]!)) padded = g.slice(padded, { starts: axes.map(() => 0), ends: kept, axes });
  const after = whole.map((l, i) => l - w.begin[i]! - kept[i]!);
  if ([...w.begin, ...after].some((p) => p > 0))
    padded = g.op("Pad", [padded, g.list([0, ...w.begin, 0, ...after]), g.scalar(fill, x.dtype)]);
  const offsets = placesOf(w.kernel).map((k) => k.map((at, i) => at * w.dilations[i]!));
  const stride = w.strides[0]!;
  if (!phased)
    return offsets.map((at) => {
      const ends = at.map((a, i) => a + (out[i]! - 1) * w.strides[i]! + 1);
      return g.slice(padded, { starts: at, ends, axes, ...(w.strides.some((s) => s > 1) && { steps: w.strides }) });
    });
  const phases = g.op("SpaceToDepth", [g.unsqueeze(padded, [1])], { blocksize: stride }); // (R, phase, …)
  return offsets.map((at) => {
    const phase = (at[0]! % stride) * stride + (at[1]! % stride);
    const from = at.map((a) => Math.floor(a / stride));
    const ends = [phase + 1, ...from.map((f, i) => f + out[i]!)];
    return g.squeeze(g.slice(phases, { starts: [phase, ...from], ends, axes: [1, 2, 3] }), [1]);
  });
}

/** Windows undone: what stands at o goes to o · stride + k · dilation - begin, by weights (M, C / G, …k): dy (N, M, …o) → (N, C, …spatial). */
export function unslide(
  g: Builder,
  { dy, weights, window: w, group = 1 }: { dy: Value; weights: Value; window: Window; group?: number },
  spatial: readonly number[],
): Value {
  const { kernel, strides, dilations, begin, end } = w;
  const missing = spatialOf(dy.dims).map((o, i) => spatial[i]! - ((o - 1) * strides[i]! + reachOf(w, i) - begin[i]! - end[i]!));
  // What is too long is cut by more padding (windows of ceil_mode reach beyond the input).
  const pads = [...begin, ...end.map((e, i) => e + Math.max(0, -missing[i]!))];
  const extra = missing.map((m) => Math.max(0, m));
  const grouped = group !== 1 && { group };
  return g.op("ConvTranspose", [dy, weights], { kernel_shape: kernel, strides, dilations, pads, output_padding: extra, ...grouped });
}

/** The same as a Conv of dy with zeros in between, by the weights turned round; `extra` more at the end of each axis. */
export function unslideByConv(
  g: Builder,
  { dy, weights, window: w, group, extra }: { dy: Value; weights: Value; window: Window; group: number; extra: readonly number[] },
): Value {
  const { kernel, strides, dilations, begin, end } = w;
  const out = spatialOf(dy.dims);
  const [m, c] = weights.dims as [number, number];
  const n = out.length;
  const zero = g.scalar(0, dy.dtype);
  let spaced = dy;
  if (strides.some((s) => s > 1)) {
    const apart = g.op("Pad", [
      g.reshape(dy, [-1, ...out.flatMap((o) => [o, 1])]),
      g.list([...Array<number>(2 * n + 1).fill(0), 0, ...strides.flatMap((s) => [0, s - 1])]),
      zero,
    ]);
    spaced = g.reshape(apart, [-1, m, ...out.map((o, i) => o * strides[i]!)]);
  }
  const before = begin.map((b, i) => reachOf(w, i) - 1 - b);
  const after = end.map((e, i) => reachOf(w, i) - 1 - e + extra[i]! - (strides[i]! - 1));
  const pads = [...before, ...after];
  // A Conv pads by itself, but never by less than nothing.
  const own = pads.every((p) => p >= 0);
  const ready = own ? spaced : g.op("Pad", [spaced, g.list([0, 0, ...before, 0, 0, ...after]), zero]);
  const axes = kernel.map((_, i) => i + 3);
  const swapped = group === 1 ? g.transpose(weights, [1, 0, ...axes.map((a) => a - 1)]) : undefined;
  const parts = swapped ?? g.transpose(g.reshape(weights, [group, m / group, c, ...kernel]), [0, 2, 1, ...axes]);
  const at = swapped ? axes.map((a) => a - 1) : axes;
  const minus = at.map(() => -1);
  const turned = g.slice(parts, { starts: minus, ends: at.map(() => -Infinity), axes: at, steps: minus });
  const flipped = swapped ? turned : g.reshape(turned, [c * group, m / group, ...kernel]);
  return g.op("Conv", [ready, flipped], { kernel_shape: kernel, dilations, ...(own && { pads }), ...(group !== 1 && { group }) });
}

/** Images as rows: (N, C, …) → (N·C, …), so that channels need no groups and the batch stays symbolic. */
export const imageRows = (g: Builder, x: Value): Value => g.reshape(x, [-1, ...spatialOf(x.dims)]);
