// What an entry of the TensorFlow engine is: one ONNX operator by TensorFlow's own operations, whose gradients are TensorFlow's own.
import type { Tensor as TfTensor } from "@tensorflow/tfjs-core";
import type { Attrs } from "../../ops/op.ts";
import type { DType, Tensor } from "../../tensor.ts";

/** TensorFlow.js as a namespace: @tensorflow/tfjs-node-gpu, or any package with the same operations. */
export type Tf = typeof import("@tensorflow/tfjs-core");
export type { TfTensor };

/** A node while the graph runs. */
export interface Step {
  readonly tf: Tf;
  readonly type: string;
  /** Inputs by place; those that may be absent are asked for with `has`. */
  readonly x: readonly [TfTensor, TfTensor, TfTensor, TfTensor, TfTensor, ...TfTensor[]];
  readonly attrs: Attrs;
  /** How many outputs are wanted. */
  readonly outputs: number;
  has(input: number): boolean;
  /** The numbers in an input that is a shape, axes, bounds; infinite for the largest and smallest int64. Copied from the device where they are there. */
  numbers(input: number): number[];
  /** Our dtype of an input: TensorFlow.js has float32, int32 and bool for all of them. */
  dtype(input: number): DType;
}

/** A node before the graph runs. */
export interface Asked {
  readonly attrs: Attrs;
  readonly outputs: readonly string[];
  has(input: number): boolean;
  constant(input: number): Tensor | undefined;
}

export type Run = (s: Step) => TfTensor | readonly TfTensor[];
/** `refuses` says in words what of a node TensorFlow cannot do, so that it is known before the run. */
export type Entry = Run | { run: Run; refuses(node: Asked): string | undefined };

/** A result through which no gradient passes: TensorFlow.js throws for operations without one (comparisons, TopK) wherever they lie on the way. */
export function flat(tf: Tf, body: () => TfTensor): TfTensor {
  return tf.customGrad(() => ({ value: body(), gradFunc: () => [] }))();
}

export const shapeOf = (x: TfTensor): number[] => x.shape;

/** x in a shape that it broadcasts to. By a sum with zeros: TensorFlow.js has no gradient of broadcastTo beyond four axes. */
export function expand(tf: Tf, x: TfTensor, dims: readonly number[]): TfTensor {
  if (dims.join() === x.shape.join()) return x;
  return x.dtype === "float32" ? tf.add(x, tf.zeros([...dims])) : tf.broadcastTo(x, [...dims] as never);
}

/** The order of axes that undoes another. */
export const inverse = (perm: readonly number[]): number[] => perm.map((_, i) => perm.indexOf(i));

/** `body` on x with one axis put last, and the axis put back. */
export function atLast(tf: Tf, x: TfTensor, axis: number, body: (x: TfTensor) => TfTensor): TfTensor {
  const rank = x.rank;
  const at = axis < 0 ? axis + rank : axis;
  if (at === rank - 1) return body(x);
  const perm = [...x.shape.keys()].filter((i) => i !== at).concat(at);
  return tf.transpose(body(tf.transpose(x, perm)), inverse(perm));
}
