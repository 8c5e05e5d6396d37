// Products of matrices, and of tensors whose axes are named.
import { parse } from "../../../ops/einsum.ts";
import { broadcast } from "../../../ops/shapes.ts";
import { sizeOf } from "../../../tensor.ts";
import { type Entry, expand, type Step, type Tf, type TfTensor } from "../op.ts";

/**
 * a · b over the last two axes, leading axes broadcast. TensorFlow.js's gradient of a batched product does not sum what was broadcast, so
 * both sides are given all leading axes first, or made one matrix where the right side has none.
 */
export function product(tf: Tf, a: TfTensor, b: TfTensor): TfTensor {
  const left = a.rank === 1 ? tf.reshape(a, [1, -1]) : a;
  const right = b.rank === 1 ? tf.reshape(b, [-1, 1]) : b;
  const [m, k] = left.shape.slice(-2) as [number, number];
  const n = right.shape.at(-1)!;
  const lead = broadcast(left.shape.slice(0, -2), right.shape.slice(0, -2)) as number[];
  const out = [...lead, ...(a.rank === 1 ? [] : [m]), ...(b.rank === 1 ? [] : [n])];
  if (right.rank === 2) return tf.reshape(tf.matMul(tf.reshape(left, [-1, k]), right), out);
  const rows = tf.reshape(expand(tf, left, [...lead, m, k]), [-1, m, k]);
  const columns = tf.reshape(expand(tf, right, [...lead, k, n]), [-1, k, n]);
  return tf.reshape(tf.matMul(rows, columns), out);
}

function gemm({ tf, x: [a, b, c], attrs, has }: Step): TfTensor {
  const y = tf.matMul(a, b, attrs.int("transA", 0) !== 0, attrs.int("transB", 0) !== 0);
  const [alpha, beta] = [attrs.float("alpha", 1), attrs.float("beta", 1)];
  const scaled = alpha === 1 ? y : tf.mul(y, alpha);
  return has(2) ? tf.add(scaled, beta === 1 ? c : tf.mul(c, beta)) : scaled;
}

/** A product of all operands over all axes at once, summed: TensorFlow.js's own einsum has no gradient. */
function einsum({ tf, x, attrs, dtype }: Step): TfTensor {
  const infos = x.map((v, i) => ({ name: String(i), dtype: dtype(i), dims: v.shape }));
  const { terms, out, lengths } = parse(attrs.string("equation"), infos);
  type Term = { value: TfTensor; labels: string[] };
  const given = x.map((value, i): Term => ({ value, labels: terms[i]! })).map((t) => diagonal(tf, t));
  const joined = given.reduce((a, b, i) => {
    const later = new Set([...out, ...given.slice(i + 1).flatMap((t) => t.labels)]);
    return contract(tf, a, b, later);
  });
  const gone = [...joined.labels.keys()].filter((i) => !out.includes(joined.labels[i]!));
  const value = gone.length ? tf.sum(joined.value, gone) : joined.value;
  const kept = joined.labels.filter((l) => out.includes(l));
  const ordered = tf.transpose(value, out.map((l) => kept.indexOf(l))); // prettier-ignore
  return expand(tf, ordered, out.map((l) => lengths.get(l) as number)); // prettier-ignore
}

/** An axis named twice is its diagonal: picked by number. */
function diagonal(tf: Tf, { value, labels }: { value: TfTensor; labels: string[] }): { value: TfTensor; labels: string[] } {
  const twice = labels.findIndex((l, i) => labels.indexOf(l) !== i);
  if (twice < 0) return { value, labels };
  const first = labels.indexOf(labels[twice]!);
  const n = value.shape[first]!;
  const rest = [...labels.keys()].filter((i) => i !== first && i !== twice);
  const moved = tf.transpose(value, [first, twice, ...rest]);
  const rows = tf.reshape(moved, [n * n, ...rest.map((i) => value.shape[i]!)]);
  const places = Array.from({ length: n }, (_, i) => i * (n + 1));
  return diagonal(tf, { value: tf.gather(rows, tf.tensor1d(places, "int32")), labels: [labels[first]!, ...rest.map((i) => labels[i]!)] });
}

/** a · b: what both have and is needed later lies side by side, what both have and nothing needs is summed in a product of matrices. */
function contract(
  tf: Tf,
  a: { value: TfTensor; labels: string[] },
  b: { value: TfTensor; labels: string[] },
  later: ReadonlySet<string>,
): { value: TfTensor; labels: string[] } {
  const one = (t: typeof a, label: string) => t.value.shape[t.labels.indexOf(label)] === 1;
  const shared = a.labels.filter((l) => b.labels.includes(l));
  const sum = shared.filter((l) => !later.has(l) && one(a, l) === one(b, l));
  const batch = shared.filter((l) => !sum.includes(l));
  const left = a.labels.filter((l) => !shared.includes(l));
  const right = b.labels.filter((l) => !shared.includes(l));
  const turned = (t: typeof a, order: string[]) => tf.transpose(t.value, order.map((l) => t.labels.indexOf(l))); // prettier-ignore
  const p = turned(a, [...batch, ...left, ...sum]);
  const q = turned(b, [...batch, ...sum, ...right]);
  const n = batch.length;
  const inner = sizeOf(p.shape.slice(n + left.length));
  const rows = tf.reshape(p, [...p.shape.slice(0, n), sizeOf(p.shape.slice(n, n + left.length)), inner]);
  const columns = tf.reshape(q, [...q.shape.slice(0, n), inner, sizeOf(q.shape.slice(n + sum.length))]);
  const made = product(tf, rows, columns);
  const dims = [...made.shape.slice(0, n), ...p.shape.slice(n, n + left.length), ...q.shape.slice(n + sum.length)];
  return { value: tf.reshape(made, dims), labels: [...batch, ...left, ...right] };
}

export const matrix = {
  MatMul: ({ tf, x: [a, b] }) => product(tf, a, b),
  Gemm: gemm,
  Einsum: einsum,
} satisfies Record<string, Entry>;
