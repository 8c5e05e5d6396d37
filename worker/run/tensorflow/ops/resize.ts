// Images in another size: along each axis a product with the matrix of what each place of the result takes of which inputs. TensorFlow's own
// resizing knows two of ONNX's many ways to count pixels.
import { type Change, sizesOf, tapsOf } from "../../../ops/resize.ts";
import { fromNumbers } from "../../../tensor.ts";
import { atLast, type Entry, type Step, type TfTensor } from "../op.ts";

function resize({ tf, x: [x], attrs, has, numbers }: Step): TfTensor {
  const constant = (i: number) => (has(i) ? fromNumbers(i === 3 ? "int64" : "float32", [numbers(i).length], numbers(i)) : undefined);
  const { dims, scales } = sizesOf({ name: "x", dtype: "float32", dims: x.shape }, { attrs, has, constant });
  return x.shape.reduce<TfTensor>((y, length, axis) => {
    const change: Change = { axis, length, size: Number(dims[axis]), scale: scales[axis]! };
    if (change.scale === 1 && change.size === length) return y;
    const weights = new Float32Array(length * change.size);
    tapsOf(attrs, change).forEach((taps, at) => {
      for (const { from, weight } of taps) weights[from * change.size + at]! += weight;
    });
    const matrix = tf.tensor2d(weights, [length, change.size]);
    return atLast(tf, y, axis, (v) => tf.reshape(tf.matMul(tf.reshape(v, [-1, length]), matrix), [...v.shape.slice(0, -1), change.size]));
  }, x);
}

export const resizing = {
  Resize: {
    run: resize,
    refuses({ attrs }) {
      if (attrs.int("antialias", 0)) return "it is antialiased";
      return attrs.string("coordinate_transformation_mode", "half_pixel") === "tf_crop_and_resize" ? "it cuts out a region" : undefined;
    },
  },
} satisfies Record<string, Entry>;
