// Numbers in few levels made floats again. Levels are constants here: no gradient goes to them.
import { type Entry, expand, type Step, type Tf, type TfTensor } from "../op.ts";

/** A scale or zero point for each element of x: one for all, one for each place along an axis, or one for each block along it. */
function spread(tf: Tf, v: TfTensor, x: TfTensor, axis: number, block: number): TfTensor {
  const at = axis < 0 ? axis + x.rank : axis;
  if (block) {
    const dims = v.shape.flatMap((d, i) => (i === at ? [d, 1] : [d]));
    const wide = v.shape.flatMap((d, i) => (i === at ? [d, block] : [d]));
    const whole = v.shape.map((d, i) => (i === at ? d * block : d));
    const repeated = tf.reshape(expand(tf, tf.reshape(v, dims), wide), whole);
    return whole[at] === x.shape[at] ? repeated : tf.slice(repeated, whole.map(() => 0), x.shape); // prettier-ignore
  }
  return v.size === 1 ? tf.reshape(v, []) : tf.reshape(v, x.shape.map((_, i) => (i === at ? -1 : 1))); // prettier-ignore
}

function dequantize({ tf, x: [x, scale, zero], attrs, has }: Step): TfTensor {
  const [axis, block] = [attrs.int("axis", 1), attrs.int("block_size", 0)];
  const levels = tf.cast(x, "float32");
  const centred = has(2) ? tf.sub(levels, spread(tf, tf.cast(zero, "float32"), x, axis, block)) : levels;
  return tf.mul(centred, spread(tf, scale, x, axis, block));
}

/** The two halves of each byte, the low one first, along the last axis. */
function halves(tf: Tf, bytes: TfTensor): TfTensor {
  const sixteen = tf.scalar(16, "int32");
  const both = tf.stack([tf.mod(bytes, sixteen), tf.floorDiv(bytes, sixteen)], bytes.rank);
  return tf.cast(tf.reshape(both, [...bytes.shape.slice(0, -1), -1]), "float32");
}

/** a · Wᵀ, W (N, K) in 4 or 8 bits by blocks along K, a scale and a zero point (8 or 128 where none are given) for each block. */
function matMulNBits({ tf, x: [a, bytes, scales, zeros, , bias], attrs, has }: Step): TfTensor {
  const [rows, columns, block] = [attrs.int("N"), attrs.int("K"), attrs.int("block_size")];
  const blocks = Math.ceil(columns / block);
  const whole = attrs.int("bits", 4) === 8;
  const parts = (packed: TfTensor): TfTensor => (whole ? tf.cast(packed, "float32") : halves(tf, packed));
  const levels = tf.reshape(parts(tf.reshape(bytes, [rows, blocks, -1])), [rows, blocks, block]);
  const zero = has(3)
    ? tf.slice(parts(tf.reshape(zeros, [rows, -1])), [0, 0], [rows, blocks]) // rows are packed to whole bytes
    : tf.fill([rows, blocks], whole ? 128 : 8);
  const centred = tf.sub(levels, tf.expandDims(zero, 2));
  const weights = tf.reshape(tf.mul(centred, tf.reshape(scales, [rows, blocks, 1])), [rows, blocks * block]);
  const exact = tf.slice(weights, [0, 0], [rows, columns]);
  const product = tf.matMul(tf.reshape(a, [-1, columns]), exact, false, true);
  const y = tf.reshape(product, [...a.shape.slice(0, -1), rows]);
  return has(5) ? tf.add(y, bias!) : y;
}

export const quantizations = {
  DequantizeLinear: dequantize,
  MatMulNBits: {
    run: matMulNBits,
    refuses({ attrs, has }) {
      if (![4, 8].includes(attrs.int("bits", 4))) return "its weights are not of 4 or 8 bits";
      return has(4) ? "its weights are not in order" : undefined;
    },
  },
} satisfies Record<string, Entry>;
