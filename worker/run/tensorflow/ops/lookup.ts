// Elements picked by index and put back by index, by way of places in the flattened tensor: TensorFlow.js has gradients of gather and of
// sums by segment, and none of gatherND, scatterND and TopK.
import { sizeOf } from "../../../tensor.ts";
import { atLast, type Entry, flat, type Step, type Tf, type TfTensor } from "../op.ts";

const axisIn = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

/** Indices counted from the end made ones counted from the start. */
const fromStart = (tf: Tf, at: TfTensor, length: number): TfTensor =>
  flat(tf, () => tf.where(tf.less(at, 0), tf.add(at, tf.scalar(length, "int32")), at));

function gather({ tf, x: [x, at], attrs }: Step): TfTensor {
  const axis = axisIn(attrs.int("axis", 0), x.rank);
  const places = fromStart(tf, tf.reshape(at, [-1]), x.shape[axis]!);
  return tf.reshape(tf.gather(x, places, axis), [...x.shape.slice(0, axis), ...at.shape, ...x.shape.slice(axis + 1)]);
}

/** Row-major strides. */
const stridesOf = (dims: readonly number[]): number[] => dims.map((_, i) => sizeOf(dims.slice(i + 1)));

/** Places in the flattened x of elements whose index along `axis` is in `at`, the others being their own: (n). */
function elementPlaces(tf: Tf, x: TfTensor, at: TfTensor, axis: number): TfTensor {
  const strides = stridesOf(x.shape);
  const base = at.shape.map((d, i) => {
    const along = tf.range(0, d, 1, "int32");
    return tf.reshape(tf.mul(along, tf.scalar(i === axis ? 0 : strides[i]!, "int32")), at.shape.map((_, k) => (k === i ? d : 1))); // prettier-ignore
  });
  const own = base.reduce((a, b) => tf.add(a, b));
  const picked = tf.mul(fromStart(tf, at, x.shape[axis]!), tf.scalar(strides[axis]!, "int32"));
  return tf.reshape(tf.add(own, picked), [-1]);
}

/** x[…] with the elements of one axis chosen by indices of the result's shape. */
export function gatherElements(tf: Tf, x: TfTensor, at: TfTensor, axis: number): TfTensor {
  return tf.reshape(tf.gather(tf.reshape(x, [-1]), elementPlaces(tf, x, at, axis)), at.shape);
}

/** Places, among the rows that x is made of, of the index tuples in the last axis of `at`; `batch` leading axes are each tuple's own. */
function rowPlaces(tf: Tf, x: TfTensor, at: TfTensor, batch: number): { places: TfTensor; rows: number; rest: number[] } {
  const length = at.shape.at(-1)!;
  const named = x.shape.slice(0, batch + length);
  const strides = stridesOf(named);
  const tuples = tf.reshape(at, [...at.shape.slice(0, batch), -1, length]);
  const count = tuples.shape[batch]!;
  let places: TfTensor = tf.zeros([...at.shape.slice(0, batch), count], "int32");
  for (let i = 0; i < batch; i++) {
    const along = tf.mul(tf.range(0, named[i]!, 1, "int32"), tf.scalar(strides[i]!, "int32"));
    places = tf.add(places, tf.reshape(along, places.shape.map((_, k) => (k === i ? named[i]! : 1)))); // prettier-ignore
  }
  for (let k = 0; k < length; k++) {
    const begin = [...Array<number>(batch + 1).fill(0), k];
    const index = tf.reshape(tf.slice(tuples, begin, [...at.shape.slice(0, batch), count, 1]), places.shape);
    places = tf.add(places, tf.mul(fromStart(tf, index, named[batch + k]!), tf.scalar(strides[batch + k]!, "int32")));
  }
  return { places: tf.reshape(places, [-1]), rows: sizeOf(named), rest: x.shape.slice(batch + length) };
}

function gatherND({ tf, x: [x, at], attrs }: Step): TfTensor {
  const { places, rows, rest } = rowPlaces(tf, x, at, attrs.int("batch_dims", 0));
  return tf.reshape(tf.gather(tf.reshape(x, [rows, ...rest]), places), [...at.shape.slice(0, -1), ...rest]);
}

/** x with rows added at places, or put there in place of what was. */
function put(tf: Tf, x: TfTensor, places: TfTensor, updates: TfTensor, add: boolean): TfTensor {
  const rows = x.shape[0]!;
  const sums = tf.unsortedSegmentSum(updates, places as never, rows);
  if (add) return tf.add(x, sums);
  const hit = flat(tf, () => tf.greater(tf.unsortedSegmentSum(tf.onesLike(tf.cast(places, "float32")), places as never, rows), 0));
  const mask = tf.reshape(hit, [rows, ...x.shape.slice(1).map(() => 1)]);
  return tf.where(mask, sums, x);
}

const scatter = (run: Entry & ((s: Step) => TfTensor)): Entry => ({
  run,
  refuses({ attrs }) {
    const how = attrs.string("reduction", "none");
    return how === "none" || how === "add" ? undefined : `TensorFlow.js has no gradient of the reduction '${how}'`;
  },
});

function topK({ tf, x: [x], numbers, attrs, outputs }: Step): TfTensor[] {
  const axis = axisIn(attrs.int("axis", -1), x.rank);
  const k = numbers(1)[0]!;
  const at = flat(tf, () => atLast(tf, attrs.int("largest", 1) ? x : tf.neg(x), axis, (v) => tf.topk(v, k).indices));
  return [gatherElements(tf, x, at, axis), at].slice(0, outputs);
}

/** 1 at the index along a new axis, else 0; indices outside are nowhere. */
export function hot(tf: Tf, at: TfTensor, depth: number, axis: number): TfTensor {
  const rank = at.rank + 1;
  const place = axis < 0 ? axis + rank : axis;
  const made = flat(tf, () => tf.cast(tf.oneHot(tf.cast(at, "int32"), depth), "float32"));
  if (place === rank - 1) return made;
  return tf.transpose(made, [...Array<number>(place).keys(), rank - 1, ...[...Array<number>(rank - 1).keys()].slice(place)]);
}

export const lookups = {
  Gather: gather,
  GatherElements: ({ tf, x: [x, at], attrs }) => gatherElements(tf, x, at, axisIn(attrs.int("axis", 0), x.rank)),
  GatherND: gatherND,
  ScatterElements: scatter(({ tf, x: [x, at, updates], attrs }) => {
    const places = elementPlaces(tf, x, at, axisIn(attrs.int("axis", 0), x.rank));
    const made = put(tf, tf.reshape(x, [-1]), places, tf.reshape(updates, [-1]), attrs.string("reduction", "none") === "add");
    return tf.reshape(made, x.shape);
  }),
  ScatterND: scatter(({ tf, x: [x, at, updates], attrs }) => {
    const { places, rows, rest } = rowPlaces(tf, x, at, 0);
    const made = put(
      tf,
      tf.reshape(x, [rows, ...rest]),
      places,
      tf.reshape(updates, [-1, ...rest]),
      attrs.string("reduction", "none") === "add",
    );
    return tf.reshape(made, x.shape);
  }),
  OneHot({ tf, x: [at, , values], numbers, attrs }) {
    const [depth] = numbers(1) as [number];
    const mask = hot(tf, fromStart(tf, tf.cast(at, "int32"), depth), depth, attrs.int("axis", -1));
    const [off, on] = [0, 1].map((i) => tf.reshape(tf.slice(values, [i], [1]), [])) as [TfTensor, TfTensor];
    if (values.dtype === "float32") return tf.add(off, tf.mul(mask, tf.sub(on, off)));
    return tf.where(tf.cast(mask, "bool"), tf.fill(mask.shape, on.dataSync()[0]!, "int32"), tf.fill(mask.shape, off.dataSync()[0]!, "int32")); // prettier-ignore
  },
  TopK: topK,
  Hardmax({ tf, x: [x], attrs }) {
    const axis = axisIn(attrs.int("axis", -1), x.rank);
    return hot(tf, tf.argMax(x, axis), x.shape[axis]!, axis);
  },
} satisfies Record<string, Entry>;
