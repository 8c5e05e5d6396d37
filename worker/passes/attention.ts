// Attention, RotaryEmbedding and RMSNormalization (opset 23) and Swish (opset 24) in the operators of opset 21, which every device has. Handled: 3 and 4 axes, grouped heads, masks
// (bool or float, broadcast), causal, scale, softcap, past keys and values; interleaved, partial and positioned rotations.
// Refused: the scores as an output.
import { AppError } from "../../ipc/error.ts";
import type { Dim, Node } from "../onnx/graph.ts";
import type { Builder, Value } from "../ops/builder.ts";
import { Attrs } from "../ops/op.ts";
import { axisOf, requireInputs } from "../ops/shapes.ts";
import { fromNumbers } from "../tensor.ts";
import type { Inputs } from "./unroll.ts";

type Lowering = (g: Builder, node: Node, x: Inputs, attrs: Attrs) => (Value | undefined)[];

const lowerings: Record<string, Lowering> = {
  Attention: attention,
  RotaryEmbedding: rotary,
  RMSNormalization: rmsNormalization,
  Swish: (g, _, [x], attrs) => [g.mul(x!, g.sigmoid(g.mul(x!, attrs.float("alpha", 1))))],
};

/** Values for a node of a younger operator set; undefined for other nodes. Throws `modelInvalid` for a form that is refused. */
export function lowered(g: Builder, node: Node, x: Inputs): (Value | undefined)[] | undefined {
  if (node.domain !== "" || !Object.hasOwn(lowerings, node.type)) return undefined;
  requireInputs(x, node.type === "Swish" ? 1 : node.type === "RMSNormalization" ? 2 : 3);
  return lowerings[node.type]!(g, node, x, new Attrs(node.type, node.attrs));
}

/** Y = softmax(scale · Q Kᵀ + mask) V. Q (B, H, L, E), or (B, L, H·E) with the number of heads as an attribute. */
function attention(g: Builder, node: Node, [q, k, v, mask, pastKey, pastValue]: Inputs, attrs: Attrs): Value[] {
  if (node.outputs[3]) throw invalid("its scores are used as a value of their own");
  const flat = q!.dims.length === 3;
  const queries = heads(g, q!, attrs.int("q_num_heads", 0));
  const groups = attrs.int("kv_num_heads", 0);
  const join = (past: Value | undefined, now: Value) => (past ? g.concat([past, now], { axis: 2 }) : now);
  const key = join(pastKey, heads(g, k!, groups));
  const value = join(pastValue, heads(g, v!, groups));
  const width = queries.dims[3];
  if (typeof width !== "number") throw invalid("the width of its heads must be known");
  const scale = attrs.float("scale", 1 / Math.sqrt(width));
  let scores = g.mul(g.matmul(queries, g.swapLast(repeated(g, key, queries))), scale);
  const cap = attrs.float("softcap", 0);
  if (cap) scores = g.mul(g.tanh(g.mul(scores, 1 / cap)), cap);
  if (mask) scores = g.add(scores, mask.dtype === "bool" ? g.where(mask, g.scalar(0, scores.dtype), -Infinity) : mask);
  if (attrs.int("is_causal", 0)) scores = causal(g, scores);
  const mixed = g.matmul(g.softmax(scores), repeated(g, value, queries)); // (B, H, L, E)
  const whole = g.transpose(mixed, [0, 2, 1, 3]);
  const y = flat ? g.reshape(whole, g.list([0, 0, -1])) : mixed;
  const last = mixed.dims[3]!;
  const count = queries.dims[1]!;
  const joined: Dim = typeof last === "number" && typeof count === "number" ? last * count : y.dims.at(-1)!;
  return [flat ? g.assume(y, [mixed.dims[0]!, mixed.dims[2]!, joined]) : y, key, value];
}

/** y = x / √(mean(x²) + ε) · scale over the axes from `axis` on. https://arxiv.org/abs/1910.07467 */
function rmsNormalization(g: Builder, _: Node, [x, scale]: Inputs, attrs: Attrs): Value[] {
  const axis = axisOf(attrs.int("axis", -1), x!.dims.length);
  const axes = [...x!.dims.keys()].slice(axis);
  const half = x!.dtype === "float16" && attrs.int("stash_type", 1) === 1;
  const wide = half ? g.cast(x!, "float32") : x!;
  const root = g.sqrt(g.add(g.reduceMean(g.square(wide), { axes }), attrs.float("epsilon", 1e-5)));
  return [g.mul(g.cast(g.mul(wide, g.reciprocal(root)), x!.dtype), scale!)];
}

/** (B, L, H·E) → (B, H, L, E); with 4 axes as it is. */
function heads(g: Builder, x: Value, count: number): Value {
  if (x.dims.length === 4) return x;
  const width = x.dims[2];
  if (x.dims.length !== 3 || !count || typeof width !== "number" || width % count)
    throw invalid(`[${x.dims.join(", ")}] does not part into ${count} heads`);
  const parted = g.assume(g.reshape(x, g.list([0, 0, count, width / count])), [x.dims[0]!, x.dims[1]!, count, width / count]);
  return g.transpose(parted, [0, 2, 1, 3]);
}

/** Keys or values for each head of the queries: several of these share one. */
function repeated(g: Builder, x: Value, queries: Value): Value {
  const [own, wanted] = [x.dims[1], queries.dims[1]];
  if (own === wanted) return x;
  if (typeof own !== "number" || typeof wanted !== "number" || wanted % own)
    throw invalid(`${String(wanted)} heads cannot share ${String(own)}`);
  const order = Array.from({ length: wanted }, (_, i) => Math.floor((i * own) / wanted));
  return g.gather(x, g.list(order), { axis: 1 });
}

/** Nothing of what comes later: -∞ right of the diagonal. */
function causal(g: Builder, scores: Value): Value {
  const [rows, columns] = scores.dims.slice(-2) as [Dim, Dim];
  if (typeof rows === "number" && typeof columns === "number") {
    const values = Array.from({ length: rows * columns }, (_, i) => (i % columns > Math.floor(i / columns) ? -Infinity : 0));
    return g.add(scores, g.constant(fromNumbers(scores.dtype, [rows, columns], values)));
  }
  const length = scores.dims.length;
  const shape = g.op("Shape", [scores], { start: length - 2, end: length });
  const above = g.expand(g.scalar(-Infinity, scores.dtype), shape);
  return g.add(scores, g.assume(g.op("Trilu", [above, g.scalar(1, "int64")], { upper: 1 }), [rows, columns]));
}

/** Pairs of places turned by angles: (a cos - b sin, a sin + b cos). X (B, H, L, E) or (B, L, H·E). */
function rotary(g: Builder, _: Node, [x, cosines, sines, positions]: Inputs, attrs: Attrs): Value[] {
  const flat = x!.dims.length === 3;
  const parted = heads(g, x!, attrs.int("num_heads", 0)); // (B, H, L, E)
  const width = parted.dims[3];
  if (typeof width !== "number") throw invalid("the width of its heads must be known");
  const turned = attrs.int("rotary_embedding_dim", 0) || width;
  const half = turned / 2;
  const angle = (cache: Value) => g.unsqueeze(positions ? g.gather(cache, positions) : cache, [1]); // (B, 1, L, half)
  const [cos, sin] = [angle(cosines!), angle(sines!)];
  const part = (from: number, to: number, step = 1) => g.slice(parted, { starts: [from], ends: [to], axes: [3], steps: [step] });
  const interleaved = attrs.int("interleaved", 0) !== 0;
  const a = interleaved ? part(0, turned, 2) : part(0, half);
  const b = interleaved ? part(1, turned, 2) : part(half, turned);
  const [left, right] = [g.sub(g.mul(a, cos), g.mul(b, sin)), g.add(g.mul(a, sin), g.mul(b, cos))];
  let out = g.concat([left, right], { axis: 3 });
  if (interleaved) {
    const order = Array.from({ length: turned }, (_, i) => (i % 2) * half + (i >> 1));
    out = g.gather(out, g.list(order), { axis: 3 });
  }
  const all = turned < width ? g.concat([out, part(turned, width)], { axis: 3 }) : out;
  if (!flat) return [g.assume(all, x!.dims)];
  return [g.assume(g.reshape(g.transpose(all, [0, 2, 1, 3]), g.list([0, 0, -1])), x!.dims)];
}

function invalid(what: string): AppError {
  return new AppError("modelInvalid", `${what}.`, "Export the model in another form, or fix its named lengths (--dim batch=4).");
}
